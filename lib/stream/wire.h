/*
 * wire - reads msgpack one token at a time. Private to the library.
 *
 * msgpack-c packs. It does not unpack here, because it allocates the length
 * that a stream claims before the bytes have arrived. A walk finds the end of
 * an object whose bytes may still be arriving, and all that can be wrong with
 * it. From then on the object's bytes are used as they are.
 */
#ifndef ODESTEER_WIRE_H
#define ODESTEER_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
	WIRE_DEPTH = 32,		/* nested maps and arrays, the record included */
	WIRE_FIELDS = 1024,		/* fields of a record */
	WIRE_LINKS = 1024,		/* tools in the chain of a header */
	WIRE_DIM = 64 * 1024 * 1024,	/* numbers in an activation */
	WIRE_LIMIT = 1024 * 1024 * 1024	/* bytes of an object or a line */
};
#define WIRE_RESERVED "odesteer"	/* the key that marks headers and end records */

enum token_type {
	TOKEN_NIL, TOKEN_BOOL, TOKEN_UINT, TOKEN_INT, TOKEN_NUM,
	TOKEN_STR, TOKEN_BIN, TOKEN_ARRAY, TOKEN_MAP,
	TOKEN_EXT		/* only the first byte is read: no stream may hold it */
};
struct token {
	enum token_type type;	/* TOKEN_INT is negative; other integers are TOKEN_UINT */
	size_t head;		/* bytes before the payload or the elements */
	uint64_t n;		/* bytes of payload, elements of an array or pairs of a map */
	uint64_t u;		/* of TOKEN_UINT and TOKEN_BOOL */
	int64_t i;		/* of TOKEN_INT */
	double d;		/* of TOKEN_NUM */
};
/*
 * Reads the head of the token at p[n]. Returns 1, 0 if it is not complete, or
 * -1 if it is not msgpack.
 */
int token_read(struct token *t, const unsigned char *p, size_t n);

/* A walk over one object; all zero before it begins. */
struct walk {
	size_t pos;		/* bytes walked; the object's size once walk_run has returned 1 */
	unsigned depth;
	size_t name, n_name;	/* where the last name at the top is, and its length */
	struct {
		uint64_t left;	/* elements to come */
		int map;
	} open[WIRE_DEPTH];
};
/*
 * Walks on over p[n], p being the object's first byte. Returns 1 at its end, 0
 * if more bytes are needed (call it again with them), or -1 if the object is
 * not valid: not msgpack, too deep, too big, a name that is not a string, text
 * that is not UTF-8, a number that is not finite, or bytes anywhere but in
 * "act". The message does not say where the object is.
 */
int walk_run(struct walk *w, const unsigned char *p, size_t n, struct err *e);
/* Returns the size of the object at p[n], which must be valid. */
size_t wire_extent(const unsigned char *p, size_t n);

#endif
