#include "metric/ngram.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/array.h"

void
ngram_release(struct ngram *w)
{
	free(w->c);
	free(w->word);
}

/* Returns what Python's str.isspace says. */
static int
is_space(int32_t c)
{
	if (c < 0x85)
		return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20);
	return c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
	    c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

/*
 * Returns 1 if c is of this Unicode category: 'N' number, 'P' punctuation, ...
 */
static int
is_category(int32_t c, char category)
{
	return utf8proc_category_string(c)[0] == category;
}

int
ngram_read(struct ngram *w, const char *text, size_t len, int32_t end)
{
	const utf8proc_uint8_t *s = (const utf8proc_uint8_t *)text;
	/* a character has at least one byte */
	int32_t *to = realloc(w->c, (len + 1) * sizeof *to);
	utf8proc_ssize_t step;
	size_t i;

	if (to == NULL)
		return -1;
	w->c = to;
	w->n = w->n_c = 0;
	for (i = 0; i < len; i += (size_t)step) {
		step = utf8proc_iterate(s + i, (utf8proc_ssize_t)(len - i), &to[w->n_c]);
		if (step <= 0) {
			to[w->n_c] = 0xfffd;
			step = 1;
		}
		w->n_c += w->n_c > 0 || !is_space(to[w->n_c]);
	}
	while (w->n_c > 0 && is_space(to[w->n_c - 1]))
		w->n_c--;
	if (w->n_c == 0)
		return 0;
	if (end != 0 && to[w->n_c - 1] != end)
		to[w->n_c++] = end;
	return 1;
}

/*
 * Adds character `at` to the last word, or if begin != 0 to a new one. Returns
 * 0, or -1 if memory runs out.
 */
static int
add_char(struct ngram *w, size_t at, int begin, size_t sentence)
{
	struct ngram_word *word = w->word;

	if (begin) {
		if ((word = array_grow(word, w->n + 1, &w->room, sizeof *word)) == NULL)
			return -1;
		w->word = word;
		word[w->n++] = (struct ngram_word){ at, 0, sentence, 0 };
	}
	word[w->n - 1].n++;
	return 0;
}

/*
 * Applies a rule of the tokeniser "intl". Rule 0 replaces (\P{N})(\p{P}) by "\1
 * \2 ", rule 1 (\p{P})(\P{N}) by " \1 \2". Matches do not overlap, as in the
 * regular expressions of sacrebleu. Returns 0, or -1 if memory runs out.
 */
static int
separate(struct ngram *w, int rule)
{
	int32_t *to = malloc((2 * w->n_c + 1) * sizeof *to), *c = w->c;
	size_t i, n = 0;

	if (to == NULL)
		return -1;
	for (i = 0; i < w->n_c; i++) {
		int apart = 0;

		if (i + 1 < w->n_c && rule == 0)
			apart = !is_category(c[i], 'N') && is_category(c[i + 1], 'P');
		else if (i + 1 < w->n_c)
			apart = is_category(c[i], 'P') && !is_category(c[i + 1], 'N');
		if (apart && rule == 1)
			to[n++] = ' ';
		to[n++] = c[i];
		if (!apart)
			continue;
		to[n++] = ' ';
		to[n++] = c[++i];
		if (rule == 0)
			to[n++] = ' ';
	}
	free(c);
	w->c = to;
	w->n_c = n;
	return 0;
}

/*
 * Splits the text at white space. If symbols != 0, each symbol (\p{S}) is a
 * word of its own, which is the third rule of "intl". Returns 0, or -1 if
 * memory runs out.
 */
static int
split(struct ngram *w, int symbols)
{
	int inside = 0, symbol;
	size_t i;

	w->n = 0;
	for (i = 0; i < w->n_c; i++) {
		if (is_space(w->c[i])) {
			inside = 0;
			continue;
		}
		symbol = symbols && is_category(w->c[i], 'S');
		if (add_char(w, i, !inside || symbol, 0) != 0)
			return -1;
		inside = !symbol;
	}
	return 0;
}

int
ngram_tokenise_space(struct ngram *w)
{
	return split(w, 0);
}

int
ngram_tokenise_intl(struct ngram *w)
{
	return separate(w, 0) != 0 || separate(w, 1) != 0 ? -1 : split(w, 1);
}

