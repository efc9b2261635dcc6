/*
 * text_classifier - the probability of a label, given a text, by the text's
 * n-grams.
 *
 * The log-odds of label 1 are
 *   scale / sqrt(n) * (sum of w over the text's n n-grams) + shift
 * with whole numbers w. odesteer-stream(5), "Classifier files", describes the
 * file, which tools/setup/fittext.c fits.
 */
#ifndef ODESTEER_TEXT_CLASSIFIER_H
#define ODESTEER_TEXT_CLASSIFIER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "metric/text_features.h"
#include "stream/record.h"

struct text_classifier {
	struct text_features *features;
	int8_t *w;		/* [2^bits], from -127 to 127 */
	double scale, shift;
	char digest[9];		/* crc32 of the file, in hexadecimal */
};

/*
 * Opens the classifier of the label `predicts`: the file at path, or, if path
 * is NULL, bytes[n], which messages call `name`. text_classifier_free frees it.
 * Returns NULL with a message in e if it is none, damaged, or of another label.
 */
struct text_classifier *text_classifier_open(const char *path, const char *predicts,
    struct err *e);
struct text_classifier *text_classifier_open_memory(const unsigned char *bytes, size_t n,
    const char *name, const char *predicts, struct err *e);
void text_classifier_free(struct text_classifier *c);	/* NULL is fine */

/*
 * Sets *p to the probability of label 1, given text[len]. Returns 1, 0 if the
 * text has no n-gram, or -1 if out of memory.
 */
int text_classifier_probability(struct text_classifier *c, const char *text, size_t len,
    double *p);

/*
 * Writes a classifier with weight[2^bits], which it rounds to whole numbers
 * times their step, log-odds = slope * f + shift, where f is the sum of weights
 * divided by the square root of its number of terms. `fit` has other fields
 * for the record. path is as in sink_open. Returns 0, or -1 with a message in
 * e.
 */
int text_classifier_write(const char *predicts, unsigned bits, const double *weight,
    double slope, double shift, const struct record *fit, const char *path, struct err *e);

#endif
