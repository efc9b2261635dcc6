/*
 * polysketch - the paper's estimate: a classifier on a polynomial count sketch.
 *
 * With x = a / (|a| + 1e-12) and x_e = [sqrt(gamma) x, sqrt(coef0)] (without
 * the last coordinate if coef0 = 0), each of D count sketches of x_e adds its
 * coordinates, with signs, to the n bins that they hash to, and
 *
 *   phi = irfft(product of the sketches' rfft)
 *   h(a) = w . phi(a) + c + log((1 - pi) / pi)
 *
 * With D = 2, h is a quadratic form of x: w . phi = x_e' M x_e, where M[i][j] =
 * s1[i] s2[j] w[(h1[i] + h2[j]) mod n]. In double it is then evaluated by one
 * product with M instead of 2 D + 1 transforms of n numbers, unless M is so
 * large that transforms are faster.
 *
 * Source: the paper's section 4.
 */
#include <complex.h>
#include <fftw3.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/dot.h"
#include "field/field.h"

struct polysketch {
	struct field base;
	unsigned degree;
	size_t n;			/* bins */
	size_t ext;			/* numbers in x_e */
	double gamma, coef0;
	uint64_t seed;
	int *index, *sign;		/* [degree][ext] */
};

/* The memory of eval, which uses transforms in double. */
struct work {
	const struct polysketch *f;
	double *xe, *grad;		/* [ext], x_e and the gradient in it */
	double *time;			/* [n] */
	double complex *spec;		/* [degree][n/2+1], of the sketches of x_e */
	double complex *product;	/* [n/2+1] */
	double complex *wspec;		/* [n/2+1], of w */
	fftw_plan forward, inverse;	/* time -> spec, product -> time */
};

static void
release(struct field *base)
{
	struct polysketch *f = (struct polysketch *)base;

	free(f->index);
	free(f->sign);
}

/* Sets index and sign from the seed. Returns 0, or -1 if out of memory. */
static int
draw_hashes(struct polysketch *f)
{
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	size_t i;

	f->index = calloc(f->degree * f->ext, sizeof *f->index);
	f->sign = calloc(f->degree * f->ext, sizeof *f->sign);
	if (rng == NULL || f->index == NULL || f->sign == NULL) {
		gsl_rng_free(rng);
		return -1;
	}
	gsl_rng_set(rng, (unsigned long)f->seed);
	for (i = 0; i < f->degree * f->ext; i++) {
		f->index[i] = (int)gsl_rng_uniform_int(rng, f->n);
		f->sign[i] = gsl_rng_uniform_int(rng, 2) == 0 ? -1 : 1;
	}
	gsl_rng_free(rng);
	return 0;
}

/*
 * Returns whether transforms are faster than a product with M: the product
 * takes time proportional to ext^2, the transforms to n log n. At n = 8000 they
 * are equal for a ratio of 7 in flows of one vector, 9 in evaluations in
 * double, and 16 in flows of 64 vectors (with AVX2; `make bench-plots' draws
 * it). It does not depend on the number of vectors, so that a vector gets the
 * same bits alone and among others.
 */
static int
transforms_win(const struct polysketch *f)
{
	return (double)f->ext * (double)f->ext > 9 * (double)f->n * log2((double)f->n + 1);
}

/* Returns M[i][j] + M[j][i]. */
static inline double
entry(const struct polysketch *f, size_t i, size_t j)
{
	const int *h1 = f->index, *s1 = f->sign, *h2 = h1 + f->ext, *s2 = s1 + f->ext;
	const double *w = f->base.ratio.coef;

	return s1[i] * s2[j] * w[((size_t)h1[i] + (size_t)h2[j]) % f->n] +
	    s1[j] * s2[i] * w[((size_t)h1[j] + (size_t)h2[i]) % f->n];
}

/*
 * Makes the quadratic form of degree 2: Q is gamma M without coef0's row and
 * column, made symmetric. Returns 0, or -1 if out of memory.
 */
static int
make_quadratic(struct polysketch *f)
{
	int dense = !transforms_win(f);
	size_t d = f->base.dim, i, j;
	struct quadratic *form;

	if (f->degree != 2)
		return 0;
	if ((form = f->base.quadratic = quadratic_alloc(d)) == NULL)
		return -1;
	form->c = f->base.ratio.intercept + f->base.ratio.log_prior_ratio;
	if (f->ext > d) {
		form->c += f->coef0 * entry(f, d, d) / 2;
		for (i = 0; i < d; i++)
			form->q[i] = sqrt(f->gamma * f->coef0) * entry(f, i, d);
	}
	if (!dense) {
		form->sketch = sketch_alloc(f->index, f->sign, f->ext, f->base.ratio.coef, f->n,
		    f->gamma, d);
		return form->sketch != NULL ? 0 : -1;
	}
	if ((form->Q = calloc(d, d * sizeof *form->Q)) == NULL)
		return -1;
	for (i = 0; i < d; i++)
		for (j = 0; j <= i; j++)
			form->Q[i * d + j] = form->Q[j * d + i] = f->gamma * entry(f, i, j) / 2;
	return quadratic_set_single(form);
}

