#include "metric/queue.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

int
queue_open(struct queue *q, const struct metric_options *o, int block, struct err *e)
{
	if ((q->batch = text_batch_open(o->lm, block, e)) == NULL)
		return -1;
	q->lm = text_batch_lm(q->batch);
	return 0;
}

int
queue_open_barrier(struct queue *q, const struct metric_options *o, int prior, struct header *h,
    struct err *e)
{
	const struct barrier *b;
	int block;

	if (barrier_open(&q->barrier, o->barrier, NULL, e) != 0)
		return -1;
	b = q->barrier;
	block = b->header.block[0];
	if (header_add_side(h, o->barrier, b->digest) != 0)
		return err_memory(e);
	if (barrier_check_h(b, e) != 0)
		return -1;
	if (prior && isnan(b->prior))
		return err_set(e, "the barrier has no prior, so its h gives no probability");
	if (queue_open(q, o, block, e) != 0 ||
	    barrier_check(b, lm_digest(q->lm), (size_t)lm_dim(q->lm), block, e) != 0)
		return -1;
	q->work = field_work_alloc(b->field);
	return q->work == NULL ? err_memory(e) : 0;
}

double
queue_h(const struct queue *q, const struct queue_entry *x)
{
	return field_h(q->barrier->field, q->work, x->act);
}

struct queue_entry *
queue_add(struct queue *q, const struct record *r, struct err *e)
{
	struct queue_entry **entry = array_grow(q->entry, q->n + 1, &q->room, sizeof *entry), *x;

	if (entry != NULL)
		q->entry = entry;
	if (entry == NULL || (x = entry[q->n] = calloc(1, sizeof *x)) == NULL) {
		err_memory(e);
		return NULL;
	}
	q->n++;
	x->record = record_alloc();
	x->act = malloc((size_t)lm_dim(q->lm) * sizeof *x->act);
	if (x->record != NULL && x->act != NULL && record_copy(x->record, r) == 0)
		return x;
	err_memory(e);
	return NULL;
}

static void
entry_free(struct queue_entry *x)
{
	example_release(&x->text[0]);
	example_release(&x->text[1]);
	record_free(x->record);
	free(x->act);
	free(x);
}

/*
 * Has the model read all texts that were added, and passes on those of the
 * first n entries that can be finished. Returns 0, or -1 with a message.
 */
static int
finish(struct queue *q, size_t n, struct sink *out, struct err *e)
{
	long done, i;

	if (text_batch_decode(q->batch, e) != 0 || (done = q->finish(q, n, e)) < 0)
		return -1;
	for (i = 0; i < done; i++)
		if (sink_write(out, q->entry[i]->record, e) != 0)
			return -1;
	for (i = 0; i < done; i++)
		entry_free(q->entry[i]);
	q->n -= (size_t)done;
	if (q->n > 0)
		memmove(q->entry, q->entry + done, q->n * sizeof *q->entry);
	return 0;
}

int
queue_push(struct queue *q, size_t n, struct sink *out, struct err *e)
{
	struct queue_entry *x = q->entry[q->n - 1];
	size_t i;
	int added;

	for (i = 0; i < n; i++) {
		while ((added = text_batch_add(q->batch, &x->text[i], &x->loglik[i], x->act,
		    e)) == 0)
			if (finish(q, q->n - 1, out, e) != 0)
				return METRIC_EARLIER;
		if (added < 0)
			return -1;
	}
	return q->n == q->most && finish(q, q->n, out, e) != 0 ? METRIC_EARLIER : 0;
}

int
queue_flush(void *state, struct sink *out, struct err *e)
{
	struct queue *q = state;

	return finish(q, q->n, out, e);
}

void
queue_close(void *state)
{
	struct queue *q = state;
	size_t i;

	for (i = 0; i < q->n; i++)
		entry_free(q->entry[i]);
	free(q->entry);
	text_batch_free(q->batch);
	field_work_free(q->work);
	barrier_free(q->barrier);
}
