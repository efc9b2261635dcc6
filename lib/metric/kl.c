/*
 * kl - how far steering changes what the model would say next.
 *
 * kl is the mean over the tokens of a completion of the Kullback-Leibler
 * divergence that steer/divergence.h defines, in nats, and kl_p95 its 95th
 * percentile.
 */
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>

#include "metric/metric.h"
#include "model/text_batch.h"
#include "steer/divergence.h"

struct kl {
	struct divergence *d;
	const struct metric_options *o;
	double kl[DIVERGENCE_LONGEST];	/* at the tokens of a completion */
	char *T;			/* of the first record that had one, or NULL */
};

static int
kl_check(const struct metric_options *o, struct err *e)
{
	return o->barrier != NULL ? 0 : err_set(e, "kl needs a barrier: -b");
}

static void
kl_close(void *state)
{
	struct kl *s = state;

	divergence_close(s->d);
	free(s->T);
}

static int
kl_open(void *state, const struct metric_options *o, struct header *h, struct err *e)
{
	struct kl *s = state;

	s->o = o;
	s->d = divergence_open(o->lm, 1, DIVERGENCE_LONGEST, e);
	if (s->d == NULL || steering_attach(o->steering, divergence_lm(s->d), e) != 0)
		return -1;
	return header_add_side(h, o->lm->path, lm_digest(divergence_lm(s->d))) != 0 ?
	    err_memory(e) : 0;
}

/*
 * Sets the fields of r from the divergences at n tokens, or removes those of an
 * earlier run if there are none. Returns 0, or -1 with a message.
 */
static int
set_fields(struct kl *s, struct record *r, size_t n, struct err *e)
{
	double sum = 0;
	size_t i;

	if (n == 0) {
		record_unset(r, "kl");
		record_unset(r, "kl_p95");
		return 0;
	}
	for (i = 0; i < n; i++)
		sum += s->kl[i];
	gsl_sort(s->kl, 1, n);
	if (record_set_num(r, "kl", sum / (double)n) != 0 || record_set_num(r, "kl_p95",
	    gsl_stats_quantile_from_sorted_data(s->kl, 1, n, 0.95)) != 0)
		return err_memory(e);
	return 0;
}

/*
 * Texts of a sweep say their length, T. Refuses those of more than one, for
 * they are measured at one. Returns 0, or -1 with a message.
 */
static int
check_length(struct kl *s, const struct record *r, struct err *e)
{
	const char *T = NULL;

	if (record_get_str(r, "T", &T, NULL) < 0)
		return err_set(e, "field 'T' is not a text");
	if (T == NULL)
		return 0;
	if (s->T == NULL && (s->T = strdup(T)) == NULL)
		return err_memory(e);
	return strcmp(s->T, T) == 0 ? 0 : err_set(e, "its T is '%s', that of an earlier one '%s': "
	    "kl measures all texts at one length, so give it those of one", T, s->T);
}

static int
kl_push(void *state, struct record *r, struct sink *out, struct err *e)
{
	struct kl *s = state;
	struct example x = { .n = 0 };
	const char *completion;
	size_t n;
	int rc = -1;

	/* a text may have no token at all, which example_read refuses */
	if (check_length(s, r, e) != 0 ||
	    record_get_text(r, "completion", 1, &completion, &n, e) != 0 ||
	    (n > 0 && (example_read(&x, divergence_lm(s->d), r, s->o->template, s->o->system,
	    EXAMPLE_WHOLE, e) != 0 || divergence_measure(s->d, &x, s->kl, e) != 0)) ||
	    set_fields(s, r, text_batch_predicted(&x), e) != 0)
		goto out;
	rc = sink_write(out, r, e);
out:
	example_release(&x);
	return rc;
}

static const struct column columns[] = {
	{ "KL", "kl", &aggregate_mean, 3, NULL },
	{ "KL p95", "kl_p95", &aggregate_mean, 3, NULL },
	{ .title = NULL }
};

const struct metric metric_kl = {
	.name = "kl",
	.about = "divergence of the steered model's next tokens from the unsteered one's",
	.usage =
	    "score kl [-vz] {-b barrier [-T length] [-n steps] [-s solver]\n"
	    "                [--at completion|last|all] [--first n] [--skip n]\n"
	    "                [--tolerance x] [--until q] [--when barrier:q]} ...\n"
	    "                [-g layers] [-j threads] [-m model] [-o file]\n"
	    "                [-t raw|chat] [--system text] [file ...]\n",
	.uses = METRIC_MODEL | METRIC_PROMPT | METRIC_FLOWS,
	.kinds = STREAM_TEXTS,
	.columns = columns,
	.size = sizeof(struct kl),
	.check = kl_check,
	.open = kl_open,
	.push = kl_push,
	.close = kl_close,
};
