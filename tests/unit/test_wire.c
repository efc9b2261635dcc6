/*
 * Tests tokens, walks over objects that arrive in pieces of any size, and
 * records.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "stream/record.h"
#include "stream/wire.h"
#include "tap.h"

/* Returns a number below n by xorshift64*, the same in every run. */
static uint64_t seed = 0x2385;

static unsigned
draw(unsigned n)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (unsigned)((seed * 0x2545f4914f6cdd1d) >> 33) % n;
}

static void
check_tokens(void)
{
	static const unsigned char width[32] = { 0, 0, 0, 0, 1, 2, 4, 0, 0, 0, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8,
		0, 0, 0, 0, 0, 1, 2, 4, 2, 4, 2, 4 };
	unsigned char p[16] = { 0 };
	int c, n, bad = 0, never = 0, beyond = 0;
	struct token t;

	ok(token_read(&t, p, 0) == 0, "no bytes, no token");
	for (c = 0; c < 256; c++) {
		int head = 1 + (c >= 0xc0 && c < 0xe0 ? width[c - 0xc0] : 0);

		p[0] = (unsigned char)c;
		if (c == 0xc1) {
			never = token_read(&t, p, 1) == -1 && token_read(&t, p, sizeof p) == -1;
			continue;
		}
		for (n = 1; n < head; n++)
			bad += token_read(&t, p, (size_t)n) != 0;
		bad += token_read(&t, p, (size_t)head) != 1 || t.head != (size_t)head;
		memset(p + 1, 0xff, sizeof p - 1);
		beyond += token_read(&t, p, sizeof p) != 1 || t.head != (size_t)head ||
		    (t.type < TOKEN_STR && t.n != 0);
		memset(p + 1, 0, sizeof p - 1);
	}
	ok(bad == 0 && beyond == 0, "every first byte has the head that msgpack says, and wants all of it");
	ok(never, "c1 is never used");
	ok(token_read(&t, (const unsigned char *)"\xd3\x80\0\0\0\0\0\0\0", 9) == 1 && t.type == TOKEN_INT &&
	    t.i == INT64_MIN, "the least integer");
	ok(token_read(&t, (const unsigned char *)"\xcf\xff\xff\xff\xff\xff\xff\xff\xff", 9) == 1 &&
	    t.type == TOKEN_UINT && t.u == UINT64_MAX, "the greatest integer");
	ok(token_read(&t, (const unsigned char *)"\xd0\x7f", 2) == 1 && t.type == TOKEN_UINT && t.u == 127,
	    "a signed integer that is not negative is as any other");
	ok(token_read(&t, (const unsigned char *)"\xdf\xff\xff\xff\xff", 5) == 1 && t.type == TOKEN_MAP &&
	    t.n == 0xffffffff, "the greatest map");
	ok(token_read(&t, (const unsigned char *)"\xc7", 1) == 1 && t.type == TOKEN_EXT,
	    "an extension is known by its first byte");
}

static void
put(struct buf *b, const void *p, size_t n)
{
	if (buf_append(b, p, n) != 0)
		abort();
}

/*
 * Appends a random valid value, whose maps and arrays are nested up to depth.
 */
static void
grow(struct buf *b, int depth)
{
	static const char *const scalar[] = { "\xc0", "\xc2", "\xc3", "\x05", "\xff", "\xcc\xff", "\xcd\x12\x34",
	    "\xd1\x80\x01",
		"\xce\x12\x34\x56\x78", "\xd2\x80\x11\x11\x11", "\xca\x40\x18\x7a\xe1", "\xa0", "\xa3\x61\x62\x63",
		    "\xa2\xc3\xa4",
		"\xd9\4\xf0\x9f\x98\x80", "\xcb\x40\x03\x14\x7a\xe1\x47\xae\x14" };
	unsigned n = draw(5), i, kind = draw(depth > 0 ? 4 : 2);
	unsigned char head;

	if (kind < 2) {
		const char *s = scalar[draw(sizeof scalar / sizeof *scalar)];

		put(b, s, strlen(s));
		return;
	}
	head = (unsigned char)((kind == 2 ? 0x90 : 0x80) | n);
	put(b, &head, 1);
	for (i = 0; i < n; i++) {
		unsigned char name[3] = { 0xa2, (unsigned char)('a' + i), (unsigned char)('a' + draw(26)) };

		if (kind == 3)
			put(b, name, 3);
		grow(b, depth - 1);
	}
}

/* Returns what a walk says of p[n] in pieces of `step` bytes. */
static int
walk(const unsigned char *p, size_t n, size_t step, size_t *extent, struct err *e)
{
	struct walk w = { 0 };
	size_t have = 0;
	int got = 0;

	while (got == 0 && have < n) {
		unsigned char *part;

		have = n - have < step ? n : have + step;
		/*
		 * a copy of exactly this size, so that a sanitiser sees reads
		 * beyond it
		 */
		part = malloc(have);
		if (part == NULL)
			abort();
		memcpy(part, p, have);
		got = walk_run(&w, part, have, e);
		free(part);
	}
	*extent = w.pos;
	return got;
}

