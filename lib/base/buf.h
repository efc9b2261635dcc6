/* buf - bytes that grow. */
#ifndef ODESTEER_BUF_H
#define ODESTEER_BUF_H

#include <stddef.h>

/* All zero is an empty one; free(b->p) releases its memory. */
struct buf {
	unsigned char *p;
	size_t len, cap;
};

/* Makes room for `more` bytes behind the first len. Returns 0, or -1 if memory runs out. */
int buf_reserve(struct buf *b, size_t more);
/* Appends p[n], which may lie in b itself. Returns 0, or -1 if memory runs out. */
int buf_append(struct buf *b, const void *p, size_t n);
/* buf_append as a msgpack_packer calls it: b is a struct buf. */
int buf_pack(void *b, const char *p, size_t n);

#endif
