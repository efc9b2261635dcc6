/*
 * direction - the unit vector of a map: from the mean of the negatives to the
 * mean of the positives. It is ratio.coef[dim] of a field. Also rotations
 * towards a vector.
 */
#ifndef ODESTEER_FIELD_DIRECTION_H
#define ODESTEER_FIELD_DIRECTION_H

#include "field/field.h"

/* Return 0, or -1 with a message in e, as when the means are equal. */
int direction_fit(struct field *f, const struct fit_data *d, struct err *e);
int direction_load(struct field *f, const struct record *r, struct err *e);
/* Returns 0, or -1 if out of memory. */
int direction_save(const struct field *f, struct record *r);
/*
 * Rotates x[n] by an angle towards w[n], within their plane. x stays as it is
 * if there is none: it points along w or against it, or is 0. e[n] is scratch
 * memory.
 */
void direction_rotate(double *x, const double *w, size_t n, double angle, double *e);

#endif
