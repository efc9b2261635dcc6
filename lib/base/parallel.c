#include "base/parallel.h"

#include <cblas.h>

unsigned
parallel_count(void)
{
	int n = openblas_get_num_threads();

	return n < 1 ? 1 : n > PARALLEL_MAX ? PARALLEL_MAX : (unsigned)n;
}

void
parallel_run(void (*fn)(void *ctx, unsigned i, unsigned n), void *ctx, unsigned n)
{
	int blas = openblas_get_num_threads();
	unsigned i;

	openblas_set_num_threads(1);
	#pragma omp parallel for num_threads((int)n) if (n > 1) schedule(static, 1)
	for (i = 0; i < n; i++)
		fn(ctx, i, n);
	openblas_set_num_threads(blas);
}