static void
work_free(void *work)
{
	struct work *k = work;

	if (k == NULL)
		return;
	free(k->xe);
	free(k->grad);
	if (k->forward != NULL)
		fftw_destroy_plan(k->forward);
	if (k->inverse != NULL)
		fftw_destroy_plan(k->inverse);
	fftw_free(k->time);
	fftw_free(k->spec);
	fftw_free(k->product);
	fftw_free(k->wspec);
	free(k);
}

/*
 * Allocates what the transforms need. FFTW_ESTIMATE, because measured plans
 * differ from run to run. Returns 0, or -1 if out of memory.
 */
static int
transform_alloc(struct work *k)
{
	size_t n = k->f->n, half = n / 2 + 1;

	k->time = fftw_alloc_real(n);
	k->spec = fftw_alloc_complex(k->f->degree * half);
	k->product = fftw_alloc_complex(half);
	k->wspec = fftw_alloc_complex(half);
	if (k->time == NULL || k->spec == NULL || k->product == NULL || k->wspec == NULL)
		return -1;
	k->forward = fftw_plan_dft_r2c_1d((int)n, k->time, k->spec, FFTW_ESTIMATE | FFTW_UNALIGNED);
	k->inverse = fftw_plan_dft_c2r_1d((int)n, k->product, k->time,
	    FFTW_ESTIMATE | FFTW_UNALIGNED);
	if (k->forward == NULL || k->inverse == NULL)
		return -1;
	memcpy(k->time, k->f->base.ratio.coef, n * sizeof *k->time);
	fftw_execute_dft_r2c(k->forward, k->time, k->wspec);
	return 0;
}

static void *
work_alloc(const struct field *base)
{
	const struct polysketch *f = (const struct polysketch *)base;
	struct work *k = calloc(1, sizeof *k);

	if (k == NULL)
		return NULL;
	k->f = f;
	k->xe = calloc(f->ext, sizeof *k->xe);
	k->grad = calloc(f->ext, sizeof *k->grad);
	if (k->xe == NULL || k->grad == NULL || transform_alloc(k) != 0) {
		work_free(k);
		return NULL;
	}
	return k;
}

/* Sets x_e of a; xe may be a. Returns |a|. */
static double
extend(const struct polysketch *f, const double *a, double *xe)
{
	size_t d = f->base.dim, i;
	double norm = sqrt(dot(a, a, d)), scale = sqrt(f->gamma) / (norm + 1e-12);

	for (i = 0; i < d; i++)
		xe[i] = scale * a[i];
	if (f->ext > d)
		xe[d] = sqrt(f->coef0);
	return norm;
}

/* Sets k->spec to the spectra of the sketches of k->xe. */
static void
sketch(struct work *k)
{
	const struct polysketch *f = k->f;
	size_t half = f->n / 2 + 1, t, i;

	for (t = 0; t < f->degree; t++) {
		const int *index = f->index + t * f->ext, *sign = f->sign + t * f->ext;

		memset(k->time, 0, f->n * sizeof *k->time);
		for (i = 0; i < f->ext; i++)
			k->time[index[i]] += sign[i] * k->xe[i];
		fftw_execute_dft_r2c(k->forward, k->time, k->spec + t * half);
	}
}

/* Sets k->product to the product of all spectra except one; degree: of all. */
static void
convolve(struct work *k, size_t except)
{
	size_t half = k->f->n / 2 + 1, t, i;

	for (i = 0; i < half; i++) {
		double complex p = 1;

		for (t = 0; t < k->f->degree; t++)
			if (t != except)
				p *= k->spec[t * half + i];
		k->product[i] = p;
	}
}

/* Returns w . phi at k->xe, and sets k->grad to its gradient in x_e. */
static double
eval_transform(struct work *k)
{
	const struct polysketch *f = k->f;
	size_t half = f->n / 2 + 1, t, i;
	double value;

	sketch(k);
	convolve(k, f->degree);
	fftw_execute_dft_c2r(k->inverse, k->product, k->time);
	value = dot(f->base.ratio.coef, k->time, f->n) / (double)f->n;
	memset(k->grad, 0, f->ext * sizeof *k->grad);
	for (t = 0; t < f->degree; t++) {
		const int *index = f->index + t * f->ext, *sign = f->sign + t * f->ext;

		convolve(k, t);
		for (i = 0; i < half; i++)
			k->product[i] = conj(k->product[i]) * k->wspec[i];
		fftw_execute_dft_c2r(k->inverse, k->product, k->time);
		for (i = 0; i < f->ext; i++)
			k->grad[i] += sign[i] * k->time[index[i]] / (double)f->n;
	}
	return value;
}

