#include "field/barrier.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stream/sink.h"

void
barrier_free(struct barrier *b)
{
	if (b == NULL)
		return;
	field_free(b->field);
	header_release(&b->header);
	free(b);
}

/* Sets a number or an array of r, unless it could not be computed. */
static int
set_figure(struct record *r, const char *name, double v)
{
	return isfinite(v) ? record_set_num(r, name, v) : 0;
}

static int
set_figures(struct record *r, const char *name, const double *v, size_t n)
{
	return isfinite(v[0]) ? record_set_nums(r, name, v, n) : 0;
}

static int
set_classifier(struct record *r, const struct fit_report *rep)
{
	if (!isfinite(rep->C))
		return 0;
	return record_set_num(r, "objective", rep->objective) != 0 ||
	    record_set_num(r, "gradient_norm", rep->gradient_norm) != 0 ||
	    record_set_int(r, "iterations", rep->iterations) != 0 ? -1 : 0;
}

static int
set_held_out(struct record *r, const struct fit_report *rep)
{
	return (rep->folds > 0 && record_set_int(r, "folds", rep->folds) != 0) ||
	    set_figure(r, "auc", rep->auc) != 0 || set_figure(r, "log_loss", rep->log_loss) != 0 ||
	    record_set_num(r, "prior_log_loss", rep->prior_log_loss) != 0 ||
	    set_figure(r, "temperature", rep->temperature) != 0 ||
	    set_figures(r, "predicted", rep->predicted, FIT_BINS) != 0 ||
	    set_figures(r, "observed", rep->observed, FIT_BINS) != 0 ||
	    set_figures(r, "positives_h", rep->quantile, FIT_QUANTILES) != 0 ? -1 : 0;
}

static int
set_curve(struct record *r, const struct fit_curve *c)
{
	if (c->n == 0)
		return 0;
	return record_set_int(r, "epoch", c->best) != 0 ||
	    record_set_nums(r, "training_loss", c->training, c->n) != 0 ||
	    record_set_nums(r, "validation_loss", c->validation, c->n) != 0 ? -1 : 0;
}

/* Sets the fields of a barrier record. Returns 0, or -1 if out of memory. */
static int
save(struct record *r, const struct barrier *b, const struct fit_report *rep,
    const struct fit_options *o)
{
	const char *loss = o->loss == LOSS_LOGISTIC ? "logistic" : "hinge";

	return record_set_str(r, "id", "barrier", strlen("barrier")) != 0 ||
	    field_save(b->field, r) != 0 || set_figure(r, "C", rep->C) != 0 ||
	    record_set_int(r, "positives", (int64_t)rep->n_positive) != 0 ||
	    record_set_int(r, "negatives", (int64_t)rep->n_negative) != 0 ||
	    record_set_int(r, "groups", (int64_t)rep->n_group) != 0 ||
	    record_set_num(r, "prior", rep->prior) != 0 ||
	    record_set_num(r, "act_norm", b->act_norm) != 0 ||
	    (b->field->type->uses & FIELD_USES_LOSS &&
	    record_set_str(r, "loss", loss, strlen(loss)) != 0) ||
	    set_classifier(r, rep) != 0 ||
	    set_figure(r, "direction_error", rep->direction_error) != 0 ||
	    set_held_out(r, rep) != 0 ||
	    set_curve(r, &rep->curve) != 0 ||
	    set_figure(r, "T_auto", b->T_auto) != 0 ||
	    (b->curve.T[0] > 0 &&
	    (record_set_nums(r, "kl_T", b->curve.T, BARRIER_CURVE) != 0 ||
	    record_set_nums(r, "kl", b->curve.kl, BARRIER_CURVE) != 0)) ? -1 : 0;
}

int
barrier_write(const struct barrier *b, const struct fit_report *rep, const struct fit_options *o,
    const char *path, int gzip, struct err *e)
{
	struct record *r = record_alloc();
	struct sink *out = NULL;
	int rc = -1;

	if (r == NULL || save(r, b, rep, o) != 0)
		err_memory(e);
	else if ((out = sink_open(path, gzip, &b->header, e)) != NULL && sink_write(out, r, e) != 0)
		sink_abort(out);
	else if (out != NULL)
		rc = sink_close(out, e);
	record_free(r);
	return rc;
}

/*
 * Sets *v to the number `name' of r, or to NaN if there is none. Returns 0, or
 * -1 with a message in e that it is not `what' if it is not between both ends.
 */
static int
load_figure(const struct record *r, const char *name, double least, double most,
    const char *what, double *v, struct err *e)
{
	int got = record_get_num(r, name, v);

	if (got == 0)
		*v = NAN;
	if (got < 0 || (got == 1 && !(*v > least && *v < most)))
		return err_set(e, "field '%s' is not %s", name, what);
	return 0;
}

/*
 * Sets v[n] to the array `name' of r. Returns 1, 0 if there is none, or -1 with
 * a message in e.
 */
static int
load_figures(const struct record *r, const char *name, double *v, size_t n, struct err *e)
{
	double *from, number;

	/* neither absent nor nil */
	if (record_get_num(r, name, &number) == 0)
		return 0;
	if ((from = field_load_array(r, name, n, e)) == NULL)
		return -1;
	memcpy(v, from, n * sizeof *v);
	free(from);
	return 1;
}

