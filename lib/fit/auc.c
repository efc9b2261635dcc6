#include "fit/auc.h"

#include <gsl/gsl_sort.h>
#include <math.h>
#include <stdlib.h>

double
auc(const double *score, const int *label, const double *weight, size_t n)
{
	size_t *order = malloc((n + 1) * sizeof *order), i, k;
	double pos = 0, neg = 0, wins = 0;

	if (order == NULL)
		return NAN;
	gsl_sort_index(order, score, 1, n);
	/* for each run of equal scores; neg counts the negatives below it */
	for (i = 0; i < n; i = k) {
		double p = 0, m = 0;

		for (k = i; k < n && score[order[k]] == score[order[i]]; k++) {
			double w = weight != NULL ? weight[order[k]] : 1;

			if (label[order[k]] != 0)
				p += w;
			else
				m += w;
		}
		wins += p * (neg + m / 2);
		pos += p;
		neg += m;
	}
	free(order);
	return pos > 0 && neg > 0 ? wins / (pos * neg) : NAN;
}
