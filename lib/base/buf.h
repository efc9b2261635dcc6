/* buf - an array of bytes that grows. */
#ifndef ODESTEER_BUF_H
#define ODESTEER_BUF_H

#include <stddef.h>

/* An empty one is all zero. The caller frees p. */
struct buf {
	unsigned char *p;
	size_t len, cap;
};

/*
 * Makes room for `more` bytes after the first len. Returns 0, or -1 if out of
 * memory.
 */
int buf_reserve(struct buf *b, size_t more);
/* Appends p[n], which may be part of b. Returns 0, or -1 if out of memory. */
int buf_append(struct buf *b, const void *p, size_t n);
/* Does the same with a struct buf b, as a callback of msgpack_packer. */
int buf_pack(void *b, const char *p, size_t n);

#endif
