#include "fit/unet.h"

#include <math.h>
#include <string.h>

enum { LAST = 2 * UNET_DEPTH };		/* the last block */

/* Returns the block on the way down that has the level of block b. */
static size_t
level_of(size_t b)
{
	return LAST - b;
}

/* Adds block b, whose input and output have these widths, to u. */
static void
add_block(struct unet *u, size_t b, size_t in, size_t out)
{
	struct unet_block *k = &u->block[b];

	k->in = in;
	k->out = out;
	k->at = u->columns;
	k->linear1 = net_linear(in, out, &u->size);
	k->norm1 = net_norm(out, &u->size, &u->n_running);
	k->linear2 = net_linear(out, out, &u->size);
	k->norm2 = net_norm(out, &u->size, &u->n_running);
	k->shortcut = net_linear(in, out, &u->size);
	k->norm3 = net_norm(out, &u->size, &u->n_running);
	u->columns += in + 9 * out;
}

/* Returns the width on a level: 0 is dim. */
static size_t
width(size_t dim, size_t level)
{
	return dim >> level > 0 ? dim >> level : 1;
}

struct unet
unet(size_t dim, size_t time)
{
	struct unet u = { .dim = dim, .time = time };
	size_t b;

	/* four rows of scratch memory come first: see struct pass */
	u.columns = 4 * (2 * dim + time);
	for (b = 0; b < UNET_DEPTH; b++)
		add_block(&u, b, width(dim, b) + time, width(dim, b + 1));
	add_block(&u, UNET_DEPTH, width(dim, UNET_DEPTH) + time, width(dim, UNET_DEPTH));
	for (b = UNET_DEPTH + 1; b <= LAST; b++)
		add_block(&u, b, 2 * width(dim, level_of(b) + 1) + time, width(dim, level_of(b)));
	u.final = net_linear(dim, dim, &u.size);
	return u;
}

void
unet_draw(const struct unet *u, double *p, gsl_rng *rng)
{
	double *running = p + u->size;
	size_t b;

	for (b = 0; b <= LAST; b++) {
		const struct unet_block *k = &u->block[b];

		net_linear_draw(&k->linear1, p, rng);
		net_norm_init(&k->norm1, p, running);
		net_linear_draw(&k->linear2, p, rng);
		net_norm_init(&k->norm2, p, running);
		net_linear_draw(&k->shortcut, p, rng);
		net_norm_init(&k->norm3, p, running);
	}
	net_linear_draw(&u->final, p, rng);
}

static int
has_variances(const struct net_norm *l, const double *running)
{
	size_t j;

	for (j = 0; j < l->width; j++)
		if (!(running[l->variance + j] >= 0))
			return 0;
	return 1;
}

int
unet_is_valid(const struct unet *u, const double *p)
{
	const double *running = p + u->size;
	size_t b;

	for (b = 0; b <= LAST; b++) {
		const struct unet_block *k = &u->block[b];

		if (!has_variances(&k->norm1, running) || !has_variances(&k->norm2, running) ||
		    !has_variances(&k->norm3, running))
			return 0;
	}
	return 1;
}

size_t
unet_work_size(const struct unet *u, size_t n)
{
	return n * u->columns;
}

/* One pass forward or backward. */
struct pass {
	const struct unet *u;
	const double *p;
	double *running;		/* to measure; NULL: the running numbers are used */
	size_t n;
	unsigned threads;
	double *a, *b, *dx, *dx2;	/* scratch, each of n rows of any width here */
	double *blocks;			/* the memory of the blocks */
};

static struct pass
pass_of(const struct unet *u, const double *p, size_t n, double *work, unsigned threads)
{
	size_t row = n * (2 * u->dim + u->time);

	return (struct pass){ u, p, NULL, n, threads, work, work + row, work + 2 * row,
		work + 3 * row, work };
}

/* The memory of a block: input, what backward functions need, and output. */
struct slot {
	double *x;				/* [n][in] */
	double *unit1, *unit2, *unit3;		/* [n][out], see net_norm_train */
	double *hidden;				/* [n][out], the input of linear2 */
	double *y, *dy;				/* [n][out] */
	double *isd1, *isd2, *isd3;		/* [out] */
};

static struct slot
slot_of(const struct pass *s, size_t b)
{
	const struct unet_block *k = &s->u->block[b];
	double *x = s->blocks + s->n * k->at, *at = x + s->n * k->in;
	size_t size = s->n * k->out;

	return (struct slot){ .x = x, .unit1 = at, .unit2 = at + size, .unit3 = at + 2 * size,
		.hidden = at + 3 * size, .y = at + 4 * size, .dy = at + 5 * size,
		.isd1 = at + 6 * size, .isd2 = at + 7 * size, .isd3 = at + 8 * size };
}

/* Copies from[n][width] to columns of to[n][stride] from `first` on. */
static void
put_columns(const double *from, size_t n, size_t width, double *to, size_t stride, size_t first)
{
	size_t i;

	for (i = 0; i < n; i++)
		memcpy(to + i * stride + first, from + i * width, width * sizeof *to);
}

/* Adds to to[n][width] the columns of from[n][stride] from `first` on. */
static void
add_columns(const double *from, size_t n, size_t width, double *to, size_t stride, size_t first)
{
	size_t i, j;

	for (i = 0; i < n; i++)
		for (j = 0; j < width; j++)
			to[i * width + j] += from[i * stride + first + j];
}

