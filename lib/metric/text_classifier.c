#include "metric/text_classifier.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log1pexp.h"
#include "stream/sink.h"
#include "stream/stream.h"

enum { MOST = 127 };		/* the greatest |w| */

void
text_classifier_free(struct text_classifier *c)
{
	if (c == NULL)
		return;
	text_features_free(c->features);
	free(c->w);
	free(c);
}

/* Reads the file's record into c. Returns 0, or -1 with a message in e. */
static int
load(struct text_classifier *c, const struct record *r, const char *predicts, struct err *e)
{
	const char *label;
	int64_t bits;
	int *w;
	size_t n, i;

	if (record_get_str(r, "predicts", &label, NULL) != 1)
		return err_set(e, "field 'predicts' is missing or not a text");
	if (strcmp(label, predicts) != 0)
		return err_set(e, "the classifier is of '%s', not of '%s'", label, predicts);
	if (record_get_int(r, "bits", &bits) != 1 || bits < TEXT_FEATURES_BITS_MIN ||
	    bits > TEXT_FEATURES_BITS_MAX)
		return err_set(e, "field 'bits' is not an integer from %d to %d",
		    TEXT_FEATURES_BITS_MIN, TEXT_FEATURES_BITS_MAX);
	if (record_get_num(r, "scale", &c->scale) != 1 || c->scale <= 0)
		return err_set(e, "field 'scale' is not a positive number");
	if (record_get_num(r, "shift", &c->shift) != 1)
		return err_set(e, "field 'shift' is not a number");
	if (record_get_ints(r, "w", -MOST, MOST, &w, &n, e) != 0)
		return -1;
	if (n != (size_t)1 << bits) {
		free(w);
		return err_set(e, "field 'w' has %zu numbers, not 2^%d", n, (int)bits);
	}
	c->features = text_features_alloc((unsigned)bits);
	c->w = malloc(n);
	for (i = 0; c->w != NULL && i < n; i++)
		c->w[i] = (int8_t)w[i];
	free(w);
	return c->features != NULL && c->w != NULL ? 0 : err_memory(e);
}

/* Reads the stream s, which messages call `name`, and closes it. */
static struct text_classifier *
read_stream(struct stream *s, const char *name, const char *predicts, struct err *e)
{
	struct record *r = record_alloc();
	struct text_classifier *c = calloc(1, sizeof *c);
	int got = -1;

	if (s == NULL || stream_expect(s, 1u << STREAM_CLASSIFIER, e) != 0)
		goto out;
	if (r == NULL || c == NULL) {
		err_memory(e);
		goto out;
	}
	if ((got = stream_read(s, r, e)) == 0)
		got = err_set(e, "'%s' holds no classifier", name);
	if (got != 1)
		goto out;
	if ((got = load(c, r, predicts, e)) != 0)
		stream_locate(s, e);
	else if ((got = stream_read(s, r, e)) == 1)
		got = err_set(e, "'%s' holds more than one classifier", name);
	if (got == 0)
		snprintf(c->digest, sizeof c->digest, "%08x", (unsigned)stream_crc(s));
out:
	record_free(r);
	stream_close(s);
	if (got == 0)
		return c;
	text_classifier_free(c);
	return NULL;
}

struct text_classifier *
text_classifier_open(const char *path, const char *predicts, struct err *e)
{
	return read_stream(stream_open(&path, 1, e), path, predicts, e);
}

struct memory {
	const unsigned char *at;
	size_t left;
};

static ssize_t
read_memory(void *ctx, void *p, size_t n, struct err *e)
{
	struct memory *m = ctx;

	(void)e;
	n = n < m->left ? n : m->left;
	memcpy(p, m->at, n);
	m->at += n;
	m->left -= n;
	return (ssize_t)n;
}

struct text_classifier *
text_classifier_open_memory(const unsigned char *bytes, size_t n, const char *name,
    const char *predicts, struct err *e)
{
	struct memory m = { bytes, n };

	return read_stream(stream_open_source(read_memory, &m, name, e), name, predicts, e);
}

int
text_classifier_probability(struct text_classifier *c, const char *text, size_t len, double *p)
{
	const struct text_features *t = c->features;
	int64_t sum = 0;
	size_t i;

	if (text_features_read(c->features, text, len) != 0)
		return -1;
	if (t->n == 0)
		return 0;
	for (i = 0; i < t->n; i++)
		sum += c->w[t->index[i]];
	*p = logistic(c->scale * (double)sum / sqrt((double)t->n) + c->shift);
	return 1;
}

/* Rounds a number to six digits, because more would say nothing. */
static double
round_digits(double x)
{
	char text[32];

	snprintf(text, sizeof text, "%.6g", x);
	return strtod(text, NULL);
}

/*
 * Sets the fields of a classifier's record. Returns 0, or -1 with a message in
 * e.
 */
static int
save(struct record *r, const char *predicts, unsigned bits, const double *weight, double slope,
    double shift, struct err *e)
{
	size_t n = (size_t)1 << bits, i;
	double most = 0, scale;
	int *w, bad;

	for (i = 0; i < n; i++)
		most = isfinite(weight[i]) ? fmax(most, fabs(weight[i])) : INFINITY;
	scale = round_digits(slope * most / MOST);
	if (!isfinite(scale) || scale <= 0 || !isfinite(shift))
		return err_set(e, "the fit is no classifier: scale %g, shift %g", scale, shift);
	w = malloc(n * sizeof *w);
	bad = w == NULL;
	for (i = 0; !bad && i < n; i++)
		w[i] = (int)lround(weight[i] * (MOST / most));
	bad = bad || record_set_str(r, "id", "classifier", strlen("classifier")) != 0 ||
	    record_set_str(r, "predicts", predicts, strlen(predicts)) != 0 ||
	    record_set_int(r, "bits", bits) != 0 ||
	    record_set_num(r, "scale", scale) != 0 ||
	    record_set_num(r, "shift", round_digits(shift)) != 0 ||
	    record_set_ints(r, "w", w, n) != 0;
	free(w);
	return bad ? err_memory(e) : 0;
}

int
text_classifier_write(const char *predicts, unsigned bits, const double *weight, double slope,
    double shift, const struct record *fit, const char *path, struct err *e)
{
	struct record *r = record_alloc();
	struct sink *out;
	struct header h;
	int rc = -1;

	header_init(&h, STREAM_CLASSIFIER);
	if (r == NULL || record_copy(r, fit) != 0)
		err_memory(e);
	else if (save(r, predicts, bits, weight, slope, shift, e) == 0 &&
	    (out = sink_open(path, 0, &h, e)) != NULL) {
		if (sink_write(out, r, e) == 0)
			rc = sink_close(out, e);
		else
			sink_abort(out);
	}
	header_release(&h);
	record_free(r);
	return rc;
}
