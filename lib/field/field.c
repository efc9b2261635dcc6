#include "field/field.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/dot.h"

extern const struct field_type field_polysketch;
extern const struct field_type field_polykernel;
extern const struct field_type field_rff;
extern const struct field_type field_linear;
extern const struct field_type field_caa;
extern const struct field_type field_iti;
extern const struct field_type field_repe;
extern const struct field_type field_import;
extern const struct field_type field_linact;
extern const struct field_type field_mimic;
extern const struct field_type field_spherical;
extern const struct field_type field_ablation;
extern const struct field_type field_hpr;
extern const struct field_type field_recontrol;
extern const struct field_type field_truthflow;

static const struct field_type *const table[] = {
	&field_polysketch,
	&field_polykernel,
	&field_rff,
	&field_linear,
	&field_caa,
	&field_iti,
	&field_repe,
	&field_import,
	&field_linact,
	&field_mimic,
	&field_spherical,
	&field_ablation,
	&field_hpr,
	&field_recontrol,
	&field_truthflow,
	NULL
};

const struct field_type *const *
field_table(void)
{
	return table;
}

const struct field_type *
field_find(const char *name)
{
	size_t i;

	for (i = 0; table[i] != NULL; i++)
		if (strcmp(table[i]->name, name) == 0)
			return table[i];
	return NULL;
}

struct field *
field_alloc(const struct field_type *type, size_t dim, struct err *e)
{
	struct field *f = calloc(1, type->size);

	if (f == NULL) {
		err_memory(e);
		return NULL;
	}
	f->type = type;
	f->dim = dim;
	return f;
}

void
field_free(struct field *f)
{
	if (f == NULL)
		return;
	if (f->type->release != NULL)
		f->type->release(f);
	free(f->mean);
	free(f->isd);
	free(f->ratio.coef);
	quadratic_free(f->quadratic);
	free(f);
}

int
field_save(const struct field *f, struct record *r)
{
	if (record_set_str(r, "field", f->type->name, strlen(f->type->name)) != 0 ||
	    (f->mean != NULL && (record_set_nums(r, "mean", f->mean, f->dim) != 0 ||
	    record_set_nums(r, "isd", f->isd, f->dim) != 0)))
		return -1;
	return f->type->save(f, r);
}

int
field_load_number(const struct record *r, const char *name, double *v, struct err *e)
{
	if (record_get_num(r, name, v) == 1)
		return 0;
	return err_set(e, "field '%s' is not a number", name);
}

int
field_load_positive(const struct record *r, const char *name, double *v, struct err *e)
{
	if (record_get_num(r, name, v) == 1 && *v > 0)
		return 0;
	return err_set(e, "field '%s' is not a positive number", name);
}

int
field_load_integer(const struct record *r, const char *name, int64_t least, int64_t most,
    int64_t *v, struct err *e)
{
	if (record_get_int(r, name, v) == 1 && *v >= least && *v <= most)
		return 0;
	return err_set(e, "field '%s' is not an integer from %" PRId64 " to %" PRId64, name, least,
	    most);
}

int
field_load_polynomial(const struct record *r, unsigned *degree, double *gamma, double *coef0,
    struct err *e)
{
	int64_t n;

	if (field_load_integer(r, "degree", 1, FIELD_MAX_DEGREE, &n, e) != 0 ||
	    field_load_positive(r, "gamma", gamma, e) != 0 ||
	    field_load_number(r, "coef0", coef0, e) != 0)
		return -1;
	*degree = (unsigned)n;
	return *coef0 >= 0 ? 0 : err_set(e, "field 'coef0' is negative");
}

double *
field_load_array(const struct record *r, const char *name, size_t n, struct err *e)
{
	double *v;
	size_t got;

	if (record_get_nums(r, name, &v, &got, e) != 0)
		return NULL;
	if (got == n)
		return v;
	free(v);
	err_set(e, "field '%s' has %zu values, not %zu", name, got, n);
	return NULL;
}

int
field_save_offsets(const struct field *f, struct record *r)
{
	return record_set_num(r, "intercept", f->ratio.intercept) != 0 ||
	    record_set_num(r, "log_prior_ratio", f->ratio.log_prior_ratio) != 0 ? -1 : 0;
}

int
field_load_offsets(struct field *f, const struct record *r, struct err *e)
{
	return field_load_number(r, "intercept", &f->ratio.intercept, e) != 0 ||
	    field_load_number(r, "log_prior_ratio", &f->ratio.log_prior_ratio, e) != 0 ? -1 : 0;
}

struct field *
field_load(const struct record *r, size_t dim, struct err *e)
{
	const struct field_type *type;
	const char *name;
	struct field *f;
	size_t i;

	if (record_get_str(r, "field", &name, NULL) != 1) {
		err_set(e, "the record does not name its method ('field' is missing)");
		return NULL;
	}
	if ((type = field_find(name)) == NULL) {
		err_set(e, "unknown field '%s' (fitbarrier -f help lists them)", name);
		return NULL;
	}
	if ((f = field_alloc(type, dim, e)) == NULL)
		return NULL;
	if (type->load(f, r, e) != 0)
		goto fail;
	if (!record_has(r, "mean") && !record_has(r, "isd"))
		return f;
	if (!(type->uses & FIELD_USES_STANDARDISE)) {
		err_set(e, "fields 'mean' and 'isd' have no meaning for '%s'", name);
		goto fail;
	}
	if ((f->mean = field_load_array(r, "mean", dim, e)) == NULL ||
	    (f->isd = field_load_array(r, "isd", dim, e)) == NULL)
		goto fail;
	for (i = 0; i < dim; i++)
		if (!(f->isd[i] > 0)) {
			err_set(e, "field 'isd' has a value that is not positive");
			goto fail;
		}
	return f;
fail:
	field_free(f);
	return NULL;
}

