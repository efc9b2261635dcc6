/*
 * last_token - the activation of a text's last token, for many texts at a time.
 *
 * The model is computed only up to the block that is asked for.
 */
#ifndef ODESTEER_LAST_TOKEN_H
#define ODESTEER_LAST_TOKEN_H

#include "base/err.h"
#include "model/example.h"
#include "model/lm.h"

struct last_token;

/* Opens a model, to read activations after a block. NULL on failure. */
struct last_token *last_token_open(const char *model, int block, int threads, int gpu_layers,
    struct err *e);
void last_token_free(struct last_token *l);	/* closes the model; NULL is fine */
/* Returns the model, borrowed until last_token_free. */
struct lm *last_token_lm(struct last_token *l);
/*
 * Adds the text x, whose activation the next last_token_decode copies to
 * act[lm_dim]; both are borrowed until then. Returns 1, 0 if there is no room
 * before last_token_decode, or -1 on error.
 */
int last_token_add(struct last_token *l, const struct example *x, float *act, struct err *e);
/* Decodes the texts added since the last call. Returns 0 or -1. */
int last_token_decode(struct last_token *l, struct err *e);

#endif
