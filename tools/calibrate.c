#include "calibrate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "flow/flow.h"
#include "model/text_batch.h"
#include "model_options.h"
#include "steer/divergence.h"
#include "tool.h"

enum { LONGEST = 128 };			/* tokens of a completion that are measured */

static const double MOST = 0.8;		/* mean norms */

static const char *texts_path;
static struct stream *texts;
static struct divergence *divergence;
static size_t lengths = BARRIER_CURVE;

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

/* Steers the model by b, with the lengths of its curve. */
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

/*
 * Adds to sum[lengths] the divergences at the tokens of the text r, and their
 * number to *n.
 */
static void
add_text(const struct record *r, double *sum, size_t *n)
{
	double kl[LONGEST * BARRIER_CURVE];
	struct example x;
	struct err e;
	size_t m, i;

	if (example_read(&x, divergence_lm(divergence), r, model_options.template,
	    model_options.system, EXAMPLE_WHOLE, &e) != 0)
		tool_die_record(texts, &e);
	if (x.n > x.n_prompt + LONGEST)
		x.n = x.n_prompt + LONGEST;
	m = text_batch_predicted(&x);
	if (divergence_measure(divergence, &x, kl, &e) != 0)
		tool_die_record(texts, &e);
	for (i = 0; i < m * lengths; i++)
		sum[i % lengths] += kl[i];
	*n += m;
	example_release(&x);
}

void
calibrate(struct barrier *b)
{
	const struct field_type *type = b->field->type;
	double speed = field_speed(b->field), *T = b->curve.T, sum[BARRIER_CURVE] = { 0 };
	struct record *r = tool_need(record_alloc());
	size_t n = 0, k;
	char digest[9];

	if (type->kind != FIELD_MAP && !(speed > 0))
		tool_die("--calibrate: the barrier's field is zero");
	for (k = 0; k < lengths; k++)
		T[k] = pow(2, -0.5 * (double)(lengths - 1 - k)) *
		    (type->kind == FIELD_MAP ? field_T_most(type) : MOST * b->act_norm / speed);
	steer(b);
	tool_progress(texts, "texts to calibrate by", 0, "tokens", 0);
	while (tool_read(texts, r)) {
		add_text(r, sum, &n);
		tool_progress(texts, "texts to calibrate by", stream_count(texts), "tokens", n);
	}
	tool_progress_end();
	if (n == 0)
		tool_die("--calibrate: '%s': no text has a completion (odesteer generate writes "
		    "them)", texts_path);
	/* rounding may leave 0, of which there is no logarithm */
	for (k = 0; k < lengths; k++)
		b->curve.kl[k] = fmax(sum[k] / (double)n, 1e-12);
	tool_note("calibrated on %zu tokens: %.3g nat at a length of %.4g, %.3g at %.4g", n,
	    b->curve.kl[0], T[0], b->curve.kl[lengths - 1], T[lengths - 1]);
	snprintf(digest, sizeof digest, "%08x", (unsigned)stream_crc(texts));
	tool_check(header_add_side(&b->header, texts_path, digest), NULL);
	tool_check(header_add_side(&b->header, model_options.lm.path,
	    lm_digest(divergence_lm(divergence))), NULL);
	record_free(r);
	divergence_close(divergence);
}
