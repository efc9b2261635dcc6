/* integrate - moves activations along the field of a barrier. */
#include <math.h>
#include <stdlib.h>

#include "field/barrier.h"
#include "flow/flow.h"
#include "flow_options.h"
#include "options.h"
#include "tool.h"

enum { CHUNK = 64 };		/* activations moved together: one product for all of them */

static int threads;

static struct tool_option options[] = {
	FLOW_BARRIER("barrier file, as fitbarrier wrote it"),
	FLOW_LENGTH,
	FLOW_OPTIONS,
	THREADS_OPTION(threads),
	OUTPUT_OPTIONS("report progress"),
	{ 0 }
};

const struct tool tool = { .name = "integrate", .synopsis =
	"usage: integrate -b barrier [-vz] [-j threads] [-n steps] [-o file] [-s solver]\n"
	"                 [-T length] [--tolerance x] [--until q] [file ...]\n"
};

static void
parse(int argc, char *argv[])
{
	flow_options_default(&flows.common);
	threads = tool_threads();
	options_parse(options, argc, argv);
	if (flows.n == 0)
		tool_misuse("a barrier is needed: -b");
	if (flows.n > 1)
		tool_misuse("-b: one barrier at a time; the next can follow in the pipeline");
	flows.flow[0].o.threads = (unsigned)threads;
	tool_refuse_terminal(tool_output.path);
}

/*
 * Reads up to CHUNK records into r, and their activations into act. Waits for
 * input before the first only, so that all are from one path. Returns the
 * number.
 */
static size_t
read_chunk(struct stream *in, struct record **r, float *act)
{
	const struct header *h = stream_header(in);
	struct err e;
	size_t n;

	for (n = 0; n < CHUNK && (n == 0 || stream_pending(in)) && tool_read(in, r[n]); n++)
		if (record_get_act(r[n], h->half, act + n * h->dim, h->dim, &e) != 0)
			tool_die_record(in, &e);
	return n;
}

/* Writes the n records r with their activations act and what became of them. */
static void
write_chunk(struct sink *out, const struct stream *in, struct record **r, const float *act,
    size_t n, const struct flow_result *moved, int has_h)
{
	const struct header *h = stream_header(in);
	struct err e;
	size_t i;

	for (i = 0; i < n; i++) {
		const struct flow_result *m = &moved[i];

		if ((has_h && (record_set_num(r[i], "h_before", m->h_before) != 0 ||
		    record_set_num(r[i], "h_after", m->h_after) != 0)) ||
		    record_set_num(r[i], "length", m->length) != 0 ||
		    record_set_int(r[i], "steps", m->steps) != 0)
			tool_die("out of memory");
		if (record_set_act(r[i], h->half, act + i * h->dim, h->dim, &e) != 0)
			tool_die_record_back(in, n - 1 - i, &e);
		tool_check(sink_write(out, r[i], &e), &e);
	}
}

int
main(int argc, char *argv[])
{
	struct flow_result moved[CHUNK];
	struct record *r[CHUNK];
	struct barrier *barrier;
	struct stream *in;
	struct sink *out;
	struct header h;
	struct flow *flow;
	struct err e;
	float *act;
	size_t i, n;

	tool_start(argc, argv);
	parse(argc, argv);
	in = tool_open_input(argc, argv, 1u << STREAM_ACTIVATIONS);
	tool_check(barrier_open(&barrier, flows.flow[0].path, stream_header(in), &e), &e);
	flow = tool_need_err(flow_alloc(barrier, &flows.flow[0].o, &e), &e);
	tool_output_header(&h, in, STREAM_ACTIVATIONS, NULL);
	tool_check(header_add_side(&h, flows.flow[0].path, barrier->digest), NULL);
	act = tool_need(calloc(CHUNK, h.dim * sizeof *act));
	for (i = 0; i < CHUNK; i++)
		r[i] = tool_need(record_alloc());
	out = tool_open_output(&h);

	tool_progress(in, "activations", 0, "activations", 0);
	while ((n = read_chunk(in, r, act)) > 0) {
		if (flow_apply(flow, act, n, moved, 1, &e) != 0)
			tool_die_record_back(in, n - 1 - flow_failed(flow), &e);
		write_chunk(out, in, r, act, n, moved, barrier->field->type->has_h);
		tool_progress(in, "activations", stream_count(in), "activations", stream_count(in));
		/*
		 * a writer may wait for its answer; bytes of gzip would depend
		 * on the time
		 */
		if (!tool_output.gzip && !stream_pending(in))
			tool_check(sink_flush(out, &e), &e);
	}
	tool_check(sink_close(out, &e), &e);
	tool_note("%llu activations moved by %g", (unsigned long long)stream_count(in),
	    flow_length(flow));
	if (barrier->field->type->of_sequence)
		tool_remark("each activation was moved as the first one of a text of its own");
	return 0;
}
