/*
 * Included in all of libllama. GCC 12's _tile_loadconfig claims to read only 8
 * of the 64 bytes of a tile configuration. The compiler then drops stores to
 * the others, and AMX's first product ends in an illegal instruction.
 */
#ifdef __AMX_TILE__
#include <immintrin.h>
#define _tile_loadconfig(config) \
	__asm__ volatile ("ldtilecfg %0" :: "m" (*(const char (*)[64])(config)))
#endif
