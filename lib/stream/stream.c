#include "stream/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "stream/wire.h"

enum { CHUNK = 65536 };
static const double total_limit = 0.3;	/* seconds that stream_total may take */

struct stream {
	const char *const *path;	/* NULL: a source, which counts as one path */
	size_t n_path, current;		/* path[current] is being read */
	struct input *in;
	struct buf b;
	size_t pos;			/* where the next object begins in b */
	struct {			/* what is known of that object: bytes are examined once */
		struct walk walk;	/* over msgpack */
		size_t len;		/* its length once it is complete; else 0 */
		size_t seen;		/* bytes of a line that hold no newline */
	} next;
	int nowait;			/* fill returns INPUT_LATER instead of waiting */
	int eof;
	int text;			/* lines are prompts */
	int json;			/* records are lines: JSON, or text */
	int ended;			/* after the last path */
	int add_ids;			/* records without an id get their number */
	const struct header *missing;	/* of stream_open_without_act, or NULL */
	struct header header;
	struct record *scratch;		/* a header or end record */
	uint64_t count, in_path;	/* records read, of all paths and of this one */
	uint32_t crc;			/* of this path so far */
};

/* Moves past the object at s->pos. */
static void
skip_object(struct stream *s, size_t len)
{
	s->pos += len;
	memset(&s->next, 0, sizeof s->next);
}

/* Reads more bytes. Returns 1, 0 at the end, -1 or INPUT_LATER. */
static int
fill(struct stream *s, struct err *e)
{
	ssize_t n;

	if (s->eof)
		return 0;
	if (s->pos > 0) {
		memmove(s->b.p, s->b.p + s->pos, s->b.len - s->pos);
		s->b.len -= s->pos;
		s->pos = 0;
	}
	if (buf_reserve(&s->b, CHUNK) != 0)
		return err_memory(e);
	if ((n = input_read(s->in, s->b.p + s->b.len, s->b.cap - s->b.len, !s->nowait, e)) < 0)
		return (int)n;
	s->b.len += (size_t)n;
	s->eof = n == 0;
	return n > 0;
}

static int
locate(const struct stream *s, uint64_t number, struct err *e)
{
	return err_prefix(e, "%s: record %llu: ", input_name(s->in), (unsigned long long)number);
}

int
stream_locate(const struct stream *s, struct err *e)
{
	return stream_locate_back(s, 0, e);
}

int
stream_locate_back(const struct stream *s, uint64_t back, struct err *e)
{
	return locate(s, s->in_path - back, e);
}

/*
 * Reads the msgpack object at s->pos and sets *len to its length. Returns 1, 0
 * at the end, -1 or INPUT_LATER.
 */
static int
next_object(struct stream *s, size_t *len, struct err *e)
{
	int got;

	if ((*len = s->next.len) > 0)
		return 1;
	if (s->pos == s->b.len && (got = fill(s, e)) <= 0)
		return got;
	while ((got = walk_run(&s->next.walk, s->b.p + s->pos, s->b.len - s->pos, e)) == 0) {
		if ((got = fill(s, e)) < 0)
			return got;
		if (got == 0)
			return err_set(e, "%s is truncated: it ends inside record %llu",
			    input_name(s->in), (unsigned long long)(s->in_path + 1));
	}
	if (got < 0)
		return locate(s, s->in_path + 1, e);
	*len = s->next.len = s->next.walk.pos;
	return 1;
}

static int
is_blank(const unsigned char *p, size_t n)
{
	while (n > 0 && memchr(" \t\r\n", p[n - 1], 4) != NULL)
		n--;
	return n == 0;
}

/* Does the same with a line and its newline. Blank lines are skipped. */
static int
next_line(struct stream *s, size_t *len, struct err *e)
{
	int got;

	for (;;) {
		size_t have = s->b.len - s->pos;
		const unsigned char *nl = memchr(s->b.p + s->pos + s->next.seen, '\n',
		    have - s->next.seen);

		if (nl == NULL && !s->eof) {
			s->next.seen = have;
			if (have > WIRE_LIMIT) {
				err_set(e, "it is bigger than %d MiB", WIRE_LIMIT >> 20);
				return locate(s, s->in_path + 1, e);
			}
			if ((got = fill(s, e)) < 0)
				return got;
			continue;
		}
		*len = nl != NULL ? (size_t)(nl - (s->b.p + s->pos)) + 1 : have;
		if (!is_blank(s->b.p + s->pos, *len))
			return 1;
		if (nl == NULL)
			return 0;
		skip_object(s, *len);
	}
}

