/*
 * fitbarrier - estimates a barrier from labelled activations: the log-density
 * ratio of positives and negatives.
 */
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log1pexp.h"
#include "calibrate.h"
#include "field/barrier.h"
#include "field/heldout.h"
#include "flow_options.h"
#include "model/cvec.h"
#include "model_options.h"
#include "number.h"
#include "options.h"
#include "stream/groups.h"
#include "stream/output.h"
#include "tool.h"

/* -T auto after --calibrate without -T */
static const struct strength CALIBRATED = { STRENGTH_NATS, 0.2 };

static struct {
	const char *held_out;
	const char *label;		/* the field with the labels */
	const struct field_type *field;
	struct fit_options o;
	const char *length;		/* for -T auto; NULL: none */
	const char *calibrate;		/* texts for the curve of the divergence; NULL: none */
	int block;			/* < 0: not given */
} opt = { .label = "label", .block = -1 };

/* Returns what -f help says of the kind of a field. */
static const char *
kind_of(const struct field_type *f)
{
	if (f->kind == FIELD_MAP)
		return f->of_sequence ? " (a sequence map)" : " (a map)";
	return f->kind == FIELD_GRADIENT_FLOW ? " (a gradient flow)" : "";
}

static void
parse_field(const char *option, const char *name)
{
	const struct field_type *const *f;

	if (strcmp(name, "help") == 0) {
		for (f = field_table(); *f != NULL; f++)
			printf("%-12s %s%s\n", (*f)->name, (*f)->about, kind_of(*f));
		tool_answered();
	}
	if ((opt.field = field_find(name)) == NULL)
		tool_misuse("%s: '%s' is not a field (-f help lists them)", option, name);
}

/* Sets what a preset chooses. Of the options before it, -S and --folds stay. */
static void
parse_preset(const char *option, const char *name)
{
	uint64_t seed = opt.o.seed;
	unsigned folds = opt.o.folds;

	fit_options_default(&opt.o);
	opt.o.seed = seed;
	opt.o.folds = folds;
	if (strcmp(name, "paper") == 0) {
		opt.field = field_find("polysketch");
	} else if (strcmp(name, "best") == 0) {
		opt.field = field_find("polykernel");
		opt.o.standardise = 1;
		opt.o.gamma = 1;
		opt.o.C = 0;
	} else {
		tool_misuse("%s: '%s' is neither paper nor best", option, name);
	}
}

static void
parse_C(const char *option, const char *text)
{
	opt.o.C = strcmp(text, "auto") == 0 ? 0 : number_double(option, text, 1e-12, 1e12);
}

static void
parse_sigma(const char *option, const char *text)
{
	if (strcmp(text, "median") == 0) {
		opt.o.sigma = SIGMA_MEDIAN;
	} else if (strcmp(text, "scale") == 0) {
		opt.o.sigma = SIGMA_SCALE;
	} else {
		opt.o.sigma = SIGMA_NUMBER;
		opt.o.sigma_value = number_double(option, text, 1e-12, 1e12);
	}
}

/* Set beside the FIELD_USES_... bits of a field that has h. */
enum { HAS_H = 1 << 30 };

