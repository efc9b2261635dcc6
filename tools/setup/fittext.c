/*
 * fittext LABEL FIELD FILE - fits a text classifier of LABEL, such as toxicity
 * (lib/metric/text_classifier.h), to the examples of standard input.
 *
 * FIELD of each example is how much its completion deserves the label, from 0
 * to 1. A logistic regression is fitted to those with split "fit". Those with
 * split "calibrate" choose its C, and a second one, whose only feature is the
 * log-odds of the first, predicts whether FIELD is at least .5. Other examples
 * are ignored.
 *
 * The same examples give the same bytes on every processor and with any number
 * of threads: there is one thread, sums have a fixed order, and numbers are
 * rounded before they are written.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/dot.h"
#include "base/log1pexp.h"
#include "fit/classifier.h"
#include "metric/text_classifier.h"
#include "stream/stream.h"

enum { BITS = 18, CANDIDATES = 4 };

static const double candidate[CANDIDATES] = { 1, 3, 10, 30 };	/* values of C */

/* The examples: row i has share[i], and fold[i] is 1 if it calibrates. */
static struct {
	size_t n, n_entry, room_start, room_share, room_fold, room_column, room_value;
	size_t *start;
	uint32_t *column;
	float *value;
	double *share;
	unsigned *fold;
	size_t calibrating;
} data;

static void
die(const char *text)
{
	fprintf(stderr, "fittext: %s\n", text);
	exit(1);
}

static void *
need(void *p)
{
	if (p == NULL)
		die("out of memory");
	return p;
}

/* Makes room for n items of the array p, of which `room` keeps the size. */
#define GROW(p, n, room) ((p) = need(array_grow(p, n, &(room), sizeof *(p))))

/* Appends a row with the n-grams of t; its length is 1. */
static void
add_row(const struct text_features *t, double share, unsigned fold)
{
	size_t end = data.n_entry + t->n, k;

	GROW(data.start, data.n + 2, data.room_start);
	GROW(data.share, data.n + 1, data.room_share);
	GROW(data.fold, data.n + 1, data.room_fold);
	GROW(data.column, end, data.room_column);
	GROW(data.value, end, data.room_value);
	data.start[0] = 0;
	memcpy(data.column + data.n_entry, t->index, t->n * sizeof *t->index);
	for (k = data.n_entry; k < end; k++)
		data.value[k] = (float)(1 / sqrt((double)t->n));
	data.share[data.n] = share;
	data.fold[data.n] = fold;
	data.calibrating += fold;
	data.start[++data.n] = data.n_entry = end;
}

/* Reads the examples. Returns 0, or -1 with a message in e. */
static int
read_examples(const char *field, struct err *e)
{
	const char *path = "-", *split, *text;
	struct stream *s = stream_open(&path, 1, e);
	struct record *r = need(record_alloc());
	struct text_features *t = need(text_features_alloc(BITS));
	double share;
	size_t len, split_len;
	int got;

	if (s == NULL || stream_expect(s, STREAM_TEXTS, e) != 0)
		return -1;
	while ((got = stream_read(s, r, e)) == 1) {
		if (record_get_text(r, "split", 1, &split, &split_len, e) != 0)
			return stream_locate(s, e);
		if (strcmp(split, "fit") != 0 && strcmp(split, "calibrate") != 0)
			continue;
		if (record_get_num(r, field, &share) != 1 || share < 0 || share > 1) {
			err_set(e, "field '%s' is not a number from 0 to 1", field);
			return stream_locate(s, e);
		}
		if (record_get_text(r, "completion", 1, &text, &len, e) != 0)
			return stream_locate(s, e);
		if (text_features_read(t, text, len) != 0)
			return err_memory(e);
		if (t->n > 0)
			add_row(t, share, *split == 'c');
	}
	text_features_free(t);
	record_free(r);
	stream_close(s);
	if (got == 0 && (data.calibrating == 0 || data.calibrating == data.n))
		return err_set(e, "there must be examples to fit to and to calibrate with");
	return got;
}

