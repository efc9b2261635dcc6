#include "steer/steering.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "steer/condition.h"

enum { ROWS = 512 };			/* the most rows moved at a time */

/* The ctx of steer_block. */
struct hook {
	struct steering *s;
	int block;
	const char *path;		/* of the barrier, or NULL: no file */
};

/* Decides which texts are moved, before anything moves at its block. */
struct decision {
	struct hook hook;
	struct condition condition;
	unsigned char met[LM_MAX_SEQS];		/* by each sequence */
};

struct steering {
	struct steering_sweep sweep;
	struct decision decision[STEERING_MAX];
	size_t decisions;
	struct steered {
		struct hook hook;
		const struct barrier *barrier;
		struct steering_where where;
		const struct decision *when;		/* NULL: always */
		struct flow *flow[STEERING_LENGTHS];	/* one per length of the sweep, or one */
		/*
		 * [LM_MAX_SEQS][dim] the displacement of each sequence's row at
		 * 0; NULL: every row has its own
		 */
		float *shift;
		double length[LM_MAX_SEQS];	/* of these displacements */
	} by[STEERING_MAX];
	size_t n;
	float *act;				/* [ROWS][dim] the rows that are moved */
	struct flow_result result[ROWS];
	struct steering_count count;
};

struct steering *
steering_alloc(const struct steering_sweep *sweep)
{
	struct steering *s = calloc(1, sizeof *s);

	if (s != NULL && sweep != NULL)
		s->sweep = *sweep;
	return s;
}

/* Refuses positions that a type cannot steer. Returns 0, or -1. */
static int
check_where(const struct field_type *type, const struct steering_where *w, struct err *e)
{
	if (type->of_sequence && (w->at == STEERING_ALL || w->skip > 0))
		return err_set(e, "'%s' is a sequence map, which begins at the prompt's last "
		    "token: %s does not go with it", type->name,
		    w->skip > 0 ? "--skip" : "--at all");
	return 0;
}

int
steering_add(struct steering *s, const struct barrier *barrier, const struct flow_options *o,
    const struct steering_where *w, struct err *e)
{
	struct steered *b = &s->by[s->n];
	struct flow_options of_one = *o;
	size_t dim = barrier->header.dim, k = 0;

	if (s->n == STEERING_MAX)
		return err_set(e, "more than %d barriers", STEERING_MAX);
	if (check_where(barrier->field->type, w, e) != 0)
		return -1;
	b->hook = (struct hook){ s, barrier->header.block[0], NULL };
	b->barrier = barrier;
	b->where = *w;
	s->n++;
	do {
		if (s->sweep.n > 0)
			of_one.T = s->sweep.T[k];
		if ((b->flow[k] = flow_alloc(barrier, &of_one, e)) == NULL)
			return -1;
	} while (++k < s->sweep.n);
	if (s->act == NULL && (s->act = calloc(ROWS, dim * sizeof *s->act)) == NULL)
		return err_memory(e);
	if (barrier->field->type->of_sequence &&
	    (b->shift = calloc(LM_MAX_SEQS, dim * sizeof *b->shift)) == NULL)
		return err_memory(e);
	return 0;
}

/*
 * Returns the decision by w's condition, which is opened unless an earlier
 * barrier has the same one, or NULL with a message in e.
 */
static struct decision *
find_decision(struct steering *s, const struct steering_where *w, struct header *h, struct err *e)
{
	struct decision *d = s->decision;

	for (; d < s->decision + s->decisions; d++)
		if (strcmp(d->condition.path, w->when) == 0 && d->condition.quantile == w->quantile)
			return d;
	if (s->decisions == STEERING_MAX) {
		err_set(e, "more than %d conditions", STEERING_MAX);
		return NULL;
	}
	d->condition.path = w->when;
	d->condition.quantile = w->quantile;
	if (condition_open(&d->condition, h, e) != 0)
		return NULL;
	d->hook = (struct hook){ s, d->condition.barrier->header.block[0], w->when };
	s->decisions++;
	return d;
}