/* Sets embedded[n][time] to the embeddings of t[n]. */
static void
embed(const double *t, size_t n, size_t time, double *embedded)
{
	size_t i, j;

	for (j = 0; j < time; j += 2) {
		double frequency = pow(10000, -(double)j / (double)time);

		for (i = 0; i < n; i++) {
			embedded[i * time + j] = sin(t[i] * frequency);
			embedded[i * time + j + 1] = cos(t[i] * frequency);
		}
	}
}

/*
 * Sets the input of block b: the output before it, that of its level, and the
 * embedded times.
 */
static void
set_input(const struct pass *s, size_t b, const double *x, const double *embedded)
{
	const struct unet *u = s->u;
	size_t in = u->block[b].in, at = b == 0 ? u->dim : u->block[b - 1].out;
	double *to = slot_of(s, b).x;

	put_columns(b == 0 ? x : slot_of(s, b - 1).y, s->n, at, to, in, 0);
	if (b > UNET_DEPTH) {
		size_t level = level_of(b);

		put_columns(slot_of(s, level).y, s->n, u->block[level].out, to, in, at);
	}
	put_columns(embedded, s->n, u->time, to, in, in - u->time);
}

static void
normalise(const struct pass *s, const struct net_norm *l, const double *x, double *y, double *unit,
    double *isd)
{
	if (s->running != NULL)
		net_norm_train(l, s->p, s->running, x, s->n, y, unit, isd);
	else
		net_norm_forward(l, s->p, s->p + s->u->size, x, s->n, y);
}

static void
forward_block(const struct pass *s, size_t b)
{
	const struct unet_block *k = &s->u->block[b];
	struct slot m = slot_of(s, b);
	size_t size = s->n * k->out, i;

	net_linear_forward(&k->linear1, s->p, m.x, s->n, s->a, s->threads);
	normalise(s, &k->norm1, s->a, m.hidden, m.unit1, m.isd1);
	net_relu_forward(m.hidden, size, m.hidden);
	net_linear_forward(&k->linear2, s->p, m.hidden, s->n, s->a, s->threads);
	normalise(s, &k->norm2, s->a, m.y, m.unit2, m.isd2);
	net_linear_forward(&k->shortcut, s->p, m.x, s->n, s->a, s->threads);
	normalise(s, &k->norm3, s->a, s->b, m.unit3, m.isd3);
	for (i = 0; i < size; i++)
		m.y[i] += s->b[i];
	net_relu_forward(m.y, size, m.y);
}

static void
forward(const struct pass *s, const double *x, const double *t, double *y)
{
	double *embedded = s->dx;	/* which only a backward pass uses */
	size_t b;

	embed(t, s->n, s->u->time, embedded);
	for (b = 0; b <= LAST; b++) {
		set_input(s, b, x, embedded);
		forward_block(s, b);
	}
	net_linear_forward(&s->u->final, s->p, slot_of(s, LAST).y, s->n, y, s->threads);
}

void
unet_forward(const struct unet *u, const double *p, const double *x, const double *t, size_t n,
    double *y, double *work, unsigned threads)
{
	struct pass s = pass_of(u, p, n, work, threads);

	forward(&s, x, t, y);
}

void
unet_train(const struct unet *u, double *p, const double *x, const double *t, size_t n, double *y,
    double *work, unsigned threads)
{
	struct pass s = pass_of(u, p, n, work, threads);

	s.running = p + u->size;
	forward(&s, x, t, y);
}

/* Sets s->dx[n][in] to the derivative by the input of block b, from its dy. */
static void
backward_block(const struct pass *s, size_t b, double *grad)
{
	const struct unet_block *k = &s->u->block[b];
	struct slot m = slot_of(s, b);
	size_t n = s->n, i;

	net_relu_backward(m.y, n * k->out, m.dy);
	net_norm_backward(&k->norm2, s->p, m.unit2, m.isd2, m.dy, n, grad, s->a);
	net_linear_backward(&k->linear2, s->p, m.hidden, s->a, n, grad, s->b, s->threads);
	net_relu_backward(m.hidden, n * k->out, s->b);
	net_norm_backward(&k->norm1, s->p, m.unit1, m.isd1, s->b, n, grad, s->b);
	net_linear_backward(&k->linear1, s->p, m.x, s->b, n, grad, s->dx, s->threads);
	net_norm_backward(&k->norm3, s->p, m.unit3, m.isd3, m.dy, n, grad, s->a);
	net_linear_backward(&k->shortcut, s->p, m.x, s->a, n, grad, s->dx2, s->threads);
	for (i = 0; i < n * k->in; i++)
		s->dx[i] += s->dx2[i];
}

void
unet_backward(const struct unet *u, const double *p, const double *dy, size_t n, double *grad,
    double *work, unsigned threads)
{
	struct pass s = pass_of(u, p, n, work, threads);
	size_t b;

	for (b = 0; b < LAST; b++)
		memset(slot_of(&s, b).dy, 0, n * u->block[b].out * sizeof *dy);
	net_linear_backward(&u->final, p, slot_of(&s, LAST).y, dy, n, grad,
	    slot_of(&s, LAST).dy, threads);
	for (b = LAST; b > 0; b--) {
		size_t in = u->block[b].in, before = u->block[b - 1].out, level = level_of(b);

		backward_block(&s, b, grad);
		add_columns(s.dx, n, before, slot_of(&s, b - 1).dy, in, 0);
		if (b > UNET_DEPTH)
			add_columns(s.dx, n, u->block[level].out, slot_of(&s, level).dy, in,
			    before);
	}
	backward_block(&s, 0, grad);
}
