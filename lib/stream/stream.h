/*
 * stream - reads msgpack streams between tools: a header, records, an end record.
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
#include "stream/header.h"
#include "stream/record.h"

struct stream;			/* a reader */

/*
 * Opens n paths, borrowed until close, to be read one after another as one
 * stream ("-", or n = 0, is standard input) and reads the first header; the
 * headers of the others must agree with it in kind, model, blocks, dim and
 * dtype. NULL on failure.
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

#endif
