/* score - a filter: one metric added to each record of a stream; or the report on such streams. */
#include <stdlib.h>
#include <string.h>

#include "metric.h"
#include "report.h"
#include "stream.h"
#include "tool.h"

static struct {
	const struct metric *metric;
	struct metric_options o;
	const char *barrier, *out;
	int steps, gzip;
} opt = { .o = { .T = { 5, 0 } }, .steps = 10 };

static void
usage(FILE *to)
{
	const struct metric *const *m;

	fprintf(to,
	    "usage: score density -b barrier [-vz] [-o file] [file ...]\n"
	    "       score distinct [-vz] [-o file] [file ...]\n"
	    "       score mc [-vz] [-b barrier [-T length] [-n steps] [-s solver]]\n"
	    "                [-g layers] [-j threads] [-m model] [-o file] [-t raw|chat]\n"
	    "                [file ...]\n"
	    "       score report [-o table|csv|json] [-S seed] [[name=]file ...]\n");
	for (m = metric_table(); *m != NULL; m++)
		fprintf(to, "  %-12s %s\n", (*m)->name, (*m)->about);
	fprintf(to,
	    "  report       what the metrics of some runs come to, with 95 %% intervals\n"
	    "  -b barrier   density: h of this one; mc: steer along its gradient\n"
	    "  -T length    of the flow: 5 activation units, or 0.03r: times the mean norm of\n"
	    "               the fit (default: %g)\n"
	    "  -n steps     (default: %d)    -s solver  (default: euler; -s help lists them)\n"
	    "  -m model     GGUF file (default: %s)\n"
	    "  -t template  raw or chat (default: raw)\n"
	    "  -g layers    on the GPU (default: 0)    -j threads  (default: %d)\n"
	    "  -S seed      of the report's resampling (default: 0)\n"
	    "  -o file      (default: standard output); report: the form (default: table)\n"
	    "  -z  gzip     -v  progress\n",
	    opt.o.T.value, opt.steps, tool_default_model(), tool_threads());
}

static const struct tool tool = { "score", usage };

static void
parse(int argc, char *argv[])
{
	char letters[64] = "o:vz";
	const char *l;
	int c, flow = 0;

	/* a metric takes the letters it has a use for, each with a value */
	for (l = opt.metric->letters; *l != '\0'; l++)
		snprintf(letters + strlen(letters), sizeof letters - strlen(letters), "%c:", *l);
	opt.o.model = tool_default_model();
	opt.o.threads = tool_threads();
	opt.o.solver = solver_find("euler");
	while ((c = tool_option(argc, argv, letters, NULL)) != -1)
		switch (c) {
		case 'b': opt.barrier = optarg; break;
		case 'g': opt.o.gpu_layers = (int)tool_long("-g", optarg, 0, 1000); break;
		case 'j': opt.o.threads = (int)tool_long("-j", optarg, 1, 512); break;
		case 'm': opt.o.model = optarg; break;
		case 'o': opt.out = optarg; break;
		case 'T': case 'n': case 's':
			tool_flow_option(c, optarg, &opt.o.T, &opt.steps, &opt.o.solver);
			flow = c;
			break;
		case 't':
			if (template_parse(&opt.o.template, optarg) != 0)
				tool_misuse("-t: '%s' is neither raw nor chat", optarg);
			break;
		case 'v': tool_verbose(1); break;
		case 'z': opt.gzip = 1; break;
		}
	opt.o.steps = (unsigned)opt.steps;
	if (flow && opt.barrier == NULL)
		tool_misuse("-%c needs a barrier: -b", flow);
	if (strcmp(opt.metric->letters, "b") == 0 && opt.barrier == NULL)
		tool_misuse("%s needs a barrier: -b", opt.metric->name);
}

/* Where finished records go. */
struct out {
	struct metric_out base;
	struct sink *sink;
};

static int
emit(struct metric_out *o, const struct record *r, struct err *e)
{
	return sink_write(((struct out *)o)->sink, r, e);
}

int
main(int argc, char *argv[])
{
	const struct metric *m;
	struct out out = { .base = { emit } };
	struct stream *in;
	struct header h;
	struct record *r;
	struct err e;
	void *state;
	int got;

	tool_start(&tool, argc, argv);
	if (argc > 1 && strcmp(argv[1], "report") == 0)
		return score_report(argc - 1, argv + 1);
	if (argc < 2 || argv[1][0] == '-') {
		tool_option(argc, argv, "", NULL);
		tool_misuse("a metric must come first");
	}
	if ((m = opt.metric = metric_find(argv[1])) == NULL)
		tool_misuse("'%s' is not a metric", argv[1]);
	argc--;
	argv++;
	parse(argc, argv);
	tool_blas_threads(1);

	if ((in = stream_open((const char *const *)argv + optind, (size_t)(argc - optind), &e)) == NULL ||
	    stream_expect(in, m->kinds, &e) != 0 ||
	    (opt.barrier != NULL && barrier_open(&opt.o.barrier, opt.barrier, &e) != 0))
		tool_die_err(&e);
	if (header_copy(&h, stream_header(in)) != 0)
		tool_die("out of memory");
	if ((state = m->open(&opt.o, &h, &e)) == NULL)
		tool_die_err(&e);
	tool_link(&h, NULL);
	if (opt.barrier != NULL && header_add_side(&h, opt.barrier, opt.o.barrier->digest) != 0)
		tool_die("out of memory");
	if ((out.sink = sink_open(opt.out, opt.gzip, &h, &e)) == NULL)
		tool_die_err(&e);
	if ((r = record_alloc()) == NULL)
		tool_die("out of memory");
	while ((got = stream_read(in, r, &e)) == 1) {
		if (m->push(state, r, &out.base, &e) != 0)
			tool_die_record(in, &e);
		tool_progress("records", stream_count(in), 0);
		/* who waits for an answer gets it; gzip is not cut, its bytes would depend on the time */
		if (!opt.gzip && !stream_pending(in) && sink_flush(out.sink, &e) != 0)
			tool_die_err(&e);
	}
	if (got < 0 || m->flush(state, &out.base, &e) != 0 || sink_close(out.sink, &e) != 0)
		tool_die_err(&e);
	m->close(state);
	tool_note("%llu records", (unsigned long long)stream_count(in));
	return 0;
}
