/*
 * wire - msgpack bytes, one token at a time: what record.c, header.c, json.c and
 * stream.c share. Private to the library.
 *
 * msgpack-c packs. It does not unpack here: its unpacker allocates what a
 * length on the wire claims before the bytes are there. A walk finds an
 * object's extent in bytes that may still be arriving and checks all that can be
 * wrong with it; after that the raw bytes are the value.
 */
#ifndef ODESTEER_WIRE_H
#define ODESTEER_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
	WIRE_DEPTH = 32,		/* maps and arrays inside one another, the record included */
	WIRE_FIELDS = 1024,		/* fields of one record */
	WIRE_LIMIT = 256 * 1024 * 1024	/* bytes of one object or line */
};
#define WIRE_RESERVED "odesteer"	/* the key that marks headers and end records */

enum token_type {
	TOKEN_NIL, TOKEN_BOOL, TOKEN_UINT, TOKEN_INT, TOKEN_NUM,
	TOKEN_STR, TOKEN_BIN, TOKEN_EXT, TOKEN_ARRAY, TOKEN_MAP
};
struct token {
	enum token_type type;	/* TOKEN_INT: negative; others are TOKEN_UINT */
	size_t head;		/* bytes before the payload or the elements */
	uint64_t n;		/* bytes of payload, elements of an array, pairs of a map */
	uint64_t u;		/* TOKEN_UINT, TOKEN_BOOL */
	int64_t i;		/* TOKEN_INT; the type number of TOKEN_EXT */
	double d;		/* TOKEN_NUM */
};
/* 1: *t is set (its payload may be missing); 0: n bytes do not hold the head; -1: not msgpack */
int token_read(struct token *t, const unsigned char *p, size_t n);

/* A walk over one object; zero pos and depth to begin. */
struct walk {
	size_t pos;		/* bytes walked; the extent once walk_run has said 1 */
	unsigned depth;
	int act;		/* the last name was the record's own "act" */
	struct {
		uint64_t left;	/* elements still to come */
		int map;
	} open[WIRE_DEPTH];
};
/*
 * Goes on over p[0..n), p being the object's first byte: 1 at its end, 0 when more
 * bytes are needed (call again with them), -1 when it is not well-formed: not msgpack,
 * too deep, too big, names that are no strings, text that is not UTF-8, numbers
 * that are not finite, bytes anywhere but in "act".
 */
int walk_run(struct walk *w, const unsigned char *p, size_t n, struct err *e);
/* Bytes of the object at p, in which a walk has found nothing wrong. */
size_t wire_extent(const unsigned char *p, size_t n);

#endif
