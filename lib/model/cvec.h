/*
 * cvec - control vectors in llama.cpp's GGUF files. Only this file knows ggml's
 * gguf.h.
 *
 * Source: llama.cpp, common_control_vector_load in common/common.cpp, and
 * tools/cvector-generator. general.architecture is "controlvector". The float32
 * tensor direction.N, of one dimension, is added to the output of block N,
 * counted from 0 as everywhere here. Block 0 has none.
 */
#ifndef ODESTEER_CVEC_H
#define ODESTEER_CVEC_H

#include <stddef.h>

#include "base/err.h"

/* These functions return 0, or -1 on error. */
/*
 * Writes a file, or standard output (path "-"), with the direction v[dim] of
 * one block, at least 1. `model` is its controlvector.model_hint; NULL: none.
 */
int cvec_write(const char *path, int block, const float *v, size_t dim, const char *model,
    struct err *e);
/* Reads the direction of a block into v[dim]; dim must be its length. */
int cvec_read(const char *path, int block, float *v, size_t dim, struct err *e);
/* Sets digest to hash.h's hash of the file, as 16 hexadecimal digits. */
int cvec_digest(const char *path, char digest[17], struct err *e);

#endif
