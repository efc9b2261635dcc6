/*
 * Tests that a good stream reads back equal, and that streams that are cut,
 * damaged or lie are refused.
 *
 * Bad streams are written here byte by byte, with a crc32 computed here, so
 * that the library is not tested against itself.
 */
#include <fcntl.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "stream/groups.h"
#include "stream/output.h"
#include "stream/sink.h"
#include "stream/stream.h"
#include "tap.h"

/* The bytes of a stream being made. */
struct bytes {
	size_t n;
	unsigned char p[1 << 18];
};
static struct bytes B;

static void
put(const void *p, size_t n)
{
	if (n > sizeof B.p - B.n)
		abort();
	memcpy(B.p + B.n, p, n);
	B.n += n;
}

/* Appends a first byte and a big-endian number of width bytes. */
static void
put_be(unsigned first, uint64_t v, unsigned width)
{
	unsigned char c = (unsigned char)first;

	put(&c, 1);
	while (width-- > 0) {
		c = (unsigned char)(v >> 8 * width);
		put(&c, 1);
	}
}

static void
put_map(unsigned n)
{
	put_be(0x80 | n, 0, 0);
}

static void
put_array(unsigned n)
{
	put_be(0x90 | n, 0, 0);
}

static void
put_str(const char *s)
{
	if (strlen(s) < 32)
		put_be(0xa0 | (unsigned)strlen(s), 0, 0);
	else
		put_be(0xd9, strlen(s), 1);
	put(s, strlen(s));
}

static void
put_pair(const char *name, const char *value)
{
	put_str(name);
	put_str(value);
}

static void
put_floats(const float *v, size_t n)
{
	put_be(0xc4, 4 * n, 1);
	put(v, 4 * n);		/* assumes a little-endian machine */
}

/* Returns the CRC-32 of RFC 1952, computed bit by bit. */
static uint32_t
sum(const unsigned char *p, size_t n)
{
	uint32_t c = 0xffffffff;
	int k;

	while (n-- > 0)
		for (c ^= *p++, k = 0; k < 8; k++)
			c = c >> 1 ^ (c & 1 ? 0xedb88320 : 0);
	return ~c;
}

/* Headers, with which every test begins. */
static void
examples(void)
{
	B.n = 0;
	put_map(4);
	put_pair("odesteer", "stream");
	put_str("version");
	put_be(1, 0, 0);
	put_pair("kind", "examples");
	put_str("chain");
	put_array(0);
}

static void
activations(unsigned dim, const char *dtype, int block, const char *digest)
{
	B.n = 0;
	put_map(9);
	put_pair("odesteer", "stream");
	put_str("version");
	put_be(1, 0, 0);
	put_pair("kind", "activations");
	put_pair("model", "made");
	put_pair("digest", digest);
	put_str("block");
	put_array(1);
	put_be((unsigned)block, 0, 0);
	put_str("dim");
	put_be(dim, 0, 0);
	put_pair("dtype", dtype);
	put_str("chain");
	put_array(0);
}

static void
put_end(uint64_t count, uint32_t crc)
{
	put_map(3);
	put_pair("odesteer", "end");
	put_str("count");
	put_be(0xcf, count, 8);
	put_str("crc32");
	put_be(0xce, crc, 4);
}

static void
end(uint64_t count)
{
	put_end(count, sum(B.p, B.n));
}

static void
save(const char *path, const void *p, size_t n)
{
	FILE *f = fopen(path, "wb");

	if (f == NULL || fwrite(p, 1, n, f) != n || fclose(f) != 0) {
		perror(path);
		exit(1);
	}
}

static unsigned char *
load(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	unsigned char *p = malloc(1 << 20);

	if (f == NULL || p == NULL || (*n = fread(p, 1, 1 << 20, f)) == 1 << 20) {
		perror(path);
		exit(1);
	}
	fclose(f);
	return p;
}

static int
exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

/*
 * The result of reading paths to the end, and every record as a line of JSON.
 */
struct reading {
	int got;			/* 0 or -1 */
	uint64_t count;
	char text[1 << 18];
	struct err e;
};
static struct reading R;

static void
read_paths(const char *const *path, size_t n)
{
	struct record *r = record_alloc();
	struct stream *s;
	size_t len = 0;

	memset(&R, 0, offsetof(struct reading, text) + 1);
	R.e.text[0] = '\0';
	R.got = -1;
	if ((s = stream_open(path, n, &R.e)) != NULL) {
		while ((R.got = stream_read(s, r, &R.e)) == 1) {
			char *line = record_to_json(r, stream_header(s)->half, &R.e);

			len += (size_t)snprintf(R.text + len, sizeof R.text - len, "%s\n", line);
			free(line);
			R.count++;
		}
		if (R.got == 0 && (stream_read(s, r, &R.e) != 0 || stream_read(s, r, &R.e) != 0))
			R.got = 7;	/* 0 must be returned again */
		if (R.got == 0 && stream_count(s) != R.count)
			R.got = 8;
	}
	stream_close(s);
	record_free(r);
}

static void
read_bytes(void)
{
	static const char *const path[] = { "s" };

	save("s", B.p, B.n);
	read_paths(path, 1);
}

static void
is_good(uint64_t count, const char *name)
{
	read_bytes();
	ok(R.got == 0 && R.count == count, "%s: %d, %llu records%s%s", name, R.got, (unsigned long long)R.count,
	    R.got ? ": " : "", R.e.text);
}

static void
is_bad(const char *message)
{
	read_bytes();
	ok(R.got == -1 && strcmp(R.e.text, message) == 0, "%s", message);
	if (R.got != -1 || strcmp(R.e.text, message) != 0)
		printf("# %d: %s\n", R.got, R.e.text);
}

/* From a sink to a stream */

static const int64_t integers[] = { 0, 1, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2147483647,
	2147483648, 4294967295, 4294967296, INT64_MAX, -1, -32, -33, -128, -129, -32768, -32769,
	-2147483648, -2147483649, INT64_MIN };
static const double numbers[] = { 2.385, -0.0, 0.1, 1e-300, DBL_MAX, -DBL_MIN, 5e-324, 3, 1e17 };
static const char unicode[] = "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80 \xf4\x8f\xbf\xbf \x7f \" \\ / \n\t\r\x01";
static const char nul[] = "a\0b";
enum { N_INT = sizeof integers / sizeof *integers, N_NUM = sizeof numbers / sizeof *numbers, DIM = 5 };

static int
make(struct record *r, int k)
{
	static const char nested[] =
	    "{\"id\":\"x\",\"empty\":{},\"none\":[],"
	    "\"deep\":{\"a\":[1,[2.5,{\"b\":null}],true,false,\"\"]},\"null\":null}";
	struct err e;
	char name[24];
	int i, bad = 0;

	record_clear(r);
	switch (k) {
	case 0:
		for (i = 0; i < N_INT; i++) {
			snprintf(name, sizeof name, "i%d", i);
			bad |= record_set_int(r, name, integers[i]);
		}
		return bad;
	case 1:
		for (i = 0; i < N_NUM; i++) {
			snprintf(name, sizeof name, "d%d", i);
			bad |= record_set_num(r, name, numbers[i]);
		}
		return bad | record_set_nums(r, "list", numbers, N_NUM) | record_set_nums(r, "no", NULL, 0);
	case 2:
		return record_set_str(r, "", "", 0) | record_set_str(r, "unicode \xc3\xa4", unicode,
		    sizeof unicode - 1) | record_set_str(r, "nul", nul, 3);
	case 3:
		return record_from_json(r, nested, strlen(nested), &e);
	default:
		return 0;	/* a record without fields */
	}
}

