#include "fit/sparse.h"

#include <string.h>

#include "base/dot.h"

/* Adds a times row i to y[size]. */
static void
add_row(const struct sparse *s, size_t i, double a, double *y)
{
	size_t k;

	for (k = s->start[i]; k < s->start[i + 1]; k++)
		y[s->column[k]] += (double)s->value[k] * a;
}

/* Returns the inner product of row i and v[size]. */
static double
row_dot(const struct sparse *s, size_t i, const double *v)
{
	double sum = 0;
	size_t k;

	for (k = s->start[i]; k < s->start[i + 1]; k++)
		sum += (double)s->value[k] * v[s->column[k]];
	return sum;
}

void
sparse_mean(const struct sparse *s, double *mean)
{
	size_t i;

	memset(mean, 0, s->size * sizeof *mean);
	for (i = 0; i < s->n; i++)
		add_row(s, i, 1 / (double)s->n, mean);
}

void
sparse_multiply(const struct sparse *s, const double *mean, const double *v, double *image,
    const double *u, double *out)
{
	double shift = v != NULL ? dot(mean, v, s->size) : 0, weight, sum = 0;
	size_t i;

	memset(out, 0, s->size * sizeof *out);
	for (i = 0; i < s->n; i++) {
		weight = u[i];
		if (v != NULL)
			weight *= image[i] = row_dot(s, i, v) - shift;
		if (weight != 0)
			add_row(s, i, weight, out);
		sum += weight;
	}
	for (i = 0; i < s->size; i++)
		out[i] -= sum * mean[i];
}
