/*
 * score - adds a metric to each record of a stream, or reports on such streams.
 */
#include <stdlib.h>
#include <string.h>

#include "flow_options.h"
#include "metric/metric.h"
#include "model_options.h"
#include "report.h"

/* The options that several metrics have, and which metrics have them. */
static struct tool_option barrier_rows[] = {
	FLOW_BARRIER("what fitbarrier wrote; mc and kl take several, each followed by its flow"),
	{ 0 }
};
static struct tool_option flow_rows[] = { FLOW_LENGTH, FLOW_OPTIONS, WHERE_OPTIONS, { 0 } };
static struct tool_option model_rows[] = { MODEL_OPTIONS, { 0 } };
static struct tool_option prompt_rows[] = { PROMPT_OPTIONS, { 0 } };
static struct tool_option output_rows[] = { OUTPUT_OPTIONS("report progress"), { 0 } };
static const struct {
	unsigned uses;
	struct tool_option *rows;
} groups[] = {
	{ METRIC_BARRIER | METRIC_FLOWS, barrier_rows },
	{ METRIC_FLOWS, flow_rows },
	{ METRIC_MODEL, model_rows },
	{ METRIC_PROMPT, prompt_rows }
};

enum { ROWS = 64 };

static const struct metric *metric;		/* NULL: none was named */
static struct metric_options options;
static struct tool_option table[ROWS];		/* of the metric, or for -h of all */
static size_t n_row;

static void
add_rows(const struct tool_option *o)
{
	for (; o->name != NULL && n_row + 1 < ROWS; o++)
		table[n_row++] = *o;
}

/* Adds the options that only m has, after m's name if the table is for all. */
static void
add_own_rows(const struct metric *m)
{
	static int flag;
	size_t i;

	for (i = 0; m->options != NULL && m->options[i].name != NULL; i++) {
		const struct metric_option *o = &m->options[i];
		struct tool_option row[2] = { { .name = o->name, .value = o->value } };
		char *about;

		row->about = o->about;
		row->to = &flag;
		if (o->value != NULL) {
			row->kind = OPTION_TEXT;
			row->to = &options.value[i];
		}
		if (metric == NULL && asprintf(&about, "%s: %s", m->name, o->about) >= 0)
			row->about = about;
		add_rows(row);
	}
}

static void
make_table(void)
{
	const struct metric *const *m;
	unsigned uses = metric != NULL ? metric->uses : ~0u;
	size_t i;

	for (i = 0; i < sizeof groups / sizeof *groups; i++)
		if (groups[i].uses & uses)
			add_rows(groups[i].rows);
	for (m = metric_table(); *m != NULL; m++)
		if (metric == NULL || *m == metric)
			add_own_rows(*m);
	if (metric == NULL)
		add_rows(report_options);
	add_rows(output_rows);
}

static void
usage(void)
{
	const struct metric *const *m;
	const char *front = "usage: ";

	if (metric != NULL) {
		printf("usage: %s  %s\n", metric->usage, metric->about);
		options_print(table);
		return;
	}
	for (m = metric_table(); *m != NULL; m++, front = "       ")
		printf("%s%s", front, (*m)->usage);
	printf("       %s", report_usage);
	for (m = metric_table(); *m != NULL; m++)
		printf("  %-13s %s\n", (*m)->name, (*m)->about);
	puts("  report        what the metrics of some runs come to, with 95 % intervals");
	options_print(table);
}

const struct tool tool = { .name = "score", .usage = usage };

static void
parse(int argc, char *argv[])
{
	struct err e;
	const struct metric_option *o = metric->options;
	size_t i;

	options_parse(table, argc, argv);
	for (i = 0; o != NULL && o[i].name != NULL; i++)
		if (o[i].value == NULL && options_given(table, o[i].name))
			options.value[i] = "";
	options.lm = &model_options.lm;
	options.template = model_options.template;
	options.system = model_options.system;
	options.has_template = options_given(table, "-t");
	options.has_prompt = options.has_template || options_given(table, "--system");
	options.barrier = flows.flow[0].path;
	flow_options_check();
	if (flows.n > 1 && !(metric->uses & METRIC_FLOWS))
		tool_misuse("%s needs one barrier: -b", metric->name);
	if (metric->check != NULL && metric->check(&options, &e) != 0)
		tool_misuse("%s", e.text);
	tool_refuse_terminal(tool_output.path);
}

int
main(int argc, char *argv[])
{
	struct stream *in;
	struct sink *out;
	struct header h;
	struct record *r;
	struct err e;
	void *state;
	int rc;

	tool_start(argc, argv);
	flow_options_default(&flows.common);
	model_options_default();
	if (argc > 1 && strcmp(argv[1], "report") == 0)
		score_report(argc - 1, argv + 1);
	if (argc > 1 && argv[1][0] != '-' && (metric = metric_find(argv[1])) == NULL)
		tool_misuse("'%s' is not a metric", argv[1]);
	make_table();
	if (metric == NULL) {
		options_parse(table, argc, argv);
		tool_misuse("a metric must come first");
	}
	parse(argc - 1, argv + 1);

	in = tool_open_input(argc - 1, argv + 1, metric->kinds);
	tool_output_header(&h, in, stream_header(in)->kind, NULL);
	tool_check(header_add_value(&h, "metric", metric->name), NULL);
	if (flows.n > 0 && metric->uses & METRIC_FLOWS) {
		options.steering = tool_need(steering_alloc(NULL));
		flow_options_steer(options.steering, options.lm->threads, &h);
	}
	state = tool_need(calloc(1, metric->size));
	if (metric->open != NULL)
		tool_check(metric->open(state, &options, &h, &e), &e);
	out = tool_open_output(&h);
	r = tool_need(record_alloc());
	tool_progress(in, "records", 0, "records", 0);
	while (tool_read(in, r)) {
		if ((rc = metric->push(state, r, out, &e)) != 0) {
			if (rc == METRIC_EARLIER || sink_failed(out))
				tool_die_err(&e);
			tool_die_record(in, &e);
		}
		tool_progress(in, "records", stream_count(in), "records", stream_count(in));
		/*
		 * do not let a reader wait; but where gzip is flushed would
		 * depend on time
		 */
		if (!tool_output.gzip && !stream_pending(in))
			tool_check(sink_flush(out, &e), &e);
	}
	if (metric->flush != NULL)
		tool_check(metric->flush(state, out, &e), &e);
	if (options.steering != NULL)
		flow_options_count(options.steering, out);
	tool_check(sink_close(out, &e), &e);
	if (metric->close != NULL)
		metric->close(state);
	free(state);
	tool_note("%llu records", (unsigned long long)stream_count(in));
	if (options.steering != NULL)
		flow_options_report(options.steering);
	return 0;
}
