/*
 * direction - the unit vector of a map: from the mean of the negatives to the
 * mean of the positives. It is ratio.coef[dim] of a field.
 */
#ifndef ODESTEER_FIELD_DIRECTION_H
#define ODESTEER_FIELD_DIRECTION_H

#include "field/field.h"

/* Return 0, or -1 with a message in e, as when the means are equal. */
int direction_fit(struct field *f, const struct fit_data *d, struct err *e);
int direction_load(struct field *f, const struct record *r, struct err *e);
/* Returns 0, or -1 if out of memory. */
int direction_save(const struct field *f, struct record *r);

#endif
