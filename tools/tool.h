/*
 * tool - what every tool's main() shares: messages, options, progress, exit status.
 *
 * The only code that prints to stderr and exits. Exit 0 done, 1 failed, 2 wrong
 * usage, nothing else.
 */
#ifndef ODESTEER_TOOL_H
#define ODESTEER_TOOL_H

#include <getopt.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "steer/steering.h"
#include "stream/stream.h"

/* What a tool tells about itself; defined once in each tools/X.c. */
struct tool {
	const char *name;		/* "integrate" */
	void (*usage)(FILE *to);	/* synopsis and options with their live defaults */
};

/* Call first in main: runtime_start(); names the tool, turns off GSL's abort, installs signal handlers. */
void tool_start(const struct tool *t, int argc, char *argv[]);

/* "NAME: message" on stderr; removes a half-written output; exit 1. */
_Noreturn void tool_die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void tool_die_err(const struct err *e);
/* The same, naming the record that the stream gave last. */
_Noreturn void tool_die_record(const struct stream *s, struct err *e);
/* The same for the one `back` before it, from the same path. */
_Noreturn void tool_die_record_back(const struct stream *s, uint64_t back, struct err *e);
/* "NAME: message", then "try 'NAME -h'"; exit 2. */
_Noreturn void tool_misuse(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Exit 0 once standard output is out: what was asked for (-h, -V, -f help) has been printed. */
_Noreturn void tool_answered(void);

/*
 * The next option for getopt_long, with -h (usage on stdout, exit 0), -V (version,
 * exit 0) and unknown options (exit 2) dealt with; -1 at the end.
 */
int tool_option(int argc, char *argv[], const char *letters, const struct option *longs);

/* Ends the run with 1, as gzip does, if a stream written to `path` (NULL or "-": standard output) would go to a terminal. */
void tool_refuse_terminal(const char *path);

/* A length of flow, the value of -T; misuse if it is none. */
struct strength tool_strength(const char *text);

/*
 * -b, -T, -n, -s, --until and --tolerance of every tool that follows flows. A letter before the
 * first -b is about every barrier, one behind a -b about that one.
 */
enum { TOOL_UNTIL = 256, TOOL_TOLERANCE };
#define TOOL_FLOW_LONGS \
	{ "until", required_argument, NULL, TOOL_UNTIL }, { "tolerance", required_argument, NULL, TOOL_TOLERANCE }
struct tool_flow {
	const char *path;		/* of the barrier */
	struct flow_options o;
};
struct tool_flows {
	struct flow_options common;	/* flow_options_default() at first */
	struct tool_flow flow[STEERING_MAX];
	size_t n;
};
/* Takes an option that is one of these; misuse ends the run, `-s help` lists the solvers and ends it with 0. */
void tool_flow_option(struct tool_flows *f, int c, const char *text);
/* The usage lines of all but -b. */
void tool_flow_usage(FILE *to, const struct tool_flows *f);

/* The model to use when -m is not given: $ODESTEER_MODEL, else the default in the cache; static. */
const char *tool_default_model(void);
/* Processors this process may run on: the default of -j. */
int tool_threads(void);

/*
 * Threads for OpenBLAS. One where a model runs beside it: libllama's threads wait
 * by spinning, and a second set of them on the same cores doubles the time of a token.
 */
void tool_blas_threads(int n);

void tool_verbose(int on);
int tool_is_verbose(void);
/*
 * Keeps a line on stderr up to date, on a terminal, or prints one every ten seconds with -v:
 * "NAME: 12 of 24 prompts, 118 tokens/s, 3 s". `done` is how many records of `in`, called `what`, are
 * done; their total is shown where stream_total knows it. The speed is that of n, counted in `unit`,
 * since the first call, which comes with 0 before the first record.
 */
void tool_progress(const struct stream *in, const char *what, uint64_t done, const char *unit, uint64_t n);
/* Ends the line: it stays, with what tool_progress was told last. Leaving the tool does it, too. */
void tool_progress_end(void);
/* With -v, "NAME: message, SECONDS s" on stderr: what a run was, at its end. */
void tool_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* With -v, "NAME: text" on stderr: what such figures mean. */
void tool_remark(const char *text);

/* The link of this tool's run for the stream's chain (header_add_link with this argv). */
void tool_link(struct header *h, const uint64_t *seed);

extern const char tool_version[];	/* ODESTEER_VERSION */

#endif
