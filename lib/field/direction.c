#include "field/direction.h"

#include <math.h>
#include <stdlib.h>

#include "base/dot.h"

int
direction_fit(struct field *f, const struct fit_data *d, struct err *e)
{
	double *v = f->ratio.coef = calloc(d->dim, sizeof *v), length;
	size_t i;

	if (v == NULL)
		return err_memory(e);
	fit_mean_difference(d, v);
	if ((length = sqrt(dot(v, v, d->dim))) == 0)
		return err_set(e, "positives and negatives have the same mean");
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
	return fabs(dot(v, v, f->dim) - 1) < 1e-9 ? 0 :
	    err_set(e, "field 'direction' is not of length 1");
}

int
direction_save(const struct field *f, struct record *r)
{
	return record_set_nums(r, "direction", f->ratio.coef, f->dim);
}
