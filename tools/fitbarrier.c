/* fitbarrier - labelled activations to a barrier: the log-density ratio of positives and negatives. */
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log1pexp.h"
#include "field/barrier.h"
#include "field/heldout.h"
#include "flow_options.h"
#include "model/cvec.h"
#include "number.h"
#include "stream/groups.h"
#include "stream/sink.h"
#include "stream/stream.h"
#include "tool.h"

static struct {
	const char *out, *held_out;
	const struct field_type *field;
	struct fit_options o;
	unsigned given;			/* FIELD_USES_... of the options given */
	struct strength T;		/* for -T auto; unset: none */
	int block, threads, gzip;
} opt = { .block = -1 };

/* The options that not every field has a use for. */
static const struct {
	const char *name;
	unsigned bit;
} used[] = {
	{ "-C", FIELD_USES_C }, { "--coef0", FIELD_USES_COEF0 }, { "--components", FIELD_USES_COMPONENTS },
	{ "--degree", FIELD_USES_DEGREE }, { "--gamma", FIELD_USES_GAMMA }, { "--loss", FIELD_USES_LOSS },
	{ "--sigma", FIELD_USES_SIGMA }, { "--standardise", FIELD_USES_STANDARDISE },
	{ "--vector", FIELD_USES_VECTOR }
};

static void
usage(FILE *to)
{
	fprintf(to,
	    "usage: fitbarrier [-vz] [-p preset] [-f field] [-j threads] [-l block] [-o file]\n"
	    "                  [-S seed] [-T length] [-C x|auto] [--coef0 x] [--components n]\n"
	    "                  [--degree n] [--folds n] [--gamma x] [--held-out file]\n"
	    "                  [--loss logistic|hinge] [--sigma median|scale|x]\n"
	    "                  [--standardise] [--vector gguf] [file ...]\n"
	    "  -p preset       paper: the paper's estimate; best: the one that does best on held-out\n"
	    "                  questions; options behind it override it (default: paper)\n"
	    "  -f field        (default: polysketch; -f help lists them)\n"
	    "  -l block        of those in the stream (default: the only one)\n"
	    "  -C x            inverse regularisation; auto: the best on held-out groups\n"
	    "                  (default: %g)\n"
	    "  -S seed         of hashes, signs, features and folds (default: %llu)\n"
	    "  -T length       store this length, such as 0.3r, as what -T auto means to other tools\n"
	    "  --degree n      of the polynomial (default: %u)\n"
	    "  --components n  bins of the sketch, or random features (default: %zu)\n"
	    "  --gamma x       (default: %g)\n"
	    "  --coef0 x       (default: %g)\n"
	    "  --loss name     logistic, or hinge: its square, a support vector machine\n"
	    "                  (default: logistic)\n"
	    "  --sigma x       of random features: median, scale or a number (default: median)\n"
	    "  --standardise   centre and scale each coordinate first\n"
	    "  --vector gguf   of import: llama.cpp's control vector\n"
	    "  --folds n       by group, of all that is held out (default: %u)\n"
	    "  --held-out file h of each activation by a fit without its group\n"
	    "  -j threads      (default: %d)\n"
	    "  -o file         (default: standard output)    -z  gzip    -v  report on the fit\n",
	    opt.o.C, (unsigned long long)opt.o.seed, opt.o.degree, opt.o.components, opt.o.gamma,
	    opt.o.coef0, opt.o.folds, tool_threads());
}

static const struct tool tool = { "fitbarrier", usage };

static void
parse_field(const char *name)
{
	const struct field_type *const *f;

	if (strcmp(name, "help") == 0) {
		for (f = field_table(); *f != NULL; f++)
			printf("%-12s %s%s\n", (*f)->name, (*f)->about,
			    (*f)->kind == FIELD_MAP ? " (a map, not a flow)" : "");
		tool_answered();
	}
	if ((opt.field = field_find(name)) == NULL)
		tool_misuse("-f: '%s' is not a field (-f help lists them)", name);
}

static void
parse_preset(const char *name)
{
	uint64_t seed = opt.o.seed;
	unsigned folds = opt.o.folds;

	fit_options_default(&opt.o);
	opt.o.seed = seed;
	opt.o.folds = folds;
	opt.given = 0;
	if (strcmp(name, "paper") == 0) {
		opt.field = field_find("polysketch");
	} else if (strcmp(name, "best") == 0) {
		opt.field = field_find("polykernel");
		opt.o.standardise = 1;
		opt.o.gamma = 1;
		opt.o.C = 0;
	} else {
		tool_misuse("-p: '%s' is neither paper nor best", name);
	}
}

