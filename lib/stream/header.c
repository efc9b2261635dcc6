#include "stream/header.h"

#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "stream/wire.h"

enum { VERSION = 1 };

static const char *const kinds[] = { "examples", "activations", "completions", "barrier" };

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

static size_t
count_strings(char *const *s)
{
	size_t n = 0;

	while (s != NULL && s[n] != NULL)
		n++;
	return n;
}

static void
strings_free(char **s)
{
	size_t i;

	for (i = 0; s != NULL && s[i] != NULL; i++)
		free(s[i]);
	free(s);
}

void
header_release(struct header *h)
{
	size_t i;

	for (i = 0; i < h->n_chain; i++) {
		free(h->chain[i].tool);
		free(h->chain[i].version);
		strings_free(h->chain[i].argv);
		strings_free(h->chain[i].side);
		strings_free(h->chain[i].value);
	}
	free(h->chain);
	free(h->model);
	free(h->digest);
	free(h->block);
	memset(h, 0, sizeof *h);
}

int
header_copy(struct header *to, const struct header *from)
{
	size_t i, k;

	header_init(to, from->kind);
	to->dim = from->dim;
	to->half = from->half;
	if ((from->model != NULL && header_set_model(to, from->model, from->digest) != 0) ||
	    header_set_blocks(to, from->block, from->n_block) != 0)
		goto fail;
	for (i = 0; i < from->n_chain; i++) {
		const struct chain_link *l = &from->chain[i];

		if (header_add_link(to, l->tool, l->version, (int)count_strings(l->argv), l->argv,
		    l->has_seed ? &l->seed : NULL) != 0)
			goto fail;
		for (k = 0; l->side != NULL && l->side[k] != NULL; k += 2)
			if (header_add_side(to, l->side[k], l->side[k + 1]) != 0)
				goto fail;
		for (k = 0; l->value != NULL && l->value[k] != NULL; k += 2)
			if (header_add_value(to, l->value[k], l->value[k + 1]) != 0)
				goto fail;
	}
	return 0;
fail:
	header_release(to);
	return -1;
}

/* A command line may hold any bytes; the wire takes UTF-8. */
static char *
clean(const char *s)
{
	return utf8_clean(s, strlen(s));
}

