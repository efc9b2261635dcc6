/*
 * stream - msgpack streams between tools: a header, records, an end record.
 *
 * odesteer-stream(5) is the normative text. A reader takes the three as they
 * come from a file or a pipe, plain or gzip, and fails on anything short of a
 * correct end record. It also takes JSON Lines (first byte '{'), which count as
 * a stream of examples without a model or a chain.
 */
#ifndef ODESTEER_STREAM_H
#define ODESTEER_STREAM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "stream/record.h"

enum stream_kind {
	STREAM_EXAMPLES,	/* texts: prompt, completion, label, ... */
	STREAM_ACTIVATIONS,	/* one vector a record, in "act" */
	STREAM_COMPLETIONS,	/* what generate wrote */
	STREAM_BARRIER		/* one record: a fitted barrier */
};
const char *stream_kind_name(enum stream_kind k);	/* static */

/* What one tool did to the stream. All strings are owned by the header. */
struct chain_link {
	char *tool, *version;
	char **argv;		/* NULL-terminated, argv[0] is the first argument */
	int has_seed;
	uint64_t seed;
	char **side;		/* NULL-terminated pairs: option or path, digest */
};

struct header {
	enum stream_kind kind;
	char *model;		/* general.name of the model, NULL where none took part */
	char *digest;		/* its digest (lm.h), NULL likewise */
	int *block;		/* blocks the activations are of, 0-based; NULL when n_block is 0 */
	size_t n_block;
	size_t dim;		/* numbers in an activation, 0 where there are none */
	int half;		/* activations are float16 on the wire, else float32 */
	struct chain_link *chain;	/* oldest first */
	size_t n_chain;
};

void header_init(struct header *h, enum stream_kind kind);
void header_release(struct header *h);
int header_copy(struct header *to, const struct header *from);	/* to: uninitialised */
int header_set_model(struct header *h, const char *name, const char *digest);
int header_set_blocks(struct header *h, const int *block, size_t n);
/*
 * Appends a link to the chain: argv as main() got it after argv[0], seed NULL
 * where none was used. header_add_side then names a file or model that the
 * last link also depended on.
 */
int header_add_link(struct header *h, const char *tool, const char *version,
    int argc, char *const argv[], const uint64_t *seed);
int header_add_side(struct header *h, const char *name, const char *digest);
/* the header as one JSON object {"odesteer":"stream",...}; malloc'ed, caller frees; NULL: out of memory */
char *header_to_json(const struct header *h);

struct stream;			/* a reader */

/*
 * Opens n paths to be read one after another as one stream ("-", or n = 0, is
 * standard input) and reads the first header; the headers of the others must
 * agree with it in kind, model, blocks, dim and dtype. NULL on failure.
 */
struct stream *stream_open(const char *const *path, size_t n, struct err *e);
/* The same for files of plain text: each line that is not blank is a record with that "prompt". */
struct stream *stream_open_text(const char *const *path, size_t n, struct err *e);
/*
 * The same for records whose activations are elsewhere: no record may have an "act", and
 * JSON Lines that have no header get a copy of this one, which is borrowed until close.
 */
struct stream *stream_open_without_act(const char *const *path, size_t n, const struct header *missing,
    struct err *e);
/*
 * The same for bytes that fn gets: it puts at most n of them to p and returns how
 * many, 0 at the end, or -1 with a message. Messages call them `name`.
 */
typedef ssize_t stream_source_fn(void *ctx, void *p, size_t n, struct err *e);
struct stream *stream_open_source(stream_source_fn *fn, void *ctx, const char *name, struct err *e);
const struct header *stream_header(const struct stream *s);	/* borrowed until close */
/* Makes stream_read set "id" of a record that has none to its number, counted from 1 over all paths. */
void stream_number(struct stream *s);
/* 1: r holds the next record; 0: the end record was there and right (again and again); -1: error */
int stream_read(struct stream *s, struct record *r, struct err *e);
/*
 * 1: stream_read will answer without waiting for input; 0: it would wait, or may, as the next of
 * several paths is to be opened first. Never waits itself: a tool that hands on what it has
 * where this says 0 keeps nobody waiting.
 */
int stream_pending(struct stream *s);
/*
 * Waits until stream_read can return without waiting for input, for at most ms milliseconds after the last
 * bytes. Returns 1 if it can, 0 if not. Unlike stream_pending it returns 1 at the end of a path that another follows.
 */
int stream_wait(struct stream *s, int ms);
uint64_t stream_count(const struct stream *s);	/* records read so far, all paths */
/*
 * Counts the records of all paths by reading them a second time. Returns 0 if a path is not a regular
 * file, if one is damaged, or if counting takes longer than 0.3 s.
 */
uint64_t stream_total(const struct stream *s);
uint32_t stream_crc(const struct stream *s);	/* of all before the end record, once that was read */
/* Puts "'path': record N: " in front of what is wrong with the record just read; returns -1. */
int stream_locate(const struct stream *s, struct err *e);
/* The same for the record read `back` before it, from the same path. */
int stream_locate_back(const struct stream *s, uint64_t back, struct err *e);
void stream_close(struct stream *s);	/* NULL is fine */

/* e names the kind found when it is none of the kinds in the mask (1u << kind | ...). */
int stream_expect(const struct stream *s, unsigned kinds, struct err *e);

struct sink;			/* a writer */

/*
 * Opens path ("-" or NULL: standard output) and writes the header. A file is
 * written as path.tmp and gets its name at sink_close; output.h tells a signal
 * handler what to unlink.
 */
struct sink *sink_open(const char *path, int gzip, const struct header *h, struct err *e);
int sink_write(struct sink *k, const struct record *r, struct err *e);
/* More for the end record: a counter, a figure. */
int sink_counter(struct sink *k, const char *name, uint64_t v, struct err *e);
int sink_number(struct sink *k, const char *name, double v, struct err *e);
int sink_flush(struct sink *k, struct err *e);	/* what was written so far reaches the reader */
/* Writes the end record, checks every close; frees k in any case. */
int sink_close(struct sink *k, struct err *e);
/* No end record; a file is removed. Frees k. NULL is fine. */
void sink_abort(struct sink *k);

#endif
