/* score - a filter: one metric added to each record of a stream; or the report on such streams. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/utf8.h"
#include "flow_options.h"
#include "metric/metric.h"
#include "model_options.h"
#include "number.h"
#include "report.h"
#include "stream/sink.h"
#include "stream/stream.h"
#include "tool.h"

static struct {
	const struct metric *metric;
	struct metric_options o;
	const char *primer;
} opt;

static struct tool_option flow_rows[] = { FLOW_LENGTH, FLOW_OPTIONS, { 0 } };

static void
usage(FILE *to)
{
	const struct metric *const *m;

	for (m = metric_table(); *m != NULL; m++)
		fprintf(to, "%s%s", m == metric_table() ? "usage: " : "       ", (*m)->usage);
	fprintf(to,
	    "       score report [-o table|csv|json|latex|markdown] [-S seed] [--baseline name]\n"
	    "                    [--column field[:title]] ...\n"
	    "                    [[name=]file ...]\n");
	for (m = metric_table(); *m != NULL; m++)
		fprintf(to, "  %-13s %s\n", (*m)->name, (*m)->about);
	fprintf(to,
	    "  report        what the metrics of some runs come to, with 95 %% intervals\n"
	    "  -b barrier    density: h of this one; judge: by its h; mc: steer along its\n"
	    "                gradient; may be repeated, each followed by its own -T, -n, -s\n");
	options_print(flow_rows, to);
	fprintf(to,
	    "  -m model      GGUF file (default: %s)\n"
	    "  -t template   raw or chat (default: raw)\n"
	    "  -t text       judge: what it reads; {q} is the question, {a} the answer, \\n a\n"
	    "                new line (default with -b: 'Q: {q}\\nA: {a}')\n"
	    "  -y yes        judge: what it says of a good answer (default: ' yes')\n"
	    "  -n no         judge: and of a bad one (default: ' no')\n"
	    "  --as name     judge: name of its fields, such as truth or info (default: truth)\n"
	    "  --system text in front of every prompt\n"
	    "  --primer text-file\n"
	    "                mc: its text in front of every prompt, behind the system text\n"
	    "  --alone       completions without their prompts\n"
	    "  -g layers     on the GPU (default: 0)    -j threads  (default: %d)\n"
	    "  -S seed       of the report's resampling (default: 0)\n"
	    "  --column field[:title]\n"
	    "                of report: the mean of any field, in front; may be repeated\n"
	    "  --baseline name\n"
	    "                the run of a report that the others are compared with\n"
	    "  -o file       (default: standard output); report: the form (default: table)\n"
	    "  -z  gzip      -v  progress\n",
	    model_options.path, model_options.threads);
}

static const struct tool tool = { "score", usage };

/* Are barriers followed, or are they the metric's own business? */
static int
steers(void)
{
	return strchr(opt.metric->letters, 'T') != NULL;
}

/* Does it ask with a text of its own, and for a yes or no? */
static int
asks(void)
{
	return strchr(opt.metric->letters, 'y') != NULL;
}

/* What a judge reads, \n, \t and \\ as the characters they stand for. */
static const char *
parse_text(const char *text)
{
	char *out = malloc(strlen(text) + 1), *to = out;
	const char *p;

	if (out == NULL)
		tool_die("out of memory");
	for (p = text; *p != '\0'; p++) {
		if (*p != '\\') {
			*to++ = *p;
			continue;
		}
		switch (*++p) {
		case 'n': *to++ = '\n'; break;
		case 't': *to++ = '\t'; break;
		case '\\': *to++ = '\\'; break;
		default: tool_misuse("-t: '%s' has a '\\' that is not \\n, \\t or \\\\", text);
		}
	}
	*to = '\0';
	if (strstr(out, "{a}") == NULL)
		tool_misuse("-t: '%s' has no place for the answer: {a}", text);
	return out;
}

