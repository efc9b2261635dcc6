#include "stream/header.h"

#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "stream/wire.h"

enum { VERSION = 1 };

static const char *const kinds[] = { "examples", "activations", "completions", "barrier",
	"classifier" };

const char *
stream_kind_name(enum stream_kind k)
{
	return kinds[k];
}

void
header_init(struct header *h, enum stream_kind kind)
{
	memset(h, 0, sizeof *h);
	h->kind = kind;
}

void
header_release(struct header *h)
{
	size_t i;

	for (i = 0; i < h->n_chain; i++)
		record_free(h->chain[i]);
	free(h->chain);
	free(h->model);
	free(h->digest);
	free(h->block);
	memset(h, 0, sizeof *h);
}

/* Appends an empty link to the chain. Returns it, or NULL if out of memory. */
static struct record *
add_empty_link(struct header *h)
{
	struct record **chain = realloc(h->chain, (h->n_chain + 1) * sizeof *chain);

	if (chain == NULL)
		return NULL;
	h->chain = chain;
	if ((chain[h->n_chain] = record_alloc()) == NULL)
		return NULL;
	return chain[h->n_chain++];
}

int
header_copy(struct header *to, const struct header *from)
{
	struct record *link;
	size_t i;

	header_init(to, from->kind);
	to->dim = from->dim;
	to->half = from->half;
	if ((from->model != NULL && header_set_model(to, from->model, from->digest) != 0) ||
	    header_set_blocks(to, from->block, from->n_block) != 0)
		goto fail;
	for (i = 0; i < from->n_chain; i++)
		if ((link = add_empty_link(to)) == NULL || record_copy(link, from->chain[i]) != 0)
			goto fail;
	return 0;
fail:
	header_release(to);
	return -1;
}

/* Returns a copy in UTF-8: an argument may hold any bytes, a stream may not. */
static char *
copy_utf8(const char *s)
{
	return utf8_clean(s, strlen(s));
}

/* Sets a string in UTF-8. Returns 0, or -1 if out of memory. */
static int
set_utf8(struct record *r, const char *name, const char *value)
{
	char *text = copy_utf8(value);
	int bad = text == NULL || record_set_str(r, name, text, strlen(text)) != 0;

	free(text);
	return bad ? -1 : 0;
}

int
header_set_model(struct header *h, const char *name, const char *digest)
{
	free(h->model);
	free(h->digest);
	h->model = copy_utf8(name);
	h->digest = copy_utf8(digest);
	return h->model == NULL || h->digest == NULL ? -1 : 0;
}

int
header_set_blocks(struct header *h, const int *block, size_t n)
{
	int *copy = NULL;

	if (n > 0) {
		if ((copy = malloc(n * sizeof *copy)) == NULL)
			return -1;
		memcpy(copy, block, n * sizeof *copy);
	}
	free(h->block);
	h->block = copy;
	h->n_block = n;
	return 0;
}

/* Appends a string in UTF-8 as msgpack. Returns 0, or -1 if out of memory. */
static int
pack_utf8(struct buf *b, const char *s)
{
	char *text = copy_utf8(s);
	msgpack_packer pk;
	int bad;

	msgpack_packer_init(&pk, b, buf_pack);
	bad = text == NULL || msgpack_pack_str_with_body(&pk, text, strlen(text)) != 0;
	free(text);
	return bad ? -1 : 0;
}

int
header_add_link(struct header *h, const char *tool, const char *version, int argc,
    char *const argv[], const uint64_t *seed)
{
	struct record *link = add_empty_link(h);
	struct buf b = { 0 };
	msgpack_packer pk;
	int bad, i;

	msgpack_packer_init(&pk, &b, buf_pack);
	bad = link == NULL || header_add_value(h, "tool", tool) != 0 ||
	    header_add_value(h, "version", version) != 0 ||
	    msgpack_pack_array(&pk, (size_t)argc) != 0;
	for (i = 0; !bad && i < argc; i++)
		bad = pack_utf8(&b, argv[i]) != 0;
	bad = bad || record_set_raw(link, "argv", b.p, b.len) != 0 ||
	    (seed != NULL && record_set_int(link, "seed", (int64_t)*seed) != 0);
	free(b.p);
	return bad ? -1 : 0;
}