/* Reads the curve of r. Returns 0, or -1 with a message in e. */
static int
load_curve(struct barrier_curve *c, const struct record *r, struct err *e)
{
	int T = load_figures(r, "kl_T", c->T, BARRIER_CURVE, e);
	int kl = T < 0 ? -1 : load_figures(r, "kl", c->kl, BARRIER_CURVE, e);
	size_t i;

	if (kl < 0)
		return -1;
	if (T != kl)
		return err_set(e, "only one of the fields 'kl_T' and 'kl' is there");
	for (i = 0; kl > 0 && i < BARRIER_CURVE; i++)
		if (c->T[i] <= (i > 0 ? c->T[i - 1] : 0) || c->kl[i] <= 0)
			return err_set(e, "fields 'kl_T' and 'kl' are not a curve: T must rise "
			    "from above 0, and KL be positive");
	return 0;
}

/* Reads the file's record into b. Returns 0, or -1 with a message in e. */
static int
load(struct barrier *b, struct stream *s, const struct record *r, struct err *e)
{
	size_t i;
	int got;

	if (b->header.n_block != 1)
		return err_set(e, "its header names %zu blocks, not one", b->header.n_block);
	if (field_load_positive(r, "act_norm", &b->act_norm, e) != 0 ||
	    load_figure(r, "prior", 0, 1, "a number between 0 and 1", &b->prior, e) != 0 ||
	    load_figure(r, "temperature", 0, INFINITY, "a positive number", &b->temperature,
	    e) != 0 ||
	    load_figure(r, "T_auto", -INFINITY, INFINITY, "a number", &b->T_auto, e) != 0 ||
	    load_curve(&b->curve, r, e) != 0)
		return -1;
	if ((b->field = field_load(r, stream_header(s)->dim, e)) == NULL)
		return -1;
	for (i = 0; i < FIT_QUANTILES; i++)
		b->quantile[i] = NAN;
	got = load_figures(r, "positives_h", b->quantile, FIT_QUANTILES, e);
	if (got > 0 && !b->field->type->has_h)
		return err_set(e, "field 'positives_h' has no meaning for '%s', which has no h",
		    b->field->type->name);
	return got < 0 ? -1 : 0;
}

int
barrier_check(const struct barrier *b, const char *digest, size_t dim, int block, struct err *e)
{
	if (digest != NULL && b->header.digest != NULL && strcmp(digest, b->header.digest) != 0)
		return err_set(e, "the barrier is of another model: '%s' (%s), not %s",
		    b->header.model, b->header.digest, digest);
	if (dim != b->header.dim)
		return err_set(e, "the barrier is of dim %zu, not %zu", b->header.dim, dim);
	if (block != b->header.block[0])
		return err_set(e, "the barrier is of block %d, not %d", b->header.block[0], block);
	return 0;
}

/* Checks that b fits the activations with header h. */
static int
check_header(const struct barrier *b, const struct header *h, struct err *e)
{
	if (h->n_block != 1)
		return err_set(e, "the stream holds %zu blocks, the barrier is of block %d alone",
		    h->n_block, b->header.block[0]);
	return barrier_check(b, h->digest, h->dim, h->block[0], e);
}

int
barrier_open(struct barrier **out, const char *path, const struct header *h, struct err *e)
{
	struct stream *s = stream_open(&path, 1, e);
	struct record *r = record_alloc();
	struct barrier *b = calloc(1, sizeof *b);
	int got = -1;

	if (s == NULL || stream_expect(s, 1u << STREAM_BARRIER, e) != 0)
		goto fail;
	if (r == NULL || b == NULL || header_copy(&b->header, stream_header(s)) != 0) {
		err_memory(e);
		goto fail;
	}
	if (h != NULL && check_header(b, h, e) != 0)
		goto fail;
	if ((got = stream_read(s, r, e)) == 0)
		err_set(e, "'%s' holds no barrier", path);
	if (got != 1)
		goto fail;
	if (load(b, s, r, e) != 0) {
		stream_locate(s, e);
		goto fail;
	}
	if ((got = stream_read(s, r, e)) == 1)
		err_set(e, "'%s' holds more than one barrier", path);
	if (got != 0)
		goto fail;
	snprintf(b->digest, sizeof b->digest, "%08x", (unsigned)stream_crc(s));
	record_free(r);
	stream_close(s);
	*out = b;
	return 0;
fail:
	record_free(r);
	stream_close(s);
	barrier_free(b);
	return -1;
}

int
barrier_check_h(const struct barrier *b, struct err *e)
{
	if (b->field->type->has_h)
		return 0;
	return err_set(e, "'%s' has no h: it says where activations go, not how likely they are",
	    b->field->type->name);
}

double
barrier_log_odds(const struct barrier *b, double h)
{
	return h - log((1 - b->prior) / b->prior);
}

double
barrier_calibrate(const struct barrier *b, double odds)
{
	return odds / (isnan(b->temperature) ? 1 : b->temperature);
}
