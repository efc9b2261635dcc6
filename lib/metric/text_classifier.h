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
	struct text_features *features;	/* of the last text; has bits */
	int8_t *w;		/* [2^bits], from -127 to 127 */
	double scale, shift;	/* finite, and scale > 0 */
	char digest[9];		/* crc32 of the file, in hexadecimal */
};

/*
 * Open a classifier of the label `predicts`: text_classifier_open the file at
 * path, text_classifier_open_memory the file in bytes[n], which are only read
 * during the call and which messages call `name`. The caller frees the
 * classifier with text_classifier_free. They return NULL with a message in e if
 * the file cannot be read, is damaged, holds something else or a classifier of
 * another label, or if memory runs out.
 */
struct text_classifier *text_classifier_open(const char *path, const char *predicts,
    struct err *e);
struct text_classifier *text_classifier_open_memory(const unsigned char *bytes, size_t n,
    const char *name, const char *predicts, struct err *e);
void text_classifier_free(struct text_classifier *c);	/* NULL is fine */

/*
 * Sets *p to the probability of label 1, from 0 to 1, given text[len], which is
 * UTF-8. Returns 1; 0 if the text has no n-gram, and then *p is not set; or -1
 * if out of memory. One thread at a time may call it for a classifier.
 */
int text_classifier_probability(struct text_classifier *c, const char *text, size_t len,
    double *p);

/*
 * Writes a classifier with weight[2^bits] to path, which is as in sink_open.
 * The log-odds are slope * f + shift, where f is the sum of the weights of a
 * text's n-grams divided by the square root of their number. The weights are
 * rounded to 255 levels, and scale and shift to six digits. `fit` has further
 * fields for the record. Returns 0, or -1 with a message in e if a number is
 * not finite, all weights are 0, slope is not positive, the file cannot be
 * written or memory runs out.
 */
int text_classifier_write(const char *predicts, unsigned bits, const double *weight,
    double slope, double shift, const struct record *fit, const char *path, struct err *e);

#endif
