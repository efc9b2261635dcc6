/*
 * text_features - the hashed n-grams of a text, for linear classifiers.
 *
 * odesteer-stream(5), "Classifier files", defines them. Each text is a set: how
 * often an n-gram occurs does not count.
 */
#ifndef ODESTEER_TEXT_FEATURES_H
#define ODESTEER_TEXT_FEATURES_H

#include <stddef.h>
#include <stdint.h>

enum { TEXT_FEATURES_BITS_MIN = 8, TEXT_FEATURES_BITS_MAX = 24 };

struct text_features {
	unsigned bits;		/* of an index */
	uint32_t *index;	/* [n], of the n-grams, without repetition */
	size_t n;
	/* private: a hash set of the indices, and the word being read */
	size_t room, *at;
	uint32_t *slot;
	unsigned char *word;
	size_t word_room;
};

/* Returns NULL if out of memory. */
struct text_features *text_features_alloc(unsigned bits);
void text_features_free(struct text_features *t);	/* NULL is fine */
/*
 * Sets index and n to the n-grams of text[len], which is UTF-8. Returns 0, or
 * -1 if out of memory.
 */
int text_features_read(struct text_features *t, const char *text, size_t len);

#endif
