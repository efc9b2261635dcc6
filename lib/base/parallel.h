/* parallel - divides work among threads. */
#ifndef ODESTEER_PARALLEL_H
#define ODESTEER_PARALLEL_H

enum { PARALLEL_MAX = 512 };

/*
 * Returns how many threads OpenBLAS may use, at least 1 and at most
 * PARALLEL_MAX.
 */
unsigned parallel_count(void);
/*
 * Calls fn(ctx, i, n) for each i < n, in n threads if the system has them, and
 * returns when all calls have returned. Meanwhile OpenBLAS starts no threads.
 */
void parallel_run(void (*fn)(void *ctx, unsigned i, unsigned n), void *ctx, unsigned n);

#endif
