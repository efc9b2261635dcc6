/*
 * record - one record of a stream: named values in a fixed order.
 *
 * A value is what JSON can say, or the binary "act" (odesteer-stream(5)); what a
 * tool does not know it passes on untouched. Setting a name that exists replaces its value in place, so the
 * order of the fields survives every tool.
 *
 * Every get answers 1 (there, and of that type), 0 (absent or null) or -1
 * (there, but of another type). Pointers that a get hands out are borrowed:
 * valid until the record is changed, cleared or freed. Every set answers 0, or
 * -1 when memory runs out.
 */
#ifndef ODESTEER_RECORD_H
#define ODESTEER_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct record;

struct record *record_alloc(void);		/* NULL: out of memory */
void record_free(struct record *r);		/* NULL is fine */
void record_clear(struct record *r);		/* no fields left; memory is kept */
int record_copy(struct record *to, const struct record *from);

size_t record_size(const struct record *r);	/* number of fields */
const char *record_name(const struct record *r, size_t i);	/* borrowed, NUL-terminated */
int record_has(const struct record *r, const char *name);

/* s is NUL-terminated; len (may be NULL) does not count the NUL */
int record_get_str(const struct record *r, const char *name, const char **s, size_t *len);
int record_get_int(const struct record *r, const char *name, int64_t *v);	/* true/false count as 1/0 */
int record_get_num(const struct record *r, const char *name, double *v);	/* integers count */
/* an array of numbers: *v is malloc'ed (caller frees), *n its length */
int record_get_nums(const struct record *r, const char *name, double **v, size_t *n);
/*
 * string i of an array of strings; no NUL is behind it. 0: there is no such string or field;
 * -1: the field is no array, or it or one before it is no string
 */
int record_get_str_at(const struct record *r, const char *name, size_t i, const char **s, size_t *len);

enum { RECORD_KEY_SIZE = 256 };	/* of an id or group that every tool takes, with its NUL */
/*
 * The text of a string or integer field (an id or a group), as a copy:
 * 0, or -1 with a message that names the field (absent, another type, longer
 * than size - 1).
 */
int record_get_key(const struct record *r, const char *name, char *buf, size_t size, struct err *e);

int record_set_str(struct record *r, const char *name, const char *s, size_t len);
int record_set_int(struct record *r, const char *name, int64_t v);
int record_set_num(struct record *r, const char *name, double v);
int record_set_nums(struct record *r, const char *name, const double *v, size_t n);
int record_set_ints(struct record *r, const char *name, const int *v, size_t n);
void record_unset(struct record *r, const char *name);

/*
 * The field "act": one activation of dim numbers, little-endian float32 or
 * float16 on the wire (header.half). Get fills out[dim]; 0, or -1 with a
 * message when it is absent or of another length (a stream has checked that its
 * values are finite). Set fails on a value that is not finite or that float16
 * cannot carry.
 */
int record_get_act(const struct record *r, int half, float *out, size_t dim, struct err *e);
int record_set_act(struct record *r, int half, const float *act, size_t dim, struct err *e);

/*
 * Turn a field "act" that is an array of numbers, as JSON has it, into the binary one, and check that it
 * is dim finite numbers. 0, or -1 with a message.
 */
int record_pack_act(struct record *r, int half, struct err *e);
int record_check_act(const struct record *r, int half, size_t dim, struct err *e);

/*
 * Records as msgpack, for lib/ alone. record_from_wire: r becomes the map at p[n], in which a walk (wire.h)
 * has found nothing wrong; 0, or -1 (a name twice, too many). record_to_wire appends all fields as one map.
 * record_raw: the value of a field, borrowed, NULL if it is absent.
 */
int record_from_wire(struct record *r, const unsigned char *p, size_t n, struct err *e);
int record_to_wire(const struct record *r, struct buf *to);
const unsigned char *record_raw(const struct record *r, const char *name, size_t *len);
int record_set_raw(struct record *r, const char *name, const unsigned char *p, size_t len);

/* One JSON object (jansson), without the line's newline, and back. */
int record_from_json(struct record *r, const char *line, size_t len, struct err *e);
/* malloc'ed text (caller frees) or NULL; `half` says how to read "act" */
char *record_to_json(const struct record *r, int half, struct err *e);

#endif
