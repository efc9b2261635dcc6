/*
 * column - a column of `score report`: a field of the records, and the
 * aggregate that makes one figure of its values.
 *
 * A new aggregate is one const struct aggregate in column.c. One line in the
 * table there lets --column name it.
 */
#ifndef ODESTEER_COLUMN_H
#define ODESTEER_COLUMN_H

#include <stddef.h>

#include "base/err.h"
#include "stream/record.h"

struct aggregate;

struct column {
	const char *title;		/* "MC1" */
	const char *field;		/* "mc1" */
	const struct aggregate *aggregate;
	int digits;			/* printed after the decimal point */
	const char *other;		/* second field, if the aggregate needs one; else NULL */
};

/* The numbers of one record that an aggregate uses. */
struct reading {
	double value;
	double count;			/* what the value is divided by: 1, or the second field */
	int label;			/* 0 unless the aggregate reads the label */
};

/* All readings of one run, by question (group of records). */
struct sample {
	size_t n;			/* questions */
	struct question {
		/* sums of value and count over its records, by label */
		double sum[2], count[2];
		double greatest;	/* of the values */
		double value;		/* the aggregate's value of the question */
	} *question;			/* [n] */
	size_t n_record;		/* 0 if questions have values */
	struct sample_record {
		double value;
		int label;
		size_t question;	/* its index */
	} *record;			/* [n_record], in ascending order of value */
};

/* A question that both runs of a comparison have. */
struct question_pair {
	struct question run[2];		/* the baseline, and the run compared with it */
	double difference;		/* value in run 1 minus value in run 0 */
};

struct aggregate {
	const char *name;		/* for --column; NULL: only metrics use it */
	/*
	 * Completes the reading v of the record r, in which value is already
	 * the field and count is 1. Returns 1, 0 if the record does not count,
	 * or -1 with a message in e. NULL: nothing else is read, and every
	 * record counts.
	 */
	int (*read)(const struct column *c, const struct record *r, struct reading *v,
	    struct err *e);
	/*
	 * Returns the value of a question with these sums, or NaN if it does
	 * not count. NULL: questions have no values, because figure looks at
	 * sample.record.
	 */
	double (*question)(const struct question *q);
	/*
	 * Returns the figure of a run in which question i occurs weight[i]
	 * times (a whole number), or NaN if there is none. NULL: a run has a
	 * figure only in comparison with another, and compare computes it.
	 */
	double (*figure)(const struct sample *s, const double *weight);
	/*
	 * Returns the figure of run 1 minus that of run 0 over n questions.
	 * Question i occurs |weight[i]| times; if weight[i] is negative, its
	 * two runs are exchanged. The |weight[i]| add up to n. NULL: runs are
	 * not compared.
	 */
	double (*compare)(const struct question_pair *q, const double *weight, size_t n);
	/*
	 * The records without which there is no figure, for a message. NULL:
	 * those with the field suffice.
	 */
	const char *needs;
	int no_interval;	/* figures of resamplings are biased, so there is no interval */
};

/*
 * Mean over questions of the mean over a question's records: all of them, those
 * with label 1, and those with label 0.
 */
extern const struct aggregate aggregate_mean;
extern const struct aggregate aggregate_positive;
extern const struct aggregate aggregate_negative;
/* The same mean of the product of field and second field. */
extern const struct aggregate aggregate_product;
/* exp(sum of the field / sum of the second field) over all records. */
extern const struct aggregate aggregate_exp_ratio;
/* Mean over questions of the greatest value among a question's records. */
extern const struct aggregate aggregate_max;
/*
 * Share of questions in which the mean of the records with label 1 is greater
 * than that of those with label 0, ties half. Questions without one of the
 * labels do not count.
 */
extern const struct aggregate aggregate_pair;
/* Area under the ROC curve: how well the field tells label 1 from label 0. */
extern const struct aggregate aggregate_auc;
/*
 * Expected calibration error of the field as the probability of label 1. It is
 * an error if the field is not from 0 to 1. There is no interval, because
 * resampling raises the error: a bin's distance from 0 grows with its noise.
 */
extern const struct aggregate aggregate_calibration;
/* 90th percentile over all records. */
extern const struct aggregate aggregate_p90;
/* Share of questions with a greater mean than in the baseline, ties half. */
extern const struct aggregate aggregate_win;

/* Returns the aggregate that --column calls by this name, or NULL. */
const struct aggregate *aggregate_find(const char *name);

#endif
