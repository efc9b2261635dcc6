/*
 * spherical - spherical steering: turns activations towards the difference of
 * the means, without changing their norm.
 *
 * Let d be the difference of the means and c the cosine of the angle between it
 * and an activation. Of two von Mises-Fisher densities of concentration kappa,
 * around d and around -d, the first has the share
 * p = 1 / (1 + exp(-2 kappa c)). The second leads by
 * delta = 1 - 2 p = -tanh(kappa c). If delta > beta, the angle to d becomes
 * (1 - T (delta - beta) / (1 - beta)) times what it was.
 *
 * Source: You et al. 2026 (arXiv 2602.08169), and the authors' program, where T
 * is called alpha and the two directions are opposite by default
 * (get_prototypes.py).
 */
#include <math.h>
#include <stdlib.h>

#include "base/dot.h"
#include "field/direction.h"

struct spherical {
	struct field base;
	double kappa, beta;
};

static int
fit(struct field *base, const struct fit_data *d, const struct fit_options *o,
    struct fit_report *rep, struct err *e)
{
	struct spherical *f = (struct spherical *)base;

	(void)rep;
	f->kappa = o->kappa;
	f->beta = o->beta;
	return direction_fit(base, d, e);
}

static int
save(const struct field *base, struct record *r)
{
	const struct spherical *f = (const struct spherical *)base;

	return direction_save(base, r) != 0 || record_set_num(r, "kappa", f->kappa) != 0 ||
	    record_set_num(r, "beta", f->beta) != 0 ? -1 : 0;
}

static int
load(struct field *base, const struct record *r, struct err *e)
{
	struct spherical *f = (struct spherical *)base;

	if (field_load_positive(r, "kappa", &f->kappa, e) != 0 ||
	    field_load_number(r, "beta", &f->beta, e) != 0)
		return -1;
	if (!(f->beta >= -1 && f->beta < 1))
		return err_set(e, "field 'beta' is not a number from -1 to less than 1");
	return direction_load(base, r, e);
}

/* Turns y[dim]. e[dim] is scratch memory. */
static void
turn(const struct spherical *f, double *y, double T, double *e)
{
	const double *d = f->base.ratio.coef;
	size_t dim = f->base.dim, j;
	double norm = sqrt(dot(y, y, dim)), along = dot(d, y, dim), delta, angle;

	delta = norm > 0 ? -tanh(f->kappa * along / norm) : -1;
	if (delta <= f->beta)
		return;
	for (j = 0; j < dim; j++)
		e[j] = y[j] - along * d[j];
	angle = atan2(sqrt(dot(e, e, dim)), along);
	direction_rotate(y, d, dim, T * (delta - f->beta) / (1 - f->beta) * angle, e);
}

static void *
work_alloc(const struct field *base)
{
	return calloc(base->dim, sizeof(double));
}

static void
apply(const struct field *base, void *w, double *y, size_t n, double T)
{
	size_t i;

	for (i = 0; i < n; i++)
		turn((const struct spherical *)base, y + i * base->dim, T, w);
}

const struct field_type field_spherical = {
	.name = "spherical",
	.about = "spherical steering: turns towards the difference of the means",
	.kind = FIELD_MAP,
	.T = 0.7,
	.uses = FIELD_USES_KAPPA | FIELD_USES_BETA,
	.size = sizeof(struct spherical),
	.fit = fit,
	.save = save,
	.load = load,
	.work_alloc = work_alloc,
	.work_free = free,
	.apply = apply,
};
