/*
 * header - the first object of a stream: what its records are, and how it was made.
 */
#ifndef ODESTEER_HEADER_H
#define ODESTEER_HEADER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "stream/record.h"

enum stream_kind {
	STREAM_EXAMPLES,	/* texts: prompt, completion, label, ... */
	STREAM_ACTIVATIONS,	/* one vector a record, in "act" */
	STREAM_COMPLETIONS,	/* what generate wrote */
	STREAM_BARRIER		/* one record: a fitted barrier */
};
const char *stream_kind_name(enum stream_kind k);	/* static */

struct header {
	enum stream_kind kind;
	char *model;		/* general.name of the model, NULL where none took part */
	char *digest;		/* its digest (lm.h), NULL likewise */
	int *block;		/* blocks the activations are of, 0-based; NULL when n_block is 0 */
	size_t n_block;
	size_t dim;		/* numbers in an activation, 0 where there are none */
	int half;		/* activations are float16 on the wire, else float32 */
	struct record **chain;	/* what each tool did to the stream, oldest first */
	size_t n_chain;
};

void header_init(struct header *h, enum stream_kind kind);
void header_release(struct header *h);
int header_copy(struct header *to, const struct header *from);	/* to: uninitialised */
int header_set_model(struct header *h, const char *name, const char *digest);
int header_set_blocks(struct header *h, const int *block, size_t n);
/*
 * Appends a link to the chain: argv as main() got it after argv[0], seed NULL if
 * none was used. header_add_side then names a file or model, with its digest,
 * that the last link also depended on, and header_add_value tells later tools
 * something under a name that odesteer-stream(5) lists. Each returns 0, or -1 if
 * memory runs out.
 */
int header_add_link(struct header *h, const char *tool, const char *version,
    int argc, char *const argv[], const uint64_t *seed);
int header_add_side(struct header *h, const char *name, const char *digest);
int header_add_value(struct header *h, const char *name, const char *value);
/* Returns the string that link i has under this name, borrowed, or NULL if it has none. */
const char *header_value(const struct header *h, size_t i, const char *name);
/* the header as one JSON object {"odesteer":"stream",...}; malloc'ed, caller frees; NULL: out of memory */
char *header_to_json(const struct header *h);

/* The header as a record, mark and all, and back: h uninitialised, set on 0 only. */
int header_to_record(const struct header *h, struct record *r);
int header_from_record(struct header *h, const struct record *r, struct err *e);
/* The first thing in which b differs from a that keeps them from being one stream, or NULL. */
const char *header_differs(const struct header *a, const struct header *b);

#endif
