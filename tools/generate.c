/* generate - prompts to completions, steered along a barrier's gradient, by another program, or not. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "model/decoder.h"
#include "model/example.h"
#include "model/lm.h"
#include "number.h"
#include "steer/coprocess.h"
#include "steer/steering.h"
#include "stream/sink.h"
#include "stream/stream.h"
#include "tool.h"

static struct {
	const char *model, *filter, *out, *system;
	struct tool_flows flows;
	int flow_option;		/* one given before any -b */
	struct {			/* of a sweep: one completion for each; n = 0: none */
		char *text[STEERING_LENGTHS];
		struct strength T[STEERING_LENGTHS];
		size_t n;
	} lengths;
	enum template template;
	struct decoder_options decoder;
	const char **stop;
	double filter_timeout;		/* 0: not given */
	int block, context, threads, gpu_layers, gzip, text;
	int readable;			/* standard output is a terminal: text, no stream */
} opt = {
	.block = -1,
	.decoder = { .sampling = { 0, 0, 1 }, .repetition_penalty = 1, .max_tokens = 50, .seqs = 32 },
};

enum {
	FILTER_TIMEOUT = 60,
	SLOW_MS = 500			/* input that lets us wait this long is slow */
};

static void
usage(FILE *to)
{
	fprintf(to,
	    "usage: generate [-vz] [-b barrier [-T length] [-n steps] [-s solver]\n"
	    "                [--tolerance x] [--until q]] ... [--filter command [-l block]\n"
	    "                [--filter-timeout seconds]] [-g layers] [-j threads]\n"
	    "                [-m model] [-o file] [-S seed] [-t raw|chat]\n"
	    "                [--context tokens] [--max-tokens n] [--no-repeat-ngram n]\n"
	    "                [--repetition-penalty x] [--seqs n] [--stop text]\n"
	    "                [--system text] [--temperature x] [--text] [--top-k n]\n"
	    "                [--top-p x] [file ... | prompt ...]\n"
	    "  prompt        an operand with a space in it that is no file\n"
	    "  --text        files hold a prompt a line, not records\n"
	    "  -b barrier    steer the last position of every forward pass along its gradient;\n"
	    "                may be repeated, each followed by its own -T, -n, -s\n"
	    "  -T list       such as 0,0.1r,0.2r: a completion for each, with the field T\n");
	tool_flow_usage(to, &opt.flows);
	fprintf(to,
	    "  --filter command          steer by what it answers to a stream of activations\n"
	    "  -l block      of these, 0-based (default: the middle block)\n"
	    "  --filter-timeout seconds  the longest wait for it (default: %d)\n"
	    "  -m model      GGUF file (default: %s)\n"
	    "  -t template   raw or chat (default: raw)\n"
	    "  -S seed       (default: %llu)\n"
	    "  --context n   longest prompt and completion in tokens (default: 2048, or what\n"
	    "                the model was trained for if that is less)\n"
	    "  --max-tokens n          new tokens (default: %d)\n"
	    "  --temperature x         0: greedy (default: %g)\n"
	    "  --top-k n               0: all (default: %d)\n"
	    "  --top-p x               (default: %g)\n"
	    "  --repetition-penalty x  (default: %g)\n"
	    "  --no-repeat-ngram n     0: allowed (default: %d)\n"
	    "  --stop text             end before it; may be repeated\n"
	    "  --system text           system text\n"
	    "  --seqs n                most texts decoded together (default: %d)\n"
	    "  -g layers     on the GPU (default: 0)    -j threads  (default: %d)\n"
	    "  -o file       (default: standard output)    -z  gzip    -v  progress\n",
	    FILTER_TIMEOUT, tool_default_model(), (unsigned long long)opt.decoder.seed, opt.decoder.max_tokens,
	    opt.decoder.sampling.temperature, opt.decoder.sampling.top_k, opt.decoder.sampling.top_p,
	    opt.decoder.repetition_penalty, opt.decoder.no_repeat_ngram, opt.decoder.seqs, tool_threads());
}