static void
is_made(const struct record *r, int k)
{
	const char *s;
	char name[24];
	double d, *v;
	int64_t i64;
	size_t len, n;
	struct err e;
	int i, bad = 0;

	switch (k) {
	case 0:
		for (i = 0; i < N_INT; i++) {
			snprintf(name, sizeof name, "i%d", i);
			bad += strcmp(record_name(r, (size_t)i), name) != 0 ||
			    record_get_int(r, name, &i64) != 1 || i64 != integers[i];
		}
		ok(!bad && record_size(r) == N_INT, "integers of every width read back");
		break;
	case 1:
		for (i = 0; i < N_NUM; i++) {
			snprintf(name, sizeof name, "d%d", i);
			bad += record_get_num(r, name, &d) != 1 || memcmp(&d, &numbers[i], sizeof d) != 0;
		}
		ok(!bad, "numbers read back bit by bit");
		ok(record_get_nums(r, "list", &v, &n, &e) == 0 && n == N_NUM && memcmp(v, numbers, sizeof numbers) == 0,
		    "so does an array of them");
		free(v);
		ok(record_get_nums(r, "no", &v, &n, &e) == 0 && n == 0, "and an empty one");
		free(v);
		break;
	case 2:
		ok(record_get_str(r, "", &s, &len) == 1 && len == 0 && *s == '\0', "an empty string of an empty name");
		ok(record_get_str(r, "unicode \xc3\xa4", &s, &len) == 1 && len == sizeof unicode - 1 &&
		    memcmp(s, unicode, sizeof unicode) == 0, "text beyond ASCII");
		ok(record_get_str(r, "nul", &s, &len) == 1 && len == 3 &&
		    memcmp(s, nul, 4) == 0, "a NUL within a text");
		break;
	}
}

static struct header
full_header(enum stream_kind kind, int half)
{
	static char *argv[] = { "-l", "3", "a b", "\xff", NULL };
	static const int block[] = { 3, 17 };
	static const uint64_t seed = INT64_MAX;
	struct header h;

	header_init(&h, kind);
	if (kind == STREAM_ACTIVATIONS) {
		header_set_model(&h, "made \xc3\xa4", "00000000000000aa");
		header_set_blocks(&h, block, 2);
		h.dim = DIM;
		h.half = half;
	}
	header_add_link(&h, "collect", "0.1", 4, argv, &seed);
	header_add_side(&h, "x.gguf", "11");
	header_add_side(&h, "y.jsonl", "22");
	header_add_value(&h, "by", "no one");
	header_add_value(&h, "field", "\xc3\xa4");
	header_add_link(&h, "view", "0.1", 0, argv + 4, NULL);
	return h;
}

/*
 * The extremes of float32, and of float16 with numbers that it can represent.
 */
static const float acts[2][DIM] = { { 2.385f, -0.0f, FLT_MAX, -FLT_TRUE_MIN, 1e-20f },
	{ 2.384765625f, -0.0f, 65504, -0x1p-24f, 0x1p-14f } };

static void
write_good(const char *path, int gzip, enum stream_kind kind, int half)
{
	struct header h = full_header(kind, half);
	struct record *r = record_alloc();
	struct sink *k;
	struct err e = { "" };
	int i, bad = 0;

	if ((k = sink_open(path, gzip, &h, &e)) == NULL)
		bad = 1;
	for (i = 0; !bad && i < 5; i++)
		bad = make(r, i) != 0 ||
		    (kind == STREAM_ACTIVATIONS && record_set_act(r, half, acts[half], DIM, &e) != 0) ||
		    sink_write(k, r, &e) != 0;
	bad = bad || exists(path) || output_pending() == NULL || strncmp(output_pending(), "good.", 5) != 0 ||
	    !exists(output_pending());
	bad = bad || sink_close(k, &e) != 0 || !exists(path) || output_pending() != NULL;
	ok(!bad, "a stream of %s%s%s is written, and there when it is whole: %s", stream_kind_name(kind),
	    half ? ", float16" : "", gzip ? ", gzip" : "", e.text);
	record_free(r);
	header_release(&h);
}

static void
check_header(const struct header *h, enum stream_kind kind, int half)
{
	static const char chain[] =
	    "[{\"tool\":\"collect\",\"version\":\"0.1\",\"argv\":[\"-l\",\"3\",\"a b\",\"\xef\xbf\xbd\"],"
	    "\"seed\":9223372036854775807,\"side\":{\"x.gguf\":\"11\",\"y.jsonl\":\"22\"},"
	    "\"by\":\"no one\",\"field\":\"\xc3\xa4\"},"
	    "{\"tool\":\"view\",\"version\":\"0.1\",\"argv\":[]}]}";
	char *json = header_to_json(h);

	if (kind == STREAM_ACTIVATIONS)
		ok(h->kind == kind && strcmp(h->model, "made \xc3\xa4") == 0 &&
		    strcmp(h->digest, "00000000000000aa") == 0 &&
		    h->n_block == 2 && h->block[0] == 3 && h->block[1] == 17 && h->dim == DIM && h->half == half,
		    "the header reads back");
	else
		ok(h->kind == kind && h->model == NULL && h->digest == NULL && h->n_block == 0 && h->dim == 0 &&
		    !h->half, "the header reads back");
	ok(h->n_chain == 2 && json != NULL && strstr(json, chain) != NULL, "so does the chain: %s", json);
	ok(strcmp(header_value(h, 0, "by"), "no one") == 0 && header_value(h, 0, "seed") == NULL &&
	    header_value(h, 1, "by") == NULL, "its values can be asked for");
	free(json);
}

static void
check_good(const char *path, enum stream_kind kind, int half)
{
	struct record *r = record_alloc(), *want = record_alloc();
	struct err e = { "" };
	struct stream *s = stream_open(&path, 1, &e);
	float act[DIM];
	int i, got;

	if (!ok(s != NULL, "it opens: %s", e.text))
		return;
	check_header(stream_header(s), kind, half);
	ok(stream_expect(s, 1u << kind, &e) == 0 &&
	    stream_expect(s, 1u << STREAM_BARRIER, &e) == -1, "its kind: %s", e.text);
	for (i = 0; (got = stream_read(s, r, &e)) == 1; i++) {
		char *a, *b;

		make(want, i);
		if (kind == STREAM_ACTIVATIONS) {
			record_set_act(want, half, acts[half], DIM, &e);
			ok(record_get_act(r, half, act, DIM, &e) == 0 && memcmp(act, acts[half], sizeof act) == 0,
			    "activation %d reads back bit by bit", i);
		} else {
			is_made(r, i);
		}
		a = record_to_json(r, half, &e);
		b = record_to_json(want, half, &e);
		ok(a != NULL && b != NULL && strcmp(a, b) == 0, "record %d reads back: %.40s...", i, a);
		free(a);
		free(b);
	}
	ok(got == 0 && i == 5 && stream_count(s) == 5, "and then the end: %s", got < 0 ? e.text : "5 records");
	stream_close(s);
	record_free(r);
	record_free(want);
}

/* Reads a stream cut at every byte: each must fail without extra records. */
static void
check_cuts(const char *what)
{
	size_t n, i, good = 0, whole = 0;
	unsigned char *p = load("good", &n);
	static const char *const path[] = { "s" };
	static char all[sizeof R.text];

	save("s", p, n);
	read_paths(path, 1);
	memcpy(all, R.text, sizeof all);
	for (i = 0; i < n; i++) {
		save("s", p, i);
		read_paths(path, 1);
		good += R.got != -1 || R.e.text[0] == '\0';
		whole += strncmp(R.text, all, strlen(R.text)) != 0;
		if (good + whole == 1)
			printf("# cut at %zu: %d, %s\n", i, R.got, R.e.text);
	}
	ok(good == 0, "%s, cut at each of %zu offsets: %zu pass", what, n, good);
	ok(whole == 0, "what came before a cut is what was written");
	free(p);
}

/*
 * Flips a bit in every byte. `may` marks bytes that can change without an
 * error.
 */
