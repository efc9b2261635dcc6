/* generate - completes prompts with a language model, steered or not. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "flow_options.h"
#include "model/decoder.h"
#include "model/example.h"
#include "model/lm.h"
#include "model_options.h"
#include "options.h"
#include "steer/coprocess.h"
#include "steer/steering.h"
#include "tool.h"

static struct {
	const char *filter;
	double filter_timeout;
	int block;			/* of the filter; < 0: the middle one */
	struct {			/* of a sweep: one completion for each; n = 0: none */
		char *text[STEERING_LENGTHS];
		struct strength T[STEERING_LENGTHS];
		size_t n;
	} lengths;
	struct decoder_options decoder;
	const char **stop;
	int samples;			/* completions of each prompt, for each length */
	int text;			/* files hold a prompt a line */
	int readable;			/* standard output is a terminal, and gets text */
} opt = {
	.filter_timeout = 60,
	.block = -1,
	.samples = 1,
	.decoder = { .room = &model_options.lm, .sampling = { 0, 0, 1 }, .repetition_penalty = 1,
	    .max_tokens = 50 },
};

enum { SLOW_MS = 500 };		/* input that lets us wait this long is slow */

/* Reads the value of -T: a length, or a list such as "0,0.1r,0.2r". */
static void
parse_lengths(const char *option, const char *text)
{
	char *rest = tool_need(strdup(text)), *item;
	size_t i;

	opt.lengths.n = 0;
	if (strchr(text, ',') == NULL) {
		flow_options_parse(option, text);
		return;
	}
	flows.given = 1;
	for (; (item = strsep(&rest, ",")) != NULL; opt.lengths.n++) {
		if (opt.lengths.n == STEERING_LENGTHS)
			tool_misuse("-T: more than %d lengths", STEERING_LENGTHS);
		for (i = 0; i < opt.lengths.n; i++)
			if (strcmp(opt.lengths.text[i], item) == 0)
				tool_misuse("-T: length '%s' is given twice", item);
		opt.lengths.T[i] = flow_options_length(item);
		opt.lengths.text[i] = item;
	}
}

static void
parse_stop(const char *option, const char *text)
{
	if (*text == '\0')
		tool_misuse("%s: the text is empty", option);
	options_check_text(option, text);
	opt.stop[opt.decoder.n_stop++] = text;
}

static struct tool_option options[] = {
	FLOW_BARRIER("barrier file: steer along its field; may be repeated, each followed by "
	    "its own options of flows, those from -T to --when"),
	{ "-T", "length", FLOW_LENGTH_ABOUT "; a list such as 0,0.1r,0.2r makes one completion for "
	    "each, with the field T", .parse = parse_lengths },
	FLOW_OPTIONS,
	WHERE_OPTIONS,
	{ "--filter", "command", "steer by a command that reads and writes activations",
	    OPTION_TEXT, .to = &opt.filter },
	{ "-l", "block", "block of the filter, 0-based (default: the middle block)", OPTION_INT,
	    .to = &opt.block, .min = 0, .max = 1000000 },
	{ "--filter-timeout", "seconds", "longest time to wait for the filter", OPTION_DOUBLE,
	    .to = &opt.filter_timeout, .min = 0.001, .max = 1e6 },
	MODEL_OPTIONS,
	PROMPT_OPTIONS,
	CONTEXT_OPTION,
	SEQS_OPTION,
	{ "-S", "seed", "seed of the random numbers", OPTION_SEED, .to = &opt.decoder.seed },
	{ "--samples", "n", "completions of each prompt, told apart by the field sample; more than "
	    "one need --temperature", OPTION_INT, .to = &opt.samples, .min = 1, .max = 1000 },
	{ "--max-tokens", "n", "most tokens to generate", OPTION_INT,
	    .to = &opt.decoder.max_tokens, .min = 1, .max = 1 << 20 },
	{ "--temperature", "x", "divide logits by this and sample; 0: take the likeliest token",
	    OPTION_DOUBLE, .to = &opt.decoder.sampling.temperature, .min = 0, .max = 100 },
	{ "--top-k", "n", "sample from the n likeliest tokens; 0: from all", OPTION_INT,
	    .to = &opt.decoder.sampling.top_k, .min = 0, .max = 1 << 30 },
	{ "--top-p", "x", "sample from the likeliest tokens, up to this total probability",
	    OPTION_DOUBLE, .to = &opt.decoder.sampling.top_p, .min = 1e-6, .max = 1 },
	{ "--repetition-penalty", "x", "make tokens that occurred less likely; 1: no change",
	    OPTION_DOUBLE, .to = &opt.decoder.repetition_penalty, .min = 1e-3, .max = 1e3 },
	{ "--no-repeat-ngram", "n", "never repeat n tokens in a row; 0: allow it", OPTION_INT,
	    .to = &opt.decoder.no_repeat_ngram, .min = 0, .max = 1000 },
	{ "--stop", "text", "end a completion before this text; may be repeated",
	    .parse = parse_stop },
	{ "--text", NULL, "files hold one prompt a line, not records", OPTION_FLAG,
	    .to = &opt.text },
	OUTPUT_OPTIONS("report progress"),
	{ 0 }
};