static const struct tool tool = { "generate", usage };

/* "0,0.1r,0.2r" */
static void
parse_lengths(const char *list)
{
	char *rest = strdup(list), *item;
	size_t i;

	if (rest == NULL)
		tool_die("out of memory");
	for (opt.lengths.n = 0; (item = strsep(&rest, ",")) != NULL; opt.lengths.n++) {
		if (opt.lengths.n == STEERING_LENGTHS)
			tool_misuse("-T: more than %d lengths", STEERING_LENGTHS);
		for (i = 0; i < opt.lengths.n; i++)
			if (strcmp(opt.lengths.text[i], item) == 0)
				tool_misuse("-T: length '%s' is given twice", item);
		opt.lengths.T[i] = tool_strength(item);
		opt.lengths.text[i] = item;
	}
}

static void
parse(int argc, char *argv[])
{
	static const struct option longs[] = {
		{ "context", required_argument, NULL, 1 }, { "max-tokens", required_argument, NULL, 2 },
		{ "temperature", required_argument, NULL, 3 }, { "top-k", required_argument, NULL, 4 },
		{ "top-p", required_argument, NULL, 5 }, { "repetition-penalty", required_argument, NULL, 6 },
		{ "no-repeat-ngram", required_argument, NULL, 7 }, { "stop", required_argument, NULL, 8 },
		{ "system", required_argument, NULL, 9 }, { "seqs", required_argument, NULL, 10 },
		{ "filter", required_argument, NULL, 11 }, { "filter-timeout", required_argument, NULL, 12 },
		{ "text", no_argument, NULL, 13 }, TOOL_FLOW_LONGS, { NULL, 0, NULL, 0 }
	};
	struct decoder_options *d = &opt.decoder;
	int c;

	opt.model = tool_default_model();
	opt.threads = tool_threads();
	if ((opt.stop = calloc((size_t)argc, sizeof *opt.stop)) == NULL)
		tool_die("out of memory");
	d->stop = opt.stop;
	while ((c = tool_option(argc, argv, "b:g:j:l:m:n:o:s:S:t:T:vz", longs)) != -1)
		switch (c) {
		case 'g': opt.gpu_layers = (int)number_long("-g", optarg, 0, 1000); break;
		case 'j': opt.threads = (int)number_long("-j", optarg, 1, 512); break;
		case 'l': opt.block = (int)number_long("-l", optarg, 0, 1000000); break;
		case 'm': opt.model = optarg; break;
		case 'o': opt.out = optarg; break;
		case 'S': d->seed = number_uint64("-S", optarg); break;
		case 't':
			if (template_parse(&opt.template, optarg) != 0)
				tool_misuse("-t: '%s' is neither raw nor chat", optarg);
			break;
		case 'v': tool_verbose(1); break;
		case 'z': opt.gzip = 1; break;
		case 1: opt.context = (int)number_long("--context", optarg, 1, 1 << 20); break;
		case 2: d->max_tokens = (int)number_long("--max-tokens", optarg, 1, 1 << 20); break;
		case 3: d->sampling.temperature = number_double("--temperature", optarg, 0, 100); break;
		case 4: d->sampling.top_k = (int)number_long("--top-k", optarg, 0, 1 << 30); break;
		case 5: d->sampling.top_p = number_double("--top-p", optarg, 1e-6, 1); break;
		case 6: d->repetition_penalty = number_double("--repetition-penalty", optarg, 1e-3, 1e3); break;
		case 7: d->no_repeat_ngram = (int)number_long("--no-repeat-ngram", optarg, 0, 1000); break;
		case 8:
			if (*optarg == '\0')
				tool_misuse("--stop: the text is empty");
			opt.stop[d->n_stop++] = optarg;
			break;
		case 9: opt.system = optarg; break;
		case 10: d->seqs = (int)number_long("--seqs", optarg, 1, lm_max_seqs()); break;
		case 11:
			if (*optarg == '\0')
				tool_misuse("--filter: the command is empty");
			opt.filter = optarg;
			break;
		case 12: opt.filter_timeout = number_double("--filter-timeout", optarg, 0.001, 1e6); break;
		case 13: opt.text = 1; break;
		case 'T':
			opt.flow_option = 1;
			opt.lengths.n = 0;
			if (strchr(optarg, ',') != NULL)
				parse_lengths(optarg);
			else
				tool_flow_option(&opt.flows, c, optarg);
			break;
		default:
			tool_flow_option(&opt.flows, c, optarg);
			opt.flow_option = 1;
		}
	if (opt.flow_option && opt.flows.n == 0)
		tool_misuse("a flow needs a barrier: -b");
	if (opt.filter != NULL && opt.flows.n > 0)
		tool_misuse("--filter and -b exclude each other");
	if (opt.filter == NULL && (opt.block >= 0 || opt.filter_timeout > 0))
		tool_misuse("%s needs a filter: --filter", opt.block >= 0 ? "-l" : "--filter-timeout");
	if (opt.lengths.n > 0 && opt.flows.n > 1)
		tool_misuse("-T: a list of lengths goes with one barrier");
	opt.readable = (opt.out == NULL || strcmp(opt.out, "-") == 0) && isatty(STDOUT_FILENO);
	if (opt.readable && opt.gzip)
		tool_misuse("-z: standard output is a terminal, which gets text");
}

