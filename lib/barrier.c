#include "barrier.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
barrier_free(struct barrier *b)
{
	if (b == NULL)
		return;
	if (b->field != NULL)
		b->field->type->free(b->field);
	header_release(&b->header);
	free(b);
}

/* The one record of the file into b. */
static int
load(struct barrier *b, struct stream *s, const struct record *r, struct err *e)
{
	const struct field_type *type;
	const char *name;

	if (b->header.n_block != 1)
		return err_set(e, "its header names %zu blocks, not one", b->header.n_block);
	if (record_get_str(r, "field", &name, NULL) != 1)
		return err_set(e, "no field 'field'");
	if ((type = field_find(name)) == NULL)
		return err_set(e, "unknown field '%s' (fitbarrier -f help lists them)", name);
	if (record_get_num(r, "act_norm", &b->act_norm) != 1 || !(b->act_norm > 0))
		return err_set(e, "field 'act_norm' is not a positive number");
	b->field = type->load(r, stream_header(s)->dim, e);
	return b->field != NULL ? 0 : -1;
}

int
barrier_open(struct barrier **out, const char *path, struct err *e)
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
barrier_check(const struct barrier *b, const char *digest, size_t dim, int block, struct err *e)
{
	if (digest != NULL && b->header.digest != NULL && strcmp(digest, b->header.digest) != 0)
		return err_set(e, "the barrier is of another model: '%s' (%s), not %s", b->header.model,
		    b->header.digest, digest);
	if (dim != b->header.dim)
		return err_set(e, "the barrier is of dim %zu, not %zu", b->header.dim, dim);
	if (block != b->header.block[0])
		return err_set(e, "the barrier is of block %d, not %d", b->header.block[0], block);
	return 0;
}

int
barrier_check_header(const struct barrier *b, const struct header *h, struct err *e)
{
	if (h->n_block != 1)
		return err_set(e, "the stream holds %zu blocks, the barrier is of block %d alone", h->n_block,
		    b->header.block[0]);
	return barrier_check(b, h->digest, h->dim, h->block[0], e);
}

int
strength_parse(struct strength *s, const char *text)
{
	char *end;

	errno = 0;
	s->value = strtod(text, &end);
	s->relative = end != text && *end == 'r';
	end += s->relative;
	return end == text || *end != '\0' || errno == ERANGE || !isfinite(s->value) || s->value < 0 ? -1 : 0;
}

struct flow {
	const struct barrier *b;
	const struct solver *solver;
	struct field_work *work;
	double length;
	unsigned steps;
	double *y, *k, *tmp;		/* [rows][dim], [stages][rows][dim], [rows][dim] */
};

struct flow *
flow_alloc(const struct barrier *b, struct strength T, unsigned steps, const struct solver *solver,
    size_t rows)
{
	struct flow *f = calloc(1, sizeof *f);
	size_t dim = b->field->dim;

	if (f == NULL)
		return NULL;
	f->b = b;
	f->solver = solver;
	f->length = T.relative ? T.value * b->act_norm : T.value;
	f->steps = steps;
	f->work = b->field->type->work_alloc(b->field, rows);
	f->y = calloc(rows * dim, sizeof *f->y);
	f->k = calloc(solver->stages * rows * dim, sizeof *f->k);
	f->tmp = calloc(rows * dim, sizeof *f->tmp);
	if (f->work == NULL || f->y == NULL || f->k == NULL || f->tmp == NULL) {
		flow_free(f);
		return NULL;
	}
	return f;
}

void
flow_free(struct flow *f)
{
	if (f == NULL)
		return;
	f->b->field->type->work_free(f->work);
	free(f->y);
	free(f->k);
	free(f->tmp);
	free(f);
}

double
flow_length(const struct flow *f)
{
	return f->length;
}

int
flow_apply(struct flow *f, float *act, size_t n, double *h_before, double *h_after, struct err *e)
{
	const struct field *field = f->b->field;
	size_t dim = field->dim, i;
	unsigned step;

	for (i = 0; i < n * dim; i++)
		f->y[i] = (double)act[i];
	if (h_before != NULL)
		field->type->eval(field, f->work, f->y, n, h_before, NULL);
	for (step = 0; step < f->steps; step++)
		f->solver->step(field, f->work, f->y, n, f->length / f->steps, f->k, f->tmp);
	if (h_after != NULL)
		field->type->eval(field, f->work, f->y, n, h_after, NULL);
	for (i = 0; i < n * dim; i++) {
		act[i] = (float)f->y[i];
		if (!isfinite(act[i]))
			return err_set(e, "activation %zu of %zu is not finite once steered", i / dim + 1, n);
	}
	return 0;
}
