/*
 * text_features - the hashed n-grams of a text, for linear classifiers.
 *
 * odesteer-stream(5), "Classifier files", defines them. Each text is a set: how
 * often an n-gram occurs does not count, and n-grams with the same index are
 * one.
 */
#ifndef ODESTEER_TEXT_FEATURES_H
#define ODESTEER_TEXT_FEATURES_H

#include <stddef.h>
#include <stdint.h>

enum { TEXT_FEATURES_BITS_MIN = 8, TEXT_FEATURES_BITS_MAX = 24 };

struct text_features {
	unsigned bits;		/* of an index, which is less than 2^bits */
	/*
	 * [n], at most 2^bits, of the last text's n-grams, without repetition
	 * and in no particular order; the next text_features_read replaces them
	 */
	uint32_t *index;
	size_t n;
	/* private: a hash set of the indices, and the word being read */
	size_t room, *at;
	uint32_t *slot;
	unsigned char *word;
	size_t word_room;
};

/*
 * Returns a reader of texts without a text, or NULL if out of memory. bits must
 * be from TEXT_FEATURES_BITS_MIN to TEXT_FEATURES_BITS_MAX.
 */
struct text_features *text_features_alloc(unsigned bits);
void text_features_free(struct text_features *t);	/* NULL is fine */
/*
 * Sets index and n to the n-grams of text[len], which is UTF-8 and may hold
 * NULs; a byte that is not UTF-8 ends a word. n is 0 for a text without a word.
 * Memory for the longest text so far is kept: at most 4 len + 64 + 20 * 2^bits
 * bytes. Returns 0, or -1 if out of memory, and then index and n are those of
 * no text.
 */
int text_features_read(struct text_features *t, const char *text, size_t len);

#endif
