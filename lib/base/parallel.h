/* parallel - one piece of work for each of several threads. */
#ifndef ODESTEER_PARALLEL_H
#define ODESTEER_PARALLEL_H

enum { PARALLEL_MAX = 512 };

/*
 * Returns how many threads to use: as many as OpenBLAS may, at most
 * PARALLEL_MAX.
 */
unsigned parallel_count(void);

/*
 * fn(ctx, i, n) for all i < n, each in a thread of its own, or in the caller's
 * where none is to be had; done when all are. Meanwhile OpenBLAS starts none of
 * its own.
 */
void parallel_run(void (*fn)(void *ctx, unsigned i, unsigned n), void *ctx, unsigned n);

#endif
