/*
 * hash - the 64-bit FNV-1a hash, for digests and for seeds that depend on the
 * id of a record. It is not cryptographic.
 */
#ifndef ODESTEER_HASH_H
#define ODESTEER_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_START UINT64_C(0xcbf29ce484222325)

/*
 * Returns the hash of some bytes followed by p[n]. h is the hash of the former,
 * or HASH_START if there are none.
 */
static inline uint64_t
hash_bytes(uint64_t h, const void *p, size_t n)
{
	const unsigned char *c = p;

	while (n-- > 0)
		h = (h ^ *c++) * UINT64_C(0x100000001b3);
	return h;
}

#endif
