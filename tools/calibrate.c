#include "calibrate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "flow/flow.h"
#include "model/text_batch.h"
#include "model_options.h"
#include "steer/divergence.h"
#include "tool.h"

enum {
	LONGEST = 128,			/* tokens of a completion that are measured */
	ROUNDS = 8			/* of measuring shorter lengths */
};

static const double MOST = 0.8;		/* mean norms */
/*
 * If the least length moves the next tokens by more than LEAST nats, lengths
 * are divided so that, if KL grows like T^2, it moves them by AIM.
 */
static const double LEAST = 0.05, AIM = 0.02;

static const char *texts_path;
static struct stream *texts;
static struct divergence *divergence;
static size_t lengths = BARRIER_CURVE;
static struct example *held;		/* the texts; no tokens without a completion */
static size_t n_held, room;
static size_t read_tokens;		/* in all rounds, for the progress */

void
calibrate_open(const char *path, const struct header *h)
{
	const char *digest;
	struct err e;

	texts_path = path;
	texts = tool_need_err(stream_open(&texts_path, 1, &e), &e);
	tool_check(stream_expect(texts, STREAM_TEXTS, &e), &e);
	stream_add_ids(texts);
	divergence = tool_need_err(divergence_open(&model_options.lm, lengths, LONGEST, &e), &e);
	digest = lm_digest(divergence_lm(divergence));
	if (h->digest != NULL && strcmp(digest, h->digest) != 0)
		tool_die("--calibrate: the activations are of another model: '%s' (%s), not %s",
		    h->model, h->digest, digest);
}

/* Steers the model by b from now on, with the lengths of its curve. */
static void
steer(const struct barrier *b)
{
	struct strength T[BARRIER_CURVE];
	struct steering_sweep sweep = { T, lengths, divergence_which, &lengths };
	struct steering *s;
	struct steering_where everywhere = { 0 };
	struct flow_options o;
	struct err e;
	size_t k;

	for (k = 0; k < lengths; k++)
		T[k] = (struct strength){ STRENGTH_LENGTH, b->curve.T[k] };
	flow_options_default(&o);
	o.threads = (unsigned)model_options.lm.threads;
	s = tool_need(steering_alloc(&sweep));
	tool_check(steering_add(s, b, &o, &everywhere, &e), &e);
	tool_check(steering_attach(s, divergence_lm(divergence), &e), &e);
}

/* Reads all texts. */
static void
hold_texts(void)
{
	struct record *r = tool_need(record_alloc());
	struct example *x;
	const char *completion;
	struct err e;
	size_t n;

	while (tool_read(texts, r)) {
		held = tool_need(array_grow(held, n_held + 1, &room, sizeof *held));
		x = &held[n_held++];
		*x = (struct example){ .n = 0 };
		if (record_get_text(r, "completion", 0, &completion, &n, &e) != 0)
			tool_die_record(texts, &e);
		if (n == 0)
			continue;
		if (example_read(x, divergence_lm(divergence), r, model_options.template,
		    model_options.system, EXAMPLE_WHOLE, &e) != 0)
			tool_die_record(texts, &e);
		if (x->n > x->n_prompt + LONGEST)
			x->n = x->n_prompt + LONGEST;
	}
	record_free(r);
}

/*
 * Adds to sum[lengths] the divergences at the tokens of x, and their number to
 * *n.
 */
static void
add_text(const struct example *x, double *sum, size_t *n)
{
	double kl[LONGEST * BARRIER_CURVE];
	struct err e;
	size_t m = text_batch_predicted(x), i;

	if (divergence_measure(divergence, x, kl, &e) != 0)
		tool_die("--calibrate: '%s': text '%s': %s", texts_path, x->id, e.text);
	for (i = 0; i < m * lengths; i++)
		sum[i % lengths] += kl[i];
	*n += m;
	read_tokens += m;
}

/*
 * Sets kl[lengths] to the mean divergence of the texts, steered by b. Returns
 * the number of tokens.
 */
static size_t
measure(const struct barrier *b, double *kl)
{
	double sum[BARRIER_CURVE] = { 0 };
	size_t n = 0, k;

	steer(b);
	tool_progress(texts, "texts to calibrate by", 0, "tokens", read_tokens);
	for (k = 0; k < n_held; k++) {
		add_text(&held[k], sum, &n);
		tool_progress(texts, "texts to calibrate by", k + 1, "tokens", read_tokens);
	}
	tool_progress_end();
	if (n == 0)
		tool_die("--calibrate: '%s': no text has a completion (odesteer generate writes "
		    "them)", texts_path);
	/* rounding may leave 0, of which there is no logarithm */
	for (k = 0; k < lengths; k++)
		kl[k] = fmax(sum[k] / (double)n, 1e-12);
	return n;
}

void
calibrate(struct barrier *b)
{
	const struct field_type *type = b->field->type;
	double speed = field_speed(b->field), *T = b->curve.T, *kl = b->curve.kl, shorter;
	size_t n, k;
	int round;
	char digest[9];

	if (type->kind != FIELD_MAP && !(speed > 0))
		tool_die("--calibrate: the barrier's field is zero");
	for (k = 0; k < lengths; k++)
		T[k] = pow(2, -0.5 * (double)(lengths - 1 - k)) *
		    (type->kind == FIELD_MAP ? field_T_most(type) : MOST * b->act_norm / speed);
	hold_texts();
	n = measure(b, kl);
	for (round = 0; kl[0] > LEAST && round < ROUNDS; round++) {
		shorter = sqrt(AIM / kl[0]);
		for (k = 0; k < lengths; k++)
			T[k] *= shorter;
		measure(b, kl);
	}
	if (kl[0] > LEAST)
		tool_die("--calibrate: even a length of %.3g moves the next tokens by %.3g nats",
		    T[0], kl[0]);
	tool_note("calibrated on %zu tokens: %.3g nat at a length of %.4g, %.3g at %.4g", n, kl[0],
	    T[0], kl[lengths - 1], T[lengths - 1]);
	snprintf(digest, sizeof digest, "%08x", (unsigned)stream_crc(texts));
	tool_check(header_add_side(&b->header, texts_path, digest), NULL);
	tool_check(header_add_side(&b->header, model_options.lm.path,
	    lm_digest(divergence_lm(divergence))), NULL);
	for (k = 0; k < n_held; k++)
		example_release(&held[k]);
	free(held);
	divergence_close(divergence);
}