static void
parse_sigma(const char *text)
{
	struct fit_options *o = &opt.o;

	o->sigma = strcmp(text, "median") == 0 ? SIGMA_MEDIAN : strcmp(text, "scale") == 0 ? SIGMA_SCALE : SIGMA_NUMBER;
	if (o->sigma == SIGMA_NUMBER)
		o->sigma_value = number_double("--sigma", text, 1e-12, 1e12);
}

static void
parse_loss(const char *text)
{
	if (strcmp(text, "logistic") == 0)
		opt.o.loss = LOSS_LOGISTIC;
	else if (strcmp(text, "hinge") == 0)
		opt.o.loss = LOSS_SQUARED_HINGE;
	else
		tool_misuse("--loss: '%s' is neither logistic nor hinge", text);
}

static void
parse(int argc, char *argv[])
{
	static const struct option longs[] = {
		{ "degree", required_argument, NULL, FIELD_USES_DEGREE + 256 },
		{ "components", required_argument, NULL, FIELD_USES_COMPONENTS + 256 },
		{ "gamma", required_argument, NULL, FIELD_USES_GAMMA + 256 },
		{ "coef0", required_argument, NULL, FIELD_USES_COEF0 + 256 },
		{ "loss", required_argument, NULL, FIELD_USES_LOSS + 256 },
		{ "sigma", required_argument, NULL, FIELD_USES_SIGMA + 256 },
		{ "standardise", no_argument, NULL, FIELD_USES_STANDARDISE + 256 },
		{ "vector", required_argument, NULL, FIELD_USES_VECTOR + 256 },
		{ "folds", required_argument, NULL, 1 }, { "held-out", required_argument, NULL, 2 },
		{ NULL, 0, NULL, 0 }
	};
	struct fit_options *o = &opt.o;
	size_t i;
	int c;

	opt.field = field_find("polysketch");
	opt.threads = tool_threads();
	while ((c = tool_option(argc, argv, "C:f:j:l:o:p:S:T:vz", longs)) != -1) {
		if (c > 256)
			opt.given |= (unsigned)c - 256;
		switch (c) {
		case 'C':
			o->C = strcmp(optarg, "auto") == 0 ? 0 : number_double("-C", optarg, 1e-12, 1e12);
			opt.given |= FIELD_USES_C;
			break;
		case 'f': parse_field(optarg); break;
		case 'j': opt.threads = (int)number_long("-j", optarg, 1, 512); break;
		case 'l': opt.block = (int)number_long("-l", optarg, 0, 1 << 20); break;
		case 'o': opt.out = optarg; break;
		case 'p': parse_preset(optarg); break;
		case 'S': o->seed = number_seed32("-S", optarg); break;
		case 'T':
			opt.T = flow_options_length(optarg);
			if (opt.T.how == STRENGTH_AUTO)
				tool_misuse("-T: auto cannot be stored: give a length such as 0.3r");
			break;
		case 'v': tool_verbose = 1; break;
		case 'z': opt.gzip = 1; break;
		case 1: o->folds = (unsigned)number_long("--folds", optarg, 2, 1000); break;
		case 2: opt.held_out = optarg; break;
		case FIELD_USES_DEGREE + 256: o->degree = (unsigned)number_long("--degree", optarg, 1, FIELD_MAX_DEGREE); break;
		case FIELD_USES_COMPONENTS + 256:
			o->components = (size_t)number_long("--components", optarg, 1, FIELD_MAX_COMPONENTS);
			break;
		case FIELD_USES_GAMMA + 256: o->gamma = number_double("--gamma", optarg, 1e-12, 1e12); break;
		case FIELD_USES_COEF0 + 256: o->coef0 = number_double("--coef0", optarg, 0, 1e12); break;
		case FIELD_USES_LOSS + 256: parse_loss(optarg); break;
		case FIELD_USES_SIGMA + 256: parse_sigma(optarg); break;
		case FIELD_USES_STANDARDISE + 256: o->standardise = 1; break;
		case FIELD_USES_VECTOR + 256: o->vector = optarg; break;
		}
	}
	if (opt.held_out != NULL && (strcmp(opt.held_out, "-") == 0 ||
	    (opt.out != NULL && strcmp(opt.held_out, opt.out) == 0)))
		tool_misuse("--held-out: '%s' is where the barrier goes", opt.held_out);
	for (i = 0; i < sizeof used / sizeof *used; i++)
		if (opt.given & used[i].bit & ~opt.field->uses)
			tool_misuse("%s: '%s' has no use for it", used[i].name, opt.field->name);
	/* a preset may be followed by another field */
	if (!(opt.field->uses & FIELD_USES_STANDARDISE))
		o->standardise = 0;
	if (opt.field->uses & FIELD_USES_VECTOR && o->vector == NULL)
		tool_misuse("'%s' needs --vector", opt.field->name);
	if (opt.field->kind == FIELD_MAP && opt.T.how != STRENGTH_UNSET)
		tool_misuse("-T: '%s' is a map, not a flow: it has no length", opt.field->name);
	tool_refuse_terminal(opt.out);
}

