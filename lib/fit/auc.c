#include "fit/auc.h"

#include <math.h>
#include <stdlib.h>

struct item {
	double score, weight;
	int label;
};

static int
by_score(const void *a, const void *b)
{
	double x = ((const struct item *)a)->score, y = ((const struct item *)b)->score;

	return (x > y) - (x < y);
}

double
auc(const double *score, const int *label, const double *weight, size_t n)
{
	struct item *v = malloc((n + 1) * sizeof *v);
	double pos = 0, neg = 0, wins = 0;
	size_t i, k;

	if (v == NULL)
		return NAN;
	for (i = 0; i < n; i++)
		v[i] = (struct item){ score[i], weight != NULL ? weight[i] : 1, label[i] };
	qsort(v, n, sizeof *v, by_score);
	/* over runs of equal scores: neg counts the negatives below the run */
	for (i = 0; i < n; i = k) {
		double p = 0, m = 0;

		for (k = i; k < n && v[k].score == v[i].score; k++)
			if (v[k].label != 0)
				p += v[k].weight;
			else
				m += v[k].weight;
		wins += p * (neg + m / 2);
		pos += p;
		neg += m;
	}
	free(v);
	return pos > 0 && neg > 0 ? wins / (pos * neg) : NAN;
}