int
steering_add_file(struct steering *s, const char *path, const struct flow_options *o,
    const struct steering_where *w, struct header *h, struct err *e)
{
	struct decision *d = NULL;
	struct barrier *b;

	if (barrier_open(&b, path, NULL, e) != 0)
		return -1;
	if (steering_add(s, b, o, w, e) != 0)
		return err_prefix(e, "'%s': ", path);
	if (w->when != NULL && (d = find_decision(s, w, h, e)) == NULL)
		return -1;
	if (d != NULL && d->hook.block > b->header.block[0])
		return err_set(e, "'%s': --when: '%s' decides after block %d, too late for block "
		    "%d", path, w->when, d->hook.block, b->header.block[0]);
	s->by[s->n - 1].when = d;
	s->by[s->n - 1].hook.path = path;
	return header_add_side(h, path, b->digest) != 0 ? err_memory(e) : 0;
}

/* Notes for each prompt that ends in act[n] whether it meets the condition. */
static void
decide(struct decision *d, const float *act, const struct lm_steered *row, size_t n)
{
	size_t dim = d->condition.barrier->header.dim, i;
	int k, met;

	for (i = 0; i < n; i++) {
		if (row[i].at != 0)
			continue;
		met = condition_met(&d->condition, act + i * dim);
		for (k = 0; k < row[i].n_seq; k++)
			d->met[row[i].seq[k]] = (unsigned char)met;
	}
}

/* Returns whether a row is one of those that b may move. */
static int
is_offered(const struct steered *b, const struct lm_steered *row)
{
	switch (b->where.at) {
	case STEERING_ALL:
		return 1;
	case STEERING_LAST:
		return row->at == 0;
	default:
		return row->at >= 0;
	}
}

/* Returns whether b moves a row that it may move. */
static int
is_wanted(const struct steered *b, const struct lm_steered *row)
{
	const struct steering_where *w = &b->where;
	unsigned at = (unsigned)(w->at == STEERING_ALL ? row->pos : row->at);

	return (b->when == NULL || b->when->met[row->seq[0]]) && at >= w->skip &&
	    (w->first == 0 || at - w->skip < w->first);
}

/* Counts a row that was moved by so much. */
static void
count_row(struct steering *s, double length)
{
	s->count.seen++;
	s->count.moved += length > 0;
	s->count.length += length;
}

/* Keeps for the sequences of a row that it went from act[dim] to moved[dim]. */
static void
keep_shift(struct steered *b, const struct lm_steered *row, const float *act, const float *moved,
    double length)
{
	size_t dim = b->barrier->header.dim, j;
	int i;

	for (i = 0; i < row->n_seq; i++) {
		float *shift = b->shift + (size_t)row->seq[i] * dim;

		for (j = 0; j < dim; j++)
			shift[j] = moved[j] - act[j];
		b->length[row->seq[i]] = length;
	}
}

/* Moves along a flow the rows which[m] of act, m <= ROWS. */
static int
move_rows(struct steering *s, struct steered *b, struct flow *flow, float *act,
    const struct lm_steered *row, const size_t *which, size_t m, struct err *e)
{
	size_t dim = b->barrier->header.dim, bytes = dim * sizeof *act, i;

	for (i = 0; i < m; i++)
		memcpy(s->act + i * dim, act + which[i] * dim, bytes);
	if (flow_apply(flow, s->act, m, s->result, 0, e) != 0)
		return -1;
	for (i = 0; i < m; i++) {
		float *to = act + which[i] * dim;

		count_row(s, s->result[i].length);
		if (b->shift != NULL)
			keep_shift(b, &row[which[i]], to, s->act + i * dim, s->result[i].length);
		memcpy(to, s->act + i * dim, bytes);
	}
	return 0;
}

