#include "metric/column.h"

#include <math.h>
#include <string.h>

static const struct aggregate *const table[] = {
	&aggregate_mean,
	&aggregate_auc,
	&aggregate_calibration,
	&aggregate_max,
	&aggregate_p90,
	&aggregate_pair,
	&aggregate_win,
	NULL
};

const struct aggregate *
aggregate_find(const char *name)
{
	size_t i;

	for (i = 0; table[i] != NULL; i++)
		if (strcmp(table[i]->name, name) == 0)
			return table[i];
	return NULL;
}

/* Reads the label. A record without one does not count. */
static int
read_label(const struct column *c, const struct record *r, struct reading *v, struct err *e)
{
	int got = record_get_bool(r, "label", &v->label);

	(void)c;
	if (got < 0)
		return err_set(e, "field 'label' is not 0 or 1");
	return got;
}

static int
read_label_of_probability(const struct column *c, const struct record *r, struct reading *v,
    struct err *e)
{
	int got = read_label(c, r, v, e);

	if (got == 1 && (v->value < 0 || v->value > 1))
		return err_set(e, "field '%s' is not a probability: %g", c->field, v->value);
	return got;
}

static int
read_one_label(const struct column *c, const struct record *r, struct reading *v, struct err *e)
{
	int got = read_label(c, r, v, e);

	return got == 1 ? v->label == (c->aggregate == &aggregate_positive) : got;
}

static int
read_product(const struct column *c, const struct record *r, struct reading *v, struct err *e)
{
	double other = 0;
	int got = record_get_num(r, c->other, &other);

	if (got < 0)
		return err_set(e, "field '%s' is not a number", c->other);
	v->value *= other;
	return got;
}

static int
read_divisor(const struct column *c, const struct record *r, struct reading *v, struct err *e)
{
	if (record_get_num(r, c->other, &v->count) != 1 || v->count <= 0)
		return err_set(e, "field '%s' is not a number above 0", c->other);
	/* then the ratio of the sums cannot overflow either */
	if (!isfinite(exp(v->value / v->count)))
		return err_set(e, "exp(%s / %s) is not finite", c->field, c->other);
	return 1;
}

static double
mean_of_records(const struct question *q)
{
	return (q->sum[0] + q->sum[1]) / (q->count[0] + q->count[1]);
}

static double
greatest_record(const struct question *q)
{
	return q->greatest;
}

static double
pair_is_right(const struct question *q)
{
	double negative = q->sum[0] / q->count[0], positive = q->sum[1] / q->count[1];

	if (q->count[0] == 0 || q->count[1] == 0)
		return NAN;
	return ((positive > negative) + (positive >= negative)) / 2.0;
}

static double
mean(const struct sample *s, const double *weight)
{
	double sum = 0, total = 0;
	size_t i;

	for (i = 0; i < s->n; i++) {
		sum += weight[i] * s->question[i].value;
		total += weight[i];
	}
	return sum / total;
}

static double
mean_difference(const struct question_pair *q, const double *weight, size_t n)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < n; i++)
		sum += weight[i] * q[i].difference;
	return sum / (double)n;
}

static double
exp_ratio(const struct sample *s, const double *weight)
{
	double sum = 0, count = 0;
	size_t i;

	for (i = 0; i < s->n; i++) {
		sum += weight[i] * s->question[i].sum[0];
		count += weight[i] * s->question[i].count[0];
	}
	return exp(sum / count);
}

static double
exp_ratio_difference(const struct question_pair *q, const double *weight, size_t n)
{
	double sum[2] = { 0 }, count[2] = { 0 };
	size_t i, run;

	for (i = 0; i < n; i++)
		for (run = 0; run < 2; run++) {
			size_t as = weight[i] < 0 ? 1 - run : run;

			sum[as] += fabs(weight[i]) * q[i].run[run].sum[0];
			count[as] += fabs(weight[i]) * q[i].run[run].count[0];
		}
	return exp(sum[1] / count[1]) - exp(sum[0] / count[0]);
}

/*
 * Returns the chance that the value of a record with label 1 is greater than
 * that of one with label 0; a tie counts half. NaN if one of the labels is
 * missing.
 */
