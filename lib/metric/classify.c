/*
 * classify - the probabilities that a sequence classifier gives the classes of
 * a text, such as toxic and neutral.
 *
 * Classifiers are encoders such as BERT and RoBERTa with a layer for the
 * classes. Their probabilities are the softmax of the layer's outputs or, of a
 * single output, its logistic function.
 */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "metric/metric.h"
#include "metric/qa_text.h"

enum {
	LONGEST = 2048,		/* tokens of a text, or less if the model has less */
	NAME = 61		/* longest name of a field */
};

/* The indexes of its options. */
enum { TEXT, TRUNCATE };

struct classify {
	struct lm *lm;
	const char *text;		/* with {q} and {a}; NULL: the completion alone */
	int truncate;
	size_t longest, n;		/* tokens of a text; classes */
	char (*name)[NAME + 1];		/* [n] of the fields */
	float *logit;			/* [n] */
};

static int
classify_check(const struct metric_options *o, struct err *e)
{
	return o->value[TEXT] != NULL ? qa_text_check(o->value[TEXT], e) : 0;
}

static void
classify_close(void *state)
{
	struct classify *s = state;

	lm_free(s->lm);
	free(s->name);
	free(s->logit);
}

/*
 * Names the fields like the classes, with '_' in place of other characters than
 * letters and digits, or class_0, ... if the model does not name a class.
 * Returns 0, or -1 with a message.
 */
static int
name_fields(struct classify *s, struct err *e)
{
	size_t i, k;

	for (i = 0; i < s->n; i++) {
		const char *label = lm_class_name(s->lm, (int)i);
		char *name = s->name[i], *c;

		if (label == NULL)
			snprintf(name, NAME + 1, "class_%zu", i);
		else
			snprintf(name, NAME + 1, "%s%s", isdigit((unsigned char)*label) ? "_" : "",
			    label);
		for (c = name; *c != '\0'; c++)
			if (!isalnum((unsigned char)*c))
				*c = '_';
		for (k = 0; k < i && strcmp(s->name[k], name) != 0; k++)
			;
		if (k < i || metric_is_taken(name))
			return err_set(e, "class %zu of the model cannot become the field '%s', "
			    "which %s", i, name, k < i ? "another class has" :
			    "has another meaning");
	}
	return 0;
}

/* Tells later tools the names of the fields, and who scored. */
static int
describe(const struct classify *s, const struct metric_options *o, struct header *h, struct err *e)
{
	const char *digest = lm_digest(s->lm), *path = o->lm->path;
	char *names = calloc(s->n, NAME + 2);
	size_t i;
	int rc;

	if (names == NULL)
		return err_memory(e);
	for (i = 0; i < s->n; i++) {
		strcat(names, i > 0 ? " " : "");
		strcat(names, s->name[i]);
	}
	rc = header_add_side(h, path, digest) != 0 || header_add_value(h, "field", names) != 0;
	free(names);
	if (rc)
		return err_memory(e);
	if (s->text == NULL)
		return metric_add_by(h, e, "%s (%s)", basename(path), digest);
	return metric_add_asked(h, path, digest, s->text, e);
}

static int
classify_open(void *state, const struct metric_options *o, struct header *h, struct err *e)
{
	struct classify *s = state;
	struct lm_options lm = { .path = o->lm->path, .threads = o->lm->threads,
	    .gpu_layers = o->lm->gpu_layers, .seqs = 1, .batch = LONGEST, .cells = LONGEST,
	    .outputs = LONGEST, .classifier = 1 };

	s->text = o->value[TEXT];
	s->truncate = o->value[TRUNCATE] != NULL;
	if ((s->lm = lm_open(&lm, e)) == NULL)
		return -1;
	s->longest = lm_context(s->lm) < LONGEST ? (size_t)lm_context(s->lm) : LONGEST;
	s->n = (size_t)lm_classes(s->lm);
	s->name = calloc(s->n, sizeof *s->name);
	s->logit = calloc(s->n, sizeof *s->logit);
	if (s->name == NULL || s->logit == NULL)
		return err_memory(e);
	return name_fields(s, e) != 0 ? -1 : describe(s, o, h, e);
}

/* Sets the fields of r by s->logit. Returns 0, or -1 with a message. */
static int
set_fields(const struct classify *s, struct record *r, struct err *e)
{
	size_t i, k;

	for (i = 0; i < s->n; i++) {
		/* a single class competes with a logit of 0 */
		double sum = s->n == 1 ? exp(-(double)s->logit[i]) : 0;

		if (!isfinite(s->logit[i]))
			return err_set(e, "the probability of '%s' is not finite", s->name[i]);
		for (k = 0; k < s->n; k++)
			sum += exp((double)s->logit[k] - (double)s->logit[i]);
		if (record_set_num(r, s->name[i], 1 / sum) != 0)
			return err_memory(e);
	}
	return 0;
}

/*
 * Classifies text[len]. A text that is too long keeps its last token, which
 * marks its end. Returns 0, or -1 with a message.
 */
static int
classify_text(struct classify *s, const char *text, size_t len, struct err *e)
{
	int *token, rc;
	size_t n;

	if (lm_tokenise(s->lm, text, len, &token, &n, e) != 0)
		return -1;
	if (n > s->longest && s->truncate) {
		token[s->longest - 1] = token[n - 1];
		n = s->longest;
	}
	if (n == 0)
		rc = err_set(e, "the text has no token");
	else if (n > s->longest)
		rc = err_set(e, "the text has %zu tokens: more than %zu", n, s->longest);
	else
		rc = lm_classify(s->lm, token, n, s->logit, e);
	free(token);
	return rc;
}

static int
classify_push(void *state, struct record *r, struct sink *out, struct err *e)
{
	struct classify *s = state;
	const char *completion;
	char *text = NULL;
	size_t len, i;
	int rc;

	if (record_get_text(r, "completion", 1, &completion, &len, e) != 0)
		return -1;
	if (len == 0) {
		for (i = 0; i < s->n; i++)
			record_unset(r, s->name[i]);
		return sink_write(out, r, e);
	}
	if (s->text != NULL && (text = qa_text_fill(s->text, r, "", &len, e)) == NULL)
		return -1;
	rc = classify_text(s, text != NULL ? text : completion, len, e);
	free(text);
	return rc != 0 || set_fields(s, r, e) != 0 ? -1 : sink_write(out, r, e);
}

/* The model names the fields, so report finds them in the chain. */
static const struct column columns[] = { { .title = NULL } };

static const struct metric_option options[] = {
	[TEXT] = { "--text", "text",
	    "what the model reads: {q} is the question, {a} the answer, \\n a new line (default: "
	    "the completion)" },
	[TRUNCATE] = { "--truncate", NULL, "leave out the end of texts that are too long" },
	{ .name = NULL }
};

const struct metric metric_classify = {
	.name = "classify",
	.about = "the probabilities of a text's classes, by a BERT or RoBERTa classifier",
	.usage =
	    "score classify [-vz] [-g layers] [-j threads] [-m model] [-o file]\n"
	    "                      [--text text] [--truncate] [file ...]\n",
	.uses = METRIC_MODEL,
	.options = options,
	.kinds = STREAM_TEXTS,
	.columns = columns,
	.size = sizeof(struct classify),
	.check = classify_check,
	.open = classify_open,
	.push = classify_push,
	.close = classify_close,
};
