/* names - numbers for names (groups, questions): 0, 1, ... in the order they are first met. */
#ifndef ODESTEER_NAMES_H
#define ODESTEER_NAMES_H

#include <stddef.h>

#include "base/err.h"
#include "stream/record.h"

enum { NAMES_SIZE = 256 };	/* longest name, with its NUL */

struct names;

struct names *names_alloc(void);		/* NULL: out of memory */
void names_free(struct names *n);		/* NULL is fine */
size_t names_count(const struct names *n);
/* 1: met for the first time; 0: known; either with its number. -1: out of memory. */
int names_number(struct names *n, const char *name, size_t *number, struct err *e);
int names_find(const struct names *n, const char *name, size_t *number);	/* 1, with its number; 0: not met */
const char *names_text(const struct names *n, size_t number);	/* borrowed until names_free */
/* As names_number of a record's group, or of its id where it has none; -1 also where it is no name. */
int names_group(struct names *n, const struct record *r, size_t *number, struct err *e);

#endif