static double
auc(const struct sample *s, const double *weight)
{
	double positives = 0, negatives = 0, wins = 0;
	size_t i, k;

	for (i = 0; i < s->n_record; i = k) {
		double p = 0, n = 0;

		/*
		 * p and n count the records of this value, negatives those
		 * below it
		 */
		for (k = i; k < s->n_record && s->record[k].value == s->record[i].value; k++)
			if (s->record[k].label)
				p += weight[s->record[k].question];
			else
				n += weight[s->record[k].question];
		wins += p * (negatives + n / 2);
		positives += p;
		negatives += n;
	}
	return positives > 0 && negatives > 0 ? wins / (positives * negatives) : NAN;
}

/* Returns how many records there are, if each occurs as its question does. */
static double
count_records(const struct sample *s, const double *weight)
{
	double n = 0;
	size_t i;

	for (i = 0; i < s->n_record; i++)
		n += weight[s->record[i].question];
	return n;
}

/*
 * Returns the expected calibration error: the mean, over ten bins of equally
 * many records in ascending order of value, of the distance between the bin's
 * mean value and its share of label 1. Equal values share their labels, so that
 * the order of records does not count. Source: Guo et al. 2017, who use bins of
 * equal width.
 */
static double
calibration_error(const struct sample *s, const double *weight)
{
	enum { BINS = 10 };
	double gap[BINS] = { 0 }, n = count_records(s, weight), k = 0, error = 0;
	size_t i, next;

	for (i = 0; i < s->n_record; i = next) {
		double value = s->record[i].value, times = 0, positives = 0, end;

		for (next = i; next < s->n_record && s->record[next].value == value; next++) {
			times += weight[s->record[next].question];
			positives += s->record[next].label * weight[s->record[next].question];
		}
		for (end = k + times; k < end; k++)
			gap[(int)ceil(BINS * (k + 1) / n) - 1] += value - positives / times;
	}
	for (i = 0; i < BINS; i++)
		error += fabs(gap[i]) / n;
	return error;
}

/*
 * Returns value number `number`, from 0, of the records in ascending order, if
 * each occurs as often as its question does.
 */
static double
value_at(const struct sample *s, const double *weight, double number)
{
	double n = 0;
	size_t i;

	for (i = 0; i + 1 < s->n_record; i++)
		if ((n += weight[s->record[i].question]) > number)
			break;
	return s->record[i].value;
}

static double
p90(const struct sample *s, const double *weight)
{
	double at = 0.9 * (count_records(s, weight) - 1);
	double low = value_at(s, weight, floor(at));

	return low + (at - floor(at)) * (value_at(s, weight, ceil(at)) - low);
}

static double
win_share(const struct question_pair *q, const double *weight, size_t n)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < n; i++)
		sum += weight[i] * ((q[i].difference > 0) - (q[i].difference < 0));
	return (1 + sum / (double)n) / 2;
}

const struct aggregate aggregate_mean = {
	"mean", NULL, mean_of_records, mean, mean_difference, NULL, 0
};
const struct aggregate aggregate_positive = {
	NULL, read_one_label, mean_of_records, mean, mean_difference, NULL, 0
};
const struct aggregate aggregate_negative = {
	NULL, read_one_label, mean_of_records, mean, mean_difference, NULL, 0
};
const struct aggregate aggregate_product = {
	NULL, read_product, mean_of_records, mean, mean_difference, NULL, 0
};
const struct aggregate aggregate_exp_ratio = {
	NULL, read_divisor, mean_of_records, exp_ratio, exp_ratio_difference, NULL, 0
};
const struct aggregate aggregate_max = {
	"max", NULL, greatest_record, mean, mean_difference, NULL, 0
};
const struct aggregate aggregate_pair = {
	"pair", read_label, pair_is_right, mean, mean_difference, "a question with both labels", 0
};
const struct aggregate aggregate_auc = {
	"auc", read_label, NULL, auc, NULL, "records with both labels", 0
};
const struct aggregate aggregate_calibration = {
	"calibration", read_label_of_probability, NULL, calibration_error, NULL,
	"records with a label", 1
};
const struct aggregate aggregate_p90 = { "p90", NULL, NULL, p90, NULL, NULL, 0 };
const struct aggregate aggregate_win = {
	"win", NULL, mean_of_records, NULL, win_share, NULL, 0
};
