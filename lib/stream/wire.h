/*
 * wire - msgpack bytes, one token at a time: what record.c, header.c and
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
#include "stream/header.h"
#include "stream/record.h"

enum {
	WIRE_DEPTH = 32,		/* maps and arrays inside one another, the record included */
	WIRE_FIELDS = 1024,		/* fields of one record */
	WIRE_LIMIT = 256 * 1024 * 1024	/* bytes of one object or line */
};
#define WIRE_RESERVED "odesteer"	/* the key that marks headers and end records */

/* Bytes that grow. All zero is empty; free(b->p) releases. */
struct buf {
	unsigned char *p;
	size_t len, cap;
};
int buf_reserve(struct buf *b, size_t more);	/* room for more bytes: 0, -1: out of memory */
int buf_append(struct buf *b, const void *p, size_t n);	/* p may point into b */
int buf_pack(void *b, const char *p, size_t n);	/* the same for a msgpack_packer */

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

/* Is p[n] the string s? */
int wire_is(const unsigned char *p, size_t n, const char *s);

/* r becomes a whole map that a walk has found good: 0, or -1 (a name twice, too many). */
int record_from_wire(struct record *r, const unsigned char *p, size_t n, struct err *e);
/* All fields as one map. 0; -1: out of memory. */
int record_to_wire(const struct record *r, struct buf *to);
/* The raw value of a field, NULL: absent; borrowed. */
const unsigned char *record_raw(const struct record *r, const char *name, size_t *len);
int record_set_raw(struct record *r, const char *name, const unsigned char *p, size_t len);
/* Is "act" what a stream with this header demands? 0, or -1 with a message. */
int record_check_act(const struct record *r, const struct header *h, struct err *e);
/* "act" as an array of numbers (from JSON) becomes what the header says. */
int record_pack_act(struct record *r, const struct header *h, struct err *e);

#endif
