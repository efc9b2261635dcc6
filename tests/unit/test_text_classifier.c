/*
 * A text's n-grams have the hashes that odesteer-stream(5) defines, a fit to sparse rows is the fit to the
 * same rows in full, and a damaged classifier file is refused.
 */
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log1pexp.h"
#include "fit/classifier.h"
#include "metric/text_classifier.h"
#include "tap.h"

/* Checks that the n-grams of the text have exactly these indices, n different ones, in any order. */
static void
check_features(const char *text, const uint32_t *want, size_t n)
{
	struct text_features *t = need(text_features_alloc(18));
	size_t i, k, found = 0;

	/* the text before it must not matter */
	if (text_features_read(t, "Something else, and longer!", 27) != 0 ||
	    text_features_read(t, text, strlen(text)) != 0)
		need(NULL);
	for (i = 0; i < n; i++)
		for (k = 0; k < t->n; k++)
			found += t->index[k] == want[i];
	ok(t->n == n && found == n, "'%s' has %zu n-grams, with the hashes of the definition", text, t->n);
	text_features_free(t);
}

/* Checks that two texts have the same n-grams. */
static void
check_same(const char *a, const char *b, int same)
{
	struct text_features *x = need(text_features_alloc(20)), *y = need(text_features_alloc(20));

	if (text_features_read(x, a, strlen(a)) != 0 || text_features_read(y, b, strlen(b)) != 0)
		need(NULL);
	ok((x->n == y->n && memcmp(x->index, y->index, x->n * sizeof *x->index) == 0) == same,
	    "'%s' and '%s' are %s", a, b, same ? "the same" : "not the same");
	text_features_free(x);
	text_features_free(y);
}

static void
check_long(void)
{
	enum { LENGTH = 300000 };
	char *text = need(malloc(LENGTH));
	struct text_features *t = need(text_features_alloc(24));
	uint32_t random = 385;
	size_t i;
	int rc;

	for (i = 0; i < LENGTH; i++) {
		random = random * 1664525 + 1013904223;
		text[i] = (char)('a' + (random >> 16) % 26);
	}
	rc = text_features_read(t, text, LENGTH);
	ok(rc == 0 && t->n > 300000, "a word of %d letters has %zu n-grams", LENGTH, t->n);
	text_features_free(t);
	free(text);
}

enum { N = 157, SIZE = 61, EACH = 5 };

/* Fits the same rows, sparse and in full, and compares. With share, the labels are parts. */
static void
check_sparse(int with_share)
{
	static float full[N * SIZE], value[N * EACH];
	static uint32_t column[N * EACH];
	static size_t start[N + 1];
	static int label[N];
	static unsigned fold[N];
	static double share[N], coef[2][SIZE], f[2][N];
	struct sparse rows = { N, SIZE, start, column, value };
	struct features_source source = { .n = N, .size = SIZE, .matrix = full };
	struct classifier_problem p = { .label = label, .fold = fold, .loss = LOSS_LOGISTIC };
	struct classifier_fit fit[2] = { { .C = 2.385, .held_out = 1, .tolerance = 1e-7 } };
	double variance[2], far = 0, far_f = 0;
	struct err e;
	int i, k, rc = 0;

	memset(full, 0, sizeof full);
	for (i = 0; i < N; i++) {
		label[i] = i % 3 == 0;
		share[i] = with_share ? 0.1 + 0.8 * (i % 7) / 6 : label[i];
		fold[i] = i % 5 == 0;
		for (k = 0; k < EACH; k++) {
			column[i * EACH + k] = (uint32_t)((i * 17 + k * 13 + i * i % 11) % SIZE);
			value[i * EACH + k] = (float)(1 + sin(i + 2.1 * k) / 3 + (label[i] && k == 2));
			full[i * SIZE + (int)column[i * EACH + k]] += value[i * EACH + k];
		}
		start[i + 1] = start[i] + EACH;
	}
	p.share = with_share >= 0 ? share : NULL;
	for (k = 0; k < 2; k++) {
		fit[k] = fit[0];
		fit[k].coef = coef[k];
		fit[k].f = f[k];
		p.features = need(k == 0 ? features_alloc(&source, &e) : features_alloc_sparse(&rows, &e));
		variance[k] = features_variance(p.features);
		rc |= classifier_fit(&p, &fit[k], 1, &e);
		features_free(p.features);
	}
	for (i = 0; i < SIZE; i++)
		far = fmax(far, fabs(coef[0][i] - coef[1][i]));
	for (i = 0; i < N; i += 5)
		far_f = fmax(far_f, fabs(f[0][i] - f[1][i]));
	ok(rc == 0 && far < 1e-4 && far_f < 1e-4 && fabs(fit[0].objective / fit[1].objective - 1) < 1e-6,
	    "a fit to sparse rows%s: weights off by %.1e, held-out rows by %.1e", with_share > 0 ? " and shares" : "",
	    far, far_f);
	ok(fabs(variance[0] / variance[1] - 1) < 1e-6, "and their variance by %.1e", variance[0] / variance[1] - 1);
}

