/*
 * steering - a model steered along the flows of one or more barriers.
 *
 * Each barrier works at its own block. Of several at one block, each takes the
 * activation where the one added before it left it.
 */
#ifndef ODESTEER_STEERING_H
#define ODESTEER_STEERING_H

#include <stdint.h>

#include "base/err.h"
#include "flow/flow.h"
#include "model/lm.h"
#include "stream/header.h"

enum { STEERING_MAX = 16, STEERING_LENGTHS = 64 };	/* barriers, lengths of a sweep */

/* Rows that go different lengths: row i, as lm_steer_fn gets them, goes T[which(ctx, i)]. */
struct steering_sweep {
	const struct strength *T;
	size_t n;		/* <= STEERING_LENGTHS */
	size_t (*which)(void *ctx, size_t i);
	void *ctx;
};

struct steering;

/*
 * The lengths of a sweep, which is copied, stand in the place of those of the barriers' own options; NULL: no
 * sweep. NULL: out of memory. It stays until the program ends.
 */
struct steering *steering_alloc(const struct steering_sweep *sweep);
/* Reads a barrier file and names it in the header's last link. 0, -1. */
int steering_add(struct steering *s, const char *path, const struct flow_options *o, struct header *h,
    struct err *e);
/* From now on rows with LM_STEER are steered; m must live as long. 0, -1. */
int steering_attach(struct steering *s, struct lm *m, struct err *e);

/* Counted by activation and barrier. */
struct steering_count {
	uint64_t seen;		/* activations that came */
	uint64_t moved;		/* those that went a way longer than 0 */
	double length;		/* the sum of the ways gone */
};
struct steering_count steering_counted(const struct steering *s);

#endif
