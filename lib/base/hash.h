/*
 * hash - 64-bit FNV-1a, for digests and for seeds that hang on a record's id.
 *
 * Not cryptographic: it tells files and records apart, it does not prove anything.
 */
#ifndef ODESTEER_HASH_H
#define ODESTEER_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_START UINT64_C(0xcbf29ce484222325)

static inline uint64_t
hash_bytes(uint64_t h, const void *p, size_t n)
{
	const unsigned char *c = p;

	while (n-- > 0)
		h = (h ^ *c++) * UINT64_C(0x100000001b3);
	return h;
}

#endif
