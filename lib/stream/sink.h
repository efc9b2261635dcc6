/*
 * sink - writes a stream: a header, records and an end record.
 */
#ifndef ODESTEER_SINK_H
#define ODESTEER_SINK_H

#include <stdint.h>

#include "base/err.h"
#include "stream/header.h"
#include "stream/record.h"

struct buf;
struct sink;

/*
 * Opens path ("-" or NULL: standard output) and writes the header. A file gets
 * its name when sink_close succeeds (output.h). Returns NULL on failure.
 */
struct sink *sink_open(const char *path, int gzip, const struct header *h, struct err *e);
/* Works like sink_open, but appends to *to, which must outlive the sink. */
struct sink *sink_open_memory(struct buf *to, const struct header *h, struct err *e);

/*
 * These functions return 0, or -1 on error. What walk_run (wire.h) refuses is
 * not written, such as a number that is not finite; the message names the
 * field.
 */
int sink_write(struct sink *k, const struct record *r, struct err *e);
/* Set a field of the end record. */
int sink_set_int(struct sink *k, const char *name, uint64_t v, struct err *e);
int sink_set_num(struct sink *k, const char *name, double v, struct err *e);
/* Passes all that was written on to the reader. */
int sink_flush(struct sink *k, struct err *e);
/* Returns whether a write has failed: then the input is not to blame. */
int sink_failed(const struct sink *k);
/* Writes the end record, closes the file and frees k, also on failure. */
int sink_close(struct sink *k, struct err *e);

/* Frees k and removes its file, which gets no end record. NULL is fine. */
void sink_abort(struct sink *k);

#endif