/* A share of 0 or 1 is a label. */
static void
check_share(void)
{
	static const size_t start[] = { 0, 1, 2, 3, 4 };
	static const uint32_t column[4] = { 0 };
	static const float value[] = { 1, 2, 3, 2.385f };
	static const int label[] = { 0, 1, 1, 0 };
	static const double share[] = { 0, 1, 1, 0 };
	struct sparse rows = { 4, 1, start, column, value };
	struct classifier_problem p = { .label = label, .loss = LOSS_LOGISTIC };
	struct classifier_fit fit[2] = { { .C = 3, .held_out = CLASSIFIER_NO_FOLD } };
	double w[2] = { 0 };
	struct err e;
	int k, rc = 0;

	p.features = need(features_alloc_sparse(&rows, &e));
	for (k = 0; k < 2; k++) {
		fit[k] = fit[0];
		fit[k].coef = &w[k];
		p.share = k == 0 ? NULL : share;
		rc |= classifier_fit(&p, &fit[k], 1, &e);
	}
	features_free(p.features);
	ok(rc == 0 && fabs(w[0] - w[1]) < 1e-7 && fabs(fit[0].intercept - fit[1].intercept) < 1e-7,
	    "a share of 0 or 1 is a label: %.1e", w[0] - w[1]);
	p.features = need(features_alloc_sparse(&rows, &e));
	p.loss = LOSS_SQUARED_HINGE;
	ok(classifier_fit(&p, fit, 1, &e) != 0, "the hinge loss and shares: %s", e.text);
	features_free(p.features);
}

static void
check_logistic(void)
{
	double worst = 0, x;

	for (x = -700.3; x < 745; x += 0.385) {
		double loss = x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));

		worst = fmax(worst, fabs(logistic(x) * (1 + exp(-x)) - 1));
		worst = fmax(worst, fabs(log1pexp(x) / loss - 1));
	}
	ok(worst < 1e-15, "logistic and log1pexp are those of libm to within %.1e", worst);
	ok(logistic(-INFINITY) == 0 && logistic(INFINITY) == 1 && log1pexp(-INFINITY) == 0 && logistic(0) == 0.5 &&
	    log1pexp(INFINITY) == INFINITY && isnan(log1pexp(NAN)) && isnan(logistic(NAN)), "and at their ends");
}

/* Writes a classifier of 2^8 weights and returns its bytes. */
static unsigned char *
make_file(size_t *n)
{
	static const char path[] = "test_text_classifier.tmp.ods";
	unsigned char *bytes = need(malloc(4096));
	struct record *fit = need(record_alloc());
	double weight[256];
	struct err e;
	FILE *f;
	int i;

	for (i = 0; i < 256; i++)
		weight[i] = sin(i);
	record_set_int(fit, "texts", 385);
	if (text_classifier_write("mood", 8, weight, 2.385, -0.5, fit, path, &e) != 0 ||
	    (f = fopen(path, "rb")) == NULL) {
		printf("Bail out! %s\n", e.text);
		exit(1);
	}
	*n = fread(bytes, 1, 4096, f);
	fclose(f);
	unlink(path);
	record_free(fit);
	return bytes;
}

