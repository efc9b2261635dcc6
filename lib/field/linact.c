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

extern const struct field_type field_linact;

static void
linact_free(struct field *base)
{
	struct linact *f = (struct linact *)base;

	if (f == NULL)
		return;
	free(f->scale);
	free(f->shift);
	free(f);
}

/*
 * Allocates a field without scale and shift. Returns NULL with a message in e.
 */
static struct linact *
linact_alloc(size_t dim, struct err *e)
{
	struct linact *f = calloc(1, sizeof *f);

	if (f == NULL) {
		err_memory(e);
		return NULL;
	}
	f->base.type = &field_linact;
	f->base.dim = dim;
	return f;
}

static struct field *
fit(const struct fit_data *d, const struct fit_options *o, struct fit_report *rep, struct err *e)
{
	struct linact *f = linact_alloc(d->dim, e);
	double *x[2] = { calloc(d->n, sizeof **x), calloc(d->n, sizeof **x) };	/* by label */
	size_t i, j, n[2];

	(void)o;
	(void)rep;
	if (f != NULL) {
		f->scale = calloc(d->dim, sizeof *f->scale);
		f->shift = calloc(d->dim, sizeof *f->shift);
	}
	if (f != NULL && (x[0] == NULL || x[1] == NULL || f->scale == NULL || f->shift == NULL)) {
		err_memory(e);
		linact_free(&f->base);
		f = NULL;
	}
	for (j = 0; f != NULL && j < d->dim; j++) {
		for (n[0] = n[1] = i = 0; i < d->n; i++) {
			int k = d->label[i] != 0;

			x[k][n[k]++] = (double)d->act[i * d->dim + j];
		}
		transport_1d(x[0], x[1], n[0] < n[1] ? n[0] : n[1], &f->scale[j], &f->shift[j]);
	}
	free(x[0]);
	free(x[1]);
	return f != NULL ? &f->base : NULL;
}

static int
save(const struct field *base, struct record *r)
{
	const struct linact *f = (const struct linact *)base;

	return record_set_nums(r, "scale", f->scale, base->dim) != 0 ||
	    record_set_nums(r, "shift", f->shift, base->dim) != 0 ? -1 : 0;
}

static struct field *
load(const struct field_type *type, const struct record *r, size_t dim, struct err *e)
{
	struct linact *f = linact_alloc(dim, e);

	(void)type;
	if (f == NULL)
		return NULL;
	if ((f->scale = field_load_array(r, "scale", dim, e)) != NULL &&
	    (f->shift = field_load_array(r, "shift", dim, e)) != NULL)
		return &f->base;
	linact_free(&f->base);
	return NULL;
}

static void
apply(const struct field *base, void *w, double *y, size_t n)
{
	const struct linact *f = (const struct linact *)base;
	size_t dim = base->dim, i, j;

	(void)w;
	for (i = 0; i < n; i++)
		for (j = 0; j < dim; j++)
			y[i * dim + j] = f->scale[j] * y[i * dim + j] + f->shift[j];
}

const struct field_type field_linact = {
	.name = "linact",
	.about = "linear activation transport: negatives to positives, coordinate by coordinate",
	.kind = FIELD_MAP,
	.fit = fit,
	.save = save,
	.load = load,
	.free = linact_free,
	.apply = apply,
};