static void
check_flips(const char *what, int may)
{
	size_t n, i, good = 0, other = 0, bit, silent = 0;
	unsigned char *p = load("good", &n);
	static const char *const path[] = { "s" };
	static char all[sizeof R.text];

	save("s", p, n);
	read_paths(path, 1);
	memcpy(all, R.text, sizeof all);
	for (i = 0; i < 8 * n; i++) {
		bit = i % 8;
		p[i / 8] ^= (unsigned char)(1u << bit);
		save("s", p, n);
		read_paths(path, 1);
		p[i / 8] ^= (unsigned char)(1u << bit);
		if (R.got == -1) {
			silent += R.e.text[0] == '\0';
			continue;
		}
		good++;
		other += strcmp(R.text, all) != 0;
		if (!may || other == 1)
			printf("# bit %zu of byte %zu: %d\n", bit, i / 8, R.got);
	}
	ok(silent == 0, "%s, %zu bits flipped one at a time: each failure has its message", what, 8 * n);
	if (may)
		ok(other == 0, "%zu of them pass, each with the very records", good);
	else
		ok(good == 0, "%zu of them pass", good);
	free(p);
}

static void
check_sink_and_back(void)
{
	int half, gzip;

	for (gzip = 0; gzip < 2; gzip++) {
		write_good("good", gzip, STREAM_EXAMPLES, 0);
		check_good("good", STREAM_EXAMPLES, 0);
		unlink("good");
		for (half = 0; half < 2; half++) {
			write_good("good", gzip, STREAM_ACTIVATIONS, half);
			check_good("good", STREAM_ACTIVATIONS, half);
			if (half == gzip) {
				check_cuts(gzip ? "gzip" : "plain");
				check_flips(gzip ? "gzip" : "plain", gzip);
			}
			unlink("good");
		}
	}
}

/* The sink alone */
static void
check_sink(void)
{
	struct header h = full_header(STREAM_EXAMPLES, 0);
	struct record *r = record_alloc();
	static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i" };
	struct err e = { "" };
	struct sink *k;
	unsigned char *p[2];
	size_t n[2] = { 0 }, i;
	float big = 65520, act[2] = { 1, NAN };
	char tmp[64];

	record_set_int(r, "id", 1);
	k = sink_open("out", 0, &h, &e);
	snprintf(tmp, sizeof tmp, "%s", output_pending());
	ok(k != NULL && exists(tmp) && !exists("out"), "a file is written under another name");
	sink_write(k, r, &e);
	sink_abort(k);
	ok(!exists(tmp) && !exists("out") && output_pending() == NULL, "and taken back when it is aborted");

	save("out", "old", 3);
	k = sink_open("out", 0, &h, &e);
	sink_abort(k);
	free(p[0] = load("out", n));
	ok(n[0] == 3, "what stood there stays until then");

	for (i = 0; i < 2; i++) {
		k = sink_open("out", 1, &h, &e);
		sink_write(k, r, &e);
		sink_flush(k, &e);
		sink_write(k, r, &e);
		sink_close(k, &e);
		p[i] = load("out", &n[i]);
		sleep(i == 0);		/* a gzip header can hold the time */
	}
	ok(n[0] == n[1] && memcmp(p[0], p[1], n[0]) == 0, "gzip output is the same for the same input");
	free(p[0]);
	free(p[1]);

	k = sink_open("out", 0, &h, &e);
	for (i = 0; i < 9 && sink_set_int(k, names[i], i, &e) == 0; i++)
		;
	ok(i == 9 && sink_set_num(k, "x", 2.385, &e) == 0 && sink_close(k, &e) == 0, "a stream of counters");
	read_paths((const char *const[]){ "out" }, 1);
	ok(R.got == 0 && R.count == 0, "and of no records reads back");

	ok(sink_open("no/such", 0, &h, &e) == NULL &&
	    strcmp(e.text, "cannot write 'no/such': No such file or directory") == 0, "%s", e.text);
	ok(output_pending() == NULL, "nothing is pending after that");
	ok(sink_open("/", 0, &h, &e) == NULL && strcmp(e.text, "cannot write '/': Is a directory") == 0, "%s", e.text);
	k = sink_open("/dev/full", 0, &h, &e);
	sink_write(k, r, &e);
	ok(sink_flush(k, &e) == -1 && strcmp(e.text, "cannot write '/dev/full': No space left on device") == 0, "%s",
	    e.text);
	sink_abort(k);
	ok(exists("/dev/full"), "a device is not removed");
	e.text[0] = '\0';
	k = sink_open("/dev/full", 1, &h, &e);
	ok(sink_close(k, &e) == -1 && strcmp(e.text, "cannot write '/dev/full': No space left on device") == 0,
	    "gzip: %s", e.text);
	ok(record_set_act(r, 1, &big, 1, &e) == -1 &&
	    strcmp(e.text, "an activation holds 65520, which float16 cannot carry") == 0, "%s", e.text);
	ok(record_set_act(r, 0, act, 2, &e) == -1 &&
	    strcmp(e.text, "an activation holds nan, which a stream cannot carry") == 0, "%s", e.text);
	ok(record_size(r) == 1 && !record_has(r, "act"), "and leaves the record as it was");
	record_free(r);
	header_release(&h);
}

/* Streams that lie */

static void
check_ends(void)
{
	examples();
	end(0);
	is_good(0, "a header and its end");
	B.n = 0;
	is_bad("'s' is empty");
	examples();
	is_bad("'s' is truncated: no end record after record 0");
	examples();
	put_map(1);
	put_pair("id", "a");
	is_bad("'s' is truncated: no end record after record 1");
	examples();
	put_map(2);
	put_pair("id", "a");
	is_bad("'s' is truncated: it ends inside record 1");
	examples();
	put_map(1);
	put_pair("id", "a");
	end(2);
	is_bad("'s' is damaged: 1 records, but the end record says 2");
	examples();
	put_map(1);
	put_pair("id", "a");
	end((uint64_t)INT64_MAX + 1);
	is_bad("'s': the end record lacks its count or crc32");
	examples();
	put_end(0, 0x1234);
	read_bytes();
	ok(R.got == -1 && strstr(R.e.text, "'s' is damaged: its crc32 is ") == R.e.text &&
	    strstr(R.e.text, ", but the end record says 00001234") != NULL, "%s", R.e.text);
	examples();
	end(0);
	put("\n", 1);
	is_bad("'s' goes on after its end record");
	examples();
	end(0);
	put("", 1);
	is_bad("'s' goes on after its end record");
	examples();
	end(0);
	put(B.p, B.n);
	is_bad("'s' goes on after its end record");
	examples();
	put(B.p, B.n);
	end(0);
	is_bad("'s': second header after record 0");
	examples();
	put_map(2);
	put_pair("odesteer", "end");
	put_str("count");
	put_be(0, 0, 0);
	is_bad("'s': the end record lacks its count or crc32");
	examples();
	put_map(1);
	put_pair("odesteer", "fin");
	end(0);
	is_bad("'s': second header after record 0");
	B.n = 0;
	end(0);
	is_bad("'s' has no header");
	B.n = 0;
	put_map(1);
	put_pair("id", "a");
	end(1);
	is_bad("'s' is neither an odesteer stream nor JSON Lines");
	B.n = 0;
	put("\x89PNG\r\n\x1a\n and more", 17);
	is_bad("'s' is neither an odesteer stream nor JSON Lines");
	B.n = 0;
	put("x", 1);
	is_bad("'s' is neither an odesteer stream nor JSON Lines");
	B.n = 0;
	put("\x1f\x8b", 2);
	is_bad("'s' is a truncated gzip file");
	B.n = 0;
	put("\x1f\x8b no gzip at all", 18);
	read_bytes();
	ok(R.got == -1 && strstr(R.e.text, "'s' is a damaged gzip file: ") == R.e.text, "%s", R.e.text);
	read_paths((const char *const[]){ "nope" }, 1);
	ok(R.got == -1 && strcmp(R.e.text, "cannot open 'nope': No such file or directory") == 0, "%s", R.e.text);
	read_paths((const char *const[]){ "." }, 1);
	ok(R.got == -1 && strcmp(R.e.text, "cannot read '.': Is a directory") == 0, "%s", R.e.text);
}

