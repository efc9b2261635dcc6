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
#include "field/barrier.h"
#include "metric/column.h"
#include "model/example.h"
#include "model/lm.h"
#include "steer/steering.h"
#include "stream/stream.h"

/* What a metric may be given; its letters and longs say what it uses. */
struct metric_options {
	const char *model;	/* path of a GGUF file */
	enum template template;	/* how its prompts are put */
	const char *system;	/* system text in front of them, NULL: none */
	int alone;		/* completions without their prompts */
	struct steering *steering;	/* of mc; NULL: none asked for */
	struct barrier *barrier;	/* of density, and of judge, where NULL is none */
	const char *text;	/* of judge: what it reads, with {q} and {a} for question and answer; NULL: its own */
	const char *yes, *no;	/* of judge; NULL: its own */
	const char *as;		/* of judge: name of its fields; NULL: its own */
	int threads, gpu_layers;
};

/* Where finished records go. */
struct metric_out {
	int (*emit)(struct metric_out *o, const struct record *r, struct err *e);
};

struct metric {
	const char *name;	/* as given to score */
	const char *about;	/* one line for score -h */
	const char *usage;	/* its synopsis there, "score NAME ..."; further lines are indented as they shall stand */
	const char *letters;	/* options it takes beyond the common -o -z -v, of "mtbTnsjgy" */
	const char *const *longs;	/* names of long options likewise, ends with NULL; NULL: none */
	unsigned kinds;		/* stream kinds it takes, 1u << kind | ... */
	int by;			/* whose figures depend on who scored: a report says so */
	const struct column *columns;	/* ends with title NULL */
	/*
	 * open: a state (freed by close), or NULL. It checks the header h of what
	 * comes in, and may change it for what goes out; the last link of its chain
	 * is this run's already. push takes one record; r may be changed. flush passes
	 * on what is held back, at the end of the input.
	 */
	void *(*open)(const struct metric_options *o, struct header *h, struct err *e);
	int (*push)(void *state, struct record *r, struct metric_out *out, struct err *e);
	int (*flush)(void *state, struct metric_out *out, struct err *e);
	void (*close)(void *state);
};

const struct metric *metric_find(const char *name);		/* NULL: no such metric */
const struct metric *const *metric_table(void);			/* NULL-terminated, static */

#endif
