/* tap - the least of the Test Anything Protocol, for tests/unit. */
#ifndef ODESTEER_TAP_H
#define ODESTEER_TAP_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static int tap_run, tap_failed;

/* For a test that does not free what it makes: LeakSanitizer does not look for leaks in it. */
#define TAP_FREES_NOTHING \
	const char *__lsan_default_options(void); \
	const char *__lsan_default_options(void) { return "detect_leaks=0"; }

__attribute__((format(printf, 2, 3))) static inline int
ok(int cond, const char *fmt, ...)
{
	va_list ap;

	tap_run++;
	tap_failed += !cond;
	printf("%sok %d - ", cond ? "" : "not ", tap_run);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
	return cond;
}

/* Returns p, or ends the test if it is NULL. */
static inline void *
need(void *p)
{
	if (p == NULL) {
		printf("Bail out! out of memory\n");
		exit(1);
	}
	return p;
}

/* return this from main */
static inline int
tap_done(void)
{
	printf("1..%d\n", tap_run);
	return tap_failed != 0;
}

#endif
