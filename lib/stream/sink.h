/*
 * sink - writes a stream: a header, records, an end record.
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

/* A sink that appends to *to, which is the caller's and outlives it; no flush is needed. */
struct sink *sink_open_memory(struct buf *to, const struct header *h, struct err *e);

#endif
