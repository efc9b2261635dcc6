/*
 * column - a figure of score report: the field that it is made of, and how.
 *
 * An aggregate makes one number of a field that many records have. Each is one
 * const struct aggregate and, if --column may name it, one line in the table of
 * column.c.
 */
#ifndef ODESTEER_COLUMN_H
#define ODESTEER_COLUMN_H

#include <stddef.h>

#include "base/err.h"
#include "stream/record.h"

struct aggregate;

struct column {
	const char *title;	/* "MC1" */
	const char *field;	/* "mc1" */
	const struct aggregate *aggregate;
	int digits;		/* after the decimal point */
	const char *other;	/* the second field of aggregate_both and aggregate_exp_ratio, else NULL */
};

/* What counts of a record. */
struct reading {
	double value;
	double count;		/* 1, or what the value is divided by */
	int label;		/* 0 unless the aggregate reads it */
};

/* What has been read of a run's records. */
struct sample {
	size_t n;
	struct question {
		double sum, count;	/* of the readings of its records */
	} *question;		/* [n] */
	size_t n_record;	/* 0 unless the aggregate needs each record */
	struct sample_record {
		double value;
		int label;
		size_t question;
	} *record;		/* [n_record] ascending by value */
};

/* A question that two runs, 0 and 1, have. */
struct question_pair {
	struct question run[2];
	double apart;		/* mean of run 1 less mean of run 0 */
};

struct aggregate {
	const char *name;	/* as given to --column; NULL: of metrics only */
	int needs_records;
	/*
	 * Completes v, whose value is the field's and whose count is 1. Returns 1, 0 if the record does
	 * not count, or -1 with a message. NULL: every record counts as it is.
	 */
	int (*read)(const struct column *c, const struct record *r, struct reading *v, struct err *e);
	/*
	 * Returns the figure of a run when question i counts weight[i] times, a whole number; NaN if it
	 * cannot be computed. NULL: the figure is what compare returns.
	 */
	double (*figure)(const struct sample *s, const double *weight);
	/*
	 * Compares two runs by n questions; question i counts |weight[i]| times, with its runs exchanged
	 * if weight[i] is negative, and the |weight[i]| add up to n. Returns the second run's figure less
	 * the first one's. NULL: runs are not compared.
	 */
	double (*compare)(const struct question_pair *q, const double *weight, size_t n);
};

extern const struct aggregate aggregate_mean;		/* over questions of the mean over a question's records */
extern const struct aggregate aggregate_positive;	/* the same over records with label 1 */
extern const struct aggregate aggregate_negative;	/* the same over records with label 0 */
extern const struct aggregate aggregate_both;		/* mean of 1 if neither field is 0, else 0; of records with both */
extern const struct aggregate aggregate_exp_ratio;	/* exp(sum of the field / sum of the other), all records */
extern const struct aggregate aggregate_auc;		/* of the field as a score for label 1 against label 0, all records */
extern const struct aggregate aggregate_calibration;	/* calibration error of the field as the chance of label 1 */
extern const struct aggregate aggregate_p90;		/* 90th percentile of all records */
extern const struct aggregate aggregate_win;		/* share of questions whose mean is above that of the other run */

/* The aggregate that --column calls by this name; NULL: there is none. */
const struct aggregate *aggregate_find(const char *name);

#endif