/* The fields with one of an option's bits use it; no bits: all fields do. */
static struct tool_option options[] = {
	{ "-p", "preset", "paper: the paper's estimate; best: the best on held-out questions; "
	    "later options override it", .parse = parse_preset },
	{ "-f", "field", "way to steer (default: caa; -f help lists fields)",
	    .parse = parse_field },
	{ "-l", "block", "block to fit to (default: the only one of the stream)", OPTION_INT,
	    .to = &opt.block, .min = 0, .max = 1 << 20 },
	{ "--label", "field", "field of the records that holds the label", OPTION_TEXT,
	    .to = &opt.label },
	{ "-C", "x", "inverse regularisation; auto: the best on held-out groups", OPTION_DOUBLE,
	    .to = &opt.o.C, .parse = parse_C, .bit = FIELD_USES_C },
	{ "-S", "seed", "seed of hashes, signs, features, networks and folds", OPTION_SEED32,
	    .to = &opt.o.seed, .bit = HAS_H | FIELD_USES_EPOCHS },
	{ "-T", "length", "store this T, such as 0.3r, for -T auto of other tools (default: "
	    "none; with --calibrate 0.2nat, or the last T of a curve that is less)", OPTION_TEXT,
	    .to = &opt.length },
	{ "--calibrate", "file", "measure on these texts how far lengths move the next tokens, so "
	    "that lengths may be in nats", OPTION_FILE, .to = &opt.calibrate },
	MODEL_OPTIONS,
	PROMPT_OPTIONS,
	{ "--degree", "n", "degree of the polynomial", OPTION_INT, .to = &opt.o.degree,
	    .min = 1, .max = FIELD_MAX_DEGREE, .bit = FIELD_USES_DEGREE },
	{ "--components", "n", "bins of the sketch, or number of random features", OPTION_INT,
	    .to = &opt.o.components, .min = 1, .max = FIELD_MAX_COMPONENTS,
	    .bit = FIELD_USES_COMPONENTS },
	{ "--gamma", "x", "factor of the inner product in the kernel", OPTION_DOUBLE,
	    .to = &opt.o.gamma, .min = 1e-12, .max = 1e12, .bit = FIELD_USES_GAMMA },
	{ "--coef0", "x", "constant of the kernel", OPTION_DOUBLE,
	    .to = &opt.o.coef0, .min = 0, .max = 1e12, .bit = FIELD_USES_COEF0 },
	{ "--loss", "logistic|hinge", "logistic regression, or a support vector machine",
	    OPTION_CHOICE, .to = &opt.o.loss, .bit = FIELD_USES_LOSS },
	{ "--sigma", "x", "width of random features: median, scale or a number (default: median)",
	    .parse = parse_sigma, .bit = FIELD_USES_SIGMA },
	{ "--standardise", NULL, "centre and scale each coordinate first", OPTION_FLAG,
	    .to = &opt.o.standardise, .bit = FIELD_USES_STANDARDISE },
	{ "--kappa", "x", "how sharply spherical tells the labels apart", OPTION_DOUBLE,
	    .to = &opt.o.kappa, .min = 1e-12, .max = 1e12, .bit = FIELD_USES_KAPPA },
	{ "--beta", "x", "spherical turns activations whose delta is above this", OPTION_DOUBLE,
	    .to = &opt.o.beta, .min = -1, .max = 0.999, .bit = FIELD_USES_BETA },
	{ "--vector", "gguf", "control vector of llama.cpp, for -f import", OPTION_FILE,
	    .to = &opt.o.vector, .bit = FIELD_USES_VECTOR },
	{ "--epochs", "n", "the most epochs of a network's training (default: the method's)",
	    OPTION_INT, .to = &opt.o.epochs, .min = 1, .max = FIT_EPOCHS,
	    .bit = FIELD_USES_EPOCHS },
	{ "--rate", "x", "learning rate of a network (default: the method's)", OPTION_DOUBLE,
	    .to = &opt.o.rate, .min = 1e-12, .max = 1e12, .bit = FIELD_USES_RATE },
	{ "--layers", "2|3", "layers of the value network (default: 3)", OPTION_INT,
	    .to = &opt.o.layers, .min = 2, .max = 3, .bit = FIELD_USES_LAYERS },
	{ "--rank", "n", "directions that truthflow corrects, at most 256 (default: 20)",
	    OPTION_INT, .to = &opt.o.rank, .min = 1, .max = FIT_RANK, .bit = FIELD_USES_RANK },
	{ "--folds", "n", "number of folds, by group, for held-out figures", OPTION_INT,
	    .to = &opt.o.folds, .min = 2, .max = 1000, .bit = HAS_H },
	{ "--held-out", "file", "write h of each activation, by a fit without its group",
	    OPTION_FILE, .to = &opt.held_out, .bit = HAS_H },
	OUTPUT_OPTIONS("report on the fit"),
	{ 0 }
};

const struct tool tool = { .name = "fitbarrier", .synopsis =
	"usage: fitbarrier [-vz] [-p preset] [-f field] [-g layers] [-j threads]\n"
	"                  [-l block] [-m model] [-o file] [-S seed] [-T length]\n"
	"                  [-t raw|chat] [--beta x] [-C x|auto] [--calibrate file]\n"
	"                  [--coef0 x]\n"
	"                  [--components n] [--degree n] [--epochs n] [--folds n]\n"
	"                  [--gamma x] [--held-out file] [--kappa x] [--label field]\n"
	"                  [--layers 2|3] [--loss logistic|hinge] [--rank n] [--rate x]\n"
	"                  [--sigma median|scale|x] [--standardise] [--system text]\n"
	"                  [--vector gguf] [file ...]\n"
};

