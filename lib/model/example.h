/*
 * example - the text of a record, prompt and completion, in tokens.
 */
#ifndef ODESTEER_EXAMPLE_H
#define ODESTEER_EXAMPLE_H

#include <stddef.h>

#include "base/err.h"
#include "model/lm.h"
#include "stream/record.h"

enum template {
	TEMPLATE_RAW,		/* system text, newline, prompt and completion, unchanged */
	TEMPLATE_CHAT,		/* the first two in the model's chat template, and the completion */
	TEMPLATE_TURNS		/* all in that template, with the tokens that close an answer */
};

/* Which part of a record is the text. */
enum example_text {
	EXAMPLE_PROMPT,
	EXAMPLE_WHOLE,		/* prompt and completion */
	EXAMPLE_COMPLETION	/* the completion, with neither template nor system text */
};

struct example {
	char id[RECORD_KEY_SIZE];
	char group[RECORD_KEY_SIZE];	/* the id if the record has no group */
	int *token;			/* [n], owned */
	size_t n;
	size_t n_prompt;	/* leading tokens that the prompt has without a completion, too */
};

/*
 * Initialises x from the fields "id", "group", "prompt" and "completion" of r.
 * An absent completion is empty. A token that spans the end of the prompt
 * counts as the completion's. system may be NULL. Returns 0, or -1; the message
 * does not name the record. x is to be released in both cases.
 */
int example_read(struct example *x, const struct lm *m, const struct record *r, enum template t,
    const char *system, enum example_text what, struct err *e);
void example_release(struct example *x);

/*
 * Sets the tokens of x to those of text[len], which begins with `prompt` bytes
 * of prompt. Returns 0 or -1.
 */
int example_tokenise(struct example *x, const struct lm *m, const char *text, size_t prompt,
    size_t len, struct err *e);
#endif
