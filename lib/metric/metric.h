/*
 * metric - the interface of a score: one file per metric, one const struct
 * metric.
 *
 * A metric reads records, adds its own fields to each and passes them all on in
 * their order. It may hold records back until their texts have been read by a
 * model, or until a question (group) is complete. Its columns say which figures
 * `score report` makes of the fields.
 *
 * A new metric is one file in lib/metric/ and two lines in metric.c: its
 * declaration and its place in the table. Its options, its help and its columns
 * are declared in that file. tests/unit/test_contract.c tests it from then on.
 */
#ifndef ODESTEER_METRIC_H
#define ODESTEER_METRIC_H

#include "base/err.h"
#include "metric/column.h"
#include "model/example.h"
#include "stream/header.h"
#include "stream/record.h"
#include "stream/sink.h"

struct steering;

/* A long option that only one metric has. */
struct metric_option {
	const char *name;	/* "--alone" */
	const char *value;	/* what -h calls its value; NULL: it takes none */
	const char *about;	/* what -h says about it */
};

enum { METRIC_OPTIONS = 8 };	/* the most that a metric may have */

/* Options that several metrics have: bits of `uses`. */
enum {
	METRIC_MODEL = 1,	/* -m, -g, -j */
	METRIC_PROMPT = 2,	/* -t, --system */
	METRIC_BARRIER = 4,	/* -b, at most once */
	METRIC_FLOWS = 8	/* -b, repeatedly, and the options of flows */
};
enum { METRIC_EARLIER = -2 };	/* push failed, perhaps because of an earlier record */

/* The values of the options that a metric has. */
struct metric_options {
	/*
	 * The values of the metric's own options, in the order of their table:
	 * "" for one that takes no value, NULL for one that was not given.
	 */
	const char *value[METRIC_OPTIONS];
	const struct lm_options *lm;	/* the model's path, threads and gpu_layers */
	enum template template;
	const char *system;		/* system text before each prompt, or NULL */
	int has_prompt;			/* -t or --system was given */
	int has_template;		/* -t was given */
	const char *barrier;		/* path, or NULL */
	struct steering *steering;	/* along the flows, or NULL */
};

struct metric {
	const char *name;	/* as given to score */
	const char *about;	/* one line for score -h */
	const char *usage;	/* synopsis for score -h, with its line breaks */
	unsigned uses;		/* METRIC_MODEL | ... */
	const struct metric_option *options;	/* ends with name NULL; NULL: none */
	unsigned kinds;		/* streams that it reads: 1u << kind | ... */
	const struct column *columns;		/* ends with title NULL */
	size_t size;		/* of its state, which is all zero before open */
	/*
	 * Returns 0, or -1 with a message if the options do not go together.
	 * May be NULL.
	 */
	int (*check)(const struct metric_options *o, struct err *e);
	/*
	 * Prepares the state, which may borrow o. Checks the header h of the
	 * input, and may change it for the output; the last link of its chain
	 * is that of this run.
	 * Returns 0, or -1 with a message. NULL: nothing is to be prepared.
	 */
	int (*open)(void *state, const struct metric_options *o, struct header *h,
	    struct err *e);
	/*
	 * Reads one record, which it may change, and writes finished ones to
	 * out. Returns 0, or with a message -1, or METRIC_EARLIER if it may be
	 * about a record that was held back.
	 */
	int (*push)(void *state, struct record *r, struct sink *out, struct err *e);
	/*
	 * Passes on what is held back, at the end of the input. NULL: nothing
	 * ever is.
	 */
	int (*flush)(void *state, struct sink *out, struct err *e);
	/*
	 * Frees what open has made, even if open failed halfway. NULL: there
	 * is nothing to free.
	 */
	void (*close)(void *state);
};

/* Returns the metric of this name, or NULL. */
const struct metric *metric_find(const char *name);
/* Returns all metrics; the array is static and ends with NULL. */
const struct metric *const *metric_table(void);

/*
 * Returns whether a field of this name has a meaning in records, or belongs to
 * another metric than m, so that m must not write it under a name that the user
 * or a model chose.
 */
int metric_is_taken(const struct metric *m, const char *field);
enum { METRIC_NAME = 61 };		/* longest name that --as accepts */
/*
 * Checks the value of m's option --as, which becomes the name of a field or its
 * beginning. Returns 0, or -1 with a message.
 */
int metric_check_name(const struct metric *m, const char *name, struct err *e);
/*
 * Tells later tools who scored, such as "judge.ods (1a2b3c4d)": sets the value
 * "by" of the header's last link. Returns 0, or -1 with a message.
 */
int metric_add_by(struct header *h, struct err *e, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/*
 * Does the same for the model at path, which has this digest and was asked
 * about the text: "judge.gguf (1a2b...), asked 'True?'". Only the beginning of
 * a long text is shown, and a hash of all of it.
 */
int metric_add_asked(struct header *h, const char *path, const char *digest, const char *text,
    struct err *e);

#endif
