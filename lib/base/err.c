#include "base/err.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

int
err_vset(struct err *e, const char *fmt, va_list ap)
{
	char raw[ERR_SIZE];

	vsnprintf(raw, sizeof raw, fmt, ap);
	utf8_show(e->text, sizeof e->text, raw);
	return -1;
}

int
err_set(struct err *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	err_vset(e, fmt, ap);
	va_end(ap);
	return -1;
}

int
err_prefix(struct err *e, const char *fmt, ...)
{
	struct err old = *e;
	size_t n;
	va_list ap;

	va_start(ap, fmt);
	err_vset(e, fmt, ap);
	va_end(ap);
	n = strlen(e->text);
	snprintf(e->text + n, sizeof e->text - n, "%s", old.text);
	return -1;
}

int
err_memory(struct err *e)
{
	return err_set(e, "out of memory");
}
