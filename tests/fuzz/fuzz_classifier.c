/*
 * Fuzzes text_classifier_open_memory. A classifier that it accepts gives a probability from 0 to 1.
 * Built like fuzz_stream.c. A useful seed is one with 8 bits, as JSON Lines and packed.
 */
#include <stdio.h>
#include <stdlib.h>

#include "hold.h"
#include "metric/text_classifier.h"

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct err e = { "" };
	struct text_classifier *c = text_classifier_open_memory(data, size, "mutated", "toxicity", &e);
	const char *text = (const char *)data;
	double p = 0.5;

	if (c == NULL && e.text[0] == '\0')
		broken("a failure has its message", "");
	/* the input is a text as well, and need not be UTF-8 */
	if (c != NULL && (text_classifier_probability(c, text, size, &p) < 0 || !(p >= 0 && p <= 1)))
		broken("a probability is from 0 to 1", "");
	text_classifier_free(c);
	return 0;
}
