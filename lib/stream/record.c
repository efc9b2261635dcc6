#include "stream/record.h"

#include <math.h>
#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/float16.h"
#include "stream/json.h"
#include "stream/wire.h"

/* Where a name and its msgpack value are, each with a NUL after it. */
struct field_slot {
	size_t name, name_len;
	size_t off, len;
	size_t room;			/* a new value of this length fits here */
};

struct record {
	struct buf bytes;
	struct field_slot *slot;
	size_t n, cap;
};

struct record *
record_alloc(void)
{
	return calloc(1, sizeof(struct record));
}

void
record_free(struct record *r)
{
	if (r == NULL)
		return;
	free(r->bytes.p);
	free(r->slot);
	free(r);
}

void
record_clear(struct record *r)
{
	r->bytes.len = 0;
	r->n = 0;
}

static int
reserve_slots(struct record *r, size_t n)
{
	struct field_slot *p = array_grow(r->slot, n, &r->cap, sizeof *p);

	if (p == NULL)
		return -1;
	r->slot = p;
	return 0;
}

int
record_copy(struct record *to, const struct record *from)
{
	record_clear(to);
	if (reserve_slots(to, from->n) != 0 ||
	    buf_append(&to->bytes, from->bytes.p, from->bytes.len) != 0)
		return -1;
	if (from->n > 0)
		memcpy(to->slot, from->slot, from->n * sizeof *to->slot);
	to->n = from->n;
	return 0;
}

size_t
record_size(const struct record *r)
{
	return r->n;
}

const char *
record_name(const struct record *r, size_t i)
{
	return (const char *)r->bytes.p + r->slot[i].name;
}

static struct field_slot *
find(const struct record *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		if (strcmp(record_name(r, i), name) == 0)
			return &r->slot[i];
	return NULL;
}

int
record_has(const struct record *r, const char *name)
{
	return find(r, name) != NULL;
}

const unsigned char *
record_raw(const struct record *r, const char *name, size_t *len)
{
	const struct field_slot *f = find(r, name);

	if (f == NULL)
		return NULL;
	*len = f->len;
	return r->bytes.p + f->off;
}

/* Reads a value's first token. Returns 1, or 0 if it is absent or null. */
static int
read_token(const struct record *r, const char *name, struct token *t, const unsigned char **p)
{
	size_t len;

	if ((*p = record_raw(r, name, &len)) == NULL)
		return 0;
	token_read(t, *p, len);
	return t->type != TOKEN_NIL;
}

int
record_get_str(const struct record *r, const char *name, const char **s, size_t *len)
{
	const unsigned char *p;
	struct token t;

	if (!read_token(r, name, &t, &p))
		return 0;
	if (t.type != TOKEN_STR || (len == NULL && memchr(p + t.head, '\0', t.n) != NULL))
		return -1;
	*s = (const char *)p + t.head;
	if (len != NULL)
		*len = t.n;
	return 1;
}

int
record_get_int(const struct record *r, const char *name, int64_t *v)
{
	const unsigned char *p;
	struct token t;

	if (!read_token(r, name, &t, &p))
		return 0;
	if (t.type == TOKEN_INT)
		*v = t.i;
	else if (t.type == TOKEN_UINT && t.u <= INT64_MAX)
		*v = (int64_t)t.u;
	else
		return -1;
	return 1;
}

int
record_get_bool(const struct record *r, const char *name, int *v)
{
	const unsigned char *p;
	struct token t;

	if (!read_token(r, name, &t, &p))
		return 0;
	if ((t.type != TOKEN_UINT && t.type != TOKEN_BOOL) || t.u > 1)
		return -1;
	*v = (int)t.u;
	return 1;
}

static int
token_num(const struct token *t, double *v)
{
	if (t->type == TOKEN_NUM)
		*v = t->d;
	else if (t->type == TOKEN_INT)
		*v = (double)t->i;
	else if (t->type == TOKEN_UINT)
		*v = (double)t->u;
	else
		return -1;
	return 1;
}

int
record_get_num(const struct record *r, const char *name, double *v)
{
	const unsigned char *p;
	struct token t;

	return read_token(r, name, &t, &p) ? token_num(&t, v) : 0;
}

int
record_next_str(const struct record *r, const char *name, size_t *at, const char **s, size_t *len)
{
	size_t size;
	const unsigned char *p = record_raw(r, name, &size);
	struct token t, item;

	if (p == NULL)
		return 0;
	token_read(&t, p, size);
	if (t.type == TOKEN_NIL)
		return 0;
	if (t.type != TOKEN_ARRAY)
		return -1;
	*at = *at == 0 ? t.head : *at;
	if (*at == size)
		return 0;
	/* a walk has found the value valid */
	token_read(&item, p + *at, size - *at);
	if (item.type != TOKEN_STR)
		return -1;
	*s = (const char *)p + *at + item.head;
	*len = item.n;
	*at += item.head + item.n;
	return 1;
}

