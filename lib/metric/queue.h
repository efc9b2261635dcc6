/*
 * queue - records that a metric holds back until a model has read their texts.
 *
 * The state of such a metric begins with its queue. Its push function copies
 * the record with queue_add, fills in the texts of the new entry and calls
 * queue_push. The model reads many texts together; finished records leave the
 * queue in their order.
 */
#ifndef ODESTEER_QUEUE_H
#define ODESTEER_QUEUE_H

#include <stddef.h>

#include "field/barrier.h"
#include "metric/metric.h"
#include "model/example.h"
#include "model/text_batch.h"

struct queue_entry {
	struct record *record;		/* a copy of the record */
	struct example text[2];		/* the texts to be read */
	double loglik[2];		/* their log-likelihoods, once read; or */
	float *act;			/* [lm_dim] the activation of text[0]'s last token */
};

struct queue {
	struct queue_entry **entry;	/* [n], the oldest first */
	size_t n, room;
	size_t most;			/* reads the queue at this length; 0: no limit */
	struct text_batch *batch;	/* the texts that are read next */
	struct lm *lm;			/* the model, which is the batch's */
	struct barrier *barrier;	/* of queue_open_barrier; else NULL */
	struct field_work *work;
	/*
	 * Sets the fields of the first entries, whose texts have been read.
	 * Returns the number of entries that are finished, at most n, or -1
	 * with a message.
	 */
	long (*finish)(struct queue *q, size_t n, struct err *e);
};

/*
 * Opens the model of o: to compute log-likelihoods, or if block >= 0
 * activations after that block. Returns 0, or -1 with a message.
 */
int queue_open(struct queue *q, const struct metric_options *o, int block, struct err *e);
/*
 * Opens the barrier of o, which must have an h and, if `prior`, a prior; adds
 * it to the last link of h; and opens the model for activations at its block.
 * Returns 0, or -1 with a message.
 */
int queue_open_barrier(struct queue *q, const struct metric_options *o, int prior,
    struct header *h, struct err *e);
/* Returns the barrier's h of text[0] of an entry that was read. */
double queue_h(const struct queue *q, const struct queue_entry *x);
/* Appends a copy of r without texts. Returns the entry; NULL: out of memory. */
struct queue_entry *queue_add(struct queue *q, const struct record *r, struct err *e);
/*
 * Adds the first n texts of the last entry to those that are read next. If
 * there is no room, reads the others first and passes finished records to out.
 * Returns 0, -1, or METRIC_EARLIER, like the push of a metric.
 */
int queue_push(struct queue *q, size_t n, struct sink *out, struct err *e);

/* flush and close of a metric whose state begins with a queue. */
int queue_flush(void *state, struct sink *out, struct err *e);
void queue_close(void *state);

#endif