/* Makes a stream of one record, whose "x" is these bytes. */
static void
value(const void *p, size_t n)
{
	examples();
	put_map(1);
	put_str("x");
	put(p, n);
	end(1);
}
#define VALUE(literal) value(literal, sizeof literal - 1)

static void
nest(int depth, int map)
{
	int i;

	examples();
	put_map(1);
	put_str("x");
	for (i = 2; i <= depth; i++) {
		if (map && i < depth) {
			put_map(1);
			put_str("k");
		} else {
			put_array(i < depth);
		}
	}
	end(1);
}

static void
check_values(void)
{
	static const struct {
		const char *bytes;
		size_t n;
	} five[] = { { "\x05", 1 }, { "\xcc\x05", 2 }, { "\xcd\0\x05", 3 }, { "\xce\0\0\0\x05", 5 },
		{ "\xcf\0\0\0\0\0\0\0\x05", 9 }, { "\xd0\x05", 2 }, { "\xd1\0\x05", 3 }, { "\xd2\0\0\0\x05", 5 },
		{ "\xd3\0\0\0\0\0\0\0\x05", 9 } },
	    minus[] = { { "\xfb", 1 }, { "\xd0\xfb", 2 }, { "\xd1\xff\xfb", 3 }, { "\xd2\xff\xff\xff\xfb", 5 },
		{ "\xd3\xff\xff\xff\xff\xff\xff\xff\xfb", 9 } };
	static const char *const text[] = { "\xa2\xc3\xa4", "\xd9\2\xc3\xa4", "\xda\0\2\xc3\xa4",
	    "\xdb\0\0\0\2\xc3\xa4" };
	static const size_t length[] = { 3, 4, 5, 7 };
	static const char *const not_utf8[] = { "\x80", "\xc3", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80",
		"\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xff", "12345678\xc3", "12345678\xc3(", NULL };
	size_t i, bad = 0;

	for (i = 0; i < sizeof five / sizeof *five; i++) {
		value(five[i].bytes, five[i].n);
		read_bytes();
		bad += R.got != 0 || strcmp(R.text, "{\"x\":5}\n") != 0;
	}
	for (i = 0; i < sizeof minus / sizeof *minus; i++) {
		value(minus[i].bytes, minus[i].n);
		read_bytes();
		bad += R.got != 0 || strcmp(R.text, "{\"x\":-5}\n") != 0;
	}
	ok(bad == 0, "5 and -5 in each of the wire's %zu ways",
	    sizeof five / sizeof *five + sizeof minus / sizeof *minus);
	for (i = bad = 0; i < 4; i++) {
		value(text[i], length[i]);
		read_bytes();
		bad += R.got != 0 || strcmp(R.text, "{\"x\":\"\xc3\xa4\"}\n") != 0;
	}
	ok(bad == 0, "a text in each of its four ways");
	VALUE("\xcf\xff\xff\xff\xff\xff\xff\xff\xff");
	read_bytes();
	ok(R.got == 0 && strcmp(R.text, "{\"x\":18446744073709551615}\n") == 0, "2^64 - 1: %.30s", R.text);
	VALUE("\xca\x3f\xc0\0\0");
	read_bytes();
	ok(R.got == 0 && strcmp(R.text, "{\"x\":1.5}\n") == 0, "a number of 32 bits");
	VALUE("\xdc\0\1\xdd\0\0\0\1\xde\0\1\xa1k\xdf\0\0\0\0");
	read_bytes();
	ok(R.got == 0 && strcmp(R.text, "{\"x\":[[{\"k\":{}}]]}\n") == 0, "long heads of short arrays and maps");

	for (i = 0; not_utf8[i] != NULL; i++) {
		char s[16];
		size_t n = strlen(not_utf8[i]);

		s[0] = (char)(0xa0 | n);
		memcpy(s + 1, not_utf8[i], n);
		value(s, n + 1);
		is_bad("'s': record 1: it holds text that is not UTF-8");
	}
	examples();
	put_map(1);
	put_pair("\xff", "x");
	end(1);
	is_bad("'s': record 1: it holds text that is not UTF-8");
	VALUE("\xc1");
	is_bad("'s': record 1: it is not msgpack");
	VALUE("\xc7\1\5x");
	is_bad("'s': record 1: it holds a msgpack extension type");
	VALUE("\xd6\xff\0\0\0\0");
	is_bad("'s': record 1: it holds a msgpack extension type");
	VALUE("\xc9\xff\xff\xff\xff\7");
	is_bad("'s': record 1: it holds a msgpack extension type");
	VALUE("\xc4\1x");
	is_bad("'s': record 1: a field other than 'act' is binary");
	VALUE("\x81\xa3" "act\xc4\1x");
	is_bad("'s': record 1: a field other than 'act' is binary");
	VALUE("\x91\xca\x7f\xc0\0\0");
	is_bad("'s': record 1: field 'x' holds a number that is not finite");
	VALUE("\xcb\x7f\xf0\0\0\0\0\0\0");
	is_bad("'s': record 1: field 'x' holds a number that is not finite");
	VALUE("\xca\xff\x80\0\0");
	is_bad("'s': record 1: field 'x' holds a number that is not finite");
	VALUE("\x81\1\1");
	is_bad("'s': record 1: a field name is not a string");
	VALUE("\x81\x90\1");
	is_bad("'s': record 1: a field name is not a string");
	VALUE("\x81\xc4\1x\1");
	is_bad("'s': record 1: a field name is not a string");
	VALUE("\x81\xa1\0\1");
	is_bad("'s': record 1: a field name holds a NUL");
	VALUE("\x82\xa1k\1\xa1k\2");
	read_bytes();
	ok(R.got == 0 && R.count == 1, "a name twice in a map within a record is not looked for");
	examples();
	put_array(0);
	end(1);
	is_bad("'s': record 1: it is not a map");
	examples();
	put_map(1);
	put_pair("id", "a");
	put_str("text");
	end(2);
	is_bad("'s': record 2: it is not a map");
	examples();
	put_map(3);
	put_pair("id", "a");
	put_pair("x", "b");
	put_pair("id", "c");
	end(1);
	is_bad("'s': record 1: field 'id' occurs twice");
	examples();
	put_map(2);
	put_pair("id", "a");
	put_pair("odesteer", "end");
	end(1);
	is_bad("'s': record 1: the name 'odesteer' is reserved");
	examples();
	put_map(1);
	put_str("act");
	put_floats(acts[0], 2);
	end(1);
	is_bad("'s': record 1: it has a field 'act' in a stream of examples");
	examples();
	put_map(1);
	put_pair("act", "what one does");
	end(1);
	is_bad("'s': record 1: it has a field 'act' in a stream of examples");

	for (i = 0; i < 2; i++) {
		nest(32, (int)i);
		is_good(1, i ? "maps nested 32 deep" : "arrays nested 32 deep");
		nest(33, (int)i);
		is_bad("'s': record 1: it is nested deeper than 32");
	}
	for (i = 1024; i <= 1025; i++) {
		char name[32];
		size_t k;

		examples();
		put_be(0xde, i, 2);
		for (k = 0; k < i; k++) {
			snprintf(name, sizeof name, "f%zu", k);
			put_str(name);
			put_be(0xc0, 0, 0);
		}
		end(1);
		if (i == 1024)
			is_good(1, "1024 fields");
		else
			is_bad("'s': record 1: it has 1025 fields, more than 1024");
	}
}

/*
 * Lengths of missing bytes, which must not be allocated: tests/tool/view.t sets
 * a limit.
 */