int
record_get_text(const struct record *r, const char *name, int required, const char **s, size_t *len,
    struct err *e)
{
	int got = record_get_str(r, name, s, len);

	if (got < 0)
		return err_set(e, "field '%s' is not a string", name);
	if (got == 0 && required)
		return err_set(e, "no field '%s'", name);
	if (got == 0) {
		*s = "";
		*len = 0;
	}
	if (strlen(*s) != *len)
		return err_set(e, "field '%s' holds a NUL character", name);
	return 0;
}

/* Does what record_get_nums does, and refuses a float64 if `whole'. */
static int
get_nums(const struct record *r, const char *name, int whole, double **v, size_t *n, struct err *e)
{
	const unsigned char *p;
	struct token t, item;
	double *out = NULL;
	size_t i, at;

	if (!read_token(r, name, &t, &p) || t.type != TOKEN_ARRAY)
		goto wrong;
	if ((out = calloc(t.n + 1, sizeof *out)) == NULL)
		return err_memory(e);
	for (i = 0, at = t.head; i < t.n; i++, at += item.head) {
		token_read(&item, p + at, SIZE_MAX - at);
		if (token_num(&item, &out[i]) < 0 || (whole && item.type == TOKEN_NUM))
			goto wrong;
	}
	*v = out;
	*n = t.n;
	return 0;
wrong:
	free(out);
	return err_set(e, "field '%s' is not an array of %s", name, whole ? "integers" : "numbers");
}

int
record_get_nums(const struct record *r, const char *name, double **v, size_t *n, struct err *e)
{
	return get_nums(r, name, 0, v, n, e);
}

int
record_get_ints(const struct record *r, const char *name, int min, int max, int **v, size_t *n,
    struct err *e)
{
	double *all;
	size_t i;
	int bad = 0;

	*v = NULL;
	if (get_nums(r, name, 1, &all, n, e) != 0)
		return -1;
	if ((*v = calloc(*n + 1, sizeof **v)) == NULL)
		bad = err_memory(e);
	for (i = 0; !bad && i < *n; i++)
		if (all[i] >= min && all[i] <= max)
			(*v)[i] = (int)all[i];
		else
			bad = err_set(e, "field '%s' has a value out of range", name);
	free(all);
	if (bad) {
		free(*v);
		*v = NULL;
	}
	return bad;
}

int
record_get_key(const struct record *r, const char *name, char *buf, size_t size, struct err *e)
{
	const unsigned char *p;
	struct token t;

	if (!read_token(r, name, &t, &p))
		return err_set(e, "no field '%s'", name);
	if (t.type == TOKEN_STR) {
		if (t.n >= size)
			return err_set(e, "field '%s' is longer than %zu bytes", name, size - 1);
		if (memchr(p + t.head, '\0', t.n) != NULL)
			return err_set(e, "field '%s' holds a NUL character", name);
		memcpy(buf, p + t.head, t.n);
		buf[t.n] = '\0';
	} else if (t.type == TOKEN_UINT) {
		snprintf(buf, size, "%llu", (unsigned long long)t.u);
	} else if (t.type == TOKEN_INT) {
		snprintf(buf, size, "%lld", (long long)t.i);
	} else {
		return err_set(e, "field '%s' is neither a string nor an integer", name);
	}
	return 0;
}

/*
 * A value being set. It is packed at the end of the record's bytes, and then
 * moved to the place of the old value if it fits there, so that a record whose
 * fields are set many times does not grow.
 */
struct setting {
	msgpack_packer pk;
	size_t mark;
};

static struct setting
set_begin(struct record *r)
{
	struct setting s = { .mark = r->bytes.len };

	msgpack_packer_init(&s.pk, &r->bytes, buf_pack);
	return s;
}

/* Sets a field to what was packed since set_begin, unless that failed. */
static int
set_end(struct record *r, const char *name, const struct setting *s, int failed)
{
	struct field_slot *f = find(r, name);
	size_t len = r->bytes.len - s->mark;

	if (failed || buf_append(&r->bytes, "", 1) != 0)
		goto fail;
	if (f != NULL && len <= f->room) {
		memcpy(r->bytes.p + f->off, r->bytes.p + s->mark, len + 1);
		f->len = len;
		r->bytes.len = s->mark;
		return 0;
	}
	if (f == NULL) {
		size_t at = r->bytes.len, n = strlen(name);

		if (reserve_slots(r, r->n + 1) != 0 || buf_append(&r->bytes, name, n + 1) != 0)
			goto fail;
		f = &r->slot[r->n++];
		f->name = at;
		f->name_len = n;
	}
	f->off = s->mark;
	f->len = f->room = len;
	return 0;
fail:
	r->bytes.len = s->mark;
	return -1;
}

