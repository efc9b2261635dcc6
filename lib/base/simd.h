/*
 * simd - compiles a function for several processors.
 *
 * Write SIMD_CLONES before a static function: it is then compiled with and
 * without AVX2, and the version for the processor is chosen at run time. Both
 * give the same numbers, because a multiplication and the addition after it are
 * not fused. The name of the function must be unique in lib/: clang exports
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

#endif
