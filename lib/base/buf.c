#include "base/buf.h"

#include <stdint.h>
#include <string.h>

#include "base/array.h"

int
buf_reserve(struct buf *b, size_t more)
{
	unsigned char *p;

	if (more <= b->cap - b->len)
		return 0;
	if (more > SIZE_MAX - b->len ||
	    (p = array_grow(b->p, b->len + more, &b->cap, 1)) == NULL)
		return -1;
	b->p = p;
	return 0;
}

int
buf_append(struct buf *b, const void *p, size_t n)
{
	uintptr_t base = (uintptr_t)b->p, from = (uintptr_t)p;
	int inside = b->p != NULL && from >= base && from < base + b->cap;

	if (n == 0)
		return 0;
	if (buf_reserve(b, n) != 0)
		return -1;
	/*
	 * a field copied from the very record it goes to: the bytes may have
	 * moved
	 */
	memcpy(b->p + b->len, inside ? b->p + (from - base) : p, n);
	b->len += n;
	return 0;
}

int
buf_pack(void *b, const char *p, size_t n)
{
	return buf_append(b, p, n);
}
