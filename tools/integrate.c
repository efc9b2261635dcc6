/* integrate - moves activations along a barrier's gradient: da/dt = v(a), t in [0, T]. */
#include <math.h>
#include <stdlib.h>

#include "field/barrier.h"
#include "flow/flow.h"
#include "number.h"
#include "stream/sink.h"
#include "stream/stream.h"
#include "tool.h"

enum { CHUNK = 64 };		/* activations moved together: one product for all of them */

static struct {
	const char *out;
	struct tool_flows flows;
	int threads, gzip;
} opt;

static void
usage(FILE *to)
{
	fprintf(to,
	    "usage: integrate -b barrier [-vz] [-j threads] [-n steps] [-o file] [-s solver]\n"
	    "                 [-T length] [--tolerance x] [--until q] [file ...]\n"
	    "  -b barrier    what fitbarrier wrote\n");
	tool_flow_usage(to, &opt.flows);
	fprintf(to,
	    "  -j threads    (default: %d)\n"
	    "  -o file       (default: standard output)    -z  gzip    -v  progress\n", tool_threads());
}

static const struct tool tool = { "integrate", usage };

static void
parse(int argc, char *argv[])
{
	static const struct option longs[] = { TOOL_FLOW_LONGS, { NULL, 0, NULL, 0 } };
	int c;

	opt.threads = tool_threads();
	while ((c = tool_option(argc, argv, "b:j:n:o:s:T:vz", longs)) != -1)
		switch (c) {
		case 'j': opt.threads = (int)number_long("-j", optarg, 1, 512); break;
		case 'o': opt.out = optarg; break;
		case 'v': tool_verbose(1); break;
		case 'z': opt.gzip = 1; break;
		default: tool_flow_option(&opt.flows, c, optarg);
		}
	if (opt.flows.n == 0)
		tool_misuse("a barrier is needed: -b");
	if (opt.flows.n > 1)
		tool_misuse("-b: one barrier at a time; the next can follow in the pipeline");
	tool_refuse_terminal(opt.out);
}

/*
 * Reads up to CHUNK records and their activations, all but the first without waiting, and so from
 * one path; the number read.
 */
static size_t
take(struct stream *in, struct record **r, float *act)
{
	const struct header *h = stream_header(in);
	struct err e;
	size_t n;
	int got = 1;

	for (n = 0; n < CHUNK && (n == 0 || stream_pending(in)) && (got = stream_read(in, r[n], &e)) == 1; n++)
		if (record_get_act(r[n], h->half, act + n * h->dim, h->dim, &e) != 0)
			tool_die_record(in, &e);
	if (got < 0)
		tool_die_err(&e);
	return n;
}

static void
give(struct sink *out, const struct stream *in, struct record **r, const float *act, size_t n,
    const struct flow_result *moved)
{
	const struct header *h = stream_header(in);
	struct err e;
	size_t i;

	for (i = 0; i < n; i++) {
		if ((!isnan(moved[i].h_before) && (record_set_num(r[i], "h_before", moved[i].h_before) != 0 ||
		    record_set_num(r[i], "h_after", moved[i].h_after) != 0)) ||
		    record_set_num(r[i], "length", moved[i].length) != 0 ||
		    record_set_int(r[i], "steps", moved[i].steps) != 0)
			tool_die("out of memory");
		if (record_set_act(r[i], h->half, act + i * h->dim, h->dim, &e) != 0)
			tool_die_record_back(in, n - 1 - i, &e);
		if (sink_write(out, r[i], &e) != 0)
			tool_die_err(&e);
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

	tool_start(&tool, argc, argv);
	flow_options_default(&opt.flows.common);
	parse(argc, argv);
	/* each thread has activations of its own */
	tool_blas_threads(1);
	opt.flows.flow[0].o.threads = (unsigned)opt.threads;

	if (barrier_open(&barrier, opt.flows.flow[0].path, &e) != 0 ||
	    (in = stream_open((const char *const *)argv + optind, (size_t)(argc - optind), &e)) == NULL ||
	    stream_expect(in, 1u << STREAM_ACTIVATIONS, &e) != 0 ||
	    barrier_check_header(barrier, stream_header(in), &e) != 0)
		tool_die_err(&e);
	stream_number(in);
	if (header_copy(&h, stream_header(in)) != 0)
		tool_die("out of memory");
	tool_link(&h, NULL);
	if ((flow = flow_alloc(barrier, &opt.flows.flow[0].o, &e)) == NULL)
		tool_die_err(&e);
	if (header_add_side(&h, opt.flows.flow[0].path, barrier->digest) != 0 ||
	    (act = calloc(CHUNK, h.dim * sizeof *act)) == NULL)
		tool_die("out of memory");
	for (i = 0; i < CHUNK; i++)
		if ((r[i] = record_alloc()) == NULL)
			tool_die("out of memory");
	if ((out = sink_open(opt.out, opt.gzip, &h, &e)) == NULL)
		tool_die_err(&e);

	tool_progress(in, "activations", 0, "activations", 0);
	while ((n = take(in, r, act)) > 0) {
		if (flow_apply(flow, act, n, moved, 1, &e) != 0)
			tool_die_record_back(in, n - 1 - flow_failed(flow), &e);
		give(out, in, r, act, n, moved);
		tool_progress(in, "activations", stream_count(in), "activations", stream_count(in));
		/* who waits for an answer gets it; gzip is not cut, its bytes would depend on the time */
		if (!opt.gzip && !stream_pending(in) && sink_flush(out, &e) != 0)
			tool_die_err(&e);
	}
	if (sink_close(out, &e) != 0)
		tool_die_err(&e);
	tool_note("%llu activations moved by %g", (unsigned long long)stream_count(in), flow_length(flow));
	return 0;
}