/* The state of one run. */
struct job {
	struct stream *in;		/* NULL: prompts are operands */
	char **prompt;
	size_t n_prompt, at;
	struct lm *lm;
	struct decoder *decoder;
	struct sink *out;		/* NULL: text to a terminal */
	uint64_t answers;		/* given so far */
	int slow;			/* input has let us wait: answers leave at once */
};

/* Takes the operands as prompts or files: one that contains a space and names no file is a prompt. */
static void
open_input(struct job *j, char *operand[], size_t n)
{
	const char *prompt = NULL, *file = NULL;
	struct err e;
	size_t i;

	for (i = 0; i < n; i++)
		*(strpbrk(operand[i], " \t\n") != NULL && access(operand[i], F_OK) != 0 ? &prompt : &file) = operand[i];
	if (prompt != NULL && (file != NULL || opt.text))
		tool_misuse("'%s' is not a file, and a prompt does not go with %s", prompt, file != NULL ? "files" : "--text");
	if (prompt != NULL) {
		for (i = 0; i < n; i++)
			if (utf8_span(operand[i], strlen(operand[i])) != strlen(operand[i]))
				tool_misuse("prompt %zu is not UTF-8 text", i + 1);
		j->prompt = operand;
		j->n_prompt = n;
		return;
	}
	j->in = (opt.text ? stream_open_text : stream_open)((const char *const *)operand, n, &e);
	if (j->in == NULL || stream_expect(j->in, 1u << STREAM_EXAMPLES | 1u << STREAM_COMPLETIONS, &e) != 0)
		tool_die_err(&e);
	stream_number(j->in);
}

/* The next prompt, as stream_read. */
static int
next_prompt(struct job *j, struct record *r, struct err *e)
{
	const char *prompt;

	if (j->in != NULL)
		return stream_read(j->in, r, e);
	if (j->at == j->n_prompt)
		return 0;
	prompt = j->prompt[j->at++];
	record_clear(r);
	return record_set_int(r, "id", (int64_t)j->at) != 0 || record_set_str(r, "prompt", prompt, strlen(prompt)) != 0 ?
	    err_memory(e) : 1;
}

static _Noreturn void
die_prompt(const struct job *j, struct err *e)
{
	if (j->in != NULL)
		tool_die_record(j->in, e);
	tool_die("prompt %zu: %s", j->at, e->text);
}