/* Returns whether --held-out names the file, or pipe, of the barrier. */
static int
held_out_is_barrier(void)
{
	const char *to = tool_output.path != NULL ? tool_output.path : "-";

	if (strcmp(opt.held_out, "-") == 0 || output_same(opt.held_out, to))
		return 1;
	return output_is_stdout(opt.held_out) && (strcmp(to, "-") == 0 || output_is_stdout(to));
}

/* Refuses options of the model that would have no effect. */
static void
check_calibrate(int argc, char *argv[])
{
	static const char *const of_model[] = { "-m", "-g", "-t", "--system" };
	int reads_stdin = optind == argc, k;
	size_t i;

	for (i = 0; opt.calibrate == NULL && i < sizeof of_model / sizeof *of_model; i++)
		if (options_given(options, of_model[i]))
			tool_misuse("%s: only --calibrate uses the model", of_model[i]);
	for (k = optind; k < argc; k++)
		reads_stdin |= strcmp(argv[k], "-") == 0;
	if (reads_stdin && opt.calibrate != NULL && strcmp(opt.calibrate, "-") == 0)
		tool_misuse("--calibrate: standard input has the activations");
}

/* Refuses, as wrong usage, a length that the field cannot have. */
static void
check_length(struct strength T)
{
	struct err e;

	if (T.how == STRENGTH_AUTO)
		tool_misuse("-T: auto cannot be stored: give a length such as 0.3r");
	if (T.how == STRENGTH_NATS && opt.calibrate == NULL)
		tool_misuse("-T: a length in nats needs --calibrate");
	if (T.how != STRENGTH_NATS && strength_check(T, opt.field, T.value, &e) != 0)
		tool_misuse("-T: %s", e.text);
}

static void
parse(int argc, char *argv[])
{
	const struct tool_option *o;
	unsigned uses;
	int preset;

	fit_options_default(&opt.o);
	opt.field = field_find("caa");
	model_options_default();
	options_parse(options, argc, argv);
	if (opt.held_out != NULL && held_out_is_barrier())
		tool_misuse("--held-out: '%s' is where the barrier goes", opt.held_out);
	uses = opt.field->uses | (opt.field->has_h ? HAS_H : 0);
	preset = options_given(options, "-p");
	for (o = options; o->name != NULL; o++) {
		/* a preset undoes options before it, but not those of HAS_H */
		if (o->given > (o->bit & HAS_H ? 0 : preset) && o->bit != 0 &&
		    (o->bit & uses) == 0)
			tool_misuse("%s: '%s' does not use it", o->name, opt.field->name);
	}
	/* a preset may be followed by another field */
	if (!(opt.field->uses & FIELD_USES_STANDARDISE))
		opt.o.standardise = 0;
	if (opt.field->uses & FIELD_USES_VECTOR && opt.o.vector == NULL)
		tool_misuse("'%s' needs --vector", opt.field->name);
	check_calibrate(argc, argv);
	if (opt.length != NULL)
		check_length(flow_options_length(opt.length));
	tool_refuse_terminal(tool_output.path);
}

/* The activations of the block. */
struct rows {
	float *act;			/* [n][dim] */
	float *prompt;			/* [n][dim] ends of the prompts, with --at mean; or NULL */
	int *label, *group;		/* [n] */
	struct record **record;		/* [n] without its activation; NULL without --held-out */
	size_t n, room;
	struct groups *groups;
	int awaits_mean;		/* the last record was of a prompt: its mean comes next */
	char awaited[RECORD_KEY_SIZE];	/* the id of that prompt */
};

/* The field "at" of a record, which collect --at mean writes. */
enum at {
	AT_TOKEN,			/* no such field: the activation of a token */
	AT_PROMPT,			/* that of the prompt's last token */
	AT_MEAN				/* the mean over the completion */
};

