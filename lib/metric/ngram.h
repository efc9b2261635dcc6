/*
 * ngram - a text cut into words as the reference programs cut it, and the n-grams that two
 * texts have in common.
 */
#ifndef ODESTEER_NGRAM_H
#define ODESTEER_NGRAM_H

#include <stddef.h>
#include <stdint.h>

struct ngram;

struct ngram *ngram_alloc(void);		/* NULL: out of memory */
void ngram_free(struct ngram *w);		/* NULL is fine */

/*
 * Takes text[len], valid UTF-8, without the white space (Python's) around it. It has no words
 * before it is cut. 1, 0: nothing is left, -1: out of memory.
 */
int ngram_read(struct ngram *w, const char *text, size_t len);
int ngram_end_with(struct ngram *w, char c);	/* appends c unless it is there; 0, -1 */
/*
 * Cut the text that was read. 0, -1.
 * intl: sacrebleu's tokenizer of that name (mteval-v14): punctuation apart unless between
 * digits, symbols apart, white space between.
 * plain: rouge_score's default one without stemming: runs of a-z and 0-9 of the text in lower case.
 */
int ngram_cut_intl(struct ngram *w);
int ngram_cut_plain(struct ngram *w);

size_t ngram_count(const struct ngram *w);
/* Number of the sentence word i is in; newlines and " . " end one (ngram_cut_plain only). */
size_t ngram_sentence(const struct ngram *w, size_t i);
int ngram_same(const struct ngram *a, size_t i, const struct ngram *b, size_t j);
/* How many n-grams a and b have in common, each as often as the one that has it less often. b keeps its words. */
size_t ngram_common(const struct ngram *a, struct ngram *b, size_t n);
/* The same of those words of a for which of[i] is set, n = 1. */
size_t ngram_common_of(const struct ngram *a, const uint32_t *of, struct ngram *b);

#endif
