/*
 * calibration - how well h predicts the labels of held-out rows.
 */
#ifndef ODESTEER_CALIBRATION_H
#define ODESTEER_CALIBRATION_H

#include "fit/data.h"

/*
 * Returns the mean log-loss of the log-odds (f[i] - shift) * inverse, for
 * label[i] = 1 or 0, i < n. If they are not NULL, *first and *second get its
 * first and second derivative with respect to inverse.
 */
double calibration_log_loss(const double *f, double shift, const int *label, size_t n,
    double inverse, double *first, double *second);
/*
 * Sets the counts and the prior of rep, and, from rep->held_out, all figures on
 * held-out groups (NaN if there is none). Returns 0, or -1 if out of memory.
 */
int calibration_report(const struct fit_data *d, struct fit_report *rep);

#endif
