/*
 * classify - the probabilities that a sequence classifier gives the classes of
 * a text, such as toxic and neutral.
 *
 * Classifiers are encoders such as BERT and RoBERTa with a layer for the
 * classes. Their probabilities are the softmax of the layer's outputs or, of a
 * single output, its logistic function.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log1pexp.h"
#include "metric/metric.h"
#include "metric/qa_text.h"
#include "model/logsumexp.h"

enum { LONGEST = 2048 };	/* tokens of a text, or less if the model has less */

/* The indexes of its options. */
enum { AS, TEXT, TRUNCATE };

extern const struct metric metric_classify;

struct classify {
	struct lm *lm;
	const char *text;		/* with {q} and {a}; NULL: the completion alone */
	int truncate;
	size_t longest, n;		/* tokens of a text; classes */
	char (*name)[RECORD_KEY_SIZE];	/* [n] of the fields */
	float *logit;			/* [n] */
};

static int
classify_check(const struct metric_options *o, struct err *e)
{
	if (o->value[AS] != NULL && metric_check_name(&metric_classify, o->value[AS], e) != 0)
		return -1;
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

/* Returns whether c is an ASCII letter or digit. */
static int
is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/*
 * Names the fields: `as`, '_' and the name of the class, with '_' in place of
 * bytes that are no ASCII letters or digits, or the number of the class if the
 * model does not name it. Returns 0, or -1 with a message.
 */
static int
name_fields(struct classify *s, const char *as, struct err *e)
{
	size_t i, k;

	for (i = 0; i < s->n; i++) {
		const char *label = lm_class_name(s->lm, (int)i);
		char *name = s->name[i], *c, number[24];

		snprintf(number, sizeof number, "%zu", i);
		label = label != NULL ? label : number;
		if (snprintf(name, RECORD_KEY_SIZE, "%s_%s", as, label) >= RECORD_KEY_SIZE)
			return err_set(e, "class %zu of the model cannot become a field, which has "
			    "at most %d bytes: '%s'", i, RECORD_KEY_SIZE - 1, name);
		for (c = name + strlen(as); *c != '\0'; c++)
			if (!is_plain(*c))
				*c = '_';
		for (k = 0; k < i && strcmp(s->name[k], name) != 0; k++)
			;
		if (k < i || metric_is_taken(&metric_classify, name))
			return err_set(e, "class %zu of the model cannot become the field '%s', "
			    "which %s", i, name, k < i ? "another class has" :
			    "has another meaning: choose another name with --as");
	}
	return 0;
}

/* Tells later tools the names of the fields, and who scored. */
static int
describe(const struct classify *s, const struct metric_options *o, struct header *h, struct err *e)
{
	const char *digest = lm_digest(s->lm), *path = o->lm->path;
	char *names = calloc(s->n, RECORD_KEY_SIZE + 1);
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
	if (name_fields(s, o->value[AS] != NULL ? o->value[AS] : "class", e) != 0)
		return -1;
	return describe(s, o, h, e);
}

/* Sets the fields of r by s->logit. Returns 0, or -1 with a message. */
static int
set_fields(const struct classify *s, struct record *r, struct err *e)
{
	double sum = logsumexp(s->logit, s->n, 1), p;
	size_t i;

	for (i = 0; i < s->n; i++) {
		double x = (double)s->logit[i];

		if (!isfinite(x))
			return err_set(e, "the probability of '%s' is not finite", s->name[i]);
		/* a single class competes with a logit of 0 */
		p = s->n == 1 ? logistic(x) : exp(x - sum);
		if (record_set_num(r, s->name[i], p) != 0)
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

/* Returns whether text is empty or only white space. */
static int
is_blank(const char *text)
{
	return text[strspn(text, " \t\n\v\f\r")] == '\0';
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
	if (is_blank(completion)) {
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
	[AS] = { "--as", "name", "beginning of its fields' names (default: class)" },
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
	    "                      [--as name] [--text text] [--truncate] [file ...]\n",
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
