/*
 * steering - a model steered along the flows of one or more barriers.
 *
 * Each barrier works after its own block. Several barriers of one block work in
 * the order in which they were added. A sequence map (struct field_type) moves
 * all rows of a sequence by the displacement of the prompt's last one.
 */
#ifndef ODESTEER_STEERING_H
#define ODESTEER_STEERING_H

#include <stdint.h>

#include "base/err.h"
#include "flow/flow.h"
#include "model/lm.h"
#include "stream/header.h"

enum { STEERING_MAX = 16, STEERING_LENGTHS = 64 };	/* barriers, lengths of a sweep */

/* Lengths that differ by row: row i of an lm_steer_fn gets T[which(ctx, i)]. */
struct steering_sweep {
	const struct strength *T;
	size_t n;		/* <= STEERING_LENGTHS; 0: no sweep */
	size_t (*which)(void *ctx, size_t i);
	void *ctx;
};

/* Which positions of which texts a barrier moves; all zero: the default. */
struct steering_where {
	enum {
		STEERING_COMPLETION,	/* from the prompt's last token on */
		STEERING_LAST,		/* only that one; skip and first are 0 */
		STEERING_ALL		/* from the text's first token on; when is NULL */
	} at;
	unsigned skip;		/* leave out the first ones of these */
	unsigned first;		/* move at most so many of the others; 0: all */
	/*
	 * The path of a barrier, or NULL: move texts only if its h, at its own
	 * block and the prompt's last token, is at least this quantile of its
	 * positives' held-out h.
	 */
	const char *when;
	double quantile;
};

struct steering;

/*
 * Returns a steering without barriers, which stays until the program ends, or
 * NULL if out of memory. The sweep, of which a copy is made, or NULL, replaces
 * the lengths in the options of the barriers.
 */
struct steering *steering_alloc(const struct steering_sweep *sweep);
/*
 * Adds the barrier b, which is borrowed, to move positions without a condition
 * (w->when). Returns 0 or -1.
 */
int steering_add(struct steering *s, const struct barrier *b, const struct flow_options *o,
    const struct steering_where *w, struct err *e);
/*
 * Reads a barrier, and the one of its condition, from files and adds it, and
 * their digests to the last link of h. The paths are borrowed for as long as s
 * is used. Returns 0 or -1.
 */
int steering_add_file(struct steering *s, const char *path, const struct flow_options *o,
    const struct steering_where *w, struct header *h, struct err *e);
/*
 * Steers the rows of m with LM_STEER from now on. Returns 0, or -1, as when a
 * barrier is of another model.
 */
int steering_attach(struct steering *s, struct lm *m, struct err *e);

/* Every activation counts once per barrier. */
struct steering_count {
	uint64_t seen;		/* activations at positions of `at', of all texts */
	uint64_t moved;		/* those that were moved at all */
	double length;		/* the sum of the distances */
};
struct steering_count steering_counted(const struct steering *s);

#endif