static void
check_judge(void)
{
	const char *yes = opt.o.yes, *no = opt.o.no;

	if (flows.n > 1)
		tool_misuse("judge needs one barrier: -b");
	if (flows.n == 1 && (yes != NULL || no != NULL))
		tool_misuse("a barrier says neither yes nor no: %s", yes != NULL ? "-y" : "-n");
	if (flows.n == 0 && opt.o.text == NULL)
		tool_misuse("judge needs a barrier or a text to ask with: -b or -t");
	if ((yes != NULL && *yes == '\0') || (no != NULL && *no == '\0'))
		tool_misuse("%s: the text is empty", yes != NULL && *yes == '\0' ? "-y" : "-n");
	if (strcmp(yes != NULL ? yes : " yes", no != NULL ? no : " no") == 0)
		tool_misuse("-y and -n are the same: '%s'", yes);
}

void
score_options(const struct metric *m, char letters[SCORE_LETTERS], struct option longs[SCORE_LONGS])
{
	static const struct option known[] = {
		{ "alone", no_argument, NULL, SCORE_ALONE }, { "system", required_argument, NULL, SCORE_SYSTEM },
		{ "as", required_argument, NULL, SCORE_AS }, { "primer", required_argument, NULL, SCORE_PRIMER },
		{ "until", required_argument, NULL, SCORE_UNTIL },
		{ "tolerance", required_argument, NULL, SCORE_TOLERANCE }
	};
	const char *const *name = m->longs;
	size_t n = 0, i;
	const char *l;

	/* a metric takes the letters it has a use for, each with a value */
	strcpy(letters, "o:vz");
	for (l = m->letters; *l != '\0'; l++)
		snprintf(letters + strlen(letters), SCORE_LETTERS - strlen(letters), "%c:", *l);
	for (; name != NULL && *name != NULL; name++)
		for (i = 0; i < sizeof known / sizeof *known; i++)
			if (strcmp(known[i].name, *name) == 0)
				longs[n++] = known[i];
	longs[n] = (struct option){ NULL, 0, NULL, 0 };
}

/* Reads an option of flows, as getopt_long returned it. */
static void
parse_flow(int c, const char *text)
{
	char letter[] = { '-', (char)c, '\0' };

	flow_options_parse(c == SCORE_UNTIL ? "--until" : c == SCORE_TOLERANCE ? "--tolerance" : letter, text);
}

static void
parse(int argc, char *argv[])
{
	struct option longs[SCORE_LONGS];
	char letters[SCORE_LETTERS];
	int c, prompt = 0;

	score_options(opt.metric, letters, longs);
	opt.o.model = model_options.path;
	opt.o.threads = model_options.threads;
	while ((c = tool_option(argc, argv, letters, longs)) != -1)
		switch (c) {
		case SCORE_ALONE: opt.o.alone = 1; break;
		case SCORE_SYSTEM: opt.o.system = optarg; prompt = 1; break;
		case SCORE_PRIMER: opt.primer = optarg; break;
		case SCORE_AS: opt.o.as = optarg; break;
		case 'g': opt.o.gpu_layers = (int)number_long("-g", optarg, 0, 1000); break;
		case 'j': opt.o.threads = (int)number_long("-j", optarg, 1, 512); break;
		case 'm': opt.o.model = optarg; break;
		case 'o': tool_output.path = optarg; break;
		case 'y': opt.o.yes = optarg; break;
		case 't':
			if (asks()) {
				opt.o.text = parse_text(optarg);
				break;
			}
			if (template_parse(&opt.o.template, optarg) != 0)
				tool_misuse("-t: '%s' is neither raw nor chat", optarg);
			prompt = 1;
			break;
		case 'v': tool_verbose = 1; break;
		case 'z': tool_output.gzip = 1; break;
		default:
			if (c == 'n' && asks()) {
				opt.o.no = optarg;
				break;
			}
			parse_flow(c, optarg);
		}
	flow_options_check();
	if (opt.o.alone && prompt)
		tool_misuse("--alone leaves out the prompt: neither -t nor --system goes with it");
	if (asks())
		check_judge();
	else if (!steers() && strchr(opt.metric->letters, 'b') != NULL && flows.n != 1)
		tool_misuse("%s needs %s barrier: -b", opt.metric->name, flows.n == 0 ? "a" : "one");
	tool_refuse_terminal(tool_output.path);
}

