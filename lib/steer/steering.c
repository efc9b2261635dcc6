#include "steer/steering.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 512 };			/* the most rows moved at a time */

struct steering {
	struct steering_sweep sweep;
	struct steered {
		struct steering *s;
		const struct barrier *barrier;
		struct flow *flow[STEERING_LENGTHS];	/* one per length of the sweep, or one */
		/*
		 * [LM_MAX_SEQS][dim] the displacement of each sequence's first
		 * row; NULL: every row has its own
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

int
steering_add(struct steering *s, const struct barrier *barrier, const struct flow_options *o,
    struct err *e)
{
	struct steered *b = &s->by[s->n];
	struct flow_options of_one = *o;
	size_t dim = barrier->header.dim, k = 0;

	if (s->n == STEERING_MAX)
		return err_set(e, "more than %d barriers", STEERING_MAX);
	b->s = s;
	b->barrier = barrier;
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

int
steering_add_file(struct steering *s, const char *path, const struct flow_options *o,
    struct header *h, struct err *e)
{
	struct barrier *b;

	if (barrier_open(&b, path, NULL, e) != 0)
		return -1;
	if (steering_add(s, b, o, e) != 0)
		return err_prefix(e, "'%s': ", path);
	return header_add_side(h, path, b->digest) != 0 ? err_memory(e) : 0;
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

/* Moves the rows first to end - 1 that are not the first ones of a sequence. */
static int
shift_rows(struct steering *s, const struct steered *b, float *act, const struct lm_steered *row,
    size_t first, size_t end, struct err *e)
{
	size_t dim = b->barrier->header.dim, i, j;

	for (i = first; i < end; i++) {
		const float *shift = b->shift + (size_t)row[i].seq[0] * dim;

		if (row[i].at == 0)
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

	for (i = first; i < end && s->sweep.n > 0; i++)
		length[i - first] = s->sweep.which(s->sweep.ctx, i);
	do {
		for (m = 0, i = first; i < end; i++)
			if (length[i - first] == k && (b->shift == NULL || row[i].at == 0))
				which[m++] = i;
		if (move_rows(s, b, b->flow[k], act, row, which, m, e) != 0)
			return -1;
	} while (++k < s->sweep.n);
	/* a first row comes before the others, and has its length */
	return b->shift != NULL ? shift_rows(s, b, act, row, first, end, e) : 0;
}

/* Moves act[n] by all barriers of a block; an lm_steer_fn. */
static int
steer_block(void *ctx, float *act, const struct lm_steered *row, size_t n, struct err *e)
{
	const struct steered *at = ctx;
	struct steering *s = at->s;
	size_t i, k;

	for (k = 0; k < s->n; k++) {
		struct steered *b = &s->by[k];

		if (b->barrier->header.block[0] != at->barrier->header.block[0])
			continue;
		for (i = 0; i < n; i += ROWS)
			if (steer_rows(s, b, act, row, i, n - i < ROWS ? n : i + ROWS, e) != 0)
				return -1;
	}
	return 0;
}

int
steering_attach(struct steering *s, struct lm *m, struct err *e)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		const struct barrier *b = s->by[i].barrier;

		if (barrier_check(b, lm_digest(m), (size_t)lm_dim(m), b->header.block[0], e) != 0 ||
		    lm_steer(m, b->header.block[0], steer_block, &s->by[i], e) != 0)
			return -1;
	}
	return 0;
}

struct steering_count
steering_counted(const struct steering *s)
{
	return s->count;
}
