/*
 * float16 - converts between float and IEEE 754 binary16, in software because
 * not every C compiler has that type, and reads and writes both in
 * little-endian.
 */
#ifndef ODESTEER_FLOAT16_H
#define ODESTEER_FLOAT16_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

/* Returns the value of h, the bits of a binary16. */
static inline float
float16_to_float(uint16_t h)
{
	uint32_t sign = (uint32_t)(h >> 15) << 31, exp = h >> 10 & 31, frac = h & 1023, bits;
	float f;

	if (exp == 0) {
		/* zero or subnormal: frac times 2^-24 */
		f = (float)frac * 0x1p-24f;
		memcpy(&bits, &f, sizeof bits);
		bits |= sign;
	} else {
		bits = sign | (exp == 31 ? 255u : exp + 112) << 23 | frac << 13;
	}
	memcpy(&f, &bits, sizeof f);
	return f;
}

/*
 * Returns the bits of the binary16 nearest to f, with ties to even; an infinity
 * if |f| is too large.
 */
static inline uint16_t
float16_from_float(float f)
{
	/*
	 * The hardware rounds when a power of two is added whose last place is
	 * that of the result; below 2^-14 that place is 2^-24.
	 */
	uint32_t bits, exp, sum;
	uint16_t sign;
	float magic;

	memcpy(&bits, &f, sizeof bits);
	sign = (uint16_t)(bits >> 16 & 0x8000);
	bits &= 0x7fffffff;
	if (bits > 0x7f800000)
		return sign | 0x7e00;
	if (bits >= 0x477ff000)		/* 65520 or more */
		return sign | 0x7c00;
	exp = bits >> 23 < 113 ? 113 : bits >> 23;
	sum = (exp + 13) << 23;		/* 2^(exponent + 13) */
	memcpy(&magic, &sum, sizeof magic);
	memcpy(&f, &bits, sizeof f);
	f += magic;
	memcpy(&bits, &f, sizeof bits);
	/* the low bits are now the significand in units of that last place */
	return (uint16_t)(sign | (((exp - 113) << 10) + (bits - sum)));
}

/* Returns the little-endian float at p, or binary16 if half is not 0. */
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

/* Writes f to p as a little-endian float, or as a binary16 if half is not 0. */
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
