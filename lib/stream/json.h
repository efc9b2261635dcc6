/*
 * json - JSON values to msgpack and back, by way of jansson.
 */
#ifndef ODESTEER_JSON_H
#define ODESTEER_JSON_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* One JSON value appended as msgpack, and a msgpack value appended as JSON. */
int json_parse(struct buf *to, const char *text, size_t len, struct err *e);
int json_append(struct buf *to, const unsigned char *p, size_t n);	/* -1: out of memory */
int json_append_string(struct buf *to, const char *s, size_t n);	/* a JSON string; -1: out of memory */

#endif
