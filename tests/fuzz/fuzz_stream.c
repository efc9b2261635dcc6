/*
 * Fuzzes the reader of streams: binary, JSON Lines, gzip, and anything else.
 *
 *   clang -fsanitize=fuzzer,address,undefined ... tests/fuzz/fuzz_stream.c libodesteer.a
 *   ./fuzz_stream DIRECTORY
 *
 * If the compiler has no libFuzzer, tests/fuzz/mutate.c has a main.
 *
 * Besides not crashing, a failure must have a message, the end of a stream must be reported
 * again however often one asks, no prefix of a valid stream may be valid, and records that were
 * read can be written and read again unchanged.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "hold.h"
#include "stream/record.h"
#include "stream/sink.h"
#include "stream/stream.h"

/* Writes the records with a sink, reads them again and compares. */
static void
read_again(const char *from)
{
	const char *copy = NULL;
	struct buf bytes = { 0 };
	struct record *a = record_alloc(), *b = record_alloc();
	struct stream *s, *t;
	struct sink *k;
	struct err e = { "" };
	char *x, *y;
	int got;

	if ((s = stream_open(&from, 1, &e)) == NULL)
		broken("what opened once opens again", e.text);
	if ((k = sink_open_memory(&bytes, stream_header(s), &e)) == NULL)
		broken("its header can be written", e.text);
	while ((got = stream_read(s, a, &e)) == 1)
		if (sink_write(k, a, &e) != 0)
			broken("its records can be written", e.text);
	if (got != 0 || sink_close(k, &e) != 0)
		broken("what was whole once is whole again", e.text);
	stream_close(s);
	copy = hold(HOLD_COPY, bytes.p, bytes.len);
	free(bytes.p);
	s = stream_open(&from, 1, &e);
	if ((t = stream_open(&copy, 1, &e)) == NULL)
		broken("the copy opens", e.text);
	x = header_to_json(stream_header(s));
	y = header_to_json(stream_header(t));
	if (x == NULL || y == NULL || strcmp(x, y) != 0)
		broken("the copy's header is the same", e.text);
	free(x);
	free(y);
	while ((got = stream_read(s, a, &e)) == 1) {
		if (stream_read(t, b, &e) != 1)
			broken("the copy has every record", e.text);
		x = record_to_json(a, stream_header(s)->half, &e);
		y = record_to_json(b, stream_header(t)->half, &e);
		if (x == NULL || y == NULL || strcmp(x, y) != 0)
			broken("the copy's records are the same", e.text);
		free(x);
		free(y);
	}
	if (got != 0 || stream_read(t, b, &e) != 0)
		broken("the copy ends", e.text);
	stream_close(s);
	stream_close(t);
	record_free(a);
	record_free(b);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	const char *path = hold(HOLD_INPUT, data, size);
	struct record *r = record_alloc(), *c = record_alloc();
	struct stream *s;
	struct err e = { "" };
	int got = -1;

	if ((s = stream_open(&path, 1, &e)) != NULL) {
		while ((got = stream_read(s, r, &e)) == 1) {
			char *text = record_to_json(r, stream_header(s)->half, &e);

			if (text == NULL)
				broken("a record can be shown", e.text);
			/* may fail: numbers beyond 2^63 and repeated names cannot be written */
			if (record_from_json(c, text, strlen(text), &e) == 0 && record_size(c) != record_size(r))
				broken("a record's text has its fields", e.text);
			free(text);
		}
		if (got == 0 && stream_read(s, r, &e) != 0)
			broken("the end is the end", e.text);
	}
	if (got < 0 && e.text[0] == '\0')
		broken("a failure has its message", e.text);
	stream_close(s);
	record_free(r);
	record_free(c);
	if (got == 0)
		read_again(path);
	return 0;
}
