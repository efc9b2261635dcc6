/*
 * queue - records that a metric holds back, in order, until a model has read their texts.
 *
 * The state of such a metric begins with its queue. push copies the record with queue_add, sets the
 * texts of the entry and calls queue_push, which reads texts together when there is no room for more.
 */
#ifndef ODESTEER_QUEUE_H
#define ODESTEER_QUEUE_H

#include <stddef.h>

#include "metric/metric.h"
#include "model/example.h"
#include "model/last_token.h"
#include "model/loglik.h"

struct queue_entry {
	struct record *record;		/* a copy */
	struct example text[2];
	double loglik[2];		/* of the texts, or */
	float *act;			/* the activation of text[0] */
};

struct queue {
	struct queue_entry **entry;	/* [n], the oldest first */
	size_t n, room;
	size_t most;			/* the queue is read when it has so many; 0: never */
	struct loglik *loglik;		/* what reads: for log-likelihoods, or */
	struct last_token *last;	/* for activations */
	/*
	 * Sets the fields of the first n entries, which are read, or of those of them that can be finished
	 * yet. Returns how many these are, or -1 with a message.
	 */
	long (*finish)(struct queue *q, size_t n, struct err *e);
};

/* Opens the model of o, to read for log-likelihoods, or if block >= 0 for activations after it. 0, -1. */
int queue_open(struct queue *q, const struct metric_options *o, int block, struct err *e);
struct lm *queue_lm(const struct queue *q);
/* Appends a copy of r, with empty texts. NULL: out of memory. */
struct queue_entry *queue_add(struct queue *q, const struct record *r, struct err *e);
/* Adds the first n texts of the last entry to those that are read next; finishes what has no room beside them. 0, -1. */
int queue_push(struct queue *q, size_t n, struct metric_out *out, struct err *e);
/* flush and close of a metric: reads and finishes all; frees the queue and closes the model. */
int queue_flush(void *state, struct metric_out *out, struct err *e);
void queue_close(void *state);

#endif
