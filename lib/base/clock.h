/* clock - the time that has passed between two moments. */
#ifndef ODESTEER_CLOCK_H
#define ODESTEER_CLOCK_H

#include <time.h>

/*
 * Returns seconds since an arbitrary moment that is fixed while a process runs.
 */
static inline double
clock_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
