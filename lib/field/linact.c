/*
 * linact - linear activation transport: each coordinate x goes to scale * x +
 * shift.
 *
 * Source: Rodriguez et al. 2025 (Lin-AcT). For each coordinate, the line is
 * fitted by least squares from the sorted negatives to the sorted positives;
 * the surplus of one label is ignored.
 */
#include <stdlib.h>

#include "field/field.h"
#include "fit/transport.h"

struct linact {
	struct field base;
	double *scale, *shift;	/* [dim] */
};

static void
release(struct field *base)
{
	struct linact *f = (struct linact *)base;

	free(f->scale);
	free(f->shift);
}

static int
fit(struct field *base, const struct fit_data *d, const struct fit_options *o,
    struct fit_report *rep, struct err *e)
{
	struct linact *f = (struct linact *)base;
	double *x[2] = { calloc(d->n, sizeof **x), calloc(d->n, sizeof **x) };	/* by label */
	size_t i, j, n[2];
	int rc;

	(void)o;
	(void)rep;
	f->scale = calloc(d->dim, sizeof *f->scale);
	f->shift = calloc(d->dim, sizeof *f->shift);
	rc = x[0] != NULL && x[1] != NULL && f->scale != NULL && f->shift != NULL ? 0 :
	    err_memory(e);
	for (j = 0; rc == 0 && j < d->dim; j++) {
		for (n[0] = n[1] = i = 0; i < d->n; i++) {
			int k = d->label[i] != 0;

			x[k][n[k]++] = (double)d->act[i * d->dim + j];
		}
		transport_1d(x[0], x[1], n[0] < n[1] ? n[0] : n[1], &f->scale[j], &f->shift[j]);
	}
	free(x[0]);
	free(x[1]);
	return rc;
}

static int
save(const struct field *base, struct record *r)
{
	const struct linact *f = (const struct linact *)base;

	return record_set_nums(r, "scale", f->scale, base->dim) != 0 ||
	    record_set_nums(r, "shift", f->shift, base->dim) != 0 ? -1 : 0;
}

static int
load(struct field *base, const struct record *r, struct err *e)
{
	struct linact *f = (struct linact *)base;

	return (f->scale = field_load_array(r, "scale", base->dim, e)) == NULL ||
	    (f->shift = field_load_array(r, "shift", base->dim, e)) == NULL ? -1 : 0;
}

static void
apply(const struct field *base, void *w, double *y, size_t n, double T)
{
	const struct linact *f = (const struct linact *)base;
	size_t dim = base->dim, i, j;

	(void)w;
	for (i = 0; i < n; i++)
		for (j = 0; j < dim; j++) {
			double *x = &y[i * dim + j];

			*x += T * (f->scale[j] * *x + f->shift[j] - *x);
		}
}

const struct field_type field_linact = {
	.name = "linact",
	.about = "linear activation transport: negatives to positives, coordinate by coordinate",
	.kind = FIELD_MAP,
	.size = sizeof(struct linact),
	.fit = fit,
	.save = save,
	.load = load,
	.release = release,
	.apply = apply,
};
