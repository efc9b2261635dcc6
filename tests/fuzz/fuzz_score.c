/*
 * Fuzzes the metrics that need no model: distinct, bleu, rouge, and density with a barrier of dim 6
 * at block 3. A failure has its message, and what they write can be read again. Built like
 * fuzz_stream.c. Useful seeds are JSON Lines with `completion', `true' and `false', and
 * activations.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "hold.h"
#include "metric/metric.h"
#include "stream/stream.h"

static const char barrier[] =
    "{\"odesteer\":\"stream\",\"version\":1,\"kind\":\"barrier\",\"block\":[3],\"dim\":6,"
    "\"dtype\":\"float32\",\"chain\":[]}\n"
    "{\"id\":\"barrier\",\"field\":\"linear\",\"w\":[0.5,-2.385,1,0,-1,3],\"intercept\":0.7,"
    "\"log_prior_ratio\":0.1,\"act_norm\":2.5,\"prior\":0.4}\n";

/* Reads the output again. It must have as many records as were written. */
static void
read_again(const struct buf *bytes, uint64_t count)
{
	const char *path = hold(HOLD_COPY, bytes->p, bytes->len);
	struct record *r = record_alloc();
	struct err e = { "" };
	struct stream *s = stream_open(&path, 1, &e);
	int got = -1;

	while (s != NULL && (got = stream_read(s, r, &e)) == 1)
		;
	if (got != 0 || stream_count(s) != count)
		broken("what a metric wrote can be read", e.text);
	stream_close(s);
	record_free(r);
}

/* Scores the stream. Returns whether no record was refused. */
static int
score(const struct metric *m, struct stream *s, struct sink *out, void *state, struct err *e)
{
	struct record *r = record_alloc();
	int got, rc = 0;

	while (rc == 0 && (got = stream_read(s, r, e)) == 1)
		rc = m->push(state, r, out, e);
	record_free(r);
	return rc == 0 && got == 0 && (m->flush == NULL || m->flush(state, out, e) == 0);
}

static void
run(const struct metric *m, const char *path)
{
	struct metric_options o = { .barrier = hold(HOLD_BARRIER, barrier, sizeof barrier - 1) };
	struct err e = { "" };
	struct stream *s = stream_open(&path, 1, &e);
	void *state = calloc(1, m->size);
	char *arguments[] = { "fuzz" };
	struct buf bytes = { 0 };
	struct sink *out = NULL;
	struct header h;
	int done = 0;

	if (s != NULL && stream_expect(s, m->kinds, &e) == 0) {
		if (header_copy(&h, stream_header(s)) != 0 ||
		    header_add_link(&h, "score", "1", 1, arguments, NULL) != 0)
			broken("there is enough memory", "");
		if ((m->open == NULL || m->open(state, &o, &h, &e) == 0) &&
		    (out = sink_open_memory(&bytes, &h, &e)) != NULL)
			done = score(m, s, out, state, &e);
		if (!done)
			sink_abort(out);
		else if (sink_close(out, &e) == 0)
			read_again(&bytes, stream_count(s));
		else
			broken("what is written can be ended", e.text);
		if (m->close != NULL)
			m->close(state);
		header_release(&h);
	}
	if (!done && e.text[0] == '\0')
		broken("a failure has its message", "");
	free(bytes.p);
	free(state);
	stream_close(s);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	const struct metric *const *m;
	const char *path = hold(HOLD_INPUT, data, size);

	for (m = metric_table(); *m != NULL; m++)
		if (!((*m)->uses & METRIC_MODEL))
			run(*m, path);
	return 0;
}
