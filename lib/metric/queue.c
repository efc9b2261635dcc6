#include "metric/queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/* Removes the first n entries. */
static void
remove_first(struct queue *q, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		example_release(&q->entry[i]->text[0]);
		example_release(&q->entry[i]->text[1]);
		record_free(q->entry[i]->record);
		free(q->entry[i]);
	}
	q->n -= n;
	if (q->n > 0)
		memmove(q->entry, q->entry + n, q->n * sizeof *q->entry);
}

struct queue_entry *
queue_add(struct queue *q, const struct record *r, struct err *e)
{
	struct queue_entry **entry = array_grow(q->entry, q->n, &q->room, sizeof *entry);

	if (entry != NULL)
		q->entry = entry;
	if (entry == NULL || (entry[q->n] = calloc(1, sizeof **entry)) == NULL) {
		err_memory(e);
		return NULL;
	}
	q->n++;
	entry += q->n - 1;
	if (((*entry)->record = record_alloc()) == NULL || record_copy((*entry)->record, r) != 0) {
		err_memory(e);
		return NULL;
	}
	return *entry;
}

int
queue_emit(struct queue *q, size_t n, struct metric_out *out, struct err *e)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (out->emit(out, q->entry[i]->record, e) != 0)
			return -1;
	remove_first(q, n);
	return 0;
}

void
queue_release(struct queue *q)
{
	remove_first(q, q->n);
	free(q->entry);
}