const struct tool tool = { .name = "generate", .synopsis =
	"usage: generate [-vz] [-b barrier [-T length] [-n steps] [-s solver]\n"
	"                [--at completion|last|all] [--first n] [--skip n]\n"
	"                [--tolerance x] [--until q] [--when barrier:q]] ...\n"
	"                [--filter command [-l block] [--filter-timeout seconds]]\n"
	"                [-g layers] [-j threads] [-m model] [-o file] [-S seed]\n"
	"                [-t raw|chat] [--context tokens] [--max-tokens n]\n"
	"                [--no-repeat-ngram n] [--repetition-penalty x] [--samples n]\n"
	"                [--seqs n] [--stop text] [--system text] [--temperature x]\n"
	"                [--text] [--top-k n] [--top-p x] [file ... | prompt ...]\n"
	"  prompt        an operand that contains a space and names no file\n"
};

static void
parse(int argc, char *argv[])
{
	static const char *const random[] = { "-S", "--top-k", "--top-p" };
	size_t i;

	flow_options_default(&flows.common);
	model_options_default();
	model_options.lm.seqs = 32;
	opt.decoder.stop = opt.stop = tool_need(calloc((size_t)argc, sizeof *opt.stop));
	options_parse(options, argc, argv);
	flow_options_check();
	if (opt.filter != NULL && *opt.filter == '\0')
		tool_misuse("--filter: the command is empty");
	if (opt.filter != NULL && flows.n > 0)
		tool_misuse("--filter and -b exclude each other");
	if (opt.filter == NULL && options_given(options, "-l"))
		tool_misuse("-l needs a filter: --filter");
	if (opt.filter == NULL && options_given(options, "--filter-timeout"))
		tool_misuse("--filter-timeout needs a filter: --filter");
	if (opt.lengths.n > 0 && flows.n > 1)
		tool_misuse("-T: a list of lengths goes with one barrier");
	for (i = 0; i < sizeof random / sizeof *random; i++)
		if (opt.decoder.sampling.temperature == 0 && options_given(options, random[i]))
			tool_misuse("%s needs --temperature", random[i]);
	if (opt.samples > 1 && (opt.decoder.sampling.temperature == 0 ||
	    opt.decoder.sampling.top_k == 1))
		tool_misuse("--samples: %s all samples are the same",
		    opt.decoder.sampling.top_k == 1 ? "with --top-k 1" : "without --temperature");
	opt.readable = (tool_output.path == NULL || strcmp(tool_output.path, "-") == 0) &&
	    isatty(STDOUT_FILENO);
	if (opt.readable && tool_output.gzip)
		tool_misuse("-z: standard output is a terminal, which gets text");
}

struct generator {
	struct stream *in;		/* NULL: prompts are operands */
	char **prompt;			/* [n_prompt] these, those before `next` already read */
	size_t n_prompt, next;
	struct lm *lm;
	struct steering *steering;
	struct decoder *decoder;
	struct sink *out;		/* NULL: text to a terminal */
	uint64_t answers;		/* given so far */
	int slow;			/* input has let us wait: answers leave at once */
	struct coprocess *filter;	/* NULL: none */
	struct coprocess_row *row;	/* [seqs] of the activations it gets */
	uint64_t filtered;		/* activations it has steered */
};