struct field_work {
	const struct field *f;
	void *own;			/* the type's memory, or NULL */
	struct quadratic_work *quadratic;	/* NULL: the type's eval is called */
	int single;			/* see quadratic_eval */
	double *y, *grad;		/* [FIELD_BATCH][dim] */
	double h[FIELD_BATCH];
};

static struct field_work *
work_alloc(const struct field *f, int single)
{
	struct field_work *w = calloc(1, sizeof *w);
	int quadratic = f->quadratic != NULL && (single || f->quadratic->sketch == NULL), failed;

	if (w == NULL)
		return NULL;
	w->f = f;
	w->single = single;
	w->y = calloc(FIELD_BATCH * f->dim, sizeof *w->y);
	w->grad = calloc(FIELD_BATCH * f->dim, sizeof *w->grad);
	failed = w->y == NULL || w->grad == NULL;
	if (quadratic) {
		w->quadratic = quadratic_work_alloc(f->quadratic);
		failed |= w->quadratic == NULL;
	} else if (f->type->work_alloc != NULL) {
		w->own = f->type->work_alloc(f);
		failed |= w->own == NULL;
	}
	if (!failed)
		return w;
	field_work_free(w);
	return NULL;
}

struct field_work *
field_work_alloc(const struct field *f)
{
	return work_alloc(f, 0);
}

struct field_work *
field_work_alloc_single(const struct field *f)
{
	return work_alloc(f, 1);
}

void
field_work_free(struct field_work *w)
{
	if (w == NULL)
		return;
	if (w->own != NULL)
		w->f->type->work_free(w->own);
	quadratic_work_free(w->quadratic);
	free(w->y);
	free(w->grad);
	free(w);
}

/*
 * Sets w->y to a[n][dim], standardised. Returns the number of rows that eval
 * and apply are to get.
 */
static size_t
load_batch(struct field_work *w, const double *a, size_t n)
{
	const struct field *f = w->f;
	size_t d = f->dim, i, j;

	memcpy(w->y, a, n * d * sizeof *a);
	for (i = 0; f->mean != NULL && i < n; i++)
		for (j = 0; j < d; j++)
			w->y[i * d + j] = (a[i * d + j] - f->mean[j]) * f->isd[j];
	if (!f->type->whole_batches)
		return n;
	/* by copies of a row, which a type skips if it does not move it */
	for (i = n; i < FIELD_BATCH; i++)
		memcpy(w->y + i * d, w->y, d * sizeof *w->y);
	return FIELD_BATCH;
}

/*
 * Sets v[dim] from the gradient in y: undoes the standardisation, then
 * normalises.
 */
static void
direction(const struct field *f, const double *grad, double *v)
{
	double scale;
	size_t i;

	for (i = 0; i < f->dim; i++)
		v[i] = f->isd != NULL ? grad[i] * f->isd[i] : grad[i];
	if (f->type->kind != FIELD_UNIT_FLOW)
		return;
	scale = 1 / (sqrt(dot(v, v, f->dim)) + 1e-10);
	for (i = 0; i < f->dim; i++)
		v[i] *= scale;
}

void
field_eval(const struct field *f, struct field_work *w, const double *a, size_t n, double *h,
    double *v)
{
	double *values = h != NULL ? w->h : NULL, *grad = v != NULL ? w->grad : NULL;
	size_t i, j, m, rows;

	for (i = 0; i < n; i += m) {
		m = n - i < FIELD_BATCH ? n - i : FIELD_BATCH;
		rows = load_batch(w, a + i * f->dim, m);
		if (w->quadratic != NULL)
			quadratic_eval(f->quadratic, w->quadratic, w->y, m, values, grad,
			    w->single);
		else
			f->type->eval(f, w->own, w->y, rows, values, grad);
		if (h != NULL)
			memcpy(h + i, w->h, m * sizeof *h);
		for (j = 0; v != NULL && j < m; j++)
			direction(f, w->grad + j * f->dim, v + (i + j) * f->dim);
	}
}

double
field_h(const struct field *f, struct field_work *w, const float *a)
{
	double h;
	size_t i;

	/* grad has room for them, because no gradient is asked for */
	for (i = 0; i < f->dim; i++)
		w->grad[i] = (double)a[i];
	field_eval(f, w, w->grad, 1, &h, NULL);
	return h;
}

int
field_vector(const struct field *f, double *v, struct err *e)
{
	if (!f->type->one_vector)
		return err_set(e, "'%s' is a %s, not one vector: where it leads depends on the "
		    "activation", f->type->name, f->type->kind == FIELD_MAP ? "map" : "field");
	direction(f, f->ratio.coef, v);
	return 0;
}

double
field_T_most(const struct field_type *type)
{
	return type->T_most > 0 ? type->T_most : 1;
}

double
field_speed(const struct field *f)
{
	const double *v = f->ratio.coef;

	if (f->type->kind == FIELD_GRADIENT_FLOW)
		return f->speed;
	return f->type->kind == FIELD_CONSTANT_FLOW ? sqrt(dot(v, v, f->dim)) : 1;
}

void
field_apply(const struct field *f, struct field_work *w, double *a, size_t n, double T)
{
	size_t i, m, rows;

	for (i = 0; i < n; i += m) {
		m = n - i < FIELD_BATCH ? n - i : FIELD_BATCH;
		rows = load_batch(w, a + i * f->dim, m);
		f->type->apply(f, w->own, w->y, rows, T);
		memcpy(a + i * f->dim, w->y, m * f->dim * sizeof *a);
	}
}