int
header_add_side(struct header *h, const char *name, const char *digest)
{
	struct record *link = h->chain[h->n_chain - 1], *side = record_alloc();
	struct buf b = { 0 };
	char *text = copy_utf8(name);
	size_t len = 0;
	const unsigned char *old = record_raw(link, "side", &len);
	struct err e;
	int bad = side == NULL || text == NULL ||
	    (old != NULL && record_from_wire(side, old, len, &e) != 0) ||
	    set_utf8(side, text, digest) != 0 || record_to_wire(side, &b) != 0 ||
	    record_set_raw(link, "side", b.p, b.len) != 0;

	record_free(side);
	free(text);
	free(b.p);
	return bad ? -1 : 0;
}

int
header_add_value(struct header *h, const char *name, const char *value)
{
	return set_utf8(h->chain[h->n_chain - 1], name, value);
}

const char *
header_value(const struct header *h, size_t i, const char *name)
{
	const char *s;

	return record_get_str(h->chain[i], name, &s, NULL) == 1 ? s : NULL;
}

int
header_to_record(const struct header *h, struct record *r)
{
	struct buf b = { 0 };
	msgpack_packer pk;
	size_t i;
	int rc = -1;

	record_clear(r);
	if (set_utf8(r, WIRE_RESERVED, "stream") != 0 ||
	    record_set_int(r, "version", VERSION) != 0 ||
	    set_utf8(r, "kind", kinds[h->kind]) != 0 ||
	    (h->model != NULL && (set_utf8(r, "model", h->model) != 0 ||
	    set_utf8(r, "digest", h->digest) != 0)) ||
	    (h->n_block > 0 && record_set_ints(r, "block", h->block, h->n_block) != 0) ||
	    (h->dim > 0 && (record_set_int(r, "dim", (int64_t)h->dim) != 0 ||
	    set_utf8(r, "dtype", h->half ? "float16" : "float32") != 0)))
		return -1;
	msgpack_packer_init(&pk, &b, buf_pack);
	if (msgpack_pack_array(&pk, h->n_chain) != 0)
		goto out;
	for (i = 0; i < h->n_chain; i++)
		if (record_to_wire(h->chain[i], &b) != 0)
			goto out;
	rc = record_set_raw(r, "chain", b.p, b.len);
out:
	free(b.p);
	return rc;
}

char *
header_to_json(const struct header *h)
{
	struct record *r = record_alloc();
	char *text = NULL;
	struct err e;

	if (r != NULL && header_to_record(h, r) == 0)
		text = record_to_json(r, 0, &e);
	record_free(r);
	return text;
}

/* Sets the message that a field is wrong. Always returns -1. */
static int
wrong(const char *name, struct err *e)
{
	return err_set(e, "the header's '%s' is missing or wrong", name);
}

/* Returns whether a field is a string without NUL. */
static int
is_text(const struct record *r, const char *name)
{
	const char *s;

	return record_get_str(r, name, &s, NULL) == 1;
}

/* Copies a string, unless it is absent. */
static int
get_str(const struct record *r, const char *name, char **out, struct err *e)
{
	const char *s;

	if (!record_has(r, name))
		return 0;
	if (record_get_str(r, name, &s, NULL) != 1)
		return wrong(name, e);
	return (*out = strdup(s)) == NULL ? err_memory(e) : 0;
}

/* Returns whether a field is an array or map of strings without NUL. */
static int
holds_strings(const struct record *r, const char *name, enum token_type type)
{
	struct token t, item;
	size_t len, i, n, at;
	const unsigned char *p = record_raw(r, name, &len);

	if (p == NULL || token_read(&t, p, len) != 1 || t.type != type)
		return 0;
	n = t.n * (type == TOKEN_MAP ? 2 : 1);
	for (i = 0, at = t.head; i < n; i++, at += item.head + item.n) {
		token_read(&item, p + at, len - at);
		if (item.type != TOKEN_STR || memchr(p + at + item.head, '\0', item.n) != NULL)
			return 0;
	}
	return 1;
}

static int
is_link(const struct record *r)
{
	static const char *const texts[] = { "metric", "field", "by" };
	int64_t seed = 0;
	size_t i;

	for (i = 0; i < sizeof texts / sizeof *texts; i++)
		if (record_has(r, texts[i]) && !is_text(r, texts[i]))
			return 0;
	return is_text(r, "tool") && is_text(r, "version") &&
	    holds_strings(r, "argv", TOKEN_ARRAY) &&
	    (!record_has(r, "seed") || (record_get_int(r, "seed", &seed) == 1 && seed >= 0)) &&
	    (!record_has(r, "side") || holds_strings(r, "side", TOKEN_MAP));
}