/* Takes operands as prompts. */
static void
set_prompts(struct generator *g, char *prompt[], size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (utf8_span(prompt[i], strlen(prompt[i])) != strlen(prompt[i]))
			tool_misuse("prompt %zu is not UTF-8 text", i + 1);
	g->prompt = prompt;
	g->n_prompt = n;
}

/* Opens the operands: prompts if they have a space in them and name no file. */
static void
open_input(struct generator *g, char *operand[], size_t n)
{
	const char *prompt = NULL, *file = NULL;
	struct err e;
	size_t i;

	for (i = 0; i < n; i++)
		if (strpbrk(operand[i], " \t\n") != NULL && access(operand[i], F_OK) != 0)
			prompt = operand[i];
		else
			file = operand[i];
	if (prompt != NULL && (file != NULL || opt.text))
		tool_misuse("'%s' is not a file, and a prompt does not go with %s", prompt,
		    file != NULL ? "files" : "--text");
	if (prompt != NULL) {
		set_prompts(g, operand, n);
		return;
	}
	g->in = (opt.text ? stream_open_text : stream_open)((const char *const *)operand, n, &e);
	if (g->in == NULL ||
	    stream_expect(g->in, STREAM_TEXTS, &e) != 0)
		tool_die_err(&e);
	stream_add_ids(g->in);
}

/* Reads the next prompt into r. Returns as stream_read does. */
static int
next_prompt(struct generator *g, struct record *r, struct err *e)
{
	const char *prompt;

	if (g->in != NULL)
		return stream_read(g->in, r, e);
	if (g->next == g->n_prompt)
		return 0;
	prompt = g->prompt[g->next++];
	record_clear(r);
	if (record_set_int(r, "id", (int64_t)g->next) != 0 ||
	    record_set_str(r, "prompt", prompt, strlen(prompt)) != 0)
		return err_memory(e);
	return 1;
}

static _Noreturn void
die_prompt(const struct generator *g, struct err *e)
{
	if (g->in != NULL)
		tool_die_record(g->in, e);
	tool_die("prompt %zu: %s", g->next, e->text);
}

/* Steers act[n] by the filter: lm_steer_fn. */
static int
ask_filter(void *ctx, float *act, const struct lm_steered *row, size_t n, struct err *e)
{
	struct generator *g = ctx;
	size_t i;

	(void)row;
	for (i = 0; i < n; i++)
		g->row[i].of = decoder_row(g->decoder, i, &g->row[i].pos);
	g->filtered += n;
	return coprocess_apply(g->filter, g->row, act, n, e);
}