int
header_set_model(struct header *h, const char *name, const char *digest)
{
	free(h->model);
	free(h->digest);
	h->model = clean(name);
	h->digest = clean(digest);
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

int
header_add_link(struct header *h, const char *tool, const char *version, int argc, char *const argv[],
    const uint64_t *seed)
{
	struct chain_link *l = realloc(h->chain, (h->n_chain + 1) * sizeof *l);
	int i;

	if (l == NULL)
		return -1;
	h->chain = l;
	l += h->n_chain++;
	memset(l, 0, sizeof *l);
	l->tool = clean(tool);
	l->version = clean(version);
	l->argv = calloc((size_t)argc + 1, sizeof *l->argv);
	if (l->tool == NULL || l->version == NULL || l->argv == NULL)
		return -1;
	for (i = 0; i < argc; i++)
		if ((l->argv[i] = clean(argv[i])) == NULL)
			return -1;
	if (seed != NULL) {
		l->has_seed = 1;
		l->seed = *seed;
	}
	return 0;
}

/* Appends two strings to a NULL-terminated array of pairs. */
static int
add_pair(char ***pairs, const char *name, const char *value)
{
	size_t n = count_strings(*pairs);
	char **p;

	if ((p = realloc(*pairs, (n + 3) * sizeof *p)) == NULL)
		return -1;
	*pairs = p;
	p[n] = clean(name);
	p[n + 1] = p[n] != NULL ? clean(value) : NULL;
	p[n + 2] = NULL;
	return p[n + 1] == NULL ? -1 : 0;
}

int
header_add_side(struct header *h, const char *name, const char *digest)
{
	return add_pair(&h->chain[h->n_chain - 1].side, name, digest);
}

int
header_add_value(struct header *h, const char *name, const char *value)
{
	return add_pair(&h->chain[h->n_chain - 1].value, name, value);
}

const char *
chain_link_value(const struct chain_link *l, const char *name)
{
	size_t i;

	for (i = 0; l->value != NULL && l->value[i] != NULL; i += 2)
		if (strcmp(l->value[i], name) == 0)
			return l->value[i + 1];
	return NULL;
}

static int
pack_str(msgpack_packer *pk, const char *s)
{
	size_t n = strlen(s);

	return msgpack_pack_str(pk, n) != 0 || msgpack_pack_str_body(pk, s, n) != 0 ? -1 : 0;
}

static int
pack_strings(msgpack_packer *pk, char *const *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (pack_str(pk, s[i]) != 0)
			return -1;
	return 0;
}

/* Packs a map of pairs under its name; nothing where there are none. */
static int
pack_pairs(msgpack_packer *pk, const char *name, char *const *pairs)
{
	size_t n = count_strings(pairs);

	if (n == 0)
		return 0;
	return pack_str(pk, name) != 0 || msgpack_pack_map(pk, n / 2) != 0 ? -1 : pack_strings(pk, pairs, n);
}

static int
pack_link(msgpack_packer *pk, const struct chain_link *l)
{
	size_t n = count_strings(l->argv);
	size_t n_fields = 3 + (l->has_seed != 0) + (count_strings(l->side) > 0) + (count_strings(l->value) > 0);

	if (msgpack_pack_map(pk, n_fields) != 0 ||
	    pack_str(pk, "tool") != 0 || pack_str(pk, l->tool) != 0 ||
	    pack_str(pk, "version") != 0 || pack_str(pk, l->version) != 0 ||
	    pack_str(pk, "argv") != 0 || msgpack_pack_array(pk, n) != 0 || pack_strings(pk, l->argv, n) != 0)
		return -1;
	if (l->has_seed && (pack_str(pk, "seed") != 0 || msgpack_pack_uint64(pk, l->seed) != 0))
		return -1;
	return pack_pairs(pk, "side", l->side) != 0 || pack_pairs(pk, "values", l->value) != 0 ? -1 : 0;
}

int
header_to_record(const struct header *h, struct record *r)
{
	struct buf b = { 0 };
	msgpack_packer pk;
	size_t i;
	int rc = -1;

	record_clear(r);
	if (record_set_str(r, WIRE_RESERVED, "stream", strlen("stream")) != 0 ||
	    record_set_int(r, "version", VERSION) != 0 ||
	    record_set_str(r, "kind", kinds[h->kind], strlen(kinds[h->kind])) != 0 ||
	    (h->model != NULL && (record_set_str(r, "model", h->model, strlen(h->model)) != 0 ||
	    record_set_str(r, "digest", h->digest, strlen(h->digest)) != 0)) ||
	    (h->n_block > 0 && record_set_ints(r, "block", h->block, h->n_block) != 0) ||
	    (h->dim > 0 && (record_set_int(r, "dim", (int64_t)h->dim) != 0 ||
	    record_set_str(r, "dtype", h->half ? "float16" : "float32", 7) != 0)))
		return -1;
	msgpack_packer_init(&pk, &b, buf_pack);
	if (msgpack_pack_array(&pk, h->n_chain) != 0)
		goto out;
	for (i = 0; i < h->n_chain; i++)
		if (pack_link(&pk, &h->chain[i]) != 0)
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

/* A string field as a copy. 1, 0: absent, -1: not a string without NUL, or out of memory. */
static int
get_str(const struct record *r, const char *name, char **out)
{
	const char *s;
	size_t len;
	int got = record_get_str(r, name, &s, &len);

	if (got == 1 && (strlen(s) != len || (*out = strdup(s)) == NULL))
		got = -1;
	return got;
}

/*
 * The strings of an array, or the names and values of a map; NULL when it is not
 * one. The caller frees.
 */
static char **
get_strings(const struct record *r, const char *name, enum token_type type)
{
	const unsigned char *p;
	struct token t, item;
	size_t len, i, n, at;
	char **out;

	if ((p = record_raw(r, name, &len)) == NULL || token_read(&t, p, len) != 1 || t.type != type)
		return NULL;
	n = t.n * (type == TOKEN_MAP ? 2 : 1);
	if ((out = calloc(n + 1, sizeof *out)) == NULL)
		return NULL;
	for (i = 0, at = t.head; i < n; i++, at += item.head + item.n) {
		token_read(&item, p + at, len - at);
		if (item.type != TOKEN_STR || memchr(p + at + item.head, '\0', item.n) != NULL ||
		    (out[i] = strndup((const char *)p + at + item.head, item.n)) == NULL) {
			strings_free(out);
			return NULL;
		}
	}
	return out;
}

static int
get_link(struct chain_link *l, const struct record *r)
{
	int64_t seed;
	int got;

	if (get_str(r, "tool", &l->tool) != 1 || get_str(r, "version", &l->version) != 1 ||
	    (l->argv = get_strings(r, "argv", TOKEN_ARRAY)) == NULL ||
	    (got = record_get_int(r, "seed", &seed)) < 0 || (got == 1 && seed < 0) ||
	    (record_has(r, "side") && (l->side = get_strings(r, "side", TOKEN_MAP)) == NULL) ||
	    (record_has(r, "values") && (l->value = get_strings(r, "values", TOKEN_MAP)) == NULL))
		return -1;
	if (got == 1) {
		l->has_seed = 1;
		l->seed = (uint64_t)seed;
	}
	return 0;
}

static int
get_chain(struct header *h, const struct record *r)
{
	struct record *link = record_alloc();
	const unsigned char *p;
	struct token t;
	struct err e;
	size_t len, at, i;
	int rc = -1;

	if (link == NULL || (p = record_raw(r, "chain", &len)) == NULL ||
	    token_read(&t, p, len) != 1 || t.type != TOKEN_ARRAY ||
	    (h->chain = calloc(t.n + 1, sizeof *h->chain)) == NULL)
		goto out;
	for (i = 0, at = t.head; i < t.n; i++) {
		struct walk w = { 0 };

		walk_run(&w, p + at, len - at, &e);
		if (record_from_wire(link, p + at, w.pos, &e) != 0)
			goto out;
		/* counted first: what a broken link has so far is freed with the header */
		if (get_link(&h->chain[h->n_chain++], link) != 0)
			goto out;
		at += w.pos;
	}
	rc = 0;
out:
	record_free(link);
	return rc;
}

static int
get_blocks(struct header *h, const struct record *r)
{
	double *v;
	size_t i;
	int got = record_get_nums(r, "block", &v, &h->n_block);

	if (got != 1)
		return got;
	if ((h->block = calloc(h->n_block + 1, sizeof *h->block)) == NULL)
		got = -1;
	for (i = 0; got == 1 && i < h->n_block; i++) {
		if (!(v[i] >= 0 && v[i] <= 1e6) || v[i] != (int)v[i])
			got = -1;
		else
			h->block[i] = (int)v[i];
	}
	free(v);
	return got;
}

int
header_from_record(struct header *h, const struct record *r, struct err *e)
{
	static const char *const known[] = { "odesteer", "version", "kind", "model", "digest", "block",
		"dim", "dtype", "chain", NULL };
	const char *kind, *dtype, *bad = NULL;
	int64_t version, dim = 0;
	size_t i, k;

	if (record_get_int(r, "version", &version) != 1 || version < 1)
		return err_set(e, "the header's 'version' is missing or wrong");
	if (version != VERSION)
		return err_set(e, "the stream's format is version %lld, this program reads %d",
		    (long long)version, VERSION);
	for (i = 0; i < record_size(r); i++) {
		for (k = 0; known[k] != NULL && strcmp(known[k], record_name(r, i)) != 0; k++)
			;
		if (known[k] == NULL)
			return err_set(e, "the header has an unknown field '%s'", record_name(r, i));
	}
	if (record_get_str(r, "kind", &kind, NULL) != 1)
		return err_set(e, "the header's 'kind' is missing or wrong");
	for (k = 0; k < sizeof kinds / sizeof *kinds && strcmp(kinds[k], kind) != 0; k++)
		;
	if (k == sizeof kinds / sizeof *kinds)
		return err_set(e, "the header names an unknown kind '%s'", kind);
	header_init(h, (enum stream_kind)k);
	if (get_str(r, "model", &h->model) < 0)
		bad = "model";
	else if (get_str(r, "digest", &h->digest) < 0 || (h->digest == NULL) != (h->model == NULL))
		bad = "digest";
	else if (get_blocks(h, r) < 0)
		bad = "block";
	else if (record_get_int(r, "dim", &dim) < 0 || dim < 0 || dim > WIRE_LIMIT / 4 ||
	    (dim == 0 && record_has(r, "dim")))
		bad = "dim";
	else if (record_has(r, "dtype") && (record_get_str(r, "dtype", &dtype, NULL) != 1 ||
	    (strcmp(dtype, "float16") != 0 && strcmp(dtype, "float32") != 0)))
		bad = "dtype";
	else if (record_has(r, "dtype") != (dim > 0))
		bad = "dtype";
	else if (get_chain(h, r) != 0)
		bad = "chain";
	/* an activation without its block or model could be taken for any other */
	else if ((h->kind == STREAM_ACTIVATIONS || h->kind == STREAM_BARRIER) &&
	    (dim == 0 || h->n_block == 0))
		bad = dim == 0 ? "dim" : "block";
	if (bad != NULL) {
		header_release(h);
		return err_set(e, "the header's '%s' is missing or wrong", bad);
	}
	h->dim = (size_t)dim;
	h->half = dim > 0 && strcmp(dtype, "float16") == 0;
	return 0;
}

static int
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

const char *
header_differs(const struct header *a, const struct header *b)
{
	if (a->kind != b->kind)
		return "kind";
	if (!same(a->digest, b->digest))
		return "model";
	if (a->n_block != b->n_block ||
	    (a->n_block > 0 && memcmp(a->block, b->block, a->n_block * sizeof *a->block) != 0))
		return "block";
	if (a->dim != b->dim)
		return "dim";
	return a->half != b->half ? "dtype" : NULL;
}
