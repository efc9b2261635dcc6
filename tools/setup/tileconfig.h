/*
 * Included in all of libllama. The operand of GCC 12's _tile_loadconfig is 8 of
 * the 64 bytes that the instruction reads. GCC therefore drops stores to the
 * others, and the first use of AMX ends in a fault.
 */
#if defined(__AMX_TILE__) && defined(__GNUC__) && !defined(__clang__)
#include <immintrin.h>
#define _tile_loadconfig(config) \
	__asm__ volatile("ldtilecfg %0" ::"m"(*(const char(*)[64])(config)))
#endif