/* Steering by another program. */
struct filtering {
	struct coprocess *filter;
	struct coprocess_row *row;		/* [seqs] */
	const struct decoder *decoder;
	uint64_t count;			/* activations steered */
};

/* lm_steer_fn */
static int
ask_filter(void *ctx, float *act, size_t n, struct err *e)
{
	struct filtering *f = ctx;
	size_t i;

	for (i = 0; i < n; i++)
		f->row[i].of = decoder_row(f->decoder, i, &f->row[i].pos);
	f->count += n;
	return coprocess_apply(f->filter, f->row, act, n, e);
}

/* The filter gets a header as of activations that collect wrote, with the chain of the completions. */
static void
start_filter(struct filtering *f, struct lm *m, const struct header *completions)
{
	int block = opt.block >= 0 ? opt.block : lm_blocks(m) / 2;
	struct header h;
	struct err e;

	/* first, for it refuses a block that is not there */
	if (lm_steer(m, block, ask_filter, f, &e) != 0)
		tool_die_err(&e);
	if ((f->row = calloc((size_t)opt.decoder.seqs, sizeof *f->row)) == NULL ||
	    header_copy(&h, completions) != 0 || header_set_blocks(&h, &block, 1) != 0)
		tool_die("out of memory");
	h.kind = STREAM_ACTIVATIONS;
	h.dim = (size_t)lm_dim(m);
	/* who started us may not care how its children end; we do */
	signal(SIGCHLD, SIG_DFL);
	f->filter = coprocess_open(opt.filter, &h, opt.filter_timeout > 0 ? opt.filter_timeout : FILTER_TIMEOUT, &e);
	if (f->filter == NULL)
		tool_die_err(&e);
	header_release(&h);
}

/* Prints text for a terminal, with U+FFFD in place of control characters. */
static void
print_text(const char *s)
{
	const unsigned char *c = (const unsigned char *)s;

	for (; *c != '\0'; c++) {
		int c1 = c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0;

		if (c1 || (*c < ' ' && *c != '\n' && *c != '\t') || *c == 0x7f)
			fputs("\xef\xbf\xbd", stdout);
		else
			putchar(*c);
		c += c1;
	}
}

/* The prompt, once for all its lengths, and the completion. */
static void
print_answer(const struct record *r)
{
	const char *prompt = "", *completion = "", *T = NULL;

	record_get_str(r, "prompt", &prompt, NULL);
	record_get_str(r, "completion", &completion, NULL);
	if (opt.lengths.n > 0)
		record_get_str(r, "T", &T, NULL);
	if (T == NULL || strcmp(T, opt.lengths.text[0]) == 0) {
		fputs("> ", stdout);
		print_text(prompt);
		putchar('\n');
	}
	if (T != NULL)
		printf("[T = %s] ", T);
	print_text(completion);
	puts("\n");
	fflush(stdout);
}

/* decoder_fn */
static int
write_record(void *ctx, struct record *r, struct err *e)
{
	struct job *j = ctx;

	j->answers++;
	if (j->out == NULL) {
		print_answer(r);
		return 0;
	}
	/* gzip is not cut, its bytes would depend on the time */
	return sink_write(j->out, r, e) != 0 || (j->slow && !opt.gzip && sink_flush(j->out, e) != 0) ? -1 : 0;
}

/* The number of the length in a sweep of row i. */
static size_t
length_of(void *ctx, size_t i)
{
	const struct job *j = ctx;
	const char *T = "";
	size_t k = 0;
	int pos;

	record_get_str(decoder_row(j->decoder, i, &pos), "T", &T, NULL);
	while (k + 1 < opt.lengths.n && strcmp(T, opt.lengths.text[k]) != 0)
		k++;
	return k;
}

