/*
 * mimic - minimally modified counterfactuals: activations that a classifier
 * calls negative are moved by optimal transport from the negatives' normal
 * distribution to the positives'.
 *
 * Source: Singh et al. 2024, with the reference's logistic regression and its
 * 1e-2 on the diagonals of the covariances. The decision is w . x + c < 0,
 * without the prior ratio that h adds.
 */
#include <cblas.h>
#include <stdlib.h>
#include <string.h>

#include "base/dot.h"
#include "field/constant.h"
#include "fit/pca.h"
#include "fit/transport.h"

struct mimic {
	struct constant c;
	double *matrix;		/* [dim][dim], symmetric, only its lower triangle */
	double *shift;		/* [dim] */
};

extern const struct field_type field_mimic;

static void
mimic_free(struct field *base)
{
	struct mimic *f = (struct mimic *)base;

	if (f == NULL)
		return;
	free(f->matrix);
	free(f->shift);
	constant_free(base);
}

/* Allocates matrix and shift. Returns 0, or -1 with a message in e. */
static int
alloc_map(struct mimic *f, struct err *e)
{
	size_t dim = f->c.base.dim;

	f->matrix = calloc(dim, dim * sizeof *f->matrix);
	f->shift = calloc(dim, sizeof *f->shift);
	return f->matrix != NULL && f->shift != NULL ? 0 : err_memory(e);
}

/* Sets matrix and shift. Returns 0, or -1 with a message in e. */
static int
transport(struct mimic *f, const struct fit_data *d, struct err *e)
{
	size_t n_pos, n_neg;
	double *pos = pca_label_rows(d, 1, &n_pos), *neg = pca_label_rows(d, 0, &n_neg);
	int rc = -1;

	if (pos == NULL || neg == NULL)
		err_memory(e);
	else
		rc = transport_gaussian(neg, n_neg, pos, n_pos, d->dim, 1e-2, f->matrix, f->shift,
		    e);
	free(pos);
	free(neg);
	return rc;
}

static struct field *
fit(const struct fit_data *d, const struct fit_options *o, struct fit_report *rep, struct err *e)
{
	struct mimic *f = constant_alloc(&field_mimic, sizeof *f, d->dim, e);
	struct fit_options own = *o;

	if (f == NULL)
		return NULL;
	own.loss = LOSS_LOGISTIC;
	/*
	 * h does not depend on the map, so the classifier's held-out values are
	 * those of h
	 */
	if (alloc_map(f, e) == 0 && constant_regress(&f->c, d, &own, rep, e) == 0 &&
	    transport(f, d, e) == 0)
		return &f->c.base;
	mimic_free(&f->c.base);
	return NULL;
}

/*
 * Copies the lower triangle, row by row, to packed[dim (dim + 1) / 2], or back.
 */
static void
pack(double *matrix, double *packed, size_t dim, int unpack)
{
	size_t i;

	for (i = 0; i < dim; packed += ++i)
		memcpy(unpack ? matrix + i * dim : packed, unpack ? packed : matrix + i * dim,
		    (i + 1) * sizeof *packed);
}

static int
save(const struct field *base, struct record *r)
{
	const struct mimic *f = (const struct mimic *)base;
	size_t dim = base->dim, size = dim * (dim + 1) / 2;
	double *packed = calloc(size, sizeof *packed);
	int rc;

	if (packed == NULL)
		return -1;
	pack(f->matrix, packed, dim, 0);
	rc = constant_save(base, r) != 0 || record_set_nums(r, "matrix", packed, size) != 0 ||
	    record_set_nums(r, "shift", f->shift, dim) != 0 ? -1 : 0;
	free(packed);
	return rc;
}

static struct field *
load(const struct field_type *type, const struct record *r, size_t dim, struct err *e)
{
	struct field *base = constant_load_sized(type, sizeof(struct mimic), r, dim, e);
	struct mimic *f = (struct mimic *)base;
	double *packed;

	if (f == NULL)
		return NULL;
	/*
	 * the file's arrays first, because dim alone could ask for any amount
	 * of memory
	 */
	packed = field_load_array(r, "matrix", dim * (dim + 1) / 2, e);
	if (packed == NULL || (f->shift = field_load_array(r, "shift", dim, e)) == NULL)
		goto fail;
	if ((f->matrix = calloc(dim, dim * sizeof *f->matrix)) == NULL) {
		err_memory(e);
		goto fail;
	}
	pack(f->matrix, packed, dim, 1);
	free(packed);
	return base;
fail:
	free(packed);
	mimic_free(base);
	return NULL;
}

static void *
work_alloc(const struct field *base)
{
	return calloc(FIELD_BATCH * base->dim, sizeof(double));
}

static void
apply(const struct field *base, void *w, double *y, size_t n)
{
	const struct mimic *f = (const struct mimic *)base;
	size_t dim = base->dim, i, j;
	double *moved = w;
	int negative[FIELD_BATCH], any = 0;

	for (i = 0; i < n; i++)
		any |= negative[i] = dot(f->c.v, y + i * dim, dim) + f->c.intercept < 0;
	if (!any)
		return;
	cblas_dsymm(CblasRowMajor, CblasRight, CblasLower, (int)n, (int)dim, 1, f->matrix,
	    (int)dim, y, (int)dim, 0, moved, (int)dim);
	for (i = 0; i < n; i++)
		if (negative[i]) {
			for (j = 0; j < dim; j++)
				y[i * dim + j] = moved[i * dim + j] + f->shift[j];
		}
}

const struct field_type field_mimic = {
	.name = "mimic",
	.about = "minimally modified counterfactuals: negatives by optimal transport",
	.kind = FIELD_MAP,
	.has_h = 1,
	.whole_batches = 1,
	.uses = FIELD_USES_C,
	.fit = fit,
	.save = save,
	.load = load,
	.free = mimic_free,
	.work_alloc = work_alloc,
	.work_free = free,
	.eval = constant_eval,
	.apply = apply,
};
