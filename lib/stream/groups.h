/* groups - numbers for names (groups, questions): 0, 1, ... in the order they are first met. */
#ifndef ODESTEER_GROUPS_H
#define ODESTEER_GROUPS_H

#include <stddef.h>

#include "base/err.h"
#include "stream/record.h"

struct groups;

struct groups *groups_alloc(void);		/* NULL: out of memory */
void groups_free(struct groups *n);		/* NULL is fine */
size_t groups_count(const struct groups *n);
/* 1: met for the first time; 0: known; either with its number. -1: out of memory. */
int groups_number(struct groups *n, const char *name, size_t *number, struct err *e);
int groups_find(const struct groups *n, const char *name, size_t *number);	/* 1, with its number; 0: not met */
const char *groups_text(const struct groups *n, size_t number);	/* borrowed until groups_free */
/* As groups_number of a record's group, or of its id where it has none; -1 also where it is no name. */
int groups_group(struct groups *n, const struct record *r, size_t *number, struct err *e);

#endif
