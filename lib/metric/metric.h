/*
 * metric - one file per score behind one vtable (struct metric).
 *
 * A new score is one file in lib/metric/ with one const struct metric, and two
 * lines in metric.c: its declaration and its place in the table. The contract tests
 * find it there.
 *
 * A metric reads records, adds its own fields to each, and passes every
 * record on in its order. It may hold records back until it has a whole group
 * (a question), never longer. Its columns say what score report makes of those
 * fields.
 */
#ifndef ODESTEER_METRIC_H
#define ODESTEER_METRIC_H

#include "base/err.h"
#include "metric/column.h"
#include "stream/header.h"
#include "stream/record.h"

struct steering;

/* A long option that one metric alone has. */
struct metric_option {
	const char *name;	/* "--alone" */
	const char *value;	/* what -h calls its value; NULL: it takes none */
	const char *about;	/* what -h says of it */
};

enum { METRIC_OPTIONS = 8 };	/* most that a metric has */

/* Options that several have, by bits of `uses`. */
enum {
	METRIC_MODEL = 1,		/* -m, -g, -j */
	METRIC_PROMPT = 2,		/* -t, --system */
	METRIC_BARRIER = 4,		/* -b, once at most */
	METRIC_FLOWS = 8		/* -b, any number of times, with -T, -n, -s, --until, --tolerance */
};

/* What a metric is given of the options that it uses. */
struct metric_options {
	const char *value[METRIC_OPTIONS];	/* of its own options, in their order; NULL: not given */
	const char *model;		/* path of a GGUF file */
	int threads, gpu_layers;
	int template;			/* an enum template (model/example.h) */
	const char *system;		/* system text in front of the prompts; NULL: none */
	int has_prompt;			/* -t or --system was given */
	const char *barrier;		/* path; NULL: none */
	struct steering *steering;	/* along the flows; NULL: none */
};

/* Where finished records go. */
struct metric_out {
	int (*emit)(struct metric_out *o, const struct record *r, struct err *e);
};

struct metric {
	const char *name;	/* as given to score */
	const char *about;	/* one line for score -h */
	const char *usage;	/* its synopsis there, "score NAME ..."; further lines are indented as they shall stand */
	unsigned uses;
	const struct metric_option *options;	/* ends with name NULL; NULL: none */
	unsigned kinds;		/* stream kinds it takes, 1u << kind | ... */
	const struct column *columns;	/* ends with title NULL */
	/*
	 * check: 0, or -1 with a message, if the options do not go together; NULL: they always do.
	 * open makes ready a state of `size` bytes, all zero at first: 0, or -1 with a message; NULL: it is. It checks
	 * the header h of what comes in, and may change it for what goes out; the last link of its chain
	 * is this run's already. push takes one record; r may be changed. flush passes on what is held
	 * back, at the end of the input; NULL: nothing ever is. close frees what open has made, all or
	 * part of it.
	 */
	size_t size;
	int (*check)(const struct metric_options *o, struct err *e);
	int (*open)(void *state, const struct metric_options *o, struct header *h, struct err *e);
	int (*push)(void *state, struct record *r, struct metric_out *out, struct err *e);
	int (*flush)(void *state, struct metric_out *out, struct err *e);
	void (*close)(void *state);
};

const struct metric *metric_find(const char *name);		/* NULL: no such metric */
const struct metric *const *metric_table(void);			/* NULL-terminated, static */

/* Tells reports who scored, in the header's last link. 0, -1: out of memory. */
int metric_add_by(struct header *h, struct err *e, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
