/*
 * tool - what every tool's main() shares: messages, exit status, progress, and
 * opening input and output.
 *
 * Only tools/ prints to stderr and exits: with 0 when done, 1 when it failed
 * and 2 at wrong usage.
 */
#ifndef ODESTEER_TOOL_H
#define ODESTEER_TOOL_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "stream/sink.h"
#include "stream/stream.h"

/* The name and help of this tool. Each tools/X.c defines it once. */
extern const struct tool {
	const char *name;		/* "integrate" */
	const char *synopsis;		/* for -h: "usage: integrate ..." */
	void (*usage)(void);		/* prints what -h prints; NULL: synopsis and options */
} tool;

/* Sets up the run, such as its signal handlers. Call it first in main. */
void tool_start(int argc, char *argv[]);

/*
 * Prints "NAME: message" on stderr, removes a half-written output and exits
 * with 1. tool_die_record puts path and number of the record read last in front
 * of e's message, tool_die_record_back those of the record `back` before it.
 */
_Noreturn void tool_die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void tool_die_err(const struct err *e);
_Noreturn void tool_die_record(const struct stream *s, struct err *e);
_Noreturn void tool_die_record_back(const struct stream *s, uint64_t back, struct err *e);

/* Prints "NAME: message" and "try 'NAME -h'" on stderr and exits with 2. */
_Noreturn void tool_misuse(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Ends the run if status is negative: with e's message, or NULL "out of
 * memory".
 */
void tool_check(int status, const struct err *e);

/* Returns p; ends the run with "out of memory" if it is NULL. */
void *tool_need(void *p);
/* Returns p; ends the run with e's message if it is NULL. */
void *tool_need_err(void *p, const struct err *e);

/* Ends the run if what was printed to stdout cannot be written. */
void tool_check_stdout(void);
/* Ends the run after text was printed to stdout: with 1 if that failed. */
_Noreturn void tool_answered(void);

/*
 * Returns the number of processors the process may run on: the default of -j.
 */
int tool_threads(void);
enum { THREADS_MAX = 512 };		/* of -j */

/*
 * Opens the operands, argv[optind .. argc - 1], as one stream, of one of the
 * kinds (1u << kind | ...). Records without an id get their number.
 */
struct stream *tool_open_input(int argc, char *argv[], unsigned kinds);
/* Reads the next record. Returns 1, or 0 at the end. */
int tool_read(struct stream *in, struct record *r);

/* Where the tool's stream goes: -o and -z. */
extern struct tool_output {
	const char *path;		/* NULL or "-": standard output */
	int gzip;
} tool_output;
/* Ends the run with 1, as gzip does, if `path` means a terminal. */
void tool_refuse_terminal(const char *path);
/*
 * Sets h, uninitialised, to a copy of in's header with the kind of the output
 * and a link for this run in its chain. in is NULL if there is no input, seed
 * if the run uses none.
 */
void tool_output_header(struct header *h, const struct stream *in, enum stream_kind kind,
    const uint64_t *seed);
/* Opens tool_output with the header h. */
struct sink *tool_open_output(const struct header *h);

extern int tool_verbose;		/* -v */
/*
 * Keeps a line on stderr up to date, on a terminal, or prints one every ten
 * seconds with -v: "NAME: 12 of 24 prompts, 118 tokens/s, 3 s". `done` records
 * of `in`, called `what`, are done; their total is shown if stream_total knows
 * it. The speed is that of n, counted in `unit`, since the first call, which
 * comes with 0 before the first record.
 */
void tool_progress(const struct stream *in, const char *what, uint64_t done, const char *unit,
    uint64_t n);
/*
 * Does the same for work that is not counted in records: "NAME: 12 of 100
 * epochs, REMARK, 3 s".
 */
void tool_progress_of(uint64_t done, uint64_t total, const char *what, const char *remark);
/* Ends the line with what it was told last. Every exit does this. */
void tool_progress_end(void);
/* Prints "NAME: message, SECONDS s" on stderr with -v: what the run did. */
void tool_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Prints "NAME: text" on stderr with -v: what such figures mean. */
void tool_remark(const char *text);

#endif