static void
check_walks(void)
{
	int round, bad = 0, uneven = 0, damaged = 0, text = 0, differ = 0;

	for (round = 0; round < 2000; round++) {
		struct buf b = { 0 };
		struct err e, e2;
		size_t step, extent, extent2, n;
		int got;

		grow(&b, 6);
		n = b.len;
		put(&b, "\xc1\xc1", 2);		/* bytes after the object do not matter */
		for (step = 1; step < 8; step += 3) {
			got = walk(b.p, b.len, step, &extent, &e);
			bad += got != 1 || extent != n;
		}
		bad += walk(b.p, n, n, &extent, &e) != 1 || extent != n;
		for (extent2 = 1; extent2 < n; extent2++)
			bad += walk(b.p, extent2, 64, &extent, &e) != 0;
		/*
		 * a damaged object gets the same answer in pieces of any size
		 */
		b.p[draw((unsigned)n)] = (unsigned char)draw(256);
		e.text[0] = e2.text[0] = '\0';
		got = walk(b.p, b.len, b.len, &extent, &e);
		uneven += walk(b.p, b.len, 1, &extent2, &e2) != got || strcmp(e.text, e2.text) != 0;
		differ += got == 1 && extent != extent2;
		damaged += got != 1;
		text += got < 0 && e.text[0] == '\0';
		free(b.p);
	}
	ok(bad == 0, "2000 objects: found whole in pieces of any size, incomplete at every cut");
	ok(uneven == 0 && differ == 0 &&
	    text == 0, "2000 with one byte changed, %d of them broken: the same verdict in pieces", damaged);
}

static void
check_bufs(void)
{
	struct buf b = { 0 };
	int i;

	ok(buf_append(&b, NULL, 0) == 0 && b.len == 0, "nothing appended to nothing");
	put(&b, "0123456789abcdef", 16);
	for (i = 0; i < 10; i++)
		put(&b, b.p, b.len);
	ok(b.len == 16384 && memcmp(b.p, b.p + 16368, 16) == 0, "a buffer appended to itself as it moves");
	ok(buf_reserve(&b, SIZE_MAX / 2) == -1 && b.len == 16384, "too much is refused");
	free(b.p);
}

static void
is_json(const struct record *r, const char *want, const char *name)
{
	struct err e = { "" };
	char *got = record_to_json(r, 0, &e);

	if (!ok(got != NULL && strcmp(got, want) == 0, "%s", name))
		printf("# %s %s\n", got != NULL ? got : "nothing", e.text);
	free(got);
}