static void
grow_rows(struct rows *d, size_t dim, int with_prompts)
{
	d->room = d->room > 0 ? 2 * d->room : 1024;
	d->act = tool_need(realloc(d->act, d->room * dim * sizeof *d->act));
	if (with_prompts)
		d->prompt = tool_need(realloc(d->prompt, d->room * dim * sizeof *d->prompt));
	d->label = tool_need(realloc(d->label, d->room * sizeof *d->label));
	d->group = tool_need(realloc(d->group, d->room * sizeof *d->group));
	d->record = tool_need(realloc(d->record, d->room * sizeof *d->record));
}

/* Returns a copy of r for --held-out, with the label in the field "label". */
static struct record *
copy_without_act(const struct record *r, int label)
{
	struct record *copy = tool_need(record_alloc());

	if (record_copy(copy, r) != 0 ||
	    (strcmp(opt.label, "label") != 0 && record_set_int(copy, "label", label) != 0))
		tool_die("out of memory");
	record_unset(copy, "act");
	return copy;
}

/* Reads the field "at" of r. Returns 0, or -1 with a message in e. */
static int
read_at(const struct record *r, enum at *at, struct err *e)
{
	const char *text = "";
	int got = record_get_str(r, "at", &text, NULL);

	*at = AT_TOKEN;
	if (got == 0)
		return 0;
	*at = strcmp(text, "prompt") == 0 ? AT_PROMPT : AT_MEAN;
	if (got == 1 && (*at == AT_PROMPT || strcmp(text, "mean") == 0))
		return 0;
	return err_set(e, "field 'at' is neither 'prompt' nor 'mean'");
}

/*
 * Checks that r may come after the rows of d: either each prompt is followed by
 * its mean, or there are neither. Returns 0, or -1 with a message in e.
 */
static int
check_order(struct rows *d, const struct record *r, enum at at, struct err *e)
{
	char id[RECORD_KEY_SIZE] = "";

	if (at != AT_TOKEN && record_get_key(r, "id", id, sizeof id, e) != 0)
		return -1;
	if (d->awaits_mean && (at != AT_MEAN || strcmp(id, d->awaited) != 0))
		return err_set(e, "no mean comes after the prompt of '%s'", d->awaited);
	if (at == AT_MEAN && !d->awaits_mean)
		return err_set(e, "no prompt comes before the mean of '%s'", id);
	if (d->n > 0 && (at == AT_TOKEN) != (d->prompt == NULL))
		return err_set(e, "only some records have the field 'at'");
	d->awaits_mean = at == AT_PROMPT;
	memcpy(d->awaited, id, sizeof id);
	return 0;
}

/* Adds the record r to d. Returns 0, or -1 with a message in e. */
static int
add_row(struct rows *d, const struct record *r, const struct header *h, struct err *e)
{
	int label;
	size_t group;
	enum at at;

	if (read_at(r, &at, e) != 0 || check_order(d, r, at, e) != 0)
		return -1;
	if (d->n == d->room)
		grow_rows(d, h->dim, at == AT_PROMPT);
	if (at == AT_PROMPT)
		return record_get_act(r, h->half, d->prompt + d->n * h->dim, h->dim, e);
	if (record_get_bool(r, opt.label, &label) != 1)
		return err_set(e, "field '%s' is not 0 or 1", opt.label);
	if (groups_add_record(d->groups, r, &group, e) < 0 ||
	    record_get_act(r, h->half, d->act + d->n * h->dim, h->dim, e) != 0)
		return -1;
	d->label[d->n] = label;
	d->group[d->n] = (int)group;
	d->record[d->n++] = opt.held_out != NULL ? copy_without_act(r, label) : NULL;
	return 0;
}

/* Sets opt.block to the stream's only one if -l is not given. */
static void
choose_block(const struct header *h)
{
	size_t i;

	if (opt.block < 0 && h->n_block > 1)
		tool_misuse("the stream holds %zu blocks: choose one with -l", h->n_block);
	if (opt.block < 0)
		opt.block = h->block[0];
	for (i = 0; i < h->n_block; i++)
		if (h->block[i] == opt.block)
			return;
	tool_die("the stream does not hold block %d", opt.block);
}