static void
check_file(void)
{
	size_t n, i, cut = 0, flipped = 0;
	unsigned char *bytes = make_file(&n);
	struct err e = { "" };
	struct text_classifier *c = text_classifier_open_memory(bytes, n, "made", "mood", &e);
	double p = -1, again = -1, want = 0;
	struct text_features *t = need(text_features_alloc(8));
	int got;

	if (!ok(c != NULL, "a classifier of %zu bytes is read again: %s", n, e.text))
		return;
	text_features_read(t, "It is so.", 9);
	for (i = 0; i < t->n; i++)
		want += sin(t->index[i]);
	want = logistic(2.385 * want / sqrt((double)t->n) - 0.5);
	got = text_classifier_probability(c, "It is so.", 9, &p);
	ok(got == 1 && fabs(p - want) < 0.005, "its probability is %.4f, and %.4f before the weights were rounded", p,
	    want);
	ok(text_classifier_probability(c, "other words", 11, &again) == 1 && again != p &&
	    text_classifier_probability(c, "It is so.", 9, &again) == 1 && again == p,
	    "and the same after another text");
	ok(text_classifier_probability(c, "", 0, &p) == 0 && text_classifier_probability(c, " ., -", 5, &p) == 0,
	    "a text without a word has none");
	text_classifier_free(c);
	ok(text_classifier_open_memory(bytes, n, "made", "toxicity", &e) == NULL, "another label: %s", e.text);
	for (i = 0; i < n; i++) {
		e.text[0] = '\0';
		cut += text_classifier_open_memory(bytes, i, "made", "mood", &e) == NULL && e.text[0] != '\0';
		bytes[i] ^= 4;
		e.text[0] = '\0';
		flipped += text_classifier_open_memory(bytes, n, "made", "mood", &e) == NULL && e.text[0] != '\0';
		bytes[i] ^= 4;
	}
	ok(cut == n && flipped == n, "cut after, or flipped at, any of %zu bytes: refused %zu and %zu times", n, cut,
	    flipped);
	text_features_free(t);
	free(bytes);
}

/* Checks that weights which all have one value make no classifier. */
static void
check_not_written(double weight, double slope, double shift)
{
	static const char path[] = "test_text_classifier.tmp.ods";
	struct record *fit = need(record_alloc());
	double all[256];
	struct err e = { "" };
	int i, rc;

	for (i = 0; i < 256; i++)
		all[i] = weight;
	rc = text_classifier_write("mood", 8, all, slope, shift, fit, path, &e);
	ok(rc != 0 && access(path, F_OK) != 0, "not written: %s", e.text);
	record_free(fit);
}

int
main(void)
{
	/* " a", "a ", " a ", "\1a", and below "\1a\1a", by an independent program */
	static const uint32_t a[] = { 54918, 88595, 23937, 101208 };

	check_features("A", a, 4);
	check_features("a; A, a.", (const uint32_t[]){ 54918, 88595, 23937, 101208, 235390 }, 5);
	check_features(" -- ", a, 0);
	check_same("So GOOD", "so\tgood", 1);
	check_same("\xc3\x84rger", "\xc3\xa4rger", 1);
	check_same("it\xe2\x80\x99s", "it's", 1);
	check_same("sooooo", "soo", 1);
	check_same("soo", "so", 0);
	check_same("what?", "what", 0);
	check_same("f**k", "f k", 0);
	check_long();
	openblas_set_num_threads(1);
	check_sparse(-1);
	check_sparse(1);
	check_share();
	check_logistic();
	check_file();
	check_not_written(0, 1, 0);
	check_not_written(NAN, 1, 0);
	check_not_written(1, -1, 0);
	check_not_written(1, INFINITY, 0);
	check_not_written(1, 1, NAN);
	return tap_done();
}
