/*
 * json - converts JSON, which jansson parses, to msgpack and back.
 */
#ifndef ODESTEER_JSON_H
#define ODESTEER_JSON_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* Appends the JSON object text[len] as msgpack. Returns 0 or -1. */
int json_parse(struct buf *to, const char *text, size_t len, struct err *e);
/*
 * Appends the msgpack value p[n] as JSON. It must be valid (walk_run, wire.h)
 * and not hold binary. Returns 0, or -1 if out of memory.
 */
int json_append(struct buf *to, const unsigned char *p, size_t n);
/* Appends s[n] as a JSON string. Returns 0, or -1 if out of memory. */
int json_append_string(struct buf *to, const char *s, size_t n);

#endif
