#include "steer/steering.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 512 };			/* the most rows moved at a time */

struct steering {
	struct steering_sweep sweep;
	struct steered {
		struct steering *s;
		struct barrier *barrier;
		struct flow *flow[STEERING_LENGTHS];	/* one per length of the sweep, or one */
	} by[STEERING_MAX];
	size_t n;
	float *act;				/* [ROWS][dim] the rows of one length */
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
steering_add(struct steering *s, const char *path, const struct flow_options *o, struct header *h,
    struct err *e)
{
	struct steered *b = &s->by[s->n];
	struct flow_options of_one = *o;
	size_t k = 0;

	if (s->n == STEERING_MAX)
		return err_set(e, "more than %d barriers", STEERING_MAX);
	if (barrier_open(&b->barrier, path, NULL, e) != 0)
		return -1;
	b->s = s;
	s->n++;
	do {
		if (s->sweep.n > 0)
			of_one.T = s->sweep.T[k];
		if ((b->flow[k] = flow_alloc(b->barrier, &of_one, e)) == NULL)
			return err_prefix(e, "'%s': ", path);
	} while (++k < s->sweep.n);
	if (s->sweep.n > 0 && s->act == NULL)
		if ((s->act = malloc(ROWS * b->barrier->header.dim * sizeof *s->act)) == NULL)
			return err_memory(e);
	return header_add_side(h, path, b->barrier->digest) != 0 ? err_memory(e) : 0;
}

/* Moves act[n], n <= ROWS, along one flow. */
static int
move_rows(struct steering *s, struct flow *flow, float *act, size_t n, struct err *e)
{
	size_t i;

	if (flow_apply(flow, act, n, s->result, 0, e) != 0)
		return -1;
	s->count.seen += n;
	for (i = 0; i < n; i++) {
		s->count.moved += s->result[i].length > 0;
		s->count.length += s->result[i].length;
	}
	return 0;
}

/* Moves act[n], n <= ROWS, of the rows from `first` on, length by length. */
static int
move_sweep(struct steering *s, const struct steered *b, float *act, size_t first, size_t n,
    struct err *e)
{
	size_t dim = b->barrier->header.dim, which[ROWS], i, k, m;

	for (i = 0; i < n; i++)
		which[i] = s->sweep.which(s->sweep.ctx, first + i);
	for (k = 0; k < s->sweep.n; k++) {
		for (m = 0, i = 0; i < n; i++)
			if (which[i] == k)
				memcpy(s->act + m++ * dim, act + i * dim, dim * sizeof *act);
		if (move_rows(s, b->flow[k], s->act, m, e) != 0)
			return -1;
		for (m = 0, i = 0; i < n; i++)
			if (which[i] == k)
				memcpy(act + i * dim, s->act + m++ * dim, dim * sizeof *act);
	}
	return 0;
}

/* Moves act[n] by all barriers of a block; an lm_steer_fn. */
static int
steer_block(void *ctx, float *act, size_t n, struct err *e)
{
	const struct steered *at = ctx;
	struct steering *s = at->s;
	size_t dim = at->barrier->header.dim, i, k;

	for (k = 0; k < s->n; k++) {
		const struct steered *b = &s->by[k];

		if (b->barrier->header.block[0] != at->barrier->header.block[0])
			continue;
		for (i = 0; i < n; i += ROWS) {
			size_t m = n - i < ROWS ? n - i : ROWS;
			int rc = s->sweep.n > 0 ? move_sweep(s, b, act + i * dim, i, m, e) :
			    move_rows(s, b->flow[0], act + i * dim, m, e);

			if (rc != 0)
				return -1;
		}
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