/* Moves those of the rows first to end - 1 that are wanted and not at 0. */
static int
shift_rows(struct steering *s, const struct steered *b, float *act, const struct lm_steered *row,
    const unsigned char *wanted, size_t first, size_t end, struct err *e)
{
	size_t dim = b->barrier->header.dim, i, j;

	for (i = first; i < end; i++) {
		const float *shift = b->shift + (size_t)row[i].seq[0] * dim;

		if (!wanted[i - first] || row[i].at == 0)
			continue;
		for (j = 0; j < dim; j++) {
			act[i * dim + j] += shift[j];
			if (!isfinite(act[i * dim + j]))
				return err_set(e, "the activation is not finite once steered");
		}
		count_row(s, b->length[row[i].seq[0]]);
	}
	return 0;
}

/* Moves the rows first to end - 1, at most ROWS, by a barrier. */
static int
steer_rows(struct steering *s, struct steered *b, float *act, const struct lm_steered *row,
    size_t first, size_t end, struct err *e)
{
	size_t which[ROWS], length[ROWS] = { 0 }, i, k = 0, m;
	unsigned char wanted[ROWS] = { 0 };

	for (i = first; i < end; i++)
		if (is_offered(b, &row[i])) {
			wanted[i - first] = (unsigned char)is_wanted(b, &row[i]);
			if (!wanted[i - first])
				count_row(s, 0);
		}
	for (i = first; i < end && s->sweep.n > 0; i++)
		length[i - first] = s->sweep.which(s->sweep.ctx, i);
	do {
		for (m = 0, i = first; i < end; i++)
			if (wanted[i - first] && length[i - first] == k &&
			    (b->shift == NULL || row[i].at == 0))
				which[m++] = i;
		if (move_rows(s, b, b->flow[k], act, row, which, m, e) != 0)
			return -1;
	} while (++k < s->sweep.n);
	/*
	 * The row at 0 comes first in its sequence, and all of its rows have
	 * one length, so shift is set by now.
	 */
	return b->shift != NULL ? shift_rows(s, b, act, row, wanted, first, end, e) : 0;
}

/* Names the barrier's file in an error. Returns -1. */
static int
name_file(const struct hook *h, struct err *e)
{
	return h->path != NULL ? err_prefix(e, "'%s': ", h->path) : -1;
}

/* Moves act[n] by all barriers of a block; an lm_steer_fn. */
static int
steer_block(void *ctx, float *act, const struct lm_steered *row, size_t n, struct err *e)
{
	const struct hook *at = ctx;
	struct steering *s = at->s;
	size_t i, k;

	for (k = 0; k < s->decisions; k++)
		if (s->decision[k].hook.block == at->block)
			decide(&s->decision[k], act, row, n);
	for (k = 0; k < s->n; k++) {
		struct steered *b = &s->by[k];

		if (b->hook.block != at->block)
			continue;
		for (i = 0; i < n; i += ROWS)
			if (steer_rows(s, b, act, row, i, n - i < ROWS ? n : i + ROWS, e) != 0)
				return name_file(&b->hook, e);
	}
	return 0;
}

/* Has steer_block called at the block of b. Returns 0, or -1. */
static int
attach(struct hook *h, const struct barrier *b, struct lm *m, struct err *e)
{
	return barrier_check(b, lm_digest(m), (size_t)lm_dim(m), h->block, e) != 0 ||
	    lm_steer(m, h->block, steer_block, h, e) != 0 ? name_file(h, e) : 0;
}

int
steering_attach(struct steering *s, struct lm *m, struct err *e)
{
	size_t i;

	for (i = 0; i < s->decisions; i++)
		if (attach(&s->decision[i].hook, s->decision[i].condition.barrier, m, e) != 0)
			return -1;
	for (i = 0; i < s->n; i++) {
		struct steered *b = &s->by[i];

		if (attach(&b->hook, b->barrier, m, e) != 0)
			return -1;
		if (b->where.at != STEERING_ALL)
			continue;
		if (b->hook.block == lm_blocks(m) - 1) {
			err_set(e, "--at all: after block %d, the last, nothing reads the prompt",
			    b->hook.block);
			return name_file(&b->hook, e);
		}
		lm_steer_prompts(m);
	}
	return 0;
}

struct steering_count
steering_counted(const struct steering *s)
{
	return s->count;
}