/* Starts the filter. It gets the header that collect would write. */
static void
start_filter(struct generator *g, const struct header *completions)
{
	int block = opt.block >= 0 ? opt.block : lm_blocks(g->lm) / 2;
	struct header h;
	struct err e;

	/* first, because it refuses a block that the model lacks */
	tool_check(lm_steer(g->lm, block, ask_filter, g, &e), &e);
	g->row = tool_need(calloc((size_t)model_options.lm.seqs, sizeof *g->row));
	tool_check(header_copy(&h, completions), NULL);
	tool_check(header_set_blocks(&h, &block, 1), NULL);
	h.kind = STREAM_ACTIVATIONS;
	h.dim = (size_t)lm_dim(g->lm);
	/* the parent may have had its children's ends ignored */
	signal(SIGCHLD, SIG_DFL);
	g->filter = tool_need_err(coprocess_open(opt.filter, &h, opt.filter_timeout, &e), &e);
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

/* Prints r's completion, and before the first of a prompt the prompt. */
static void
print_answer(const struct record *r)
{
	const char *prompt = "", *completion = "", *T = NULL;
	int64_t sample = 0;

	record_get_str(r, "prompt", &prompt, NULL);
	record_get_str(r, "completion", &completion, NULL);
	if (opt.lengths.n > 0)
		record_get_str(r, "T", &T, NULL);
	if (opt.samples > 1)
		record_get_int(r, "sample", &sample);
	if (sample == 0 && (T == NULL || strcmp(T, opt.lengths.text[0]) == 0)) {
		fputs("> ", stdout);
		print_text(prompt);
		putchar('\n');
	}
	if (T != NULL)
		printf("[T = %s] ", T);
	if (opt.samples > 1)
		printf("[sample %d] ", (int)sample);
	print_text(completion);
	puts("\n");
	fflush(stdout);
}

/* Writes or prints a finished record: decoder_fn. */
static int
write_answer(void *ctx, struct record *r, struct err *e)
{
	struct generator *g = ctx;

	g->answers++;
	if (g->out == NULL) {
		print_answer(r);
		return 0;
	}
	if (sink_write(g->out, r, e) != 0)
		return -1;
	/* bytes of gzip would depend on the time */
	return g->slow && !tool_output.gzip ? sink_flush(g->out, e) : 0;
}

/* Returns which length of the sweep row i gets. */
static size_t
length_of_row(void *ctx, size_t i)
{
	const struct generator *g = ctx;
	const char *T = "";
	size_t k = 0;
	int pos;

	record_get_str(decoder_row(g->decoder, i, &pos), "T", &T, NULL);
	while (k + 1 < opt.lengths.n && strcmp(T, opt.lengths.text[k]) != 0)
		k++;
	return k;
}

/* Returns how many completions a prompt gets: each sample for each length. */
static size_t
completions_each(void)
{
	return (opt.lengths.n > 0 ? opt.lengths.n : 1) * (size_t)opt.samples;
}

/* Starts the completions of r's prompt. */
static void
push_prompt(struct generator *g, struct record *r)
{
	struct example x;
	struct err e;
	int64_t earlier;
	size_t k;

	if (example_read(&x, g->lm, r, model_options.template, model_options.system, EXAMPLE_PROMPT,
	    &e) != 0)
		die_prompt(g, &e);
	if (x.n + (size_t)opt.decoder.max_tokens > (size_t)model_options.context) {
		err_set(&e, "'%s' has %zu tokens: no room for %d more in a context of %d", x.id,
		    x.n, opt.decoder.max_tokens, model_options.context);
		die_prompt(g, &e);
	}
	if (opt.samples > 1 && record_get_int(r, "sample", &earlier) == 1 && earlier > 0) {
		err_set(&e, "'%s' is sample %lld of its prompt: with --samples each prompt must "
		    "be there once", x.id, (long long)earlier);
		die_prompt(g, &e);
	}
	/* those of an earlier run are not those of these completions */
	record_unset(r, "T");
	record_unset(r, "sample");
	for (k = 0; k < completions_each(); k++) {
		const char *T = opt.lengths.text[k / (size_t)opt.samples];
		int sample = (int)(k % (size_t)opt.samples);

		if (opt.lengths.n > 0)
			tool_check(record_set_str(r, "T", T, strlen(T)), NULL);
		if (opt.samples > 1)
			tool_check(record_set_int(r, "sample", sample), NULL);
		/* an error here may be about any of the texts being decoded */
		tool_check(decoder_push(g->decoder, r, &x, sample, &e), &e);
	}
	example_release(&x);
}

/* Counts a prompt as done after its last completion. */
static void
show_progress(const struct generator *g)
{
	if (g->in != NULL && !opt.readable)
		tool_progress(g->in, "prompts", g->answers / completions_each(), "tokens",
		    decoder_tokens(g->decoder));
}

/*
 * Waits for the next prompt. Returns 1 if it can be read or nothing else is
 * left to do. If input is slow, decodes one token of each text and returns 0.
 */
static int
await_prompt(struct generator *g)
{
	struct err e;

	if (g->in == NULL || stream_wait(g->in, g->slow ? 0 : SLOW_MS))
		return 1;
	if (!g->slow && g->out != NULL && !tool_output.gzip)
		tool_check(sink_flush(g->out, &e), &e);
	g->slow = 1;
	if (!decoder_busy(g->decoder))
		return 1;
	tool_check(decoder_step(g->decoder, &e), &e);
	return 0;
}

/*
 * Completes all prompts. As long as input comes at once, every run decodes
 * texts in the same batches. Once input was slow, prompts are answered as they
 * come.
 */
static void
answer_prompts(struct generator *g)
{
	struct record *r = tool_need(record_alloc());
	struct err e;
	int got = 1;

	while (got == 1) {
		show_progress(g);
		if (!await_prompt(g))
			continue;
		if ((got = next_prompt(g, r, &e)) == 1)
			push_prompt(g, r);
	}
	tool_check(got, &e);
	while (decoder_busy(g->decoder)) {
		tool_check(decoder_step(g->decoder, &e), &e);
		show_progress(g);
	}
	record_free(r);
}

/* Opens the model with room for the texts decoded together. */
static void
open_model(struct generator *g)
{
	struct lm_options *o = &model_options.lm;
	int context = model_options_context();

	/* room for one text of the greatest length, or many of usual length */
	o->cells = context > o->seqs * 256 ? context : o->seqs * 256;
	o->batch = 512;
	o->outputs = o->seqs;
	g->lm = model_options_open();
}

/* Opens the model, steered by the barriers or the filter; h names them. */
static void
open_steered_model(struct generator *g, struct header *h)
{
	struct steering_sweep sweep = { opt.lengths.T, opt.lengths.n, length_of_row, g };
	struct err e;

	g->steering = tool_need(steering_alloc(&sweep));
	flow_options_steer(g->steering, model_options.lm.threads, h);
	open_model(g);
	tool_check(header_set_model(h, lm_name(g->lm), lm_digest(g->lm)), NULL);
	tool_check(steering_attach(g->steering, g->lm, &e), &e);
	if (opt.filter != NULL)
		start_filter(g, h);
	opt.decoder.want = flows.n > 0 || opt.filter != NULL ? LM_STEER : 0;
}

/* Ends the filter, and writes into the end record how much was steered. */
static void
count_steered(struct generator *g)
{
	uint64_t steered = opt.filter != NULL ? g->filtered : steering_counted(g->steering).seen;
	struct err e;

	if (opt.decoder.want == 0)
		return;
	if (steered == 0)
		tool_die("no activation was steered, though a %s was given",
		    opt.filter != NULL ? "filter" : "barrier");
	if (opt.filter != NULL)
		tool_check(coprocess_close(g->filter, &e), &e);
	if (g->out == NULL)
		return;
	if (flows.n > 0)
		flow_options_count(g->steering, g->out);
	else
		tool_check(sink_set_int(g->out, "steered", steered, &e), &e);
}

/* Says with -v what the run did. */
static void
report(const struct generator *g, double seconds)
{
	tool_note("%llu prompts, %llu tokens generated in %.3f s",
	    (unsigned long long)(g->in != NULL ? stream_count(g->in) : g->n_prompt),
	    (unsigned long long)decoder_tokens(g->decoder), seconds);
	if (flows.n > 0)
		flow_options_report(g->steering);
	if (opt.filter != NULL)
		tool_note("%llu activations steered by '%s'", (unsigned long long)g->filtered,
		    opt.filter);
}

int
main(int argc, char *argv[])
{
	struct generator g = { 0 };
	struct header h;
	struct err e;
	double start;

	tool_start(argc, argv);
	parse(argc, argv);
	open_input(&g, argv + optind, (size_t)(argc - optind));
	tool_output_header(&h, g.in, STREAM_COMPLETIONS,
	    opt.decoder.sampling.temperature > 0 ? &opt.decoder.seed : NULL);
	open_steered_model(&g, &h);
	if (!opt.readable)
		g.out = tool_open_output(&h);
	g.decoder = tool_need(decoder_alloc(g.lm, &opt.decoder, write_answer, &g));

	start = clock_now();
	answer_prompts(&g);
	count_steered(&g);
	if (g.out != NULL)
		tool_check(sink_close(g.out, &e), &e);
	report(&g, clock_now() - start);
	if (g.out == NULL)
		tool_answered();
	return 0;
}