/* Sets out[dim] to the gradient in a from k->grad, that in x_e. norm is |a|. */
static void
through_norm(const struct work *k, double norm, double *out)
{
	const struct polysketch *f = k->f;
	size_t d = f->base.dim, i;
	/*
	 * it is (u - x (x . u)) / |a|, with x = x_e / sqrt(gamma), u =
	 * sqrt(gamma) grad
	 */
	double scale = sqrt(f->gamma) / (norm + 1e-12), along = dot(k->xe, k->grad, d) / f->gamma;

	for (i = 0; i < d; i++)
		out[i] = scale * (k->grad[i] - along * k->xe[i]);
}

static void
eval(const struct field *base, void *work, const double *y, size_t n, double *h, double *grad)
{
	const struct polysketch *f = (const struct polysketch *)base;
	size_t d = base->dim, i;
	struct work *k = work;

	for (i = 0; i < n; i++) {
		double norm = extend(f, y + i * d, k->xe);
		double value = eval_transform(k);

		if (h != NULL)
			h[i] = value + base->ratio.intercept + base->ratio.log_prior_ratio;
		if (grad != NULL)
			through_norm(k, norm, grad + i * d);
	}
}

/* The input of make_features. */
struct feature_input {
	const struct polysketch *f;
	const float *act;		/* [rows][dim] */
};

/*
 * The memory of make_features in one thread; its transforms are in single
 * precision.
 */
struct feature_work {
	double *xe;			/* [ext] */
	float *time;			/* [n] */
	float complex *spec, *product;	/* [n/2+1] */
	fftwf_plan forward, inverse;	/* time -> spec, product -> time */
};

static void
feature_work_free(void *work)
{
	struct feature_work *k = work;

	if (k->forward != NULL)
		fftwf_destroy_plan(k->forward);
	if (k->inverse != NULL)
		fftwf_destroy_plan(k->inverse);
	fftwf_free(k->time);
	fftwf_free(k->spec);
	fftwf_free(k->product);
	free(k->xe);
	free(k);
}

static void *
feature_work_alloc(const void *ctx)
{
	const struct polysketch *f = ((const struct feature_input *)ctx)->f;
	size_t n = f->n, half = n / 2 + 1;
	struct feature_work *k = calloc(1, sizeof *k);

	if (k == NULL)
		return NULL;
	k->xe = calloc(f->ext, sizeof *k->xe);
	k->time = fftwf_alloc_real(n);
	k->spec = fftwf_alloc_complex(half);
	k->product = fftwf_alloc_complex(half);
	if (k->xe != NULL && k->time != NULL && k->spec != NULL && k->product != NULL) {
		k->forward = fftwf_plan_dft_r2c_1d((int)n, k->time, k->spec, FFTW_ESTIMATE);
		k->inverse = fftwf_plan_dft_c2r_1d((int)n, k->product, k->time, FFTW_ESTIMATE);
	}
	if (k->forward != NULL && k->inverse != NULL)
		return k;
	feature_work_free(k);
	return NULL;
}

/* Multiplies product by spec, n complex numbers each. */
static void
accumulate(float *product, const float *spec, size_t n)
{
	size_t i;

	for (i = 0; i < 2 * n; i += 2) {
		float re = product[i], im = product[i + 1];

		product[i] = re * spec[i] - im * spec[i + 1];
		product[i + 1] = re * spec[i + 1] + im * spec[i];
	}
}

/*
 * Sets phi[rows][n] to the features of the activations from `first' on
 * (features.h).
 */
static void
make_features(const void *ctx, void *work, size_t first, size_t rows, float *phi)
{
	const struct feature_input *input = ctx;
	const struct polysketch *f = input->f;
	const float *act = input->act + first * f->base.dim;
	struct feature_work *k = work;
	size_t n = f->n, half = n / 2 + 1, r, t, i;

	for (r = 0; r < rows; r++, act += f->base.dim, phi += n) {
		for (i = 0; i < f->base.dim; i++)
			k->xe[i] = (double)act[i];
		extend(f, k->xe, k->xe);
		for (t = 0; t < f->degree; t++) {
			const int *index = f->index + t * f->ext, *sign = f->sign + t * f->ext;
			/* the inverse transform multiplies by n */
			double scale = t == 0 ? 1 / (double)n : 1;

			memset(k->time, 0, n * sizeof *k->time);
			for (i = 0; i < f->ext; i++)
				k->time[index[i]] += (float)(scale * sign[i] * k->xe[i]);
			fftwf_execute_dft_r2c(k->forward, k->time, t == 0 ? k->product : k->spec);
			if (t > 0)
				accumulate((float *)k->product, (const float *)k->spec, half);
		}
		fftwf_execute(k->inverse);
		memcpy(phi, k->time, n * sizeof *phi);
	}
}