/* Reads the object or line at s->pos, as next_object does. */
static int
next_item(struct stream *s, size_t *len, struct err *e)
{
	return s->json ? next_line(s, len, e) : next_object(s, len, e);
}

/* Makes r a record with a line as its prompt. */
static int
record_from_text(struct record *r, const char *line, size_t len, struct err *e)
{
	while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
		len--;
	if (memchr(line, '\0', len) != NULL || utf8_span(line, len) != len)
		return err_set(e, "the line is not UTF-8 text");
	record_clear(r);
	return record_set_str(r, "prompt", line, len) != 0 ? err_memory(e) : 0;
}

/* Makes r the item at s->pos, and adds one of msgpack to the checksum. */
static int
parse_item(struct stream *s, struct record *r, size_t len, struct err *e)
{
	const unsigned char *p = s->b.p + s->pos;

	if (s->text)
		return record_from_text(r, (const char *)p, len, e);
	if (s->json)
		return record_from_json(r, (const char *)p, len, e);
	s->crc = (uint32_t)crc32(s->crc, p, (uInt)len);
	return record_from_wire(r, p, len, e);
}

/* Returns whether the object is a header or an end record. */
static int
is_marked(const unsigned char *p, size_t n)
{
	struct token map, key;

	return token_read(&map, p, n) == 1 && map.type == TOKEN_MAP && map.n > 0 &&
	    token_read(&key, p + map.head, n - map.head) == 1 && key.type == TOKEN_STR &&
	    key.n == strlen(WIRE_RESERVED) && key.n <= n - map.head - key.head &&
	    memcmp(p + map.head + key.head, WIRE_RESERVED, key.n) == 0;
}

static int
mark_is(const struct record *r, const char *what)
{
	const char *mark;

	return record_get_str(r, WIRE_RESERVED, &mark, NULL) == 1 && strcmp(mark, what) == 0;
}

/* Reads the header of a new path. Initialises h if this returns 0. */
static int
read_header(struct stream *s, struct header *h, struct err *e)
{
	const char *name = input_name(s->in);
	size_t len;
	int got = 1;

	while (s->pos == s->b.len)
		if ((got = fill(s, e)) <= 0)
			return got == 0 ? err_set(e, "%s is empty", name) : -1;
	s->json = s->text || memchr("{ \t\r\n", s->b.p[0], 5) != NULL;
	if (s->text) {
		header_init(h, STREAM_EXAMPLES);
		return 0;
	}
	/* do not read on for ever in another format */
	while (!s->json && s->b.len < 16 && (got = fill(s, e)) > 0)
		;
	if (got < 0)
		return -1;
	if (!s->json && !is_marked(s->b.p, s->b.len))
		return err_set(e, "%s is neither an odesteer stream nor JSON Lines", name);
	if ((got = next_item(s, &len, e)) <= 0)
		return got == 0 ? err_set(e, "%s is empty", name) : -1;
	if (parse_item(s, s->scratch, len, e) != 0)
		return s->json ? locate(s, 1, e) : err_prefix(e, "%s: header: ", name);
	if (!mark_is(s->scratch, "stream")) {
		if (!s->json)
			return err_set(e, "%s has no header", name);
		/* no header: the line is a record */
		header_init(h, STREAM_EXAMPLES);
		return s->missing != NULL && header_copy(h, s->missing) != 0 ? err_memory(e) : 0;
	}
	skip_object(s, len);
	return header_from_record(h, s->scratch, e) != 0 ? err_prefix(e, "%s: ", name) : 0;
}

/* Goes on with `in`, or fails if that is NULL, and reads its header. */
static int
start_path(struct stream *s, struct input *in, struct header *h, struct err *e)
{
	input_close(s->in);
	s->in = in;
	s->pos = s->b.len = 0;
	skip_object(s, 0);
	s->eof = 0;
	s->in_path = 0;
	s->crc = (uint32_t)crc32(0, NULL, 0);
	return in == NULL ? -1 : read_header(s, h, e);
}

/* Starts with the first input. Returns s, or frees it and returns NULL. */
static struct stream *
start(struct stream *s, struct input *in, struct err *e)
{
	if (start_path(s, in, &s->header, e) == 0)
		return s;
	stream_close(s);
	return NULL;
}

