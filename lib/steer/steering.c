#include "steer/steering.h"

#include <stdlib.h>

struct steering {
	struct {
		struct barrier *barrier;
		struct flow *flow[STEERING_LENGTHS];
		size_t (*which)(void *ctx, size_t i);	/* the flow of row i; NULL: the first */
		void *ctx;
	} by[STEERING_MAX];
	size_t n;
	/* one place for each block: lm hands its address back */
	struct place {
		struct steering *s;
		int block;
	} place[STEERING_MAX];
	struct flow_result *result;		/* [room] */
	size_t room;
	struct steering_count count;
};

struct steering *
steering_alloc(void)
{
	return calloc(1, sizeof(struct steering));
}

void
steering_free(struct steering *s)
{
	size_t i, k;

	if (s == NULL)
		return;
	for (i = 0; i < s->n; i++) {
		for (k = 0; k < STEERING_LENGTHS; k++)
			flow_free(s->by[i].flow[k]);
		barrier_free(s->by[i].barrier);
	}
	free(s->result);
	free(s);
}

int
steering_add(struct steering *s, const char *path, const struct flow_options *o, struct header *h, struct err *e)
{
	struct barrier *b;

	if (s->n == STEERING_MAX)
		return err_set(e, "more than %d barriers", STEERING_MAX);
	if (barrier_open(&b, path, e) != 0)
		return -1;
	s->by[s->n].barrier = b;
	s->by[s->n].flow[0] = flow_alloc(b, o, e);
	s->n++;
	if (s->by[s->n - 1].flow[0] == NULL)
		return err_prefix(e, "'%s': ", path);
	return header_add_side(h, path, b->digest) != 0 ? err_memory(e) : 0;
}

int
steering_lengths(struct steering *s, const struct strength *T, size_t n, const struct flow_options *o,
    size_t (*which)(void *ctx, size_t i), void *ctx, struct err *e)
{
	struct flow_options of_one = *o;
	size_t k;

	if (n > STEERING_LENGTHS)
		return err_set(e, "more than %d lengths", STEERING_LENGTHS);
	for (k = 0; k < n; k++) {
		struct flow **flow = &s->by[s->n - 1].flow[k];

		of_one.T = T[k];
		flow_free(*flow);
		if ((*flow = flow_alloc(s->by[s->n - 1].barrier, &of_one, e)) == NULL)
			return -1;
	}
	s->by[s->n - 1].which = which;
	s->by[s->n - 1].ctx = ctx;
	return 0;
}

/* The flow of barrier b that moves row i. */
static struct flow *
flow_of(const struct steering *s, size_t b, size_t i)
{
	return s->by[b].flow[s->by[b].which != NULL ? s->by[b].which(s->by[b].ctx, i) : 0];
}

/* Moves act[n][dim] by barrier b; rows that follow each other with one length are moved together. */
static int
move(const struct steering *s, size_t b, float *act, size_t n, struct err *e)
{
	size_t dim = s->by[b].barrier->header.dim, i, end;

	for (i = 0; i < n; i = end) {
		struct flow *flow = flow_of(s, b, i);

		for (end = i + 1; end < n && flow_of(s, b, end) == flow; end++)
			;
		if (flow_apply(flow, act + i * dim, end - i, s->result + i, 0, e) != 0)
			return -1;
	}
	return 0;
}

/* lm_steer_fn of one block */
static int
steer(void *ctx, float *act, size_t n, struct err *e)
{
	const struct place *at = ctx;
	struct steering *s = at->s;
	size_t i, k;

	if (n > s->room) {
		free(s->result);
		s->room = 0;
		if ((s->result = malloc(n * sizeof *s->result)) == NULL)
			return err_memory(e);
		s->room = n;
	}
	for (i = 0; i < s->n; i++) {
		if (s->by[i].barrier->header.block[0] != at->block)
			continue;
		if (move(s, i, act, n, e) != 0)
			return -1;
		s->count.seen += n;
		for (k = 0; k < n; k++) {
			s->count.moved += s->result[k].length > 0;
			s->count.length += s->result[k].length;
		}
	}
	return 0;
}

int
steering_attach(struct steering *s, struct lm *m, struct err *e)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		int block = s->by[i].barrier->header.block[0];

		s->place[i] = (struct place){ s, block };
		if (barrier_check(s->by[i].barrier, lm_digest(m), (size_t)lm_dim(m), block, e) != 0 ||
		    lm_steer(m, block, steer, &s->place[i], e) != 0)
			return -1;
	}
	return 0;
}

struct steering_count
steering_counted(const struct steering *s)
{
	return s->count;
}
