/*
 * calibrate - measures how far a barrier's lengths move the next tokens, for
 * fitbarrier --calibrate.
 */
#ifndef ODESTEER_CALIBRATE_H
#define ODESTEER_CALIBRATE_H

#include "field/barrier.h"

/*
 * Opens the model of model_options and the texts of `path', which stays
 * borrowed. h is the header of the activations that the barrier will be fitted
 * to: another model is refused.
 */
void calibrate_open(const char *path, const struct header *h);
/*
 * Sets b->curve, and adds model and texts to the last link of b->header. The
 * curve has the mean divergence over the first 128 tokens of all completions
 * together, for 8 lengths, each sqrt(2) times the one before, up to 0.8 times
 * the mean norm of the fit, or to a map's greatest T. If the first one has more
 * than 0.05 nats, all are shorter by one factor.
 */
void calibrate(struct barrier *b);

#endif
