/*
 * groups - numbers for names (groups, questions, ids): 0, 1, ... as they occur.
 */
#ifndef ODESTEER_GROUPS_H
#define ODESTEER_GROUPS_H

#include <stddef.h>

#include "base/err.h"
#include "stream/record.h"

struct groups;

/* Returns an empty table, or NULL if out of memory. groups_free frees it. */
struct groups *groups_alloc(void);
void groups_free(struct groups *n);		/* NULL is fine */
/* Returns how many names have a number. */
size_t groups_count(const struct groups *n);
/*
 * Sets *number to that of `name`, and gives a new name the next number. Returns
 * 1 if the name is new, 0 if not, -1 if out of memory.
 */
int groups_add(struct groups *n, const char *name, size_t *number, struct err *e);
/* Sets *number to that of `name`. Returns 1, or 0 if it has none. */
int groups_find(const struct groups *n, const char *name, size_t *number);
/* Returns the name that has a number, borrowed until groups_free. */
const char *groups_text(const struct groups *n, size_t number);
/*
 * Works like groups_add with the field "group" of r or, without one, "id".
 * It is an error, too, if that field is missing or not a string or integer.
 */
int groups_add_record(struct groups *n, const struct record *r, size_t *number, struct err *e);

#endif
