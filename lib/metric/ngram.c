#include "metric/ngram.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* Characters that grow. */
struct text {
	int32_t *c;
	size_t n, room;
};

struct word {
	size_t at, n, sentence;
};

struct ngram {
	struct text text, next;		/* what was read or cut; the same after one more rule */
	struct word *word;
	size_t n, room;
	unsigned char *used;		/* [room] */
};

struct ngram *
ngram_alloc(void)
{
	return calloc(1, sizeof(struct ngram));
}

void
ngram_free(struct ngram *w)
{
	if (w == NULL)
		return;
	free(w->text.c);
	free(w->next.c);
	free(w->word);
	free(w->used);
	free(w);
}

static int
put(struct text *t, int32_t c)
{
	if (t->n == t->room) {
		size_t room = t->room > 0 ? 2 * t->room : 1024;
		int32_t *p = realloc(t->c, room * sizeof *p);

		if (p == NULL)
			return -1;
		t->c = p;
		t->room = room;
	}
	t->c[t->n++] = c;
	return 0;
}

/* What Python's str.isspace says. */
static int
is_space(int32_t c)
{
	return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
	    (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

/* Unicode's categories P, S and N */
static int
is_punctuation(int32_t c)
{
	utf8proc_category_t k = utf8proc_category(c);

	return k >= UTF8PROC_CATEGORY_PC && k <= UTF8PROC_CATEGORY_PO;
}

static int
is_symbol(int32_t c)
{
	utf8proc_category_t k = utf8proc_category(c);

	return k >= UTF8PROC_CATEGORY_SM && k <= UTF8PROC_CATEGORY_SO;
}

static int
is_number(int32_t c)
{
	utf8proc_category_t k = utf8proc_category(c);

	return k >= UTF8PROC_CATEGORY_ND && k <= UTF8PROC_CATEGORY_NO;
}

int
ngram_read(struct ngram *w, const char *text, size_t len)
{
	const utf8proc_uint8_t *s = (const utf8proc_uint8_t *)text;
	utf8proc_int32_t c;
	utf8proc_ssize_t step;
	struct text *t = &w->text;
	size_t i;

	w->n = t->n = 0;
	for (i = 0; i < len; i += (size_t)step) {
		if ((step = utf8proc_iterate(s + i, (utf8proc_ssize_t)(len - i), &c)) <= 0)
			step = 1, c = 0xfffd;
		if (!(t->n == 0 && is_space(c)) && put(t, c) != 0)
			return -1;
	}
	while (t->n > 0 && is_space(t->c[t->n - 1]))
		t->n--;
	return t->n > 0;
}

int
ngram_end_with(struct ngram *w, char c)
{
	return w->text.n > 0 && w->text.c[w->text.n - 1] == c ? 0 : put(&w->text, c);
}

/* One more character of the last word, or the first of another where `begin` is set. */
static int
add_char(struct ngram *w, size_t at, int begin, size_t sentence)
{
	if (!begin) {
		w->word[w->n - 1].n++;
		return 0;
	}
	if (w->n == w->room) {
		size_t room = w->room > 0 ? 2 * w->room : 256;
		struct word *word = realloc(w->word, room * sizeof *word);

		if (word == NULL)
			return -1;
		w->word = word;
		free(w->used);
		w->room = 0;
		if ((w->used = malloc(room)) == NULL)
			return -1;
		w->room = room;
	}
	w->word[w->n++] = (struct word){ at, 1, sentence };
	return 0;
}

/*
 * A rule of the tokenizer: where a pair of characters is as it says, spaces are put around one
 * of them; pairs do not overlap, and the next begins behind the last, as in a regular
 * expression's substitution.
 */
static int
separate(struct ngram *w, int (*rule)(int32_t a, int32_t b, int32_t to[4]))
{
	struct text from = w->text;
	int32_t to[4];
	size_t i, k;

	w->next.n = 0;
	for (i = 0; i < from.n; ) {
		if (i + 1 == from.n || !rule(from.c[i], from.c[i + 1], to)) {
			if (put(&w->next, from.c[i++]) != 0)
				return -1;
			continue;
		}
		for (k = 0; k < 4; k++)
			if (to[k] != 0 && put(&w->next, to[k]) != 0)
				return -1;
		i += 2;
	}
	w->text = w->next;
	w->next = from;
	return 0;
}

/* (\P{N})(\p{P}) becomes "\1 \2 " */
static int
behind_no_number(int32_t a, int32_t b, int32_t to[4])
{
	to[0] = a, to[1] = ' ', to[2] = b, to[3] = ' ';
	return !is_number(a) && is_punctuation(b);
}

/* (\p{P})(\P{N}) becomes " \1 \2" */
static int
before_no_number(int32_t a, int32_t b, int32_t to[4])
{
	to[0] = ' ', to[1] = a, to[2] = ' ', to[3] = b;
	return is_punctuation(a) && !is_number(b);
}

int
ngram_cut_intl(struct ngram *w)
{
	int inside = 0;
	size_t i;

	w->n = 0;
	if (separate(w, behind_no_number) != 0 || separate(w, before_no_number) != 0)
		return -1;
	for (i = 0; i < w->text.n; i++) {
		int32_t c = w->text.c[i];

		if (is_space(c)) {
			inside = 0;
			continue;
		}
		/* the third rule, (\p{S}) to " \1 ", makes it a word of its own */
		if (add_char(w, i, !inside || is_symbol(c), 0) != 0)
			return -1;
		inside = !is_symbol(c);
	}
	return 0;
}

int
ngram_cut_plain(struct ngram *w)
{
	struct text *t = &w->text;
	size_t sentence = 0, i;
	int inside = 0;

	w->n = 0;
	for (i = 0; i < t->n; i++) {
		int32_t c = t->c[i];

		/* " . " is made ".\n" */
		if (c == '\n' || (i + 2 < t->n && c == ' ' && t->c[i + 1] == '.' && t->c[i + 2] == ' ')) {
			i += c == ' ' ? 2 : 0;
			sentence++;
			inside = 0;
			continue;
		}
		/* besides A to Z only these two have a letter of a to z in lower case */
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
		/* the dot of U+0130 is a character of its own there, and no letter */
		inside = t->c[i] != 0x130;
		t->c[i] = c;
	}
	return 0;
}

size_t
ngram_count(const struct ngram *w)
{
	return w->n;
}

size_t
ngram_sentence(const struct ngram *w, size_t i)
{
	return w->word[i].sentence;
}

int
ngram_same(const struct ngram *a, size_t i, const struct ngram *b, size_t j)
{
	const struct word *x = &a->word[i], *y = &b->word[j];

	return x->n == y->n && memcmp(a->text.c + x->at, b->text.c + y->at, x->n * sizeof *a->text.c) == 0;
}

/* Each n-gram of a takes one of b's that is like it and not taken. */
static long
common(const struct ngram *a, const uint32_t *of, struct ngram *b, size_t n)
{
	size_t got = 0;
	size_t i, j, k;

	if (a->n < n || b->n < n)
		return 0;
	memset(b->used, 0, b->n);
	for (i = 0; i + n <= a->n; i++) {
		if (of != NULL && !of[i])
			continue;
		for (j = 0; j + n <= b->n; j++) {
			for (k = 0; k < n && !b->used[j] && ngram_same(a, i + k, b, j + k); k++)
				;
			if (k == n) {
				b->used[j] = 1;
				got++;
				break;
			}
		}
	}
	return got;
}

size_t
ngram_common(const struct ngram *a, struct ngram *b, size_t n)
{
	return common(a, NULL, b, n);
}

size_t
ngram_common_of(const struct ngram *a, const uint32_t *of, struct ngram *b)
{
	return common(a, of, b, 1);
}
