/* auc - area under the ROC curve. */
#ifndef ODESTEER_AUC_H
#define ODESTEER_AUC_H

#include <stddef.h>

/*
 * Sets *area to the probability that a positive (label[i] = 1) has a higher
 * score than a negative (label[i] = 0), i < n, where a tie counts one half; to
 * NaN if one label is missing. Returns 0, or -1 if out of memory.
 */
int auc(const double *score, const int *label, size_t n, double *area);

#endif