static void
check_claims(void)
{
	static const unsigned char claim[] = { 0xdb, 0xdd, 0xdf, 0xc6 };
	static const uint64_t size[] = { 0xffffffff, 0x40000001, 0x3ffffff0 };
	size_t i, k;

	for (i = 0; i < sizeof claim; i++)
		for (k = 0; k < 3; k++) {
			examples();
			put_map(1);
			put_str("x");
			put_be(claim[i], size[k], 4);
			/*
			 * so many elements would fit, so many pairs would not
			 */
			is_bad(k < 2 || claim[i] == 0xdf ? "'s': record 1: it is bigger than 1024 MiB" :
			    "'s' is truncated: it ends inside record 1");
		}
	examples();
	put_be(0xdf, 0xffffffff, 4);
	is_bad("'s': record 1: it is bigger than 1024 MiB");
	examples();
	put_map(1);
	put_be(0xdb, 0xffffffff, 4);
	is_bad("'s': record 1: it is bigger than 1024 MiB");
	B.n = 0;
	put_be(0xdf, 0xffffffff, 4);
	put_pair("odesteer", "stream");
	is_bad("'s': record 1: it is bigger than 1024 MiB");
}

static void
check_acts(void)
{
	static const float not_finite[] = { NAN, INFINITY, -INFINITY };
	static const char not_finite_half[][9] = {
		"\xc4\6\0\0\0\x7c\0\0", "\xc4\6\0\0\0\xfc\0\0", "\xc4\6\0\0\1\x7e\0\0"
	};
	float v[4] = { 1, 2, 3, 4 };
	unsigned i;

	activations(3, "float32", 3, "aa");
	put_map(1);
	put_str("act");
	put_floats(v, 3);
	end(1);
	is_good(1, "an activation");
	for (i = 0; i < 5; i++) {
		char wanted[100];

		if (i == 3)
			continue;
		activations(3, "float32", 3, "aa");
		put_map(1);
		put_str("act");
		put_floats(v, i);
		end(1);
		snprintf(wanted, sizeof wanted, "'s': record 1: field 'act' has %u bytes, not the 12 of 3 numbers",
		    4 * i);
		is_bad(wanted);
	}
	activations(3, "float16", 3, "aa");
	put_map(1);
	put_str("act");
	put_be(0xc4, 7, 1);
	put(v, 7);
	end(1);
	is_bad("'s': record 1: field 'act' has 7 bytes, not the 6 of 3 numbers");
	for (i = 0; i < 3; i++) {
		v[1] = not_finite[i];
		activations(3, "float32", 3, "aa");
		put_map(1);
		put_str("act");
		put_floats(v, 3);
		end(1);
		is_bad("'s': record 1: field 'act' holds a value that is not finite");
	}
	for (i = 0; i < 3; i++) {
		activations(3, "float16", 3, "aa");
		put_map(1);
		put_str("act");
		put(not_finite_half[i], 8);
		end(1);
		is_bad("'s': record 1: field 'act' holds a value that is not finite");
	}
	activations(3, "float32", 3, "aa");
	put_map(1);
	put_pair("id", "a");
	end(1);
	is_bad("'s': record 1: no field 'act'");
	activations(3, "float32", 3, "aa");
	put_map(1);
	put_str("act");
	put_be(0xc0, 0, 0);
	end(1);
	is_bad("'s': record 1: no field 'act'");
	activations(3, "float32", 3, "aa");
	put_map(1);
	put_str("act");
	put("\x93\1\2\3", 4);
	end(1);
	is_bad("'s': record 1: field 'act' is not binary");
}

/* Makes a header whose named field is replaced by these bytes, or left out. */
static void
header_with(const char *name, const void *p, size_t n)
{
	static const struct {
		const char *name, *bytes;
		size_t n;
	} field[] = { { "version", "\1", 1 }, { "kind", "\xab" "activations", 12 }, { "model", "\xa4" "made", 5 },
		{ "digest", "\xa2" "aa", 3 }, { "block", "\x91\3", 2 }, { "dim", "\3", 1 },
		{ "dtype", "\xa7" "float32", 8 }, { "chain", "\x90", 1 } };
	size_t i, fields = 9, known = 0;

	for (i = 0; i < 8; i++)
		known += strcmp(field[i].name, name) == 0;
	fields += known ? 0 : 1;
	fields -= p == NULL;
	B.n = 0;
	put_map((unsigned)fields);
	put_pair("odesteer", "stream");
	for (i = 0; i < 8; i++) {
		int it = strcmp(field[i].name, name) == 0;

		if (it && p == NULL)
			continue;
		put_str(field[i].name);
		put(it ? p : field[i].bytes, it ? n : field[i].n);
	}
	if (!known && p != NULL) {
		put_str(name);
		put(p, n);
	}
	end(0);
}
#define HEADER(name, literal) header_with(name, literal, sizeof literal - 1)

static void
is_wrong(const char *field)
{
	char wanted[100];

	snprintf(wanted, sizeof wanted, "'s': the header's '%s' is missing or wrong", field);
	is_bad(wanted);
}

static void
check_headers(void)
{
	static const char *const needed[] = { "version", "kind", "digest", "block", "dim", "dtype", "chain" };
	size_t i;

	HEADER("version", "\1");
	is_good(0, "a header of activations");
	for (i = 0; i < sizeof needed / sizeof *needed; i++) {
		header_with(needed[i], NULL, 0);
		is_wrong(strcmp(needed[i], "dim") == 0 ? "dtype" : needed[i]);
	}
	header_with("model", NULL, 0);
	is_wrong("digest");
	HEADER("odd", "\1");
	is_bad("'s': the header has an unknown field 'odd'");
	HEADER("version", "\2");
	is_bad("'s': the stream has format version 2; this program reads version 1");
	HEADER("version", "\0");
	is_wrong("version");
	HEADER("version", "\xff");
	is_wrong("version");
	HEADER("version", "\xa1" "1");
	is_wrong("version");
	HEADER("kind", "\xa5" "texts");
	is_bad("'s': the header names an unknown kind 'texts'");
	HEADER("kind", "\1");
	is_wrong("kind");
	HEADER("model", "\1");
	is_wrong("model");
	HEADER("model", "\xa3" "a\0b");
	is_wrong("model");
	HEADER("digest", "\1");
	is_wrong("digest");
	HEADER("block", "\3");
	is_wrong("block");
	HEADER("block", "\x90");
	is_wrong("block");
	HEADER("block", "\x91\xff");
	is_wrong("block");
	HEADER("block", "\x91\xcb\x3f\xf8\0\0\0\0\0\0");
	is_wrong("block");
	HEADER("block", "\x91\xcb\x40\x08\0\0\0\0\0\0");
	is_wrong("block");
	HEADER("block", "\x91\xc3");
	is_wrong("block");
	HEADER("model", "\xc0");
	is_wrong("model");
	HEADER("dim", "\xc3");
	is_wrong("dim");
	HEADER("block", "\x91\xce\xff\xff\xff\xff");
	is_wrong("block");
	HEADER("block", "\x91\xa1" "3");
	is_wrong("block");
	HEADER("dim", "\0");
	is_wrong("dim");
	HEADER("dim", "\xff");
	is_wrong("dim");
	HEADER("dim", "\xcf\xff\xff\xff\xff\xff\xff\xff\xff");
	is_wrong("dim");
	HEADER("dim", "\xce\x7f\xff\xff\xff");
	is_wrong("dim");
	HEADER("dim", "\xa1" "3");
	is_wrong("dim");
	HEADER("dtype", "\xa7" "float64");
	is_wrong("dtype");
	HEADER("dtype", "\4");
	is_wrong("dtype");
	HEADER("chain", "\xc0");
	is_wrong("chain");
	HEADER("chain", "\x91\xc0");
	is_bad("'s': the header's 'chain': it is not a map");
	HEADER("chain", "\x91\x80");
	is_wrong("chain");
	HEADER("chain", "\x91\x83\xa4tool\1\xa7version\xa1" "1\xa4" "argv\x90");
	is_wrong("chain");
	HEADER("chain", "\x91\x83\xa4tool\xa1t\xa7version\xa1" "1\xa4" "argv\x91\1");
	is_wrong("chain");
	HEADER("chain", "\x91\x84\xa4tool\xa1t\xa7version\xa1" "1\xa4" "argv\x90\xa4seed\xa1" "1");
	is_wrong("chain");
	HEADER("chain", "\x91\x84\xa4tool\xa1t\xa7version\xa1" "1\xa4" "argv\x90\xa4side\x90");
	is_wrong("chain");
	HEADER("chain", "\x91\x84\xa4tool\xa1t\xa7version\xa1" "1\xa4" "argv\x90\xa4side\x81\xa1x\x80");
	is_wrong("chain");
	HEADER("chain", "\x91\x84\xa4tool\xa1t\xa7version\xa1" "1\xa4" "argv\x90\xa4seed\xff");
	is_wrong("chain");	/* a negative seed */
	HEADER("chain", "\x91\x85\xa4tool\xa1t\xa7version\xa1" "1\xa4" "argv\x91\xa1" "a\xa4seed\5"
	    "\xa4side\x81\xa1x\xa1y");
	is_good(0, "a whole chain");
	HEADER("kind", "\xa7" "barrier");
	header_with("kind", "\xa7" "barrier", 8);
	is_good(0, "a header of a barrier");
	examples();
	B.n = 0;
	put_map(5);
	put_pair("odesteer", "stream");
	put_str("version");
	put_be(1, 0, 0);
	put_pair("kind", "examples");
	put_pair("kind", "examples");
	put_str("chain");
	put_array(0);
	end(0);
	is_bad("'s': header: field 'kind' occurs twice");
}

