#include "metric/text_features.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/hash.h"

enum {
	SHORTEST = 2, LONGEST = 5,	/* bytes of an n-gram within a word */
	MARK = 1,			/* before each word of a word n-gram */
	SLOTS = 4096			/* at first */
};

struct text_features *
text_features_alloc(unsigned bits)
{
	struct text_features *t = calloc(1, sizeof *t);

	if (t == NULL)
		return NULL;
	t->bits = bits;
	t->room = SLOTS;
	t->slot = calloc(SLOTS, sizeof *t->slot);
	t->index = malloc(SLOTS / 2 * sizeof *t->index);
	t->at = malloc(SLOTS / 2 * sizeof *t->at);
	if (t->slot == NULL || t->index == NULL || t->at == NULL) {
		text_features_free(t);
		return NULL;
	}
	return t;
}

void
text_features_free(struct text_features *t)
{
	if (t == NULL)
		return;
	free(t->slot);
	free(t->index);
	free(t->at);
	free(t->word);
	free(t);
}

/* Doubles the hash set. Returns 0, or -1 if out of memory. */
static int
grow(struct text_features *t)
{
	size_t room = 2 * t->room, i, k;
	uint32_t *slot = calloc(room, sizeof *slot);
	uint32_t *index = realloc(t->index, room / 2 * sizeof *index);
	size_t *at = realloc(t->at, room / 2 * sizeof *at);

	if (index != NULL)
		t->index = index;
	if (at != NULL)
		t->at = at;
	if (slot == NULL || index == NULL || at == NULL) {
		free(slot);
		return -1;
	}
	for (i = 0; i < t->n; i++) {
		for (k = index[i] & (room - 1); slot[k] != 0; k = (k + 1) & (room - 1))
			;
		slot[k] = index[i] + 1;
		at[i] = k;
	}
	free(t->slot);
	t->slot = slot;
	t->room = room;
	return 0;
}

/* Adds an n-gram, unless the text has it. There must be room. */
static inline void
add(struct text_features *t, uint64_t hash)
{
	uint32_t index = (uint32_t)(hash ^ hash >> 32) * UINT32_C(0x9e3779b1) >> (32 - t->bits);
	size_t k = index & (t->room - 1);

	for (; t->slot[k] != 0; k = (k + 1) & (t->room - 1))
		if (t->slot[k] == index + 1)
			return;
	t->slot[k] = index + 1;
	t->at[t->n] = k;
	t->index[t->n++] = index;
}

/*
 * Adds the n-grams of the word w[n], which has a space on either side; *last is
 * the hash of the word before it, or 0, and becomes that of this one. Returns
 * 0, or -1 if out of memory.
 */
static int
add_word(struct text_features *t, const unsigned char *w, size_t n, uint64_t *last)
{
	static const unsigned char mark = MARK;
	size_t i, k;
	uint64_t hash;

	/* there are 2^bits indices, so twice as many slots are always enough */
	while (t->room < (size_t)2 << t->bits &&
	    t->n + n * (LONGEST - SHORTEST + 1) + 2 > t->room / 2)
		if (grow(t) != 0)
			return -1;
	for (i = 0; i + SHORTEST <= n; i++) {
		hash = hash_bytes(HASH_START, w + i, SHORTEST - 1);
		for (k = i + SHORTEST - 1; k < n && k < i + LONGEST; k++) {
			hash = hash_bytes(hash, w + k, 1);
			add(t, hash);
		}
	}
	hash = hash_bytes(hash_bytes(HASH_START, &mark, 1), w + 1, n - 2);
	add(t, hash);
	if (*last != 0)
		add(t, hash_bytes(hash_bytes(*last, &mark, 1), w + 1, n - 2));
	*last = hash;
	return 0;
}

/*
 * Returns whether c is part of a word: ASCII letters, digits and "$*@", and all
 * other characters but punctuation and white space.
 */
static int
in_word(int32_t c)
{
	if (c < 0x80)
		return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    c == '$' || c == '*' || c == '@';
	return c >= 0xc0 && (c < 0x2000 || c > 0x206f) && (c < 0x3000 || c > 0x303f);
}

int
text_features_read(struct text_features *t, const char *text, size_t len)
{
	const utf8proc_uint8_t *s = (const utf8proc_uint8_t *)text;
	utf8proc_ssize_t step;
	utf8proc_int32_t c;
	uint64_t last = 0;
	size_t n = 1, i;

	for (i = 0; i < t->n; i++)
		t->slot[t->at[i]] = 0;
	t->n = 0;
	/* a lower-case letter has at most one and a half times the bytes */
	if (t->word_room < 2 * len + 2) {
		free(t->word);
		t->word_room = 0;
		if ((t->word = malloc(4 * len + 64)) == NULL)
			return -1;
		t->word_room = 4 * len + 64;
		t->word[0] = ' ';
	}
	for (i = 0; i <= len; i += (size_t)step) {
		c = ' ';
		step = 1;
		if (i < len && s[i] < 0x80)
			c = s[i];
		else if (i < len)
			step = utf8proc_iterate(s + i, (utf8proc_ssize_t)(len - i), &c);
		if (step < 1) {
			c = ' ';
			step = 1;
		}
		if (!in_word(c)) {
			t->word[n] = ' ';
			if (n > 1 && add_word(t, t->word, n + 1, &last) != 0)
				return -1;
			n = 1;
			if (c == '!' || c == '?') {
				unsigned char one[3] = { ' ', (unsigned char)c, ' ' };

				if (add_word(t, one, 3, &last) != 0)
					return -1;
			}
		} else if (c < 0x80) {
			if (c >= 'A' && c <= 'Z')
				c += 'a' - 'A';
			/* three times the same letter counts as twice */
			if (n < 3 || t->word[n - 1] != c || t->word[n - 2] != c)
				t->word[n++] = (unsigned char)c;
		} else {
			n += (size_t)utf8proc_encode_char(utf8proc_tolower(c), t->word + n);
		}
	}
	return 0;
}
