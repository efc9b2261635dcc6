/*
 * ngram - a text cut into words as the reference programs cut it, and the n-grams that it has.
 */
#ifndef ODESTEER_NGRAM_H
#define ODESTEER_NGRAM_H

#include <stddef.h>
#include <stdint.h>

struct ngram_word {
	size_t at, n;		/* characters */
	size_t sentence;	/* its number (ngram_tokenise_plain) */
	int used;
};

/* All zero at first. */
struct ngram {
	int32_t *c;		/* [n_c] characters */
	size_t n_c;
	struct ngram_word *word;	/* [n], once the text is cut */
	size_t n, room;
};

void ngram_release(struct ngram *w);

/*
 * Takes text[len], valid UTF-8, without the white space (Python's) around it, and appends `end`
 * unless that is 0 or there. It has no words before it is cut. 1, 0: the text is blank, -1: out of memory.
 */
int ngram_read(struct ngram *w, const char *text, size_t len, int32_t end);
/*
 * Cut the text that was read. 0, -1: out of memory.
 * space: what is between white space.
 * intl: sacrebleu's tokenizer of that name (mteval-v14): punctuation apart unless between
 * digits, symbols apart, white space between.
 * plain: rouge_score's default one without stemming: runs of a-z and 0-9 of the text in lower case;
 * newlines and " . " end a sentence.
 */
int ngram_tokenise_space(struct ngram *w);
int ngram_tokenise_intl(struct ngram *w);
int ngram_tokenise_plain(struct ngram *w);

/* Are word i of a and word j of b the same? */
int ngram_same(const struct ngram *a, size_t i, const struct ngram *b, size_t j);
/*
 * How many n-grams a and b have in common, each as often as the one that has it less often. Of a,
 * those at a word i with of[i] != 0 count; NULL: all.
 */
size_t ngram_common(const struct ngram *a, const uint32_t *select, struct ngram *b, size_t n);
/* How many different n-grams there are; -1: out of memory. */
long ngram_distinct(const struct ngram *w, size_t n);

#endif
