/*
 * cvec - control vectors in llama.cpp's GGUF files; the only file that knows ggml's gguf.h.
 *
 * Source: llama.cpp, common_control_vector_load in common/common.cpp and tools/cvector-generator.
 * general.architecture is "controlvector", and the tensor direction.N, of one dimension and
 * float32, is what is added to the output of block N, counted from 0 as everywhere here. Block 0
 * has none.
 */
#ifndef ODESTEER_CVEC_H
#define ODESTEER_CVEC_H

#include <stddef.h>

#include "base/err.h"

/*
 * v[dim] as the one direction of a file, that of block (>= 1); model is controlvector.model_hint,
 * NULL: none. Written as path.tmp and renamed ("-": standard output). 0, -1.
 */
int cvec_write(const char *path, int block, const float *v, size_t dim, const char *model, struct err *e);
/* The direction of block into v[dim]; float16 is taken, too. 0; -1: there is none, or none of dim finite numbers. */
int cvec_read(const char *path, int block, float *v, size_t dim, struct err *e);
/* hash.h's digest of the file's bytes, 16 hexadecimal digits. 0, -1. */
int cvec_digest(const char *path, char digest[17], struct err *e);

#endif
