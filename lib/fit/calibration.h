/*
 * calibration - how well held-out estimates of h say how likely a label is.
 */
#ifndef ODESTEER_CALIBRATION_H
#define ODESTEER_CALIBRATION_H

#include "fit/data.h"

/* Mean log-loss of log-odds f / t, and with first and second its derivatives in 1/t. */
double calibration_log_loss(const double *f, double shift, const int *label, size_t n,
    double inverse, double *first, double *second);
/* The report's counts, prior and all that follows from rep->held_out. 0, -1: out of memory. */
int calibration_report(const struct fit_data *d, struct fit_report *rep);

#endif