/* All rows of the block, as they grow. */
struct rows {
	float *act;
	int *label, *group;
	struct record **record;	/* id, group and label, for --held-out */
	size_t n, room;
	struct groups *names;	/* of groups */
};

/* A copy without the activation: what --held-out passes on. */
static struct record *
keep(const struct record *r)
{
	struct record *copy = record_alloc();

	if (copy == NULL || record_copy(copy, r) != 0)
		tool_die("out of memory");
	record_unset(copy, "act");
	return copy;
}

static int
add_row(struct rows *d, const struct record *r, const struct header *h, struct err *e)
{
	int64_t label;
	size_t group;

	if (d->n == d->room) {
		d->room = d->room > 0 ? 2 * d->room : 1024;
		d->act = realloc(d->act, d->room * h->dim * sizeof *d->act);
		d->label = realloc(d->label, d->room * sizeof *d->label);
		d->group = realloc(d->group, d->room * sizeof *d->group);
		d->record = realloc(d->record, d->room * sizeof *d->record);
		if (d->act == NULL || d->label == NULL || d->group == NULL || d->record == NULL)
			return err_memory(e);
	}
	if (record_get_int(r, "label", &label) != 1 || label < 0 || label > 1)
		return err_set(e, "field 'label' is not 0 or 1");
	d->label[d->n] = (int)label;
	if (groups_group(d->names, r, &group, e) < 0)
		return -1;
	d->group[d->n] = (int)group;
	if (record_get_act(r, h->half, d->act + d->n * h->dim, h->dim, e) != 0)
		return -1;
	d->record[d->n++] = opt.held_out != NULL ? keep(r) : NULL;
	return 0;
}

/* Reads the stream's records of opt.block. */
static void
read_rows(struct rows *d, struct stream *in)
{
	const struct header *h = stream_header(in);
	struct record *r = record_alloc();
	int64_t block;
	struct err e;
	size_t i;
	int got;

	if (opt.block < 0 && h->n_block > 1)
		tool_misuse("the stream holds %zu blocks: choose one with -l", h->n_block);
	if (opt.block < 0)
		opt.block = h->block[0];
	for (i = 0; i < h->n_block && h->block[i] != opt.block; i++)
		;
	if (i == h->n_block)
		tool_die("the stream does not hold block %d", opt.block);
	if (r == NULL || (d->names = groups_alloc()) == NULL)
		tool_die("out of memory");
	tool_progress(in, "records", 0, "records", 0);
	while ((got = stream_read(in, r, &e)) == 1) {
		/* integrate's streams and those of one block need not say it in each record */
		if ((got = record_get_int(r, "block", &block)) == 0 && h->n_block == 1)
			block = opt.block;
		else if (got != 1) {
			err_set(&e, "field 'block' is missing or no integer");
			tool_die_record(in, &e);
		}
		if (block == opt.block && add_row(d, r, h, &e) != 0)
			tool_die_record(in, &e);
		tool_progress(in, "records", stream_count(in), "records", stream_count(in));
	}
	if (got < 0)
		tool_die_err(&e);
	/* the fit has no progress to show */
	tool_progress_end();
	record_free(r);
}