int
ngram_tokenise_plain(struct ngram *w)
{
	size_t sentence = 0, i;
	int inside = 0;

	w->n = 0;
	for (i = 0; i < w->n_c; i++) {
		int32_t c = w->c[i];

		/* rouge_score replaces " . " by ".\n" */
		if (c == '\n' ||
		    (i + 2 < w->n_c && c == ' ' && w->c[i + 1] == '.' && w->c[i + 2] == ' ')) {
			i += c == ' ' ? 2 : 0;
			sentence++;
			inside = 0;
			continue;
		}
		/* U+0130 and U+212A, too, have a lower case in a to z */
		if (c >= 'A' && c <= 'Z')
			c += 'a' - 'A';
		else if (c == 0x130)
			c = 'i';
		else if (c == 0x212a)
			c = 'k';
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))) {
			inside = 0;
			continue;
		}
		if (add_char(w, i, !inside, sentence) != 0)
			return -1;
		/*
		 * in lower case U+0130 is followed by a combining dot, no
		 * letter
		 */
		inside = w->c[i] != 0x130;
		w->c[i] = c;
	}
	return 0;
}

/*
 * Returns the order of word i of a and word j of b: by length, then by
 * characters.
 */
static int
compare(const struct ngram *a, size_t i, const struct ngram *b, size_t j)
{
	const struct ngram_word *x = &a->word[i], *y = &b->word[j];

	if (x->n != y->n)
		return x->n < y->n ? -1 : 1;
	return memcmp(a->c + x->at, b->c + y->at, x->n * sizeof *a->c);
}

int
ngram_same(const struct ngram *a, size_t i, const struct ngram *b, size_t j)
{
	return compare(a, i, b, j) == 0;
}

/* Returns the order of the n-grams from word i of a and from word j of b. */
static int
compare_grams(const struct ngram *a, size_t i, const struct ngram *b, size_t j, size_t n)
{
	size_t k;
	int c = 0;

	for (k = 0; k < n && c == 0; k++)
		c = compare(a, i + k, b, j + k);
	return c;
}

/* n-grams are ordered by their first word's index. */
struct order {
	const struct ngram *w;
	size_t n;
};

static int
by_words(const void *a, const void *b, void *ctx)
{
	const struct order *o = ctx;

	return compare_grams(o->w, *(const size_t *)a, o->w, *(const size_t *)b, o->n);
}

/*
 * Sets *count to the number of w's n-grams. Returns their first words' indices
 * in the order of the n-grams, or NULL if memory runs out.
 */
static size_t *
sort_grams(const struct ngram *w, size_t n, size_t *count)
{
	struct order o = { w, n };
	size_t *at, i;

	*count = w->n >= n ? w->n - n + 1 : 0;
	if ((at = malloc((*count + 1) * sizeof *at)) == NULL)
		return NULL;
	for (i = 0; i < *count; i++)
		at[i] = i;
	qsort_r(at, *count, sizeof *at, by_words, &o);
	return at;
}

long
ngram_common(const struct ngram *a, const unsigned char *select, struct ngram *b, size_t n)
{
	size_t count, *at = sort_grams(b, n, &count), i, low, high, middle;
	long got = 0;

	if (at == NULL)
		return -1;
	for (i = 0; i < count; i++)
		b->word[i].used = 0;
	/*
	 * each n-gram of a is matched with an unused one of b; the first of
	 * equal ones counts how many are used
	 */
	for (i = 0; i + n <= a->n; i++) {
		if (select != NULL && !select[i])
			continue;
		for (low = 0, high = count; low < high; ) {
			middle = low + (high - low) / 2;
			if (compare_grams(b, at[middle], a, i, n) < 0)
				low = middle + 1;
			else
				high = middle;
		}
		if (low == count)
			continue;
		low += b->word[high].used;
		if (low < count && compare_grams(b, at[low], a, i, n) == 0) {
			b->word[high].used++;
			got++;
		}
	}
	free(at);
	return got;
}

long
ngram_distinct(const struct ngram *w, size_t n)
{
	size_t grams, *at = sort_grams(w, n, &grams), i;
	long different = 0;

	if (at == NULL)
		return -1;
	for (i = 0; i < grams; i++)
		different += i == 0 || compare_grams(w, at[i - 1], w, at[i], n) != 0;
	free(at);
	return different;
}