/* Begins the completions of a prompt: one, or one for each length of a sweep. */
static void
push(struct job *j, struct record *r)
{
	struct example x;
	struct err e;
	size_t k = 0;

	if (example_read(&x, j->lm, r, opt.template, opt.system, EXAMPLE_PROMPT, &e) != 0 ||
	    (x.n + (size_t)opt.decoder.max_tokens > (size_t)opt.context &&
	     err_set(&e, "'%s' has %zu tokens: no room for %d more in a context of %d", x.id, x.n,
	     opt.decoder.max_tokens, opt.context)))
		die_prompt(j, &e);
	/* the length of an earlier sweep is not that of these completions */
	if (j->in != NULL && stream_header(j->in)->kind == STREAM_COMPLETIONS)
		record_unset(r, "T");
	do {
		if (opt.lengths.n > 0 && record_set_str(r, "T", opt.lengths.text[k], strlen(opt.lengths.text[k])) != 0)
			tool_die("out of memory");
		/* what goes wrong here may be about any of the texts under way */
		if (decoder_push(j->decoder, r, &x, &e) != 0)
			tool_die_err(&e);
	} while (++k < opt.lengths.n);
	example_release(&x);
}

/* A prompt is done with its last answer. */
static void
show_progress(const struct job *j)
{
	if (j->in != NULL && !opt.readable)
		tool_progress(j->in, "prompts", j->answers / (opt.lengths.n > 0 ? opt.lengths.n : 1), "tokens",
		    decoder_tokens(j->decoder));
}

/*
 * Answers all prompts. As long as input comes at once, texts are decoded in the same batches in every
 * run. Once input has let us wait, each prompt is answered as it comes.
 */
static void
answer(struct job *j)
{
	struct record *r = record_alloc();
	struct err e;
	int got;

	if (r == NULL)
		tool_die("out of memory");
	for (;;) {
		show_progress(j);
		if (j->in != NULL && !stream_wait(j->in, j->slow ? 0 : SLOW_MS)) {
			if (!j->slow && j->out != NULL && !opt.gzip && sink_flush(j->out, &e) != 0)
				tool_die_err(&e);
			j->slow = 1;
			if (decoder_busy(j->decoder)) {
				if (decoder_step(j->decoder, &e) != 0)
					tool_die_err(&e);
				continue;
			}
		}
		if ((got = next_prompt(j, r, &e)) != 1)
			break;
		push(j, r);
	}
	while (got == 0 && decoder_busy(j->decoder)) {
		if (decoder_step(j->decoder, &e) != 0)
			got = -1;
		show_progress(j);
	}
	if (got < 0)
		tool_die_err(&e);
	record_free(r);
}

/* Opens the model with room for the texts decoded together. */
static struct lm *
open_model(void)
{
	struct lm_options o = { .path = opt.model, .threads = opt.threads, .gpu_layers = opt.gpu_layers };
	struct decoder_options *d = &opt.decoder;
	int context = opt.context > 0 ? opt.context : 2048;
	struct lm *m;
	struct err e;

	o.seqs = d->seqs;
	/* one text may fill the context; texts of common length fill it together */
	o.cells = d->cells = context > d->seqs * 256 ? context : d->seqs * 256;
	o.batch = d->batch = d->seqs > 512 ? d->seqs : 512;
	o.outputs = d->seqs;
	/* a GPU, which has power to spare, does better with fewer batches */
	o.split = opt.gpu_layers == 0 && d->seqs > 1;
	if ((m = lm_open(&o, &e)) == NULL)
		tool_die_err(&e);
	if (opt.context > lm_context(m))
		tool_misuse("--context: the model was trained for %d tokens", lm_context(m));
	opt.context = context < lm_context(m) ? context : lm_context(m);
	return m;
}