/* Seeds end at 2^63 - 1. */
static void
check_seed(void)
{
	static const uint64_t seeds[] = { 0, INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX };
	size_t i;

	for (i = 0; i < 4; i++) {
		struct header h;
		struct sink *k;
		struct stream *s;
		struct err e = { "" };
		const char *path = "seed";
		int64_t seed;

		header_init(&h, STREAM_EXAMPLES);
		header_add_link(&h, "t", "1", 0, NULL, &seeds[i]);
		if ((k = sink_open(path, 0, &h, &e)) != NULL)
			sink_close(k, &e);
		header_release(&h);
		s = stream_open(&path, 1, &e);
		if (i < 2)
			ok(s != NULL && record_get_int(stream_header(s)->chain[0], "seed", &seed) == 1 &&
			    (uint64_t)seed == seeds[i], "seed %llu: %s", (unsigned long long)seeds[i], e.text);
		else
			ok(s == NULL && strcmp(e.text, "'seed': the header's 'chain' is missing or wrong") == 0,
			    "seed %llu: %s", (unsigned long long)seeds[i], e.text);
		stream_close(s);
	}
}

/* Several paths */
static void
check_parts(void)
{
	static const char *const parts[] = { "a", "b" };
	static const int count[] = { 7, 3, 4 };
	static char all[sizeof R.text];
	float v[3] = { 1, -2.385f, 3 };
	int part, i;

	for (part = 0; part < 3; part++) {
		activations(3, "float32", 3, "aa");
		for (i = part == 2 ? 3 : 0; i < (part == 1 ? 3 : 7); i++) {
			put_map(2);
			put_str("id");
			put_be((unsigned)i, 0, 0);
			put_str("act");
			v[0] = (float)i;
			put_floats(v, 3);
		}
		end(count[part]);
		save(part == 0 ? "s" : parts[part - 1], B.p, B.n);
	}
	read_paths((const char *const[]){ "s" }, 1);
	memcpy(all, R.text, sizeof all);
	ok(R.got == 0 && R.count == 7, "a stream of 7");
	read_paths(parts, 2);
	ok(R.got == 0 && R.count == 7 && strcmp(R.text, all) == 0, "its two parts read as one: %s", R.e.text);

	/* each half in turn is cut or changed */
	B.p[B.n - 1] ^= 1;
	save("b", B.p, B.n);
	read_paths(parts, 2);
	ok(R.got == -1 && R.count == 7 &&
	    strstr(R.e.text, "'b' is damaged: its crc32 is ") == R.e.text, "%s", R.e.text);
	save("b", B.p, B.n - 40);
	read_paths(parts, 2);
	ok(R.got == -1 && strstr(R.e.text, "'b' is truncated: ") == R.e.text, "%s", R.e.text);
	save("a", B.p, B.n - 40);
	save("b", "", 0);
	read_paths((const char *const[]){ "a", "b" }, 2);
	ok(R.got == -1 && strstr(R.e.text, "'a' is truncated: ") == R.e.text, "%s", R.e.text);
	read_paths((const char *const[]){ "s", "b" }, 2);
	ok(R.got == -1 && R.count == 7 && strcmp(R.e.text, "'b' is empty") == 0, "%s", R.e.text);
	read_paths((const char *const[]){ "s", "nope" }, 2);
	ok(R.got == -1 && strcmp(R.e.text, "cannot open 'nope': No such file or directory") == 0, "%s", R.e.text);
	activations(3, "float32", 3, "aa");
	put_map(1);
	put_pair("id", "x");
	end(1);
	save("b", B.p, B.n);
	read_paths((const char *const[]){ "s", "b" }, 2);
	ok(R.got == -1 && strcmp(R.e.text, "'b': record 1: no field 'act'") == 0, "records are counted by file: %s",
	    R.e.text);

	for (i = 0; i < 6; i++) {
		static const char *const differs[] = { NULL, "model", "block", "dim", "dtype", "kind" };
		char wanted[64] = "";

		activations(i == 3 ? 4 : 3, i == 4 ? "float16" : "float32", i == 2 ? 4 : 3, i == 1 ? "bb" : "aa");
		if (i == 5)
			examples();
		end(0);
		save("b", B.p, B.n);
		if (i > 0)
			snprintf(wanted, sizeof wanted, "'b': its %s differs from that of 's'", differs[i]);
		read_paths((const char *const[]){ "s", "b" }, 2);
		ok(R.got == -(i > 0) && R.count == 7 &&
		    strcmp(R.e.text, wanted) == 0, "%s", i == 0 ? "headers agree" : wanted);
	}
}

/* JSON Lines */

static void
lines(const char *text)
{
	B.n = 0;
	put(text, strlen(text));
}

static void
is_lines(const char *text, uint64_t count, const char *back)
{
	lines(text);
	read_bytes();
	ok(R.got == 0 && R.count == count && strcmp(R.text, back) == 0, "%llu lines: %.*s", (unsigned long long)count,
	    (int)strcspn(back, "\n"), back);
	if (R.got != 0 || strcmp(R.text, back) != 0)
		printf("# %d: %s%s\n", R.got, R.e.text, R.text);
}

static void
bad_lines(const char *text, const char *message)
{
	lines(text);
	is_bad(message);
}

