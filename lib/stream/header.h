/*
 * header - the first object of a stream: what follows, and how it was made.
 */
#ifndef ODESTEER_HEADER_H
#define ODESTEER_HEADER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "stream/record.h"

enum stream_kind {
	STREAM_EXAMPLES,	/* texts: prompt, completion, label, ... */
	STREAM_ACTIVATIONS,	/* one vector per record, in "act" */
	STREAM_COMPLETIONS,	/* what generate wrote */
	STREAM_BARRIER,		/* one record: a fitted barrier */
	STREAM_CLASSIFIER	/* one record: a fitted classifier of texts */
};
/* The kinds with texts, for stream_expect. */
enum { STREAM_TEXTS = 1u << STREAM_EXAMPLES | 1u << STREAM_COMPLETIONS };
/* Returns what headers call a kind, such as "examples". */
const char *stream_kind_name(enum stream_kind k);

struct header {
	enum stream_kind kind;
	char *model;		/* the model's name; NULL: no model took part */
	char *digest;		/* its lm_digest(), or NULL */
	int *block;		/* blocks of the activations, from 0 on; NULL if n_block is 0 */
	size_t n_block;
	size_t dim;		/* numbers in an activation; 0: there are no activations */
	int half;		/* they are stored as float16, else as float32 */
	struct record **chain;	/* what each tool did, the oldest first: odesteer-stream(5) */
	size_t n_chain;
};

/* Makes h an empty header, to be released with header_release. */
void header_init(struct header *h, enum stream_kind kind);
void header_release(struct header *h);

/*
 * These functions copy their arguments; what is not UTF-8 becomes U+FFFD. They
 * return 0, or -1 if out of memory. header_copy initialises `to`.
 */
int header_copy(struct header *to, const struct header *from);
int header_set_model(struct header *h, const char *name, const char *digest);
int header_set_blocks(struct header *h, const int *block, size_t n);
/*
 * Appends a link for a tool's run with argv[argc], its name left out. seed may
 * be NULL.
 */
int header_add_link(struct header *h, const char *tool, const char *version, int argc,
    char *const argv[], const uint64_t *seed);
/* Adds to the last link a file or model that the run read beside its input. */
int header_add_side(struct header *h, const char *name, const char *digest);
/* Adds a string for later tools to the last link; see odesteer-stream(5). */
int header_add_value(struct header *h, const char *name, const char *value);

/* Returns the string that link i has under a name, borrowed; NULL: none. */
const char *header_value(const struct header *h, size_t i, const char *name);

/*
 * Returns h as a JSON object, which the caller frees, or NULL if out of memory.
 */
char *header_to_json(const struct header *h);
/* Makes r the first object of a stream. Returns 0, or -1 if out of memory. */
int header_to_record(const struct header *h, struct record *r);
/* Initialises h from one. Returns 0, or -1; then h is not to be released. */
int header_from_record(struct header *h, const struct record *r, struct err *e);
/*
 * Compares two headers whose records shall form one stream. Returns the name of
 * the first thing in which they differ, such as "block", or NULL if there is
 * none. Chains may differ.
 */
const char *header_differs(const struct header *a, const struct header *b);

#endif
