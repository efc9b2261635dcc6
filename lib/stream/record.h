/*
 * record - one record of a stream: named values, in order.
 *
 * A value is what JSON can express, or the binary "act" (odesteer-stream(5)).
 * Setting a field that exists replaces its value in place, and fields that a
 * tool does not know stay, so that every tool keeps the order of the fields.
 */
#ifndef ODESTEER_RECORD_H
#define ODESTEER_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct record;

/* Returns an empty record, or NULL if out of memory. record_free frees it. */
struct record *record_alloc(void);
void record_free(struct record *r);		/* NULL is fine */
/* Removes all fields. */
void record_clear(struct record *r);
/* Makes `to` equal to `from`. Returns 0, or -1 if out of memory. */
int record_copy(struct record *to, const struct record *from);

/* Returns the number of fields. */
size_t record_size(const struct record *r);
/* Returns the name of field i, borrowed until r changes. */
const char *record_name(const struct record *r, size_t i);
/* Returns whether there is a field `name`. */
int record_has(const struct record *r, const char *name);

/*
 * These functions read the field `name`. They return 1; 0 if it is absent or
 * null; or -1 if it has another type. Strings are borrowed until r changes.
 */
/*
 * Reads a string of *len bytes and a NUL after them. len may be NULL: then a
 * string that holds a NUL counts as another type.
 */
int record_get_str(const struct record *r, const char *name, const char **s, size_t *len);
int record_get_int(const struct record *r, const char *name, int64_t *v);
/* Reads a label: 1 or true as 1, 0 or false as 0. */
int record_get_bool(const struct record *r, const char *name, int *v);
/* Reads a number, which may be an integer. */
int record_get_num(const struct record *r, const char *name, double *v);
/*
 * Reads the next string of an array, *len bytes without a NUL after them. *at
 * is 0 before the first. Returns 0 at the end, and -1 if the field is not an
 * array or the element not a string.
 */
int record_next_str(const struct record *r, const char *name, size_t *at, const char **s,
    size_t *len);

/*
 * These functions return 0, or -1 with a message in e: if the field is absent,
 * has another type or, a text, holds a NUL, or memory runs out.
 */
/*
 * Reads a text, a string without NUL. If it is absent and not required, the
 * text is "".
 */
int record_get_text(const struct record *r, const char *name, int required, const char **s,
    size_t *len, struct err *e);
/* Reads an array of *n numbers, which the caller frees. */
int record_get_nums(const struct record *r, const char *name, double **v, size_t *n,
    struct err *e);
/*
 * Reads an array of *n integers from min to max, which the caller frees; *v is
 * NULL on failure.
 */
int record_get_ints(const struct record *r, const char *name, int min, int max, int **v,
    size_t *n, struct err *e);

enum { RECORD_KEY_SIZE = 256 };	/* room for an id or group, with its NUL */
/*
 * Copies a string or integer (an id, a group) to buf[size] as text. Returns 0,
 * or -1 if the field is absent, has another type or is too long.
 */
int record_get_key(const struct record *r, const char *name, char *buf, size_t size,
    struct err *e);

/* These functions set a field. They return 0, or -1 if out of memory. */
int record_set_str(struct record *r, const char *name, const char *s, size_t len);
int record_set_int(struct record *r, const char *name, int64_t v);
int record_set_num(struct record *r, const char *name, double v);
int record_set_nums(struct record *r, const char *name, const double *v, size_t n);
/* Sets an array of n numbers that are rounded to float32, in half the bytes. */
int record_set_floats(struct record *r, const char *name, const double *v, size_t n);
int record_set_ints(struct record *r, const char *name, const int *v, size_t n);
/* Removes the field, if there is one. */
void record_unset(struct record *r, const char *name);

/*
 * The field "act": an activation of dim numbers, stored as float16 (half) or
 * float32. These functions return 0, or -1 on error.
 */
/*
 * Copies it to out[dim] or, if out is NULL, checks that all numbers are finite.
 * Fails if it is absent or has another length.
 */
int record_get_act(const struct record *r, int half, float *out, size_t dim, struct err *e);
/* Sets it. Fails if a number is not finite, or too great for float16. */
int record_set_act(struct record *r, int half, const float *act, size_t dim, struct err *e);
/* Stores "act", an array of numbers until now, as binary. */
int record_pack_act(struct record *r, int half, struct err *e);

/* Makes r equal to the JSON object line[len]. Returns 0 or -1. */
int record_from_json(struct record *r, const char *line, size_t len, struct err *e);
/*
 * Returns r as a JSON object, which the caller frees, or NULL. half says how
 * "act" is stored.
 */
char *record_to_json(const struct record *r, int half, struct err *e);

/* Records as msgpack. The rest of this header is private to the library. */

/*
 * Makes r equal to the map p[n], which must be valid (walk_run, wire.h).
 * Returns 0, or -1 if a name occurs twice or there are too many.
 */
int record_from_wire(struct record *r, const unsigned char *p, size_t n, struct err *e);
/* Appends r as a map. Returns 0, or -1 if out of memory. */
int record_to_wire(const struct record *r, struct buf *to);
/* Returns a field's value, *len borrowed bytes, or NULL if it is absent. */
const unsigned char *record_raw(const struct record *r, const char *name, size_t *len);
/* Sets a field to the value p[len]. Returns 0, or -1 if out of memory. */
int record_set_raw(struct record *r, const char *name, const unsigned char *p, size_t len);

#endif
