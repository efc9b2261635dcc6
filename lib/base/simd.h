/*
 * simd - how code in vectors is made for the processor it runs on.
 *
 * SIMD_CLONES, in front of a static function: one with AVX2 where there is that, and the same numbers either way, for
 * multiplications and additions stay apart. Where they are to be joined, simd_fma() tells whether a function with
 * __attribute__((target("avx2,fma"))) can run; only on x86-64. A clone's name must be unique in lib/: clang exports
 * NAME.resolver.
 */
#ifndef ODESTEER_SIMD_H
#define ODESTEER_SIMD_H

#include <stdlib.h>		/* __GLIBC__, whose linker chooses among clones */

#if defined __x86_64__ && defined __GLIBC__
#define SIMD_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define SIMD_CLONES
#endif

#ifdef __x86_64__
static inline int
simd_fma(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
#endif

#endif
