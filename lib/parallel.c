#include "parallel.h"

#include <cblas.h>
#include <pthread.h>

enum { MAX_THREADS = 512 };

struct job {
	void (*fn)(void *ctx, unsigned i, unsigned n);
	void *ctx;
	unsigned i, n;
};

unsigned
parallel_count(void)
{
	int n = openblas_get_num_threads();

	return n < 1 ? 1 : n > MAX_THREADS ? MAX_THREADS : (unsigned)n;
}

static void *
start(void *arg)
{
	const struct job *j = arg;

	j->fn(j->ctx, j->i, j->n);
	return NULL;
}

void
parallel_run(void (*fn)(void *ctx, unsigned i, unsigned n), void *ctx, unsigned n)
{
	struct job job[MAX_THREADS];
	pthread_t thread[MAX_THREADS];
	int blas = openblas_get_num_threads(), failed[MAX_THREADS];
	unsigned i;

	if (n > 1)
		openblas_set_num_threads(1);
	for (i = 0; i < n; i++)
		job[i] = (struct job){ fn, ctx, i, n };
	for (i = 1; i < n; i++)
		failed[i] = pthread_create(&thread[i], NULL, start, &job[i]);
	if (n > 0)
		start(&job[0]);
	for (i = 1; i < n; i++)
		if (failed[i])
			start(&job[i]);
		else
			pthread_join(thread[i], NULL);
	if (n > 1)
		openblas_set_num_threads(blas);
}
