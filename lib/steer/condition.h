/*
 * condition - whether h of a barrier at the end of a prompt is at least a
 * quantile of its positives' held-out h (--when).
 */
#ifndef ODESTEER_CONDITION_H
#define ODESTEER_CONDITION_H

#include "base/err.h"
#include "field/barrier.h"
#include "stream/header.h"

struct condition {
	const char *path;	/* of the barrier */
	double quantile;	/* in [0, 1] */
	double level;		/* the least h that meets it */
	struct barrier *barrier;
	struct field_work *work;
};

/*
 * Reads the barrier of c, whose path and quantile are set, and adds its digest
 * to the last link of h's chain. The path is borrowed; the barrier and work
 * stay until the program ends. Returns 0 or -1.
 */
int condition_open(struct condition *c, struct header *h, struct err *e);
/* Returns whether act[dim], of a prompt's last token, meets the condition. */
int condition_met(const struct condition *c, const float *act);

#endif
