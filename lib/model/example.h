/*
 * example - what a record of texts says: prompt, completion, group, and its tokens.
 */
#ifndef ODESTEER_EXAMPLE_H
#define ODESTEER_EXAMPLE_H

#include <stddef.h>

#include "base/err.h"
#include "model/lm.h"
#include "stream/record.h"

enum template {
	TEMPLATE_RAW,		/* system text, a newline, prompt, completion, as they stand */
	TEMPLATE_CHAT		/* the model's chat template for system text and prompt; completion behind it */
};

/* What of a record is the text. */
enum example_text {
	EXAMPLE_PROMPT,
	EXAMPLE_WHOLE,		/* prompt and completion */
	EXAMPLE_COMPLETION	/* as if the prompt were empty, without template and system text */
};

struct example {
	char id[RECORD_KEY_SIZE], group[RECORD_KEY_SIZE];	/* the group is the id where there is none */
	int *token;
	size_t n;
	size_t n_prompt;	/* tokens that the prompt alone also has: the completion begins behind them */
};

/*
 * Reads "id", "group" and, as asked for, "prompt" and "completion" (absent:
 * none) of a record and tokenises these together. A token that joins the end
 * of the prompt to the completion counts as the completion's. 0, or -1 with a
 * message that does not name the record; x is to be released either way.
 */
int example_read(struct example *x, const struct lm *m, const struct record *r, enum template t,
    const char *system, enum example_text what, struct err *e);
void example_release(struct example *x);

/*
 * The tokens of text[len], of which prompt bytes are the prompt, into x, whose other members
 * stay. 0, or -1 with a message.
 */
int example_tokenise(struct example *x, const struct lm *m, const char *text, size_t prompt, size_t len,
    struct err *e);
/* A string field without NUL; where it is absent and not required, "". 0, or -1 with a message. */
int example_field(const struct record *r, const char *name, int required, const char **s, size_t *len,
    struct err *e);

#endif