int
record_set_raw(struct record *r, const char *name, const unsigned char *p, size_t len)
{
	struct setting s = set_begin(r);

	return set_end(r, name, &s, buf_append(&r->bytes, p, len));
}

int
record_set_str(struct record *r, const char *name, const char *text, size_t len)
{
	struct setting s = set_begin(r);

	return set_end(r, name, &s, msgpack_pack_str_with_body(&s.pk, text, len));
}

int
record_set_int(struct record *r, const char *name, int64_t v)
{
	struct setting s = set_begin(r);

	return set_end(r, name, &s, msgpack_pack_int64(&s.pk, v));
}

int
record_set_num(struct record *r, const char *name, double v)
{
	struct setting s = set_begin(r);

	return set_end(r, name, &s, msgpack_pack_double(&s.pk, v));
}

int
record_set_nums(struct record *r, const char *name, const double *v, size_t n)
{
	struct setting s = set_begin(r);
	int failed = msgpack_pack_array(&s.pk, n);
	size_t i;

	for (i = 0; !failed && i < n; i++)
		failed = msgpack_pack_double(&s.pk, v[i]);
	return set_end(r, name, &s, failed);
}

int
record_set_floats(struct record *r, const char *name, const double *v, size_t n)
{
	struct setting s = set_begin(r);
	int failed = msgpack_pack_array(&s.pk, n);
	size_t i;

	for (i = 0; !failed && i < n; i++)
		failed = msgpack_pack_float(&s.pk, (float)v[i]);
	return set_end(r, name, &s, failed);
}

int
record_set_ints(struct record *r, const char *name, const int *v, size_t n)
{
	struct setting s = set_begin(r);
	int failed = msgpack_pack_array(&s.pk, n);
	size_t i;

	for (i = 0; !failed && i < n; i++)
		failed = msgpack_pack_int(&s.pk, v[i]);
	return set_end(r, name, &s, failed);
}

void
record_unset(struct record *r, const char *name)
{
	struct field_slot *f = find(r, name);

	if (f == NULL)
		return;
	memmove(f, f + 1, (size_t)(r->slot + r->n - (f + 1)) * sizeof *f);
	r->n--;
}

int
record_get_act(const struct record *r, int half, float *out, size_t dim, struct err *e)
{
	size_t width = half ? 2 : 4, i;
	const unsigned char *p;
	struct token t;

	if (!read_token(r, "act", &t, &p))
		return err_set(e, "no field 'act'");
	if (t.type != TOKEN_BIN)
		return err_set(e, "field 'act' is not binary");
	if (t.n != width * dim)
		return err_set(e, "field 'act' has %llu bytes, not the %zu of %zu numbers",
		    (unsigned long long)t.n, width * dim, dim);
	p += t.head;
	for (i = 0; out != NULL && i < dim; i++)
		out[i] = le_load(p + i * width, half);
	for (i = 0; out == NULL && i < dim; i++)
		if (!isfinite(le_load(p + i * width, half)))
			return err_set(e, "field 'act' holds a value that is not finite");
	return 0;
}

int
record_set_act(struct record *r, int half, const float *act, size_t dim, struct err *e)
{
	size_t width = half ? 2 : 4, i;
	float limit = half ? 65520 : INFINITY;
	struct setting s = set_begin(r);
	unsigned char *p;
	int failed;

	for (i = 0; i < dim; i++)
		if (!(fabsf(act[i]) < limit))
			return err_set(e, "an activation holds %g, which %s cannot carry",
			    (double)act[i], half ? "float16" : "a stream");
	failed = msgpack_pack_bin(&s.pk, width * dim) != 0 ||
	    buf_reserve(&r->bytes, width * dim) != 0;
	if (!failed) {
		p = r->bytes.p + r->bytes.len;
		for (i = 0; i < dim; i++)
			le_store(p + i * width, half, act[i]);
		r->bytes.len += width * dim;
	}
	return set_end(r, "act", &s, failed) != 0 ? err_memory(e) : 0;
}

int
record_pack_act(struct record *r, int half, struct err *e)
{
	double *v;
	float *act;
	size_t n, i;
	int rc;

	if (record_get_nums(r, "act", &v, &n, e) != 0)
		return -1;
	act = calloc(n + 1, sizeof *act);
	for (i = 0; act != NULL && i < n; i++)
		act[i] = (float)v[i];
	rc = act == NULL ? err_memory(e) : record_set_act(r, half, act, n, e);
	free(act);
	free(v);
	return rc;
}

