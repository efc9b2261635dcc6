#include "base/runtime.h"

#include <cblas.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Returns the OPENBLAS_CORETYPE to set, or NULL if OpenBLAS has chosen well. */
static const char *
better_kernels(void)
{
#ifdef __x86_64__
	/* the kernels that OpenBLAS uses if it does not know the processor */
	if (strcmp(openblas_get_corename(), "Prescott") != 0)
		return NULL;
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
	    __builtin_cpu_supports("avx512vl"))
		return "SkylakeX";
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		return "Haswell";
#endif
	return NULL;
}

void
runtime_start(char *argv[])
{
	const char *kernels = getenv("OPENBLAS_CORETYPE") == NULL ? better_kernels() : NULL;
	int spins = getenv("GOMP_SPINCOUNT") == NULL && getenv("OMP_WAIT_POLICY") == NULL;
	char self[PATH_MAX];
	ssize_t n;

	if (!spins && kernels == NULL)
		return;
	if (spins && setenv("GOMP_SPINCOUNT", "1000", 1) != 0)
		return;
	if (kernels != NULL && setenv("OPENBLAS_CORETYPE", kernels, 1) != 0)
		return;
	/* not by /proc/self/exe, which ps would show as "exe" */
	if ((n = readlink("/proc/self/exe", self, sizeof self - 1)) > 0) {
		self[n] = '\0';
		execv(self, argv);
	}
}