static struct stream *
stream_alloc(size_t n_path, struct err *e)
{
	struct stream *s = calloc(1, sizeof *s);

	if (s != NULL && (s->scratch = record_alloc()) != NULL) {
		s->n_path = n_path;
		return s;
	}
	stream_close(s);
	err_memory(e);
	return NULL;
}

static struct stream *
open_paths(const char *const *path, size_t n, int text, const struct header *missing, struct err *e)
{
	static const char *const standard_input[] = { "-" };
	struct stream *s = stream_alloc(n > 0 ? n : 1, e);

	if (s == NULL)
		return NULL;
	s->path = n > 0 ? path : standard_input;
	s->text = text;
	s->missing = missing;
	return start(s, input_open(s->path[0], e), e);
}

struct stream *
stream_open(const char *const *path, size_t n, struct err *e)
{
	return open_paths(path, n, 0, NULL, e);
}

struct stream *
stream_open_text(const char *const *path, size_t n, struct err *e)
{
	return open_paths(path, n, 1, NULL, e);
}

struct stream *
stream_open_without_act(const char *const *path, size_t n, const struct header *missing,
    struct err *e)
{
	return open_paths(path, n, 0, missing, e);
}

struct stream *
stream_open_source(input_source_fn *fn, void *ctx, const char *name, struct err *e)
{
	struct stream *s = stream_alloc(1, e);

	return s != NULL ? start(s, input_open_source(fn, ctx, name, e), e) : NULL;
}

void
stream_close(struct stream *s)
{
	if (s == NULL)
		return;
	input_close(s->in);
	free(s->b.p);
	header_release(&s->header);
	record_free(s->scratch);
	free(s);
}

const struct header *
stream_header(const struct stream *s)
{
	return &s->header;
}

void
stream_add_ids(struct stream *s)
{
	s->add_ids = 1;
}

uint64_t
stream_count(const struct stream *s)
{
	return s->count;
}

uint32_t
stream_crc(const struct stream *s)
{
	return s->crc;
}

int
stream_expect(const struct stream *s, unsigned kinds, struct err *e)
{
	char wanted[64] = "";
	size_t n = 0;
	int k;

	if (kinds & 1u << s->header.kind)
		return 0;
	for (k = STREAM_EXAMPLES; k <= STREAM_CLASSIFIER; k++)
		if (kinds & 1u << k)
			n += (size_t)snprintf(wanted + n, sizeof wanted - n, "%s%s",
			    n > 0 ? " or " : "", stream_kind_name((enum stream_kind)k));
	return err_set(e, "%s holds %s, not %s", input_name(s->in),
	    stream_kind_name(s->header.kind), wanted);
}

/* Checks that the end record at s->pos is right, and the last. */
static int
check_end(struct stream *s, size_t len, struct err *e)
{
	const char *name = input_name(s->in);
	uint64_t n = s->in_path;
	int64_t count, crc;
	int got;

	if (record_from_wire(s->scratch, s->b.p + s->pos, len, e) != 0)
		return err_prefix(e, "%s: end record: ", name);
	if (!mark_is(s->scratch, "end"))
		return err_set(e, "%s: second header after record %llu", name,
		    (unsigned long long)n);
	if (record_get_int(s->scratch, "count", &count) != 1 ||
	    record_get_int(s->scratch, "crc32", &crc) != 1)
		return err_set(e, "%s: the end record lacks its count or crc32", name);
	if ((uint64_t)count != n)
		return err_set(e, "%s is damaged: %llu records, but the end record says %lld", name,
		    (unsigned long long)n, (long long)count);
	if ((uint64_t)crc != s->crc)
		return err_set(e,
		    "%s is damaged: its crc32 is %08x, but the end record says %08llx", name,
		    (unsigned)s->crc, (unsigned long long)crc);
	skip_object(s, len);
	if (s->pos == s->b.len && (got = fill(s, e)) <= 0)
		return got;
	return err_set(e, "%s goes on after its end record", name);
}

