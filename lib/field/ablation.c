/*
 * ablation - directional ablation: removes the component along the difference
 * of the means: a - T (d . a) d, where d has length one.
 *
 * Source: Arditi et al. 2024.
 */
#include "base/dot.h"
#include "field/direction.h"

static int
fit(struct field *f, const struct fit_data *d, const struct fit_options *o, struct fit_report *rep,
    struct err *e)
{
	(void)o;
	(void)rep;
	return direction_fit(f, d, e);
}

static void
apply(const struct field *f, void *w, double *y, size_t n, double T)
{
	const double *v = f->ratio.coef;
	size_t i, j;

	(void)w;
	for (i = 0; i < n; i++, y += f->dim) {
		double along = dot(v, y, f->dim);

		for (j = 0; j < f->dim; j++)
			y[j] -= T * along * v[j];
	}
}

const struct field_type field_ablation = {
	.name = "ablation",
	.about = "directional ablation: nothing along the difference of the means",
	.kind = FIELD_MAP,
	.size = sizeof(struct field),
	.fit = fit,
	.save = direction_save,
	.load = direction_load,
	.apply = apply,
};
