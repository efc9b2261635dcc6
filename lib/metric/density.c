/*
 * density - the log-density ratio h of each activation under a barrier.
 *
 * Source: the paper's section 4, h(a) = log p+(a)/p-(a); h >= 0 is the desired
 * region. On steered and unsteered activations of the same texts, h shows what
 * the flow did; on labelled activations, how well the barrier separates them.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log1pexp.h"
#include "field/barrier.h"
#include "metric/metric.h"

/* The index of its option. */
enum { LABEL };

struct density {
	const char *label;		/* name of the field with the label */
	int needs_label;		/* every record must have it */
	struct barrier *barrier;
	struct field_work *work;
	int half;
	float *act;
};

static void
density_close(void *state)
{
	struct density *s = state;

	field_work_free(s->work);
	barrier_free(s->barrier);
	free(s->act);
}

static int
density_check(const struct metric_options *o, struct err *e)
{
	return o->barrier != NULL ? 0 : err_set(e, "density needs a barrier: -b");
}

static int
density_open(void *state, const struct metric_options *o, struct header *h, struct err *e)
{
	struct density *s = state;

	s->label = o->value[LABEL] != NULL ? o->value[LABEL] : "label";
	s->needs_label = o->value[LABEL] != NULL;
	if (barrier_open(&s->barrier, o->barrier, h, e) != 0)
		return -1;
	if (header_add_side(h, o->barrier, s->barrier->digest) != 0)
		return err_memory(e);
	if (barrier_check_h(s->barrier, e) != 0)
		return -1;
	s->half = h->half;
	s->act = calloc(h->dim, sizeof *s->act);
	s->work = field_work_alloc(s->barrier->field);
	return s->act != NULL && s->work != NULL ? 0 : err_memory(e);
}

/* Removes the fields of an earlier run that depend on the label. */
static void
unset_fields(struct record *r)
{
	record_unset(r, "log_loss");
	record_unset(r, "p");
	record_unset(r, "p_log_loss");
	record_unset(r, "correct");
}

/*
 * Sets the fields that depend on the label. odds are the log-odds of label 1
 * under the prior of the fit; divided by the temperature, they are calibrated.
 * Returns 0, or -1 if memory runs out.
 */
static int
set_fields(const struct barrier *b, struct record *r, int label, double odds)
{
	double calibrated = barrier_calibrate(b, odds);

	if (record_set_num(r, "log_loss", log1pexp(label ? -odds : odds)) != 0 ||
	    record_set_num(r, "p", 1 / (1 + exp(-calibrated))) != 0 ||
	    record_set_num(r, "p_log_loss", log1pexp(label ? -calibrated : calibrated)) != 0 ||
	    record_set_int(r, "correct", (odds >= 0) == label) != 0)
		return -1;
	return 0;
}

static int
density_push(void *state, struct record *r, struct sink *out, struct err *e)
{
	struct density *s = state;
	const struct barrier *b = s->barrier;
	const char *at;
	int label;
	double h;
	int got;

	if (record_get_act(r, s->half, s->act, b->field->dim, e) != 0)
		return -1;
	h = field_h(b->field, s->work, s->act);
	if (record_set_num(r, "h", h) != 0)
		return err_memory(e);
	if ((got = record_get_bool(r, s->label, &label)) < 0)
		return err_set(e, "field '%s' is not 0 or 1", s->label);
	if (got == 0 && s->needs_label)
		return err_set(e, "no field '%s'", s->label);
	if (got == 1 && record_get_str(r, "at", &at, NULL) == 1 && strcmp(at, "prompt") == 0)
		return err_set(e, "the activation is of a prompt, but its label is about the "
		    "completion: remove the record or the label");
	if (got == 1 && s->needs_label && record_set_int(r, "label", label) != 0)
		return err_memory(e);
	/* the log-odds of a label are h plus those of the prior */
	if (got == 1 && !isnan(b->prior)) {
		if (set_fields(b, r, label, barrier_log_odds(b, h)) != 0)
			return err_memory(e);
	} else
		unset_fields(r);
	return sink_write(out, r, e);
}

static const struct column columns[] = {
	{ "h, positives", "h", &aggregate_positive, 3, NULL },
	{ "h, negatives", "h", &aggregate_negative, 3, NULL },
	{ "AUC of h", "h", &aggregate_auc, 3, NULL },
	{ "log-loss of h", "log_loss", &aggregate_mean, 4, NULL },
	{ "accuracy of h", "correct", &aggregate_mean, 3, NULL },
	{ "log-loss of p", "p_log_loss", &aggregate_mean, 4, NULL },
	{ "calibration error of p", "p", &aggregate_calibration, 3, NULL },
	{ .title = NULL }
};

static const struct metric_option options[] = {
	[LABEL] = { "--label", "field",
	    "take the label from this field, and copy it to 'label' (default: label)" },
	{ .name = NULL }
};

const struct metric metric_density = {
	.name = "density",
	.about = "h, the log-density ratio, of each activation under a barrier",
	.usage = "score density -b barrier [-vz] [-o file] [--label field] [file ...]\n",
	.uses = METRIC_BARRIER,
	.options = options,
	.kinds = 1u << STREAM_ACTIVATIONS,
	.columns = columns,
	.size = sizeof(struct density),
	.check = density_check,
	.open = density_open,
	.push = density_push,
	.close = density_close,
};
