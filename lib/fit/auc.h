/* auc - area under the ROC curve. */
#ifndef ODESTEER_AUC_H
#define ODESTEER_AUC_H

#include <stddef.h>

/*
 * The chance that a positive (label 1) scores above a negative (label 0), ties
 * counting half; each row counts weight[i] times (NULL: once). NaN when one label
 * is missing or memory runs out.
 */
double auc(const double *score, const int *label, const double *weight, size_t n);

#endif