/* The barriers given: to be followed, or for the metric's own use. */
static void
open_barriers(struct header *h)
{
	struct err e;

	if (flows.n == 0)
		return;
	if (!steers()) {
		if (barrier_open(&opt.o.barrier, flows.flow[0].path, &e) != 0)
			tool_die_err(&e);
		if (header_add_side(h, flows.flow[0].path, opt.o.barrier->digest) != 0)
			tool_die("out of memory");
		return;
	}
	if ((opt.o.steering = steering_alloc()) == NULL)
		tool_die("out of memory");
	flow_options_steer(opt.o.steering, opt.o.threads, h);
}

/* Puts the primer behind the system text, both in front of every prompt and on lines of their own. */
static void
read_primer(struct header *h)
{
	const char *system = opt.o.system != NULL ? opt.o.system : "";
	size_t len = strlen(system), start;
	FILE *f = fopen(opt.primer, "r");
	char *text = NULL, digest[17];
	size_t room = 0, got = 0;

	if (f == NULL)
		tool_die("cannot open '%s': %s", opt.primer, strerror(errno));
	start = len > 0 ? len + 1 : 0;
	for (len = start; ; len += got) {
		if (len + BUFSIZ >= room && (text = realloc(text, room = 2 * room + len + BUFSIZ + 1)) == NULL)
			tool_die("out of memory");
		if ((got = fread(text + len, 1, BUFSIZ, f)) == 0)
			break;
	}
	if (ferror(f))
		tool_die("cannot read '%s': %s", opt.primer, strerror(errno));
	fclose(f);
	if (len == start)
		tool_die("'%s' is empty", opt.primer);
	if (utf8_span(text + start, len - start) != len - start || memchr(text + start, '\0', len - start) != NULL)
		tool_die("'%s' is not text in UTF-8", opt.primer);
	snprintf(digest, sizeof digest, "%016llx", (unsigned long long)hash_bytes(HASH_START, text + start, len - start));
	if (header_add_side(h, opt.primer, digest) != 0)
		tool_die("out of memory");
	if (start > 0) {
		memcpy(text, system, start - 1);
		text[start - 1] = '\n';
	}
	/* a newline will end it as the system text, so that its own last one does not count */
	text[len - (len > start && text[len - 1] == '\n')] = '\0';
	opt.o.system = text;
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
	flow_options_default(&flows.common);
	model_options_default();
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

	in = tool_open_input(argc, argv, m->kinds);
	tool_output_header(&h, in, stream_header(in)->kind, NULL);
	open_barriers(&h);
	if (opt.primer != NULL)
		read_primer(&h);
	if ((state = m->open(&opt.o, &h, &e)) == NULL)
		tool_die_err(&e);
	out.sink = tool_open_output(&h);
	if ((r = record_alloc()) == NULL)
		tool_die("out of memory");
	tool_progress(in, "records", 0, "records", 0);
	while ((got = stream_read(in, r, &e)) == 1) {
		if (m->push(state, r, &out.base, &e) != 0)
			tool_die_record(in, &e);
		tool_progress(in, "records", stream_count(in), "records", stream_count(in));
		/* who waits for an answer gets it; gzip is not cut, its bytes would depend on the time */
		if (!tool_output.gzip && !stream_pending(in) && sink_flush(out.sink, &e) != 0)
			tool_die_err(&e);
	}
	if (got < 0 || m->flush(state, &out.base, &e) != 0 || sink_close(out.sink, &e) != 0)
		tool_die_err(&e);
	m->close(state);
	tool_note("%llu records", (unsigned long long)stream_count(in));
	return 0;
}