static void
check_records(void)
{
	static const char text[] =
	    "{\"s\":\"abc\",\"i\":-7,\"d\":2.5,\"t\":true,\"n\":null,\"l\":[1,2.5],\"m\":{\"x\":1},\"e\":\"\"}";
	static const int ints[] = { -1, 0, 300 };
	struct record *r = record_alloc(), *c = record_alloc();
	struct err e = { "" };
	const char *s;
	char key[8];
	double d, *v;
	int64_t n;
	size_t len;
	int i, bad = 0;

	is_json(r, "{}", "a new record is empty");
	ok(record_from_json(r, text, strlen(text), &e) == 0 && record_size(r) == 8, "a record of eight fields");
	is_json(r, text, "as JSON says it");
	ok(record_get_str(r, "s", &s, &len) == 1 && len == 3 && strcmp(s, "abc") == 0, "get: a string");
	ok(record_get_int(r, "i", &n) == 1 && n == -7, "get: an integer");
	ok(record_get_num(r, "d", &d) == 1 && d == 2.5 && record_get_num(r, "i", &d) == 1 && d == -7, "get: a number");
	ok(record_get_int(r, "t", &n) == -1 && record_get_bool(r, "t", &i) == 1 && i == 1 &&
	    record_get_bool(r, "i", &i) == -1 && record_get_bool(r, "d", &i) == -1, "get: true is a label, no integer");
	ok(record_get_nums(r, "l", &v, &len, &e) == 0 && len == 2 && v[1] == 2.5, "get: numbers");
	free(v);
	ok(record_get_int(r, "n", &n) == 0 && record_get_str(r, "n", &s, NULL) == 0 &&
	    record_has(r, "n"), "null is as absent");
	ok(record_get_int(r, "none", &n) == 0 && !record_has(r, "none"), "absent");
	ok(record_get_int(r, "d", &n) == -1 && record_get_int(r, "s", &n) == -1 && record_get_num(r, "s", &d) == -1 &&
	    record_get_num(r, "t", &d) == -1 && record_get_str(r, "i", &s, NULL) == -1 &&
	    record_get_nums(r, "m", &v, &len, &e) == -1 && record_get_nums(r, "s", &v, &len, &e) == -1, "another type");
	ok(strcmp(e.text, "field 's' is not an array of numbers") == 0, "get: %s", e.text);
	ok(record_get_key(r, "s", key, 4, &e) == 0 && strcmp(key, "abc") == 0, "key: a string that just fits");
	ok(record_get_key(r, "s", key, 3, &e) == -1 &&
	    strcmp(e.text, "field 's' is longer than 2 bytes") == 0, "key: %s", e.text);
	ok(record_get_key(r, "i", key, sizeof key, &e) == 0 && strcmp(key, "-7") == 0, "key: an integer");
	ok(record_get_key(r, "none", key, sizeof key, &e) == -1 &&
	    strcmp(e.text, "no field 'none'") == 0, "key: %s", e.text);
	ok(record_get_key(r, "d", key, sizeof key, &e) == -1 &&
	    strcmp(e.text, "field 'd' is neither a string nor an integer") == 0, "key: %s", e.text);
	record_set_str(r, "z", "a\0b", 3);
	ok(record_get_key(r, "z", key, sizeof key, &e) == -1 &&
	    strcmp(e.text, "field 'z' holds a NUL character") == 0, "key: %s", e.text);
	record_unset(r, "z");

	record_set_str(r, "s", "longer than it was", 18);
	record_set_int(r, "i", INT64_MIN);
	record_set_num(r, "l", 0.1);
	record_set_ints(r, "m", ints, 3);
	record_set_str(r, "new", "x", 1);
	record_unset(r, "none");
	record_unset(r, "t");
	is_json(r, "{\"s\":\"longer than it was\",\"i\":-9223372036854775808,\"d\":2.5,\"n\":null,\"l\":0.1,"
	    "\"m\":[-1,0,300],\"e\":\"\",\"new\":\"x\"}", "what is set keeps its place, what is new goes last");
	record_set_str(r, "s", "abc", 3);
	record_set_str(r, "s", "longer than it was", 18);
	ok(record_get_str(r, "s", &s, &len) == 1 && len == 18 &&
	    strcmp(s, "longer than it was") == 0, "shorter, and as long again");
	ok(record_copy(c, r) == 0, "a copy");
	for (i = 0; i < 20000; i++)
		bad |= record_set_num(r, "d", i + 0.5) != 0 ||
		    record_set_str(r, "new", "0123456789", (size_t)(i % 11)) != 0;
	ok(!bad && record_get_num(r, "d", &d) == 1 && d == 19999.5 && record_size(r) == 8, "set again and again");
	is_json(c, "{\"s\":\"longer than it was\",\"i\":-9223372036854775808,\"d\":2.5,\"n\":null,\"l\":0.1,"
	    "\"m\":[-1,0,300],\"e\":\"\",\"new\":\"x\"}", "the copy is its own");
	/* the value is borrowed from the record that it is set in */
	record_get_str(c, "s", &s, &len);
	ok(record_set_str(c, "twin", s, len) == 0 && record_get_str(c, "twin", &s, &len) == 1 &&
	    strcmp(s, "longer than it was") == 0, "a field set from another");
	record_clear(c);
	is_json(c, "{}", "cleared");
	ok(record_from_json(c, "[1]", 3, &e) == -1 && record_from_json(c, "{", 1, &e) == -1, "no object: %s", e.text);
	record_free(r);
	record_free(c);
	record_free(NULL);
}

/* Checks that numbers read back from text bit by bit, and reals as reals. */
static void
check_numbers(void)
{
	struct record *r = record_alloc(), *b = record_alloc();
	struct err e;
	int i, bad = 0, kind = 0;

	for (i = 0; i < 20000; i++) {
		uint64_t bits = (uint64_t)draw(1u << 31) << 33 ^ (uint64_t)draw(1u << 31) << 11 ^ draw(1u << 11);
		double d, back;
		int64_t n;
		char *text;

		memcpy(&d, &bits, sizeof d);
		if (i % 8 == 0)
			d = (double)(int)draw(1u << 30) / (1 << draw(20));
		if (!isfinite(d))
			continue;
		record_set_num(r, "d", d);
		text = record_to_json(r, 0, &e);
		if (record_from_json(b, text, strlen(text), &e) != 0 || record_get_num(b, "d", &back) != 1 ||
		    memcmp(&d, &back, sizeof d) != 0) {
			if (bad++ == 0)
				printf("# %.17g: %s: %s\n", d, text, e.text);
		} else {
			kind += record_get_int(b, "d", &n) != -1;
		}
		free(text);
	}
	ok(bad == 0 && kind == 0, "20000 numbers go through text bit by bit and stay reals");
	record_free(r);
	record_free(b);
}

int
main(void)
{
	check_tokens();
	check_bufs();
	check_walks();
	check_records();
	check_numbers();
	return tap_done();
}