static void
check_lines(void)
{
	static const char head[] = "{\"odesteer\":\"stream\",\"version\":1,\"kind\":\"activations\",\"model\":\"m\","
	    "\"digest\":\"d\",\"block\":[0],\"dim\":2,\"dtype\":\"float32\",\"chain\":[]}\n";
	char text[2048];

	is_lines("{\"a\":1}\n{\"a\":2}\n", 2, "{\"a\":1}\n{\"a\":2}\n");
	is_lines("{\"a\":1}\n{\"a\":2}", 2, "{\"a\":1}\n{\"a\":2}\n");
	is_lines("\n \t\r\n{\"a\":1}\n\n\n{\"a\":2}\n\n \n ", 2, "{\"a\":1}\n{\"a\":2}\n");
	is_lines("  {\"a\":1}\r\n{\"a\":2}\r\n", 2, "{\"a\":1}\n{\"a\":2}\n");
	is_lines("{}\n", 1, "{}\n");
	is_lines("{\"a\":\"\\u00e4\\ud83d\\ude00\\u0000\"}\n", 1, "{\"a\":\"\xc3\xa4\xf0\x9f\x98\x80\\u0000\"}\n");
	is_lines("{\"a\":[0.1,1.0,-0.0,1e300,9223372036854775807,-9223372036854775808,2.0e-5]}\n", 1,
	    "{\"a\":[0.1,1.0,-0.0,1e+300,9223372036854775807,-9223372036854775808,2e-05]}\n");
	is_lines("{\"z\":1,\"a\":2,\"m\":{\"y\":1,\"b\":2}}\n", 1, "{\"z\":1,\"a\":2,\"m\":{\"y\":1,\"b\":2}}\n");
	bad_lines("\n", "'s' is empty");
	bad_lines(" \n\t\n", "'s' is empty");
	bad_lines("{\"a\":1}\n{\"a\":1\n", "'s': record 2: it is not JSON: column 6: '}' expected near end of file");
	bad_lines("{\"a\":1", "'s': record 1: it is not JSON: column 6: '}' expected near end of file");
	bad_lines("{\"a\":1}\n[1]\n", "'s': record 2: it is not a JSON object");
	bad_lines("{\"a\":1}\n\n1\n", "'s': record 2: it is not JSON: column 1: '[' or '{' expected near '1'");
	bad_lines("{\"a\":1}{\"a\":2}\n", "'s': record 1: it is not JSON: column 8: end of file expected near '{'");
	bad_lines("{\"a\":1,\"a\":2}\n", "'s': record 1: it is not JSON: column 10: duplicate object key near '\"a\"'");
	bad_lines("{\"a\":\"\xff\"}\n",
	    "'s': record 1: it is not JSON: column 6: unable to decode byte 0xff near '\"'");
	bad_lines("{\"a\":1}\n{\"odesteer\":1}\n", "'s': record 2: the name 'odesteer' is reserved");
	bad_lines("{\"act\":[1]}\n", "'s': record 1: it has a field 'act' in a stream of examples");
	bad_lines("{\"a\":1}\n{\"odesteer\":\"end\",\"count\":1,\"crc32\":0}\n",
	    "'s': record 2: the name 'odesteer' is reserved");
	bad_lines("{\"odesteer\":\"end\",\"count\":0,\"crc32\":0}\n", "'s': record 1: the name 'odesteer' is reserved");
	lines("{\"a\":1e999}\n");
	read_bytes();
	ok(R.got == -1 && strstr(R.e.text, "'s': record 1: it is not JSON: ") == R.e.text, "%s", R.e.text);
	lines("{\"a\":9223372036854775808}\n");
	read_bytes();
	ok(R.got == -1 && strstr(R.e.text, "'s': record 1: it is not JSON: ") == R.e.text, "%s", R.e.text);
	lines("{\"a\":NaN}\n");
	read_bytes();
	ok(R.got == -1 && strstr(R.e.text, "'s': record 1: it is not JSON: ") == R.e.text, "%s", R.e.text);
	lines("{\"a\\u0000b\":1}\n");
	read_bytes();
	ok(R.got == -1, "a name with a NUL: %s", R.e.text);
	B.n = 0;
	put("{\"a\":1}\n\0\n", 10);
	read_bytes();
	ok(R.got == -1 && R.count == 1, "a NUL among the lines: %s", R.e.text);
	strcpy(text, "{\"a\":");
	memset(text + 5, '[', 31);
	memset(text + 36, ']', 31);
	strcpy(text + 67, "}\n");
	is_lines(text, 1, text);
	memset(text + 5, '[', 32);
	memset(text + 37, ']', 32);
	strcpy(text + 69, "}\n");
	bad_lines(text, "'s': record 1: it is nested deeper than 32");

	snprintf(text, sizeof text, "%s{\"act\":[1,2.385]}\n{\"id\":1,\"act\":[-2,1e-30]}\n", head);
	is_lines(text, 2, "{\"act\":[1,2.38499999]}\n{\"id\":1,\"act\":[-2,1e-30]}\n");
	snprintf(text, sizeof text, "\n\n%s", head);
	is_lines(text, 0, "");
	snprintf(text, sizeof text, "%s%s", head, head);
	bad_lines(text, "'s': record 1: the name 'odesteer' is reserved");
	snprintf(text, sizeof text, "%s{\"act\":[1]}\n", head);
	bad_lines(text, "'s': record 1: field 'act' has 4 bytes, not the 8 of 2 numbers");
	snprintf(text, sizeof text, "%s{\"act\":\"x\"}\n", head);
	bad_lines(text, "'s': record 1: field 'act' is not an array of numbers");
	snprintf(text, sizeof text, "%s{\"id\":1}\n", head);
	bad_lines(text, "'s': record 1: no field 'act'");
	snprintf(text, sizeof text, "%s{\"act\":[1,1e39]}\n", head);
	bad_lines(text, "'s': record 1: an activation holds inf, which a stream cannot carry");
	snprintf(text, sizeof text, "%s{\"act\":[1,null]}\n", head);
	bad_lines(text, "'s': record 1: field 'act' is not an array of numbers");
	bad_lines("{\"odesteer\":\"stream\"}\n", "'s': the header's 'version' is missing or wrong");
	bad_lines("{\"odesteer\":\"stream\",\"version\":1,\"kind\":\"examples\",\"chain\":[],\"x\":1}\n",
	    "'s': the header has an unknown field 'x'");
}

/* Checks that activations, headers and numbers survive JSON unchanged. */
static void
check_by_text(const float act[2][2], int half, const char *what)
{
	static const char *const bin = "good", *const text = "text";
	struct header h = full_header(STREAM_ACTIVATIONS, half);
	struct record *a = record_alloc(), *b = record_alloc();
	struct stream *s, *t;
	struct sink *k;
	struct err e = { "" };
	char *p, *q;
	FILE *f = fopen("text", "w");
	int i, same = 0;

	h.dim = 2;
	k = sink_open("good", 0, &h, &e);
	for (i = 0; i < 5; i++)
		ok(make(a, i) == 0 && record_set_act(a, half, act[half], 2, &e) == 0 && sink_write(k, a, &e) == 0,
		    "record %d for text", i);
	sink_close(k, &e);
	fprintf(f, "%s\n", p = header_to_json(&h));
	free(p);
	header_release(&h);
	read_paths(&bin, 1);
	fputs(R.text, f);
	fclose(f);
	s = stream_open(&bin, 1, &e);
	if (!ok((t = stream_open(&text, 1, &e)) != NULL, "text with a header opens: %s", e.text))
		return;
	p = header_to_json(stream_header(s));
	q = header_to_json(stream_header(t));
	ok(strcmp(p, q) == 0, "a header goes through text");
	free(p);
	free(q);
	while (stream_read(s, a, &e) == 1 && stream_read(t, b, &e) == 1) {
		float x[2], y[2];

		p = record_to_json(a, half, &e);
		q = record_to_json(b, half, &e);
		same += strcmp(p, q) == 0 && record_get_act(a, half, x, 2, &e) == 0 &&
		    record_get_act(b, half, y, 2, &e) == 0 && memcmp(x, y, sizeof x) == 0;
		free(p);
		free(q);
	}
	ok(same == 5, "float%d, %s: %d of 5 records go through text unchanged", half ? 16 : 32, what, same);
	stream_close(s);
	stream_close(t);
	record_free(a);
	record_free(b);
	unlink("good");
}

/*
 * A slow writer, which sends one byte at a time through a pipe, plain or gzip.
 */
struct writer {
	int fd, gzip;
	z_stream z;
};

