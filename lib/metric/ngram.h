/*
 * ngram - splits a text into words as the reference programs do, and counts the
 * n-grams (sequences of n words) of one text or common to two.
 */
#ifndef ODESTEER_NGRAM_H
#define ODESTEER_NGRAM_H

#include <stddef.h>
#include <stdint.h>

struct ngram_word {
	size_t at, n;		/* first character, and number of characters */
	size_t sentence;	/* its number (ngram_tokenise_plain) */
	int used;		/* for ngram_common */
};

/* A text. Set it to zero before the first use. */
struct ngram {
	int32_t *c;		/* [n_c] characters */
	size_t n_c;
	struct ngram_word *word;	/* [n], after a tokeniser has run */
	size_t n, room;
};

void ngram_release(struct ngram *w);

/*
 * Reads text[len], UTF-8, without the white space around it, and appends the
 * character `end` unless end is 0 or the text ends with it. Returns 1, 0 if the
 * text is blank, or -1 if memory runs out. White space is what Python's
 * str.isspace calls so, here and below.
 */
int ngram_read(struct ngram *w, const char *text, size_t len, int32_t end);

/*
 * Split the text into words: ngram_tokenise_space at white space;
 * ngram_tokenise_intl as sacrebleu's tokeniser "intl" (mteval-v14) does, with
 * symbols, and punctuation unless it is between digits, as words of their own;
 * ngram_tokenise_plain as rouge_score's default tokeniser does without
 * stemming: words are runs of a-z and 0-9 in the lower-case text, and a newline
 * or " . " ends a sentence. Return 0, or -1 if memory runs out.
 */
int ngram_tokenise_space(struct ngram *w);
int ngram_tokenise_intl(struct ngram *w);
int ngram_tokenise_plain(struct ngram *w);

/* Returns 1 if word i of a and word j of b are the same. */
int ngram_same(const struct ngram *a, size_t i, const struct ngram *b, size_t j);
/*
 * Returns the number of n-grams that a and b have in common; one that occurs
 * more than once counts as often as in the text that has it less often. If
 * select is not NULL, only those n-grams of a count that begin at a word i with
 * select[i] != 0. Returns -1 if memory runs out.
 */
long ngram_common(const struct ngram *a, const unsigned char *select, struct ngram *b, size_t n);
/* Returns the number of different n-grams, or -1 if memory runs out. */
long ngram_distinct(const struct ngram *w, size_t n);

#endif
