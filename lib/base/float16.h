/*
 * float16 - float32 to IEEE 754 binary16 and back, in software: not every C compiler has the type;
 * and either as files have it, little-endian.
 */
#ifndef ODESTEER_FLOAT16_H
#define ODESTEER_FLOAT16_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline float
float16_to_float(uint16_t h)
{
	uint32_t sign = (uint32_t)(h >> 15) << 31, exp = h >> 10 & 31, frac = h & 1023, bits;
	float f;

	if (exp == 0) {
		/* zero and subnormals: frac units of 2^-24 */
		f = (float)frac * 0x1p-24f;
		memcpy(&bits, &f, sizeof bits);
		bits |= sign;
	} else {
		bits = sign | (exp == 31 ? 255u : exp + 112) << 23 | frac << 13;
	}
	memcpy(&f, &bits, sizeof f);
	return f;
}

/* Rounds to nearest, ties to even; what is too big becomes an infinity. */
static inline uint16_t
float16_from_float(float f)
{
	/*
	 * Adding a power of two whose last place is the half's last place makes the
	 * hardware do the rounding; below 2^-14 that place stays at 2^-24.
	 */
	uint32_t bits, exp, sum;
	uint16_t sign;
	float magic;

	memcpy(&bits, &f, sizeof bits);
	sign = (uint16_t)(bits >> 16 & 0x8000);
	bits &= 0x7fffffff;
	if (bits > 0x7f800000)
		return sign | 0x7e00;
	if (bits >= 0x477ff000)		/* 65520 and more */
		return sign | 0x7c00;
	exp = bits >> 23 < 113 ? 113 : bits >> 23;
	sum = (exp + 13) << 23;		/* 2^(exponent + 13) */
	memcpy(&magic, &sum, sizeof magic);
	memcpy(&f, &bits, sizeof f);
	f += magic;
	memcpy(&bits, &f, sizeof bits);
	/* the low bits are now the significand in units of the half's last place */
	return (uint16_t)(sign | (((exp - 113) << 10) + (bits - sum)));
}

/* One number of an activation. */
static inline float
le_load(const unsigned char *p, int half)
{
	uint32_t bits;
	uint16_t h;
	float f;

	if (half) {
		memcpy(&h, p, sizeof h);
		return float16_to_float(le16toh(h));
	}
	memcpy(&bits, p, sizeof bits);
	bits = le32toh(bits);
	memcpy(&f, &bits, sizeof f);
	return f;
}

static inline void
le_store(unsigned char *p, int half, float f)
{
	uint32_t bits;
	uint16_t h;

	if (half) {
		h = htole16(float16_from_float(f));
		memcpy(p, &h, sizeof h);
	} else {
		memcpy(&bits, &f, sizeof f);
		bits = htole32(bits);
		memcpy(p, &bits, sizeof bits);
	}
}

#endif
