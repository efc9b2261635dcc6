#include "field/direction.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/dot.h"

int
direction_fit(struct field *f, const struct fit_data *d, struct err *e)
{
	double *v = f->ratio.coef = calloc(d->dim, sizeof *v), length;
	size_t i;

	if (v == NULL)
		return err_memory(e);
	if (fit_mean_difference(d, v, e) != 0)
		return -1;
	length = sqrt(dot(v, v, d->dim));
	for (i = 0; i < d->dim; i++)
		v[i] /= length;
	return 0;
}

int
direction_load(struct field *f, const struct record *r, struct err *e)
{
	double *v = f->ratio.coef = field_load_array(r, "direction", f->dim, e);

	if (v == NULL)
		return -1;
	return fabs(dot(v, v, f->dim) - 1) < 1e-6 ? 0 :
	    err_set(e, "field 'direction' is not of length 1");
}

int
direction_save(const struct field *f, struct record *r)
{
	return record_set_nums(r, "direction", f->ratio.coef, f->dim);
}

void
direction_rotate(double *x, const double *w, size_t n, double angle, double *e)
{
	double xx = dot(x, x, n), along, scale;
	size_t i;
	int pass;

	if (!(xx > 0))
		return;
	memcpy(e, w, n * sizeof *e);
	/* twice, because rounding leaves some of x if w is almost along it */
	for (pass = 0; pass < 2; pass++) {
		along = dot(e, x, n) / xx;
		for (i = 0; i < n; i++)
			e[i] -= along * x[i];
	}
	scale = sqrt(dot(e, e, n));
	if (!(scale > 1e-12 * sqrt(dot(w, w, n))))
		return;
	scale = sin(angle) * sqrt(xx) / scale;
	for (i = 0; i < n; i++)
		x[i] = cos(angle) * x[i] + scale * e[i];
}
