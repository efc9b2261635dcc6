/*
 * words - a text cut into words as the reference programs cut it, and the n-grams that two
 * texts have in common.
 */
#ifndef ODESTEER_WORDS_H
#define ODESTEER_WORDS_H

#include <stddef.h>
#include <stdint.h>

struct words;

struct words *words_alloc(void);		/* NULL: out of memory */
void words_free(struct words *w);		/* NULL is fine */

/*
 * Takes text[len], valid UTF-8, without the white space (Python's) around it. It has no words
 * before it is cut. 1, 0: nothing is left, -1: out of memory.
 */
int words_read(struct words *w, const char *text, size_t len);
int words_end_with(struct words *w, char c);	/* appends c unless it is there; 0, -1 */
/*
 * Cut the text that was read. 0, -1.
 * intl: sacrebleu's tokenizer of that name (mteval-v14): punctuation apart unless between
 * digits, symbols apart, white space between.
 * plain: rouge_score's default one without stemming: runs of a-z and 0-9 of the text in lower case.
 */
int words_cut_intl(struct words *w);
int words_cut_plain(struct words *w);

size_t words_count(const struct words *w);
/* Number of the sentence word i is in; newlines and " . " end one (words_cut_plain only). */
size_t words_sentence(const struct words *w, size_t i);
int words_same(const struct words *a, size_t i, const struct words *b, size_t j);
/* How many n-grams a and b have in common, each as often as the one that has it less often. b keeps its words. */
size_t words_common(const struct words *a, struct words *b, size_t n);
/* The same of those words of a for which of[i] is set, n = 1. */
size_t words_common_of(const struct words *a, const uint32_t *of, struct words *b);

#endif