static void
writer_send(struct writer *w, const void *p, size_t n, int flush)
{
	unsigned char out[256];

	if (!w->gzip) {
		if (write(w->fd, p, n) != (ssize_t)n)
			abort();
		return;
	}
	w->z.next_in = (Bytef *)(uintptr_t)p;
	w->z.avail_in = (uInt)n;
	w->z.next_out = out;
	w->z.avail_out = sizeof out;
	deflate(&w->z, flush);
	n = sizeof out - w->z.avail_out;
	if (w->z.avail_in > 0 || write(w->fd, out, n) != (ssize_t)n)
		abort();
}

/*
 * Checks that records are pending at their last byte. B.p has a header up to
 * part[0], records up to part[1], part[2] and so on, and then an end record, if
 * there is one.
 */
static void
check_pending(const char *what, const size_t *part, size_t n_part, int gzip)
{
	static const char *const path[] = { "fifo" };
	struct writer w = { .gzip = gzip };
	struct record *r = record_alloc();
	struct err e = { "" };
	struct stream *s;
	size_t i, k, early = 0, late = 0, unread = 0;

	if (mkfifo("fifo", 0600) != 0 || (w.fd = open("fifo", O_RDWR)) < 0)
		abort();
	if (gzip && deflateInit2(&w.z, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	writer_send(&w, B.p, part[0], Z_SYNC_FLUSH);
	s = stream_open(path, 1, &e);
	if (!ok(s != NULL, "%s: it opens when its header is there: %s", what, e.text))
		return;
	for (k = 1; k < n_part; k++) {
		for (i = part[k - 1]; i < part[k]; i++) {
			early += stream_pending(s) || stream_wait(s, 0);
			writer_send(&w, B.p + i, 1, Z_SYNC_FLUSH);
		}
		late += !stream_pending(s) || !stream_wait(s, 10000);
		unread += stream_read(s, r, &e) != 1;
	}
	ok(early == 0 && late == 0 && unread == 0,
	    "%s: a record is pending at its last byte: %zu early, %zu late, %zu unread: %s",
	    what, early, late, unread, e.text);
	for (i = part[k - 1]; i < B.n; i++) {
		early += stream_pending(s);
		writer_send(&w, B.p + i, 1, Z_SYNC_FLUSH);
	}
	early += stream_pending(s);
	if (gzip)
		writer_send(&w, "", 0, Z_FINISH);
	early += stream_pending(s);
	close(w.fd);
	ok(early == 0 && stream_pending(s) == 1 && stream_read(s, r, &e) == 0 && stream_pending(s) == 1,
	    "%s: the end is pending when the writer has closed: %zu early, %s", what, early, e.text);
	if (gzip)
		deflateEnd(&w.z);
	stream_close(s);
	record_free(r);
	unlink("fifo");
}

static void
check_slow(void)
{
	static const char lines[] = "{\"odesteer\":\"stream\",\"version\":1,\"kind\":\"examples\",\"chain\":[]}\n"
	    "{\"id\":1}\n\n{\"id\":\"two\"}\n";
	static const char *const twice[] = { "s", "s" };
	struct record *r = record_alloc();
	struct stream *s;
	struct err e = { "" };
	size_t part[3];
	int gzip, p[6], i;

	for (gzip = 0; gzip < 2; gzip++) {
		activations(2, "float32", 3, "aa");
		part[0] = B.n;
		put_map(2);
		put_pair("id", "a");
		put_str("act");
		put_floats((const float[]){ 2.385f, -1 }, 2);
		part[1] = B.n;
		put_map(3);
		put_str("deep");
		put_array(2);
		put_map(1);
		put_pair("x", "y");
		put_be(0xcb, 0, 8);
		put_str("act");
		put_floats((const float[]){ 1, 0 }, 2);
		put_pair("text", "of some length");
		part[2] = B.n;
		end(2);
		check_pending(gzip ? "gzip" : "plain", part, 3, gzip);
		B.n = 0;
		put(lines, sizeof lines - 1);
		part[0] = (size_t)(strchr(lines, '\n') - lines) + 1;
		part[1] = part[0] + strlen("{\"id\":1}\n");
		part[2] = B.n;
		check_pending(gzip ? "lines, gzip" : "lines", part, 3, gzip);
	}
	examples();
	put_map(1);
	put_pair("id", "a");
	end(1);
	save("s", B.p, B.n);
	s = stream_open(twice, 2, &e);
	for (i = 0; s != NULL && i < 6; i++) {
		p[i] = stream_pending(s);
		if (i % 2 == 1)
			stream_read(s, r, &e);
	}
	/*
	 * a record, a record, the end of the first file with the second not
	 * open yet, ...
	 */
	ok(s != NULL && p[0] == 1 && p[1] == 1 && p[2] == 0 && p[3] == 0 && p[4] == 1 && p[5] == 1,
	    "two files: the second's first record is not pending until it is read, its end is");
	stream_close(s);
	examples();
	put_be(0xc1, 0, 0);
	save("s", B.p, B.n);
	s = stream_open(twice, 1, &e);
	ok(s != NULL && stream_pending(s) == 1 && stream_read(s, r, &e) == -1 &&
	    strcmp(e.text, "'s': record 1: it is not msgpack") == 0,
	    "what is wrong is pending, and found again when it is read: %s", e.text);
	stream_close(s);
	record_free(r);
}

static void
check_groups(void)
{
	struct groups *g = groups_alloc();
	char name[2][300] = { { 0 } };
	size_t number[2] = { 9, 9 };
	struct err e;

	memset(name[0], 'x', 299);
	memcpy(name[1], name[0], 300);
	name[1][298] = 'y';
	ok(groups_add(g, name[0], &number[0], &e) == 1 && groups_add(g, name[1], &number[1], &e) == 1 &&
	    number[0] == 0 && number[1] == 1 && strcmp(groups_text(g, 1), name[1]) == 0,
	    "long names that differ in their last letter are two");
	groups_free(g);
}

/* Numbers set as floats take five bytes each, and read back rounded. */
static void
check_floats(void)
{
	const double v[] = { 2.385, -1e-20, 3 };
	struct record *r = need(record_alloc());
	double *got = NULL;
	size_t n = 0, len = 0;
	struct err e;

	ok(record_set_floats(r, "w", v, 3) == 0 && record_raw(r, "w", &len) != NULL && len == 1 + 3 * 5,
	    "three floats are 16 bytes");
	ok(record_get_nums(r, "w", &got, &n, &e) == 0 && n == 3 && got[0] == (double)2.385f &&
	    got[1] == (double)-1e-20f && got[2] == 3, "and read back as such");
	free(got);
	record_free(r);
}

int
main(void)
{
	const char *where = getenv("TMPDIR");
	char dir[4096];
	static const char *const made[] = { "s", "a", "b", "out", "seed", "text", "good" };
	size_t i;
	int half;

	snprintf(dir, sizeof dir, "%s/odesteer-test.XXXXXX", where != NULL && *where != '\0' ? where : "/tmp");
	if (mkdtemp(dir) == NULL || chdir(dir) != 0) {
		perror(dir);
		return 1;
	}
	check_sink_and_back();
	check_sink();
	check_ends();
	check_values();
	check_claims();
	check_acts();
	check_headers();
	check_seed();
	check_parts();
	check_lines();
	check_slow();
	check_groups();
	check_floats();
	for (half = 0; half < 2; half++) {
		check_by_text((const float[2][2]){ { 2.385f, FLT_MAX }, { 2.384765625f, 65504 } }, half,
		    "great numbers");
		check_by_text((const float[2][2]){ { FLT_TRUE_MIN, -1e-20f }, { 0x1p-24f, -0x1p-15f } }, half,
		    "small numbers");
		check_by_text((const float[2][2]){ { 0, -0.0f }, { 0, -0.0f } }, half, "both zeros");
	}
	for (i = 0; i < sizeof made / sizeof *made; i++)
		unlink(made[i]);
	ok(rmdir(dir) == 0, "nothing else was left behind");
	return tap_done();
}