/* Checks "act" of a record just read, after packing that of JSON Lines. */
static int
check_act(const struct stream *s, struct record *r, struct err *e)
{
	const struct header *h = &s->header;

	if (h->kind == STREAM_ACTIVATIONS && s->missing == NULL) {
		if (s->json && record_has(r, "act") && record_pack_act(r, h->half, e) != 0)
			return -1;
		return record_get_act(r, h->half, NULL, h->dim, e);
	}
	if (!record_has(r, "act"))
		return 0;
	if (s->missing != NULL)
		return err_set(e, "it already has a field 'act'");
	return err_set(e, "it has a field 'act' in a stream of %s", stream_kind_name(h->kind));
}

/* Reads a record of the current path. Returns 1, 0 at its end, or -1. */
static int
read_record(struct stream *s, struct record *r, struct err *e)
{
	size_t len;
	int got = next_item(s, &len, e);

	if (got < 0 || (got == 0 && s->json))
		return got;
	if (got == 0)
		return err_set(e, "%s is truncated: no end record after record %llu",
		    input_name(s->in), (unsigned long long)(s->in_path));
	if (!s->json && is_marked(s->b.p + s->pos, len))
		return check_end(s, len, e);
	s->count++;
	s->in_path++;
	if (parse_item(s, r, len, e) != 0)
		return stream_locate(s, e);
	skip_object(s, len);
	if (record_has(r, WIRE_RESERVED))
		err_set(e, "the name '%s' is reserved", WIRE_RESERVED);
	else if (check_act(s, r, e) == 0)
		return 1;
	return stream_locate(s, e);
}

/* Sets the id of the record just read to its number, unless it has one. */
static int
add_id(const struct stream *s, struct record *r, struct err *e)
{
	int64_t id;

	if (record_get_int(r, "id", &id) != 0 || record_set_int(r, "id", (int64_t)s->count) == 0)
		return 0;
	return err_memory(e);
}

int
stream_read(struct stream *s, struct record *r, struct err *e)
{
	struct header h;
	const char *what;
	int got;

	if (s->ended)
		return 0;
	while ((got = read_record(s, r, e)) == 0) {
		if (s->current + 1 == s->n_path) {
			s->ended = 1;
			return 0;
		}
		s->current++;
		if (start_path(s, input_open(s->path[s->current], e), &h, e) != 0)
			return -1;
		what = header_differs(&s->header, &h);
		header_release(&h);
		if (what != NULL)
			return err_set(e, "%s: its %s differs from that of '%s'", input_name(s->in),
			    what, s->path[0]);
	}
	return got == 1 && s->add_ids && add_id(s, r, e) != 0 ? -1 : got;
}

/* Reads on without waiting. Sets *end if the path ends, unless INPUT_LATER. */
static int
read_ahead(struct stream *s, int *end)
{
	struct err e;		/* stream_read will fail with the same error */
	size_t len;
	int got;

	s->nowait = 1;
	got = next_item(s, &len, &e);
	*end = s->json ? got == 0 : got == 1 && is_marked(s->b.p + s->pos, len);
	/* nothing may follow an end record */
	if (*end && !s->json && s->pos + len == s->b.len)
		got = fill(s, &e);
	s->nowait = 0;
	return got;
}

int
stream_pending(struct stream *s)
{
	int end;

	return s->ended || (read_ahead(s, &end) != INPUT_LATER &&
	    !(end && s->current + 1 < s->n_path));
}

int
stream_wait(struct stream *s, int ms)
{
	int end;

	while (!s->ended && read_ahead(s, &end) == INPUT_LATER)
		if (!input_wait(s->in, ms))
			return 0;
	return 1;
}

/* Returns whether all paths are regular files, which can be read twice. */
static int
is_regular(const struct stream *s)
{
	struct stat st;
	size_t i;

	for (i = 0; i < s->n_path; i++)
		if (s->path == NULL || strcmp(s->path[i], "-") == 0 || stat(s->path[i], &st) != 0 ||
		    !S_ISREG(st.st_mode))
			return 0;
	return 1;
}

uint64_t
stream_total(const struct stream *s)
{
	struct stream *again;
	struct record *r;
	struct err e;
	double end = clock_now() + total_limit;
	uint64_t n = 0;
	int got = 1;

	if (!is_regular(s))
		return 0;
	again = open_paths(s->path, s->n_path, s->text, s->missing, &e);
	if ((r = record_alloc()) != NULL && again != NULL) {
		while (clock_now() < end && (got = stream_read(again, r, &e)) == 1)
			;
		n = again->count;
	}
	record_free(r);
	stream_close(again);
	return got == 0 ? n : 0;
}