/* Reads the barriers that steer. */
static void
add_barriers(struct job *j, struct steering *steering, struct header *h)
{
	struct err e;
	size_t i;

	for (i = 0; i < opt.flows.n; i++) {
		struct tool_flow *f = &opt.flows.flow[i];

		f->o.threads = (unsigned)opt.threads;
		if (steering_add(steering, f->path, &f->o, h, &e) != 0 ||
		    (opt.lengths.n > 0 && steering_lengths(steering, opt.lengths.T, opt.lengths.n, &f->o, length_of, j, &e) != 0))
			tool_die_err(&e);
	}
}

/* Writes how much was steered into the end record. Nothing steered is an error. */
static void
count_steered(const struct job *j, const struct steering *steering, struct filtering *f)
{
	struct steering_count c = steering_counted(steering);
	struct err e;

	if (opt.flows.n > 0 && c.seen == 0)
		tool_die("no activation was steered, though a barrier was given");
	if (opt.filter != NULL && f->count == 0)
		tool_die("no activation was steered, though a filter was given");
	if (opt.filter != NULL && coprocess_close(f->filter, &e) != 0)
		tool_die_err(&e);
	if (j->out == NULL)
		return;
	if ((opt.filter != NULL && sink_counter(j->out, "steered", f->count, &e) != 0) ||
	    (opt.flows.n > 0 && (sink_counter(j->out, "steered", c.seen, &e) != 0 ||
	    sink_counter(j->out, "moved", c.moved, &e) != 0 ||
	    sink_number(j->out, "mean_length", c.length / (double)c.seen, &e) != 0)))
		tool_die_err(&e);
}

int
main(int argc, char *argv[])
{
	struct steering *steering = steering_alloc();
	struct steering_count c;
	struct filtering filtering = { 0 };
	struct job j = { 0 };
	struct header h;
	struct err e;
	double began;

	tool_start(&tool, argc, argv);
	flow_options_default(&opt.flows.common);
	parse(argc, argv);
	tool_blas_threads(1);

	open_input(&j, argv + optind, (size_t)(argc - optind));
	if (j.in == NULL)
		header_init(&h, STREAM_EXAMPLES);
	if (steering == NULL || (j.in != NULL && header_copy(&h, stream_header(j.in)) != 0))
		tool_die("out of memory");
	h.kind = STREAM_COMPLETIONS;
	tool_link(&h, &opt.decoder.seed);
	add_barriers(&j, steering, &h);
	j.lm = open_model();
	if (header_set_model(&h, lm_name(j.lm), lm_digest(j.lm)) != 0)
		tool_die("out of memory");
	if (steering_attach(steering, j.lm, &e) != 0)
		tool_die_err(&e);
	if (opt.filter != NULL)
		start_filter(&filtering, j.lm, &h);
	opt.decoder.want = opt.flows.n > 0 || opt.filter != NULL ? LM_STEER : 0;
	if (!opt.readable && (j.out = sink_open(opt.out, opt.gzip, &h, &e)) == NULL)
		tool_die_err(&e);
	if ((j.decoder = decoder_alloc(j.lm, &opt.decoder, write_record, &j)) == NULL)
		tool_die("out of memory");
	filtering.decoder = j.decoder;

	began = clock_now();
	answer(&j);
	count_steered(&j, steering, &filtering);
	if (j.out != NULL && sink_close(j.out, &e) != 0)
		tool_die_err(&e);
	tool_note("%llu prompts, %llu tokens generated in %.3f s",
	    (unsigned long long)(j.in != NULL ? stream_count(j.in) : j.n_prompt),
	    (unsigned long long)decoder_tokens(j.decoder), clock_now() - began);
	c = steering_counted(steering);
	if (opt.flows.n > 0)
		tool_note("%llu activations steered, %.1f %% of them moved, mean length %.4g",
		    (unsigned long long)c.seen, 100 * (double)c.moved / (double)c.seen,
		    c.length / (double)c.seen);
	if (opt.filter != NULL)
		tool_note("%llu activations steered by '%s'", (unsigned long long)filtering.count, opt.filter);
	if (j.out == NULL)
		tool_answered();
	return 0;
}