/* Can anything be fitted to these? */
static void
check_rows(const struct rows *d)
{
	size_t i, positive = 0;

	for (i = 0; i < d->n; i++)
		positive += (size_t)d->label[i];
	if (d->n == 0)
		tool_die("no activations of block %d", opt.block);
	if (positive == 0 || positive == d->n)
		tool_die("all %zu activations have label %d: both labels are needed", d->n, positive > 0);
	if (groups_count(d->names) < 2)
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

/* The length that -T names, in the unit of the field; NaN: none. */
static double
suggested_length(struct field *f, double act_norm)
{
	struct barrier b = { .field = f, .act_norm = act_norm };
	double length = NAN;
	struct err e;

	if (opt.T.how != STRENGTH_UNSET && strength_length(opt.T, &b, &length, &e) != 0)
		tool_die_err(&e);
	return length;
}

static void
write_barrier(const struct header *h, struct field *f, const struct fit_report *rep)
{
	struct barrier b = { .header = *h, .field = f, .act_norm = rep->act_norm,
	    .T_auto = suggested_length(f, rep->act_norm) };
	struct err e;

	if (barrier_write(&b, rep, &opt.o, opt.out, opt.gzip, &e) != 0)
		tool_die_err(&e);
}

/* The rows with their held-out h, without the activations. */
static void
write_held_out(const struct header *from, const struct rows *d, const struct fit_report *rep)
{
	struct header h;
	struct sink *out;
	double log_prior_ratio = log((1 - rep->prior) / rep->prior), odds;
	struct err e;
	size_t i;

	if (!rep->has_held_out)
		tool_die("--held-out: too few groups with both labels, or a field without h");
	if (header_copy(&h, from) != 0)
		tool_die("out of memory");
	h.kind = STREAM_EXAMPLES;
	h.n_block = h.dim = 0;
	if ((out = sink_open(opt.held_out, opt.gzip, &h, &e)) == NULL)
		tool_die_err(&e);
	for (i = 0; i < d->n; i++) {
		odds = rep->held_out[i] - log_prior_ratio;
		if (record_set_num(d->record[i], "h", rep->held_out[i]) != 0 ||
		    record_set_num(d->record[i], "log_loss", log1pexp(d->label[i] ? -odds : odds)) != 0)
			tool_die("out of memory");
		if (sink_write(out, d->record[i], &e) != 0)
			tool_die_err(&e);
	}
	if (sink_close(out, &e) != 0)
		tool_die_err(&e);
}

/* Says in words what the held-out figures mean where they are easily misread. */
static void
explain(const struct fit_report *rep)
{
	double p = (double)rep->n_positive, n = (double)rep->n_negative;
	/* the standard deviation of the AUC of a ranking at random */
	double chance = sqrt((p + n + 1) / (12 * p * n));

	if (fabs(rep->auc - 0.5) < fmax(0.05, 2 * chance))
		tool_remark("an AUC near 0.5: held out, h does not tell positives from negatives, and steering along "
		    "it is like steering at random; try another block or more pairs");
	else if (rep->auc > 0.9 && rep->log_loss > 0.8 * rep->prior_log_loss && rep->temperature < 1)
		tool_remark("a high AUC with a log-loss near the prior's: h separates the classes but is too small as a "
		    "log-density ratio; the direction of steering does not depend on its size");
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
	char digest[17];
	struct err e;

	tool_start(&tool, argc, argv);
	fit_options_default(&opt.o);
	parse(argc, argv);
	openblas_set_num_threads(opt.threads);

	if ((in = stream_open((const char *const *)argv + optind, (size_t)(argc - optind), &e)) == NULL ||
	    stream_expect(in, 1u << STREAM_ACTIVATIONS, &e) != 0)
		tool_die_err(&e);
	stream_number(in);
	read_rows(&d, in);
	check_rows(&d);
	data = (struct fit_data){ d.act, d.label, d.group, d.n, stream_header(in)->dim,
	    groups_count(d.names) };
	opt.o.block = opt.block;
	if ((rep.act_norm = mean_norm(&d, data.dim)) == 0)
		tool_die("every activation is zero");
	if ((rep.held_out = calloc(d.n, sizeof *rep.held_out)) == NULL)
		tool_die("out of memory");
	if ((field = field_fit(opt.field, &data, &opt.o, &rep, &e)) == NULL)
		tool_die_err(&e);

	if (header_copy(&h, stream_header(in)) != 0 || header_set_blocks(&h, &opt.block, 1) != 0)
		tool_die("out of memory");
	h.kind = STREAM_BARRIER;
	h.half = 0;
	tool_link(&h, &opt.o.seed);
	if (opt.o.vector != NULL) {
		if (cvec_digest(opt.o.vector, digest, &e) != 0)
			tool_die_err(&e);
		if (header_add_side(&h, opt.o.vector, digest) != 0)
			tool_die("out of memory");
	}
	if (opt.held_out != NULL)
		write_held_out(&h, &d, &rep);
	write_barrier(&h, field, &rep);
	tool_note("block %d, %zu positives and %zu negatives in %zu groups, mean norm %.6g", opt.block,
	    rep.n_positive, rep.n_negative, rep.n_group, rep.act_norm);
	if (isfinite(rep.C))
		tool_note("C %.4g%s, objective %.9g, gradient norm %.1e after %u Newton steps", rep.C,
		    rep.C_at_end ? " (at an end of the range tried)" : "", rep.objective,
		    rep.gradient_norm, rep.iterations);
	if (rep.has_held_out)
		tool_note("held out: AUC %.4f, log-loss %.4f (prior alone %.4f), temperature %.3f", rep.auc,
		    rep.log_loss, rep.prior_log_loss, rep.temperature);
	if (rep.has_held_out)
		explain(&rep);
	return 0;
}
