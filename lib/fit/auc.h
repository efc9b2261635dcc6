/* auc - area under the ROC curve. */
#ifndef ODESTEER_AUC_H
#define ODESTEER_AUC_H

#include <stddef.h>

/*
 * Returns the probability that a positive (label[i] = 1) has a higher score
 * than a negative (label[i] = 0), where a tie counts one half. Row i < n counts
 * weight[i] times, or once if weight is NULL. Returns NaN if one label is
 * missing, or if out of memory.
 */
double auc(const double *score, const int *label, const double *weight, size_t n);

#endif