/* Reads the stream's records of opt.block. */
static void
read_rows(struct rows *d, struct stream *in)
{
	const struct header *h = stream_header(in);
	struct record *r = tool_need(record_alloc());
	int64_t block;
	struct err e;
	int has_block;

	d->groups = tool_need(groups_alloc());
	tool_progress(in, "records", 0, "records", 0);
	while (tool_read(in, r)) {
		/* in a stream of one block, records need not name it */
		has_block = record_get_int(r, "block", &block);
		if (has_block == 0 && h->n_block == 1) {
			block = opt.block;
		} else if (has_block != 1) {
			err_set(&e, "field 'block' is missing or not an integer");
			tool_die_record(in, &e);
		}
		if (block == opt.block && add_row(d, r, h, &e) != 0)
			tool_die_record(in, &e);
		tool_progress(in, "records", stream_count(in), "records", stream_count(in));
	}
	tool_progress_end();
	if (d->awaits_mean)
		tool_die("no mean comes after the prompt of '%s'", d->awaited);
	record_free(r);
}

/* Ends the run if nothing can be fitted to what rep counted. */
static void
check_counts(const struct fit_report *rep)
{
	if (rep->n_positive + rep->n_negative == 0)
		tool_die("no activations of block %d", opt.block);
	if (rep->n_positive == 0 || rep->n_negative == 0)
		tool_die("all %zu activations have label %d: both labels are needed",
		    rep->n_positive + rep->n_negative, rep->n_positive > 0);
	if (rep->n_group < 2)
		tool_die("all activations are of one group: at least 2 are needed");
}

static double
mean_norm(const struct rows *d, size_t dim)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < d->n; i++)
		sum += (double)cblas_snrm2((int)dim, d->act + i * dim, 1);
	return sum / (double)d->n;
}

/* Shows how the training of a network goes on. Most fits have none. */
static void
show_epoch(unsigned epoch, unsigned epochs, double training, double validation)
{
	char losses[64];

	snprintf(losses, sizeof losses, "training loss %.4g, held out %.4g", training, validation);
	tool_progress_of(epoch, epochs, "epochs", losses);
}

/* Sets h to the header of the barrier that is fitted to `in`. */
static void
make_header(struct header *h, const struct stream *in)
{
	char digest[17];
	struct err e;

	tool_output_header(h, in, STREAM_BARRIER, &opt.o.seed);
	tool_check(header_set_blocks(h, &opt.block, 1), NULL);
	h->half = 0;
	if (opt.o.vector != NULL) {
		tool_check(cvec_digest(opt.o.vector, digest, &e), &e);
		tool_check(header_add_side(h, opt.o.vector, digest), NULL);
	}
}

/* Returns the barrier of a fit, calibrated if that is wanted. */
static struct barrier
make_barrier(const struct header *h, struct field *f, const struct fit_report *rep)
{
	struct barrier b = { .header = *h, .field = f, .act_norm = rep->act_norm, .T_auto = NAN };
	struct err e;

	if (opt.calibrate != NULL)
		calibrate(&b);
	if (opt.length != NULL) {
		tool_check(strength_length(flow_options_length(opt.length), &b, &b.T_auto, &e), &e);
	} else if (opt.calibrate != NULL && strength_length(CALIBRATED, &b, &b.T_auto, &e) != 0) {
		b.T_auto = b.curve.T[BARRIER_CURVE - 1];
		tool_remark("0.2 nat are beyond the curve: -T auto is its last length");
	}
	return b;
}

/* Writes the rows with their held-out h, without the activations. */
static void
write_held_out(const struct header *barrier, const struct rows *d, const struct fit_report *rep)
{
	struct header h;
	struct sink *out;
	double log_prior_ratio = log((1 - rep->prior) / rep->prior), odds, log_loss;
	struct err e;
	size_t i;

	if (rep->folds == 0)
		tool_die("--held-out: too few groups with both labels");
	tool_check(header_copy(&h, barrier), NULL);
	h.kind = STREAM_EXAMPLES;
	h.n_block = h.dim = 0;
	out = tool_need_err(sink_open(opt.held_out, tool_output.gzip, &h, &e), &e);
	for (i = 0; i < d->n; i++) {
		odds = rep->held_out[i] - log_prior_ratio;
		log_loss = log1pexp(d->label[i] ? -odds : odds);
		tool_check(record_set_num(d->record[i], "h", rep->held_out[i]), NULL);
		tool_check(record_set_num(d->record[i], "log_loss", log_loss), NULL);
		tool_check(sink_write(out, d->record[i], &e), &e);
	}
	tool_check(sink_close(out, &e), &e);
}

