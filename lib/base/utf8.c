#include "base/utf8.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Returns how many bytes a character has that begins with c; 0: none begins
 * with it.
 */
static size_t
wanted(unsigned char c)
{
	if (c < 0x80)
		return 1;
	if (c < 0xc2 || c >= 0xf5)
		return 0;
	if (c < 0xe0)
		return 2;
	return c < 0xf0 ? 3 : 4;
}

/*
 * Returns the length of the character at the start of s[n], or 0 if there is no
 * valid one.
 */
static size_t
char_size(const char *s, size_t n)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t want = n > 0 ? wanted(u[0]) : 0, i;

	if (want == 0 || want > n)
		return 0;
	for (i = 1; i < want; i++)
		if ((u[i] & 0xc0) != 0x80)
			return 0;
	/* overlong forms, surrogates and numbers beyond U+10FFFF (RFC 3629) */
	if ((u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xed && u[1] > 0x9f) ||
	    (u[0] == 0xf0 && u[1] < 0x90) || (u[0] == 0xf4 && u[1] > 0x8f))
		return 0;
	return want;
}

size_t
utf8_span(const char *s, size_t n)
{
	size_t i = 0, k;

	while (i < n) {
		uint64_t eight;

		/* eight bytes at a time, because most text is ASCII */
		for (; n - i >= sizeof eight; i += sizeof eight) {
			memcpy(&eight, s + i, sizeof eight);
			if (eight & UINT64_C(0x8080808080808080))
				break;
		}
		if (i == n || (k = char_size(s + i, n - i)) == 0)
			break;
		i += k;
	}
	return i;
}

/* Returns whether s[n] is an incomplete character. */
static int
unfinished(const char *s, size_t n)
{
	size_t i;

	if (n == 0 || wanted((unsigned char)s[0]) <= n)
		return 0;
	for (i = 1; i < n; i++)
		if (((unsigned char)s[i] & 0xc0) != 0x80)
			return 0;
	return 1;
}

char *
utf8_clean(const char *s, size_t len)
{
	char *out = malloc(3 * len + 1);
	size_t n = 0, i = 0;

	if (out == NULL)
		return NULL;
	while (i < len) {
		size_t k = s[i] != '\0' ? char_size(s + i, len - i) : 0;

		if (k > 0) {
			memcpy(out + n, s + i, k);
			n += k;
			i += k;
		} else if (unfinished(s + i, len - i)) {
			break;
		} else {
			memcpy(out + n, "\xef\xbf\xbd", 3);
			n += 3;
			i++;
		}
	}
	out[n] = '\0';
	return out;
}

void
utf8_show(char *out, size_t size, const char *s)
{
	size_t left = strlen(s), n, at = 0;

	for (; left > 0; s += n, left -= n) {
		const unsigned char *u = (const unsigned char *)s;
		/* U+0080 to U+009F are control characters, too */
		int plain = (n = char_size(s, left)) > 1 ? u[0] != 0xc2 || u[1] >= 0xa0 :
		    n == 1 && u[0] >= 0x20 && u[0] != 0x7f;

		n = n > 1 && plain ? n : 1;
		if (at + (plain ? n : 4) >= size)
			break;
		if (plain)
			memcpy(out + at, s, n);
		else
			sprintf(out + at, "\\x%02x", u[0]);
		at += plain ? n : 4;
	}
	out[at] = '\0';
}
