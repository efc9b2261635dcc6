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

static void
release(struct field *base)
{
	struct mimic *f = (struct mimic *)base;

	free(f->matrix);
	free(f->shift);
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

static int
fit(struct field *base, const struct fit_data *d, const struct fit_options *o,
    struct fit_report *rep, struct err *e)
{
	struct mimic *f = (struct mimic *)base;

	f->matrix = calloc(d->dim, d->dim * sizeof *f->matrix);
	f->shift = calloc(d->dim, sizeof *f->shift);
	if (f->matrix == NULL || f->shift == NULL)
		return err_memory(e);
	/*
	 * h does not depend on the map, so the classifier's held-out values are
	 * those of h
	 */
	return constant_fit(base, d, o, rep, e) != 0 || transport(f, d, e) != 0 ? -1 : 0;
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

static int
load(struct field *base, const struct record *r, struct err *e)
{
	struct mimic *f = (struct mimic *)base;
	size_t dim = base->dim;
	double *packed;

	/*
	 * the file's arrays first, because dim alone could ask for any amount
	 * of memory
	 */
	if (constant_load(base, r, e) != 0 ||
	    (f->shift = field_load_array(r, "shift", dim, e)) == NULL ||
	    (packed = field_load_array(r, "matrix", dim * (dim + 1) / 2, e)) == NULL)
		return -1;
	if ((f->matrix = calloc(dim, dim * sizeof *f->matrix)) != NULL)
		pack(f->matrix, packed, dim, 1);
	free(packed);
	return f->matrix != NULL ? 0 : err_memory(e);
}

static void *
work_alloc(const struct field *base)
{
	return calloc(FIELD_BATCH * base->dim, sizeof(double));
}

static void
apply(const struct field *base, void *w, double *y, size_t n, double T)
{
	const struct mimic *f = (const struct mimic *)base;
	size_t dim = base->dim, i, j;
	double *moved = w;
	int negative[FIELD_BATCH], any = 0;

	for (i = 0; i < n; i++)
		any |= negative[i] = dot(base->ratio.coef, y + i * dim, dim) +
		    base->ratio.intercept < 0;
	if (!any)
		return;
	cblas_dsymm(CblasRowMajor, CblasRight, CblasLower, (int)n, (int)dim, 1, f->matrix,
	    (int)dim, y, (int)dim, 0, moved, (int)dim);
	for (i = 0; i < n; i++)
		if (negative[i]) {
			for (j = i * dim; j < (i + 1) * dim; j++)
				y[j] += T * (moved[j] + f->shift[j - i * dim] - y[j]);
		}
}

const struct field_type field_mimic = {
	.name = "mimic",
	.about = "minimally modified counterfactuals: negatives by optimal transport",
	.kind = FIELD_MAP,
	.has_h = 1,
	.whole_batches = 1,
	.uses = FIELD_USES_C,
	.size = sizeof(struct mimic),
	.fit = fit,
	.save = save,
	.load = load,
	.release = release,
	.work_alloc = work_alloc,
	.work_free = free,
	.eval = constant_eval,
	.apply = apply,
};
