#include "base/parallel.h"

#include <cblas.h>

unsigned
parallel_count(void)
{
	int n = openblas_get_num_threads();

	if (n < 1)
		return 1;
	return n < PARALLEL_MAX ? (unsigned)n : PARALLEL_MAX;
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