/* Appends p[n] and a NUL, for which there is room. Returns where. */
static size_t
append(struct record *r, const unsigned char *p, size_t n)
{
	size_t at = r->bytes.len;

	memcpy(r->bytes.p + at, p, n);
	r->bytes.p[at + n] = '\0';
	r->bytes.len += n + 1;
	return at;
}

int
record_from_wire(struct record *r, const unsigned char *p, size_t n, struct err *e)
{
	struct token t, key;
	size_t at, i;

	record_clear(r);
	if (token_read(&t, p, n) != 1 || t.type != TOKEN_MAP)
		return err_set(e, "it is not a map");
	if (t.n > WIRE_FIELDS)
		return err_set(e, "it has %llu fields, more than %d", (unsigned long long)t.n,
		    WIRE_FIELDS);
	/* names and values get a NUL each */
	if (reserve_slots(r, t.n) != 0 || buf_reserve(&r->bytes, n + 2 * t.n) != 0)
		return err_memory(e);
	for (i = 0, at = t.head; i < t.n; i++) {
		struct field_slot *f = &r->slot[r->n];
		struct token value;

		token_read(&key, p + at, n - at);
		at += key.head;
		f->name = append(r, p + at, key.n);
		f->name_len = key.n;
		if (find(r, record_name(r, r->n)) != NULL)
			return err_set(e, "field '%s' occurs twice", record_name(r, r->n));
		at += key.n;
		token_read(&value, p + at, n - at);
		f->len = f->room = value.type == TOKEN_ARRAY || value.type == TOKEN_MAP ?
		    wire_extent(p + at, n - at) : value.head + value.n;
		f->off = append(r, p + at, f->len);
		at += f->len;
		r->n++;
	}
	return 0;
}

int
record_to_wire(const struct record *r, struct buf *to)
{
	msgpack_packer pk;
	size_t i;

	msgpack_packer_init(&pk, to, buf_pack);
	if (msgpack_pack_map(&pk, r->n) != 0)
		return -1;
	for (i = 0; i < r->n; i++) {
		const struct field_slot *f = &r->slot[i];

		if (msgpack_pack_str_with_body(&pk, record_name(r, i), f->name_len) != 0 ||
		    buf_append(to, r->bytes.p + f->off, f->len) != 0)
			return -1;
	}
	return 0;
}

/* Appends n bytes of an activation as a JSON array. */
static int
act_to_json(const unsigned char *p, size_t n, int half, struct buf *to)
{
	size_t width = half ? 2 : 4, i;
	char text[32];

	for (i = 0; i < n / width; i++) {
		double x = (double)le_load(p + i * width, half);
		int len = snprintf(text, sizeof text, "%c%.9g", i == 0 ? '[' : ',', x);

		/* "-0" would be read as an integer, and lose its sign */
		if (x == 0 && signbit(x))
			len += snprintf(text + len, sizeof text - (size_t)len, ".0");
		if (buf_append(to, text, (size_t)len) != 0)
			return -1;
	}
	return buf_append(to, i == 0 ? "[]" : "]", i == 0 ? 2 : 1);
}

char *
record_to_json(const struct record *r, int half, struct err *e)
{
	struct buf b = { 0 };
	int bad = buf_append(&b, "{", 1);
	size_t i;

	for (i = 0; !bad && i < r->n; i++) {
		const struct field_slot *f = &r->slot[i];
		const unsigned char *value = r->bytes.p + f->off;
		struct token t;

		token_read(&t, value, f->len);
		bad = (i > 0 && buf_append(&b, ",", 1) != 0) ||
		    json_append_string(&b, record_name(r, i), f->name_len) != 0 ||
		    buf_append(&b, ":", 1) != 0 ||
		    (t.type == TOKEN_BIN ? act_to_json(value + t.head, t.n, half, &b) :
		    json_append(&b, value, f->len)) != 0;
	}
	if (!bad && buf_append(&b, "}", 2) == 0)
		return (char *)b.p;
	free(b.p);
	err_memory(e);
	return NULL;
}

int
record_from_json(struct record *r, const char *line, size_t len, struct err *e)
{
	struct buf b = { 0 };
	struct walk w = { 0 };
	int rc = -1;

	if (json_parse(&b, line, len, e) == 0 && walk_run(&w, b.p, b.len, e) == 1)
		rc = record_from_wire(r, b.p, b.len, e);
	free(b.p);
	return rc;
}
