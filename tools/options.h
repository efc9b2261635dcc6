/*
 * options - a table of a tool's options, by which they are read and listed by
 * -h.
 *
 * Wrong usage (an unknown option, a missing value, a number out of range) ends
 * the run with exit status 2 and a message that names the option.
 */
#ifndef ODESTEER_OPTIONS_H
#define ODESTEER_OPTIONS_H

#include <getopt.h>

#include "tool.h"

enum option_kind {
	OPTION_FLAG,		/* an int, set to 1; the option takes no value */
	OPTION_TEXT,		/* a const char * */
	OPTION_FILE,		/* the same, and not empty */
	OPTION_CHOICE,		/* an enum: the place, from 0, of one of the words of `value` */
	OPTION_INT,		/* an int or unsigned in [min, max] */
	OPTION_DOUBLE,		/* a double in [min, max] */
	OPTION_SEED,		/* a uint64_t below 2^63 */
	OPTION_SEED32		/* a uint64_t below 2^32 */
};

/* An option; a table of them ends with a row whose name is NULL. */
struct tool_option {
	const char *name;	/* as users write it: "-j" or "--context" */
	const char *value;	/* what -h calls its value, or "raw|chat"; NULL for a flag */
	const char *about;	/* what -h says of it */
	enum option_kind kind;	/* the type of *to */
	void *to;		/* where the value goes; what it holds before is the default */
	double min, max;
	void (*parse)(const char *option, const char *text);	/* reads the value; NULL: by kind */
	unsigned bit;		/* for the tool's own use */
	int given;		/* 0, or its place, from 1, among the options given */
};

/*
 * Reads the options of argv by the table o, and -h and -V, which print and
 * exit. The operands are then argv[optind .. argc - 1].
 */
void options_parse(struct tool_option *o, int argc, char *argv[]);

/* Refuses the value of an option unless it is UTF-8, as chains are. */
void options_check_text(const char *option, const char *text);

/* Returns member `given` of the option `name` of the table o. */
int options_given(const struct tool_option *o, const char *name);

/* Prints the table o for -h, with the defaults. */
void options_print(const struct tool_option *o);

/*
 * Rows for the table of a tool: -j, and the options of one that writes a
 * stream.
 */
#define THREADS_OPTION(threads) \
	{ "-j", "threads", "number of threads", OPTION_INT, .to = &(threads), \
	    .min = 1, .max = THREADS_MAX }
#define OUTPUT_OPTIONS(verbose) \
	{ "-o", "file", "write to this file (default: standard output)", OPTION_FILE, \
	    .to = &tool_output.path }, \
	{ "-z", NULL, "compress the output with gzip", OPTION_FLAG, .to = &tool_output.gzip }, \
	{ "-v", NULL, verbose, OPTION_FLAG, .to = &tool_verbose }

#endif