/* Says with -v what the held-out figures mean where they are easily misread. */
static void
explain(const struct fit_report *rep)
{
	double p = (double)rep->n_positive, n = (double)rep->n_negative;
	/* the standard deviation of the AUC of a ranking at random */
	double chance = sqrt((p + n + 1) / (12 * p * n));
	int little_gain = rep->log_loss > 0.8 * rep->prior_log_loss;

	if (fabs(rep->auc - 0.5) >= 0.05 && fabs(rep->auc - 0.5) < 2 * chance)
		tool_remark("held out, so few activations cannot tell this AUC from 0.5, that of "
		    "a ranking at random; try more pairs");
	else if (fabs(rep->auc - 0.5) < 0.05)
		tool_remark("an AUC near 0.5: held out, h does not tell positives from negatives, "
		    "and steering along it is like steering at random; try another block or more "
		    "pairs");
	else if (rep->auc > 0.9 && little_gain && !(rep->temperature >= 1))
		tool_remark("a high AUC with a log-loss near the prior's: h separates the classes "
		    "but is too small as a log-density ratio; the direction of steering does not "
		    "depend on its size");
}

/* Says with -v how the fit went. */
static void
report(const struct fit_report *rep)
{
	const struct fit_curve *c = &rep->curve;
	char temperature[48] = "";

	tool_note("block %d, %zu positives and %zu negatives in %zu groups, mean norm %.6g",
	    opt.block, rep->n_positive, rep->n_negative, rep->n_group, rep->act_norm);
	if (isfinite(rep->C))
		tool_note("C %.4g%s, objective %.9g, gradient norm %.1e after %u Newton steps",
		    rep->C, rep->C_at_end ? " (at an end of the range tried)" : "",
		    rep->objective, rep->gradient_norm, rep->iterations);
	if (rep->rank > 0)
		tool_note("%zu eigenvectors: directions are off by %.2g %% on average", rep->rank,
		    100 * rep->direction_error);
	if (c->n > 0)
		tool_note("epoch %u is the best of %u: training loss %.4g, held out %.4g", c->best,
		    c->n, c->training[c->best - 1], c->validation[c->best - 1]);
	if (rep->folds == 0)
		return;
	if (isfinite(rep->temperature))
		snprintf(temperature, sizeof temperature, ", temperature %.3f", rep->temperature);
	tool_note("held out: AUC %.4f, log-loss %.4f (prior alone %.4f)%s", rep->auc,
	    rep->log_loss, rep->prior_log_loss, temperature);
	explain(rep);
}

int
main(int argc, char *argv[])
{
	struct rows d = { 0 };
	struct fit_report rep = { 0 };
	struct fit_data data;
	struct field *field;
	struct stream *in;
	struct header h;
	struct barrier b;
	struct err e;

	tool_start(argc, argv);
	parse(argc, argv);
	openblas_set_num_threads(model_options.lm.threads);

	in = tool_open_input(argc, argv, 1u << STREAM_ACTIVATIONS);
	choose_block(stream_header(in));
	if (opt.calibrate != NULL)
		calibrate_open(opt.calibrate, stream_header(in));
	read_rows(&d, in);
	data = (struct fit_data){ d.act, d.label, d.group, d.n, stream_header(in)->dim,
	    groups_count(d.groups), d.prompt };
	fit_report_count(&rep, &data);
	check_counts(&rep);
	opt.o.block = opt.block;
	opt.o.progress = show_epoch;
	if ((rep.act_norm = mean_norm(&d, data.dim)) == 0)
		tool_die("every activation is zero");
	rep.held_out = tool_need(calloc(d.n, sizeof *rep.held_out));
	field = tool_need_err(field_fit(opt.field, &data, &opt.o, &rep, &e), &e);
	tool_progress_end();

	make_header(&h, in);
	b = make_barrier(&h, field, &rep);
	if (opt.held_out != NULL)
		write_held_out(&b.header, &d, &rep);
	tool_check(barrier_write(&b, &rep, &opt.o, tool_output.path, tool_output.gzip, &e), &e);
	report(&rep);
	return 0;
}
