/*
 * queue - records that a metric holds back, in order, until a model has read their texts.
 */
#ifndef ODESTEER_QUEUE_H
#define ODESTEER_QUEUE_H

#include <stddef.h>

#include "metric/metric.h"
#include "model/example.h"

struct queue_entry {
	struct record *record;		/* a copy */
	struct example text[2];		/* released with it */
	double loglik[2];		/* of the texts */
};

/* All zero at first. */
struct queue {
	struct queue_entry **entry;	/* [n], the oldest first */
	size_t n, room;
};

/* Appends a copy of r, with empty texts. NULL: out of memory. */
struct queue_entry *queue_add(struct queue *q, const struct record *r, struct err *e);
/* Emits the records of the first n entries and removes these. 0, -1. */
int queue_emit(struct queue *q, size_t n, struct metric_out *out, struct err *e);
/* Frees all. */
void queue_release(struct queue *q);

#endif
