#include "fit/auc.h"

#include <gsl/gsl_sort.h>
#include <math.h>
#include <stdlib.h>

int
auc(const double *score, const int *label, size_t n, double *area)
{
	size_t *order = malloc((n + 1) * sizeof *order), i, k;
	double pos = 0, neg = 0, wins = 0;

	if (order == NULL)
		return -1;
	gsl_sort_index(order, score, 1, n);
	/* for each run of equal scores; neg counts the negatives below it */
	for (i = 0; i < n; i = k) {
		double p = 0;

		for (k = i; k < n && score[order[k]] == score[order[i]]; k++)
			p += label[order[k]] != 0;
		wins += p * (neg + ((double)(k - i) - p) / 2);
		pos += p;
		neg += (double)(k - i) - p;
	}
	free(order);
	*area = pos > 0 && neg > 0 ? wins / (pos * neg) : NAN;
	return 0;
}