/* Returns the mean log-loss of the log-odds f on examples that calibrate. */
static double
log_loss(const double *f)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < data.n; i++)
		if (data.fold[i])
			sum += log1pexp(f[i]) - data.share[i] * f[i];
	return sum / (double)data.calibrating;
}

/*
 * Fits p with each C and returns the fit with the least log-loss on the
 * examples that calibrate. *shift gets its intercept for rows that are not
 * centred.
 */
static struct classifier_fit
fit_best(const struct classifier_problem *p, double *loss, double *shift, struct err *e)
{
	struct classifier_fit fit[CANDIDATES] = { { 0 } };
	double next;
	size_t k, best = 0;

	for (k = 0; k < CANDIDATES; k++) {
		fit[k].C = candidate[k];
		fit[k].held_out = 1;
		fit[k].tolerance = 1e-4;
		fit[k].coef = need(calloc(p->features->size, sizeof(double)));
		fit[k].f = need(calloc(data.n, sizeof(double)));
	}
	if (classifier_fit(p, fit, CANDIDATES, e) != 0)
		die(e->text);
	*loss = INFINITY;
	for (k = 0; k < CANDIDATES; k++)
		if ((next = log_loss(fit[k].f)) < *loss) {
			*loss = next;
			best = k;
		}
	*shift = fit[best].intercept - dot(p->features->mean, fit[best].coef, p->features->size);
	return fit[best];
}

/*
 * Sets slope and shift of the line in the log-odds f that predicts best which
 * examples that calibrate have a share of at least .5.
 */
static void
calibrate(const double *f, double *slope, double *shift, struct err *e)
{
	size_t n = data.calibrating, *start = need(calloc(n + 1, sizeof *start)), i, k = 0;
	uint32_t *column = need(calloc(n, sizeof *column));
	float *value = need(calloc(n, sizeof *value));
	double *share = need(calloc(n, sizeof *share));
	struct sparse rows = { n, 1, start, column, value };
	struct classifier_problem p = { .share = share, .loss = LOSS_LOGISTIC };
	struct classifier_fit fit = { .C = 1e4, .held_out = CLASSIFIER_NO_FOLD };

	for (i = 0; i < data.n; i++)
		if (data.fold[i]) {
			value[k] = (float)f[i];
			share[k] = data.share[i] >= 0.5;
			k++;
			start[k] = k;
		}
	p.features = need(features_alloc_sparse(&rows, e));
	fit.tolerance = 1e-9;
	fit.coef = slope;
	if (classifier_fit(&p, &fit, 1, e) != 0)
		die(e->text);
	if (*slope <= 0)
		die("the examples that calibrate contradict those of the fit");
	*shift = fit.intercept - *slope * p.features->mean[0];
	features_free(p.features);
	free(start);
	free(column);
	free(value);
	free(share);
}

int
main(int argc, char *argv[])
{
	struct err e = { "" };
	struct classifier_problem p = { .loss = LOSS_LOGISTIC };
	struct classifier_fit fit;
	struct sparse rows = { .size = (size_t)1 << BITS };
	struct record *r = need(record_alloc());
	double loss, shift, slope, level;

	if (argc != 4) {
		fprintf(stderr, "usage: fittext LABEL FIELD FILE\n");
		return 2;
	}
	if (read_examples(argv[2], &e) != 0)
		die(e.text);
	rows.n = data.n;
	rows.start = data.start;
	rows.column = data.column;
	rows.value = data.value;
	p.features = need(features_alloc_sparse(&rows, &e));
	p.share = data.share;
	p.fold = data.fold;
	fit = fit_best(&p, &loss, &shift, &e);
	calibrate(fit.f, &slope, &level, &e);
	if (record_set_int(r, "texts", (int64_t)(data.n - data.calibrating)) != 0 ||
	    record_set_int(r, "calibrated_on", (int64_t)data.calibrating) != 0 ||
	    record_set_num(r, "C", fit.C) != 0 ||
	    record_set_num(r, "log_loss", round(loss * 1e4) / 1e4) != 0)
		die("out of memory");
	if (text_classifier_write(argv[1], BITS, fit.coef, slope, slope * shift + level, r, argv[3],
	    &e) != 0)
		die(e.text);
	return 0;
}