static int
get_chain(struct header *h, const struct record *r, struct err *e)
{
	struct record *link;
	struct token t;
	size_t len, at, n, i;
	const unsigned char *p = record_raw(r, "chain", &len);

	if (p == NULL || token_read(&t, p, len) != 1 || t.type != TOKEN_ARRAY)
		return wrong("chain", e);
	if (t.n > WIRE_LINKS)
		return err_set(e, "the header's 'chain' has %llu links, more than %d",
		    (unsigned long long)t.n, WIRE_LINKS);
	for (i = 0, at = t.head; i < t.n; i++, at += n) {
		n = wire_extent(p + at, len - at);
		if ((link = add_empty_link(h)) == NULL)
			return err_memory(e);
		if (record_from_wire(link, p + at, n, e) != 0)
			return err_prefix(e, "the header's 'chain': ");
		if (!is_link(link))
			return wrong("chain", e);
	}
	return 0;
}

/* Sets all but the kind. */
static int
get_fields(struct header *h, const struct record *r, struct err *e)
{
	const char *dtype = "";
	int64_t dim = 0;

	if (get_str(r, "model", &h->model, e) != 0 || get_str(r, "digest", &h->digest, e) != 0 ||
	    get_chain(h, r, e) != 0)
		return -1;
	if (record_has(r, "block") &&
	    record_get_ints(r, "block", 0, 1000000, &h->block, &h->n_block, e) != 0)
		return wrong("block", e);
	if ((h->digest == NULL) != (h->model == NULL))
		return wrong("digest", e);
	if (record_has(r, "dim") &&
	    (record_get_int(r, "dim", &dim) != 1 || dim < 1 || dim > WIRE_DIM))
		return wrong("dim", e);
	h->dim = (size_t)dim;
	if (record_has(r, "dtype") != (dim > 0) || (dim > 0 && !is_text(r, "dtype")))
		return wrong("dtype", e);
	record_get_str(r, "dtype", &dtype, NULL);
	h->half = strcmp(dtype, "float16") == 0;
	if (dim > 0 && !h->half && strcmp(dtype, "float32") != 0)
		return wrong("dtype", e);
	/* without them an activation could be taken for one of another block */
	if (h->kind != STREAM_ACTIVATIONS && h->kind != STREAM_BARRIER)
		return 0;
	if (h->dim == 0)
		return wrong("dim", e);
	return h->n_block == 0 ? wrong("block", e) : 0;
}

int
header_from_record(struct header *h, const struct record *r, struct err *e)
{
	static const char *const known[] = { "odesteer", "version", "kind", "model", "digest",
		"block", "dim", "dtype", "chain", NULL };
	const char *kind;
	int64_t version;
	size_t i, k;

	if (record_get_int(r, "version", &version) != 1 || version < 1)
		return wrong("version", e);
	if (version != VERSION)
		return err_set(e,
		    "the stream has format version %lld; this program reads version %d",
		    (long long)version, VERSION);
	for (i = 0; i < record_size(r); i++) {
		for (k = 0; known[k] != NULL && strcmp(known[k], record_name(r, i)) != 0; k++)
			;
		if (known[k] == NULL)
			return err_set(e, "the header has an unknown field '%s'",
			    record_name(r, i));
	}
	if (record_get_str(r, "kind", &kind, NULL) != 1)
		return wrong("kind", e);
	for (k = 0; k < sizeof kinds / sizeof *kinds && strcmp(kinds[k], kind) != 0; k++)
		;
	if (k == sizeof kinds / sizeof *kinds)
		return err_set(e, "the header names an unknown kind '%s'", kind);
	header_init(h, (enum stream_kind)k);
	if (get_fields(h, r, e) == 0)
		return 0;
	header_release(h);
	return -1;
}

static int
equal(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

const char *
header_differs(const struct header *a, const struct header *b)
{
	if (a->kind != b->kind)
		return "kind";
	if (!equal(a->digest, b->digest))
		return "model";
	if (a->n_block != b->n_block ||
	    (a->n_block > 0 && memcmp(a->block, b->block, a->n_block * sizeof *a->block) != 0))
		return "block";
	if (a->dim != b->dim)
		return "dim";
	return a->half != b->half ? "dtype" : NULL;
}
