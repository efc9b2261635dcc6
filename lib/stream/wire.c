#include "stream/wire.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

/*
 * Types of the first bytes 0xc0 to 0xdf, and widths of the number after them.
 */
static const struct {
	signed char type;	/* -1: not used by msgpack */
	unsigned char width;
} marked[32] = {
	{ TOKEN_NIL, 0 }, { -1, 0 }, { TOKEN_BOOL, 0 }, { TOKEN_BOOL, 0 },
	{ TOKEN_BIN, 1 }, { TOKEN_BIN, 2 }, { TOKEN_BIN, 4 },
	{ TOKEN_EXT, 0 }, { TOKEN_EXT, 0 }, { TOKEN_EXT, 0 },
	{ TOKEN_NUM, 4 }, { TOKEN_NUM, 8 },
	{ TOKEN_UINT, 1 }, { TOKEN_UINT, 2 }, { TOKEN_UINT, 4 }, { TOKEN_UINT, 8 },
	{ TOKEN_INT, 1 }, { TOKEN_INT, 2 }, { TOKEN_INT, 4 }, { TOKEN_INT, 8 },
	{ TOKEN_EXT, 0 }, { TOKEN_EXT, 0 }, { TOKEN_EXT, 0 }, { TOKEN_EXT, 0 }, { TOKEN_EXT, 0 },
	{ TOKEN_STR, 1 }, { TOKEN_STR, 2 }, { TOKEN_STR, 4 },
	{ TOKEN_ARRAY, 2 }, { TOKEN_ARRAY, 4 }, { TOKEN_MAP, 2 }, { TOKEN_MAP, 4 }
};

static void
set_number(struct token *t, uint64_t u, unsigned width)
{
	if (width == 4) {
		uint32_t bits = (uint32_t)u;
		float f;

		memcpy(&f, &bits, sizeof f);
		t->d = (double)f;
	} else {
		memcpy(&t->d, &u, sizeof t->d);
	}
}

static void
set_int(struct token *t, uint64_t u, unsigned width)
{
	uint64_t sign = (uint64_t)1 << (8 * width - 1);

	if (u & sign) {
		t->i = -(int64_t)(sign - 1 - (u & (sign - 1))) - 1;
	} else {
		t->type = TOKEN_UINT;
		t->u = u;
	}
}

int
token_read(struct token *t, const unsigned char *p, size_t n)
{
	unsigned c, width, i;
	uint64_t u = 0;

	if (n == 0)
		return 0;
	c = p[0];
	t->head = 1;
	t->n = 0;
	if (c < 0x80) {
		t->type = TOKEN_UINT;
		t->u = c;
		return 1;
	} else if (c < 0xc0) {
		t->type = c < 0x90 ? TOKEN_MAP : TOKEN_ARRAY;
		t->n = c & 15;
		if (c >= 0xa0) {
			t->type = TOKEN_STR;
			t->n = c & 31;
		}
		return 1;
	} else if (c >= 0xe0) {
		t->type = TOKEN_INT;
		t->i = (int)c - 256;
		return 1;
	}
	if (marked[c - 0xc0].type < 0)
		return -1;
	t->type = (enum token_type)marked[c - 0xc0].type;
	width = marked[c - 0xc0].width;
	t->head += width;
	if (n < t->head)
		return 0;
	for (i = 1; i <= width; i++)
		u = u << 8 | p[i];
	switch (t->type) {
	case TOKEN_NIL:
	case TOKEN_EXT:
		break;
	case TOKEN_BOOL:
		t->u = c & 1;
		break;
	case TOKEN_UINT:
		t->u = u;
		break;
	case TOKEN_INT:
		set_int(t, u, width);
		break;
	case TOKEN_NUM:
		set_number(t, u, width);
		break;
	case TOKEN_STR:
	case TOKEN_BIN:
	case TOKEN_ARRAY:
	case TOKEN_MAP:
		t->n = u;
		break;
	}
	return 1;
}

/*
 * Checks a token that is not an array or a map, whose payload is at the
 * object's byte `at'.
 */
static int
check_scalar(struct walk *w, const struct token *t, const char *object, size_t at, int key,
    struct err *e)
{
	const char *p = object + at;

	if (t->type == TOKEN_STR && utf8_span(p, t->n) != t->n)
		return err_set(e, "it holds text that is not UTF-8");
	if (key) {
		if (t->type != TOKEN_STR)
			return err_set(e, "a field name is not a string");
		if (memchr(p, '\0', t->n) != NULL)
			return err_set(e, "a field name holds a NUL");
		if (w->depth == 1) {
			w->name = at;
			w->n_name = t->n;
		}
	} else if (t->type == TOKEN_BIN && !(w->depth == 1 && w->n_name == 3 &&
	    memcmp(object + w->name, "act", 3) == 0)) {
		return err_set(e, "a field other than 'act' is binary");
	} else if (t->type == TOKEN_NUM && !isfinite(t->d)) {
		return err_set(e, "field '%.*s' holds a number that is not finite",
		    (int)(w->n_name < 256 ? w->n_name : 256), object + w->name);
	} else if (t->type == TOKEN_EXT) {
		return err_set(e, "it holds a msgpack extension type");
	}
	return 0;
}

int
walk_run(struct walk *w, const unsigned char *p, size_t n, struct err *e)
{
	do {
		int key = w->depth > 0 && w->open[w->depth - 1].map &&
		    w->open[w->depth - 1].left % 2 == 0;
		size_t room = WIRE_LIMIT - w->pos, at;
		struct token t;
		int r;

		r = token_read(&t, p + w->pos, n - w->pos);
		if (r < 0)
			return err_set(e, "it is not msgpack");
		if (r == 0)
			return 0;
		at = w->pos + t.head;
		if (t.type == TOKEN_ARRAY || t.type == TOKEN_MAP) {
			uint64_t left = t.type == TOKEN_MAP ? 2 * t.n : t.n;

			if (key)
				return err_set(e, "a field name is not a string");
			/* each element has at least one byte */
			if (t.head > room || left > room - t.head)
				return err_set(e, "it is bigger than %d MiB", WIRE_LIMIT >> 20);
			if (w->depth == WIRE_DEPTH)
				return err_set(e, "it is nested deeper than %d", WIRE_DEPTH);
			w->pos = at;
			if (left > 0) {
				w->open[w->depth].left = left;
				w->open[w->depth++].map = t.type == TOKEN_MAP;
				continue;
			}
		} else {
			if (t.head > room || t.n > room - t.head)
				return err_set(e, "it is bigger than %d MiB", WIRE_LIMIT >> 20);
			if (t.n > n - at)
				return 0;
			if (check_scalar(w, &t, (const char *)p, at, key, e) != 0)
				return -1;
			w->pos = at + t.n;
		}
		while (w->depth > 0 && --w->open[w->depth - 1].left == 0)
			w->depth--;
	} while (w->depth > 0);
	return 1;
}

size_t
wire_extent(const unsigned char *p, size_t n)
{
	struct walk w = { 0 };
	struct err e;

	walk_run(&w, p, n, &e);
	return w.pos;
}
