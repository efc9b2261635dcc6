#include "stream/json.h"

#include <jansson.h>
#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

#include "stream/wire.h"

/*
 * Whether an allocation of jansson has failed since json_parse began. It cannot
 * be left to jansson, which drops a character then (strbuffer_append_byte).
 */
static _Thread_local int starved;

static void *
allocate(size_t n)
{
	void *p = malloc(n);

	starved |= p == NULL;
	return p;
}

static int
pack(msgpack_packer *pk, const json_t *v)
{
	const char *name;
	size_t i, n;
	json_t *item;

	switch (json_typeof(v)) {
	case JSON_OBJECT:
		if (msgpack_pack_map(pk, json_object_size(v)) != 0)
			return -1;
		/* the macro takes no const, but does not change it */
		json_object_foreach((json_t *)(uintptr_t)v, name, item) {
			if (msgpack_pack_str_with_body(pk, name, strlen(name)) != 0 ||
			    pack(pk, item) != 0)
				return -1;
		}
		return 0;
	case JSON_ARRAY:
		n = json_array_size(v);
		if (msgpack_pack_array(pk, n) != 0)
			return -1;
		for (i = 0; i < n; i++)
			if (pack(pk, json_array_get(v, i)) != 0)
				return -1;
		return 0;
	case JSON_STRING:
		return msgpack_pack_str_with_body(pk, json_string_value(v), json_string_length(v));
	case JSON_INTEGER:
		return msgpack_pack_int64(pk, json_integer_value(v));
	case JSON_REAL:
		return msgpack_pack_double(pk, json_real_value(v));
	case JSON_TRUE:
		return msgpack_pack_true(pk);
	case JSON_FALSE:
		return msgpack_pack_false(pk);
	case JSON_NULL:
		return msgpack_pack_nil(pk);
	}
	return -1;
}

int
json_parse(struct buf *to, const char *text, size_t len, struct err *e)
{
	json_error_t why;
	msgpack_packer pk;
	json_t *v;
	int rc;

	/* after a newline jansson would count columns from 1 again */
	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	json_set_alloc_funcs(allocate, free);
	starved = 0;
	v = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
	if (starved) {
		json_decref(v);
		return err_memory(e);
	}
	if (v == NULL)
		return err_set(e, "it is not JSON: column %d: %s", why.column, why.text);
	if (!json_is_object(v)) {
		json_decref(v);
		return err_set(e, "it is not a JSON object");
	}
	msgpack_packer_init(&pk, to, buf_pack);
	rc = pack(&pk, v);
	json_decref(v);
	return rc != 0 ? err_memory(e) : 0;
}

int
json_append_string(struct buf *to, const char *s, size_t n)
{
	/* six characters for one, \u0000, and the quotes */
	size_t room = 6 * n + 2, len;
	json_t *v;

	if (buf_reserve(to, room) != 0 || (v = json_stringn_nocheck(s, n)) == NULL)
		return -1;
	len = json_dumpb(v, (char *)to->p + to->len, room, JSON_ENCODE_ANY);
	json_decref(v);
	if (len == 0 || len > room)
		return -1;
	to->len += len;
	return 0;
}

/*
 * Appends the shortest text that reads back as the same number. It always has a
 * point or an exponent, which integers have not.
 */
static int
append_number(struct buf *to, double d)
{
	char text[40];
	int digits, n = 0;

	for (digits = 15; digits <= 17; digits++) {
		n = snprintf(text, sizeof text - 2, "%.*g", digits, d);
		if (strtod(text, NULL) == d)
			break;
	}
	if (strpbrk(text, ".e") == NULL)
		n += snprintf(text + n, 3, ".0");
	return buf_append(to, text, (size_t)n);
}

static int value_to_json(struct buf *to, const unsigned char *p, size_t n, size_t *at);

static int
members_to_json(struct buf *to, const struct token *t, const unsigned char *p, size_t n, size_t *at)
{
	int map = t->type == TOKEN_MAP;
	uint64_t i;

	if (buf_append(to, map ? "{" : "[", 1) != 0)
		return -1;
	for (i = 0; i < t->n; i++)
		if ((i > 0 && buf_append(to, ",", 1) != 0) ||
		    (map && (value_to_json(to, p, n, at) != 0 || buf_append(to, ":", 1) != 0)) ||
		    value_to_json(to, p, n, at) != 0)
			return -1;
	return buf_append(to, map ? "}" : "]", 1);
}

/* Appends the value at p + *at as JSON, and moves *at after it. */
static int
value_to_json(struct buf *to, const unsigned char *p, size_t n, size_t *at)
{
	char text[32] = "null";
	struct token t;

	token_read(&t, p + *at, n - *at);
	*at += t.head;
	switch (t.type) {
	case TOKEN_MAP:
	case TOKEN_ARRAY:
		return members_to_json(to, &t, p, n, at);
	case TOKEN_STR:
		*at += t.n;
		return json_append_string(to, (const char *)p + *at - t.n, t.n);
	case TOKEN_NUM:
		return append_number(to, t.d);
	case TOKEN_UINT:
		snprintf(text, sizeof text, "%llu", (unsigned long long)t.u);
		break;
	case TOKEN_INT:
		snprintf(text, sizeof text, "%lld", (long long)t.i);
		break;
	case TOKEN_BOOL:
		snprintf(text, sizeof text, "%s", t.u ? "true" : "false");
		break;
	case TOKEN_NIL:
		break;
	case TOKEN_BIN:	/* record.c writes "act", and a walk refuses extensions */
	case TOKEN_EXT:
		return -1;
	}
	return buf_append(to, text, strlen(text));
}

int
json_append(struct buf *to, const unsigned char *p, size_t n)
{
	size_t at = 0;

	return value_to_json(to, p, n, &at);
}
