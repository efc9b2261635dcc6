/*
 * stream - reads msgpack streams: a header, records and an end record.
 *
 * odesteer-stream(5) defines the format. A stream is read from files or pipes,
 * plain or gzip, and refused unless it has a correct end record. JSON Lines
 * (first byte '{') are taken as well; without a header they are examples that
 * have neither a model nor a chain.
 */
#ifndef ODESTEER_STREAM_H
#define ODESTEER_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "stream/header.h"
#include "stream/input.h"
#include "stream/record.h"

struct stream;

/*
 * Opens n paths as one stream, each to be read after the one before, and reads
 * the first header. All headers must agree in kind, model, blocks, dim and
 * dtype. "-", or n = 0, is standard input. The paths are borrowed until
 * stream_close. Returns NULL on failure.
 */
struct stream *stream_open(const char *const *path, size_t n, struct err *e);
/* Works like stream_open on text: each line is a prompt, unless it is blank. */
struct stream *stream_open_text(const char *const *path, size_t n, struct err *e);
/*
 * Works like stream_open on records whose activations are elsewhere: none may
 * have "act", and JSON Lines without a header get a copy of `missing`, which is
 * borrowed until stream_close.
 */
struct stream *stream_open_without_act(const char *const *path, size_t n,
    const struct header *missing, struct err *e);
/* Works like stream_open on what fn reads, which messages call `name`. */
struct stream *stream_open_source(input_source_fn *fn, void *ctx, const char *name,
    struct err *e);
void stream_close(struct stream *s);		/* NULL is fine */

/* Returns the first header, borrowed until stream_close. */
const struct header *stream_header(const struct stream *s);
/*
 * Checks that the stream has one of the kinds of the mask (1u << kind | ...).
 * Returns 0, or -1 with a message that names its kind.
 */
int stream_expect(const struct stream *s, unsigned kinds, struct err *e);
/*
 * Makes stream_read set "id" of records that have none to their number, from 1
 * on.
 */
void stream_add_ids(struct stream *s);

/*
 * Reads the next record. Returns 1, 0 after a correct end record, or -1 on
 * error.
 */
int stream_read(struct stream *s, struct record *r, struct err *e);
/*
 * Returns 1 if stream_read would not wait for input. Returns 0 if it would, or
 * might because it opens the next path. A tool that flushes its output whenever
 * this is 0 keeps no reader waiting.
 */
int stream_pending(struct stream *s);
/*
 * Waits until stream_read would not wait for input, but at most ms milliseconds
 * after the last bytes. Returns 1, or 0 if the time is over. Unlike
 * stream_pending it returns 1 at the end of a path that another follows.
 */
int stream_wait(struct stream *s, int ms);

/* Returns how many records were read so far, of all paths. */
uint64_t stream_count(const struct stream *s);
/*
 * Counts the records of all paths by reading them a second time. Returns 0 if a
 * path is not a regular file or is damaged, or if counting takes over 0.3 s.
 */
uint64_t stream_total(const struct stream *s);
/* Returns the checksum of all before the end record, once that was read. */
uint32_t stream_crc(const struct stream *s);
/*
 * Puts "'path': record N: " in front of the message in e, for the record just
 * read, or for the one read `back` records before it from the same path. Both
 * return -1.
 */
int stream_locate(const struct stream *s, struct err *e);
int stream_locate_back(const struct stream *s, uint64_t back, struct err *e);

#endif