static int
fit(struct field *base, const struct fit_data *d, const struct fit_options *o,
    struct fit_report *rep, struct err *e)
{
	struct polysketch *f = (struct polysketch *)base;
	struct feature_input input = { f, d->act };
	struct features_source source = { .n = d->n, .size = o->components, .ctx = &input,
	    .work_alloc = feature_work_alloc, .work_free = feature_work_free,
	    .rows = make_features };

	f->degree = o->degree;
	f->n = o->components;
	f->gamma = o->gamma;
	f->coef0 = o->coef0;
	f->ext = d->dim + (f->coef0 > 0);
	f->seed = o->seed;
	base->ratio.coef = calloc(f->n, sizeof *base->ratio.coef);
	if (base->ratio.coef == NULL || draw_hashes(f) != 0)
		return err_memory(e);
	if (density_ratio_fit(&source, d, o, &base->ratio, rep, e) != 0)
		return -1;
	return make_quadratic(f) == 0 ? 0 : err_memory(e);
}

static int
save(const struct field *base, struct record *r)
{
	const struct polysketch *f = (const struct polysketch *)base;

	return record_set_int(r, "degree", f->degree) != 0 ||
	    record_set_int(r, "components", (int64_t)f->n) != 0 ||
	    record_set_num(r, "gamma", f->gamma) != 0 ||
	    record_set_num(r, "coef0", f->coef0) != 0 ||
	    record_set_int(r, "seed", (int64_t)f->seed) != 0 ||
	    field_save_offsets(base, r) != 0 ||
	    record_set_ints(r, "index", f->index, f->degree * f->ext) != 0 ||
	    record_set_ints(r, "sign", f->sign, f->degree * f->ext) != 0 ||
	    record_set_nums(r, "w", base->ratio.coef, f->n) != 0 ? -1 : 0;
}

/*
 * Reads n integers from min to max. The caller frees them. Returns NULL with a
 * message in e.
 */
static int *
load_ints(const struct record *r, const char *name, size_t n, int min, int max, struct err *e)
{
	size_t got;
	int *v;

	if (record_get_ints(r, name, min, max, &v, &got, e) != 0)
		return NULL;
	if (got == n)
		return v;
	free(v);
	err_set(e, "field '%s' has %zu values, not %zu", name, got, n);
	return NULL;
}

static int
load(struct field *base, const struct record *r, struct err *e)
{
	struct polysketch *f = (struct polysketch *)base;
	int64_t n, seed;
	size_t size, i;

	if (field_load_integer(r, "components", 1, FIELD_MAX_COMPONENTS, &n, e) != 0 ||
	    field_load_integer(r, "seed", 0, UINT32_MAX, &seed, e) != 0 ||
	    field_load_polynomial(r, &f->degree, &f->gamma, &f->coef0, e) != 0 ||
	    field_load_offsets(base, r, e) != 0)
		return -1;
	f->n = (size_t)n;
	f->seed = (uint64_t)seed;
	f->ext = base->dim + (f->coef0 > 0);
	size = f->degree * f->ext;
	if ((f->index = load_ints(r, "index", size, 0, (int)n - 1, e)) == NULL ||
	    (f->sign = load_ints(r, "sign", size, -1, 1, e)) == NULL ||
	    (base->ratio.coef = field_load_array(r, "w", f->n, e)) == NULL)
		return -1;
	for (i = 0; i < size; i++)
		if (f->sign[i] == 0)
			return err_set(e, "field 'sign' has a value out of range");
	return make_quadratic(f) == 0 ? 0 : err_memory(e);
}

const struct field_type field_polysketch = {
	.name = "polysketch",
	.about = "a classifier on a polynomial count sketch (the paper's)",
	.kind = FIELD_UNIT_FLOW,
	.has_h = 1,
	.uses = FIELD_USES_C | FIELD_USES_LOSS | FIELD_USES_STANDARDISE | FIELD_USES_DEGREE |
	    FIELD_USES_COMPONENTS | FIELD_USES_GAMMA | FIELD_USES_COEF0,
	.size = sizeof(struct polysketch),
	.fit = fit,
	.save = save,
	.load = load,
	.release = release,
	.work_alloc = work_alloc,
	.work_free = work_free,
	.eval = eval,
};
