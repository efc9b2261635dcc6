/*
 * flow_options - the options of tools that follow flows: -b, -T, -n, -s,
 * --until and --tolerance, and of tools that steer a model: --at, --first,
 * --skip and --when.
 *
 * An option before the first -b is about every barrier, one after a -b about
 * that barrier.
 */
#ifndef ODESTEER_FLOW_OPTIONS_H
#define ODESTEER_FLOW_OPTIONS_H

#include "flow/flow.h"
#include "options.h"
#include "steer/steering.h"

/* The flows that the command line asks for. */
extern struct flows {
	struct flow_options common;	/* of barriers still to come; main sets the defaults */
	struct steering_where where;	/* likewise */
	int given;			/* an option other than -b was given */
	struct {
		const char *path;	/* of the barrier */
		struct flow_options o;
		struct steering_where where;
	} flow[STEERING_MAX];
	size_t n;
} flows;

/*
 * Reads the value `text` of one of these options; `-s help` prints and exits.
 */
void flow_options_parse(const char *option, const char *text);

/* Returns the length T that text names; wrong usage if it names none. */
struct strength flow_options_length(const char *text);

/*
 * Returns the path of the barrier in a value of --when, such as
 * "barrier.ods:0.5", and sets *quantile; wrong usage if text has another form.
 * The path stays until the program ends.
 */
const char *flow_options_when(const char *text, double *quantile);

/* Refuses, as wrong usage, options of flows without a barrier. */
void flow_options_check(void);

/*
 * Makes s follow all flows, each with so many threads, and names the barriers
 * in the last link of h's chain.
 */
void flow_options_steer(struct steering *s, int threads, struct header *h);

/* Writes into the end record how much was steered. */
void flow_options_count(const struct steering *s, struct sink *out);

/* Says how much was steered. */
void flow_options_report(const struct steering *s);

/*
 * Rows for the tool's table; -b and -T, which tools describe differently,
 * apart.
 */
#define FLOW_BARRIER(about) { "-b", "barrier", about, .parse = flow_options_parse }
#define FLOW_LENGTH_ABOUT \
	"how far to go: 1 is the vector of caa, import and repe, all of the way of a map, and " \
	"one unit of the activations for most other fields; 0.03r is 0.03 times their mean norm " \
	"in the fit, 0.2nat moves the next tokens that far by the curve of fitbarrier " \
	"--calibrate, -1 goes the other way, auto is what fitbarrier stored (default: that of " \
	"the field, 1 for most vectors and maps, and 5 for most flows)"
#define FLOW_LENGTH { "-T", "length", FLOW_LENGTH_ABOUT, .parse = flow_options_parse }
#define FLOW_OPTIONS \
	{ "-n", "steps", "number of steps, of solvers with fixed steps (default: that of the " \
	    "field, 10 for most)", .parse = flow_options_parse }, \
	{ "-s", "solver", "how to compute a step (default: euler; -s help lists solvers)", \
	    .parse = flow_options_parse }, \
	{ "--until", "q", "stop where h reaches the q-quantile of the positives' h, in [0, 1] " \
	    "(default: never)", .parse = flow_options_parse }, \
	{ "--tolerance", "x", "error allowed in a step, of adaptive solvers", OPTION_DOUBLE, \
	    .to = &flows.common.tolerance, .parse = flow_options_parse }
#define WHERE_OPTIONS \
	{ "--at", "completion|last|all", "positions to steer: from the prompt's last token on, " \
	    "only that one, or all of the text (default: completion)", \
	    .parse = flow_options_parse }, \
	{ "--first", "n", "steer at most n of these positions in each text (default: all)", \
	    .parse = flow_options_parse }, \
	{ "--skip", "n", "leave out the first n of them (default: 0)", \
	    .parse = flow_options_parse }, \
	{ "--when", "barrier:q", "steer a text only if h of this barrier at the prompt's last " \
	    "token is at least the q-quantile of its positives' h (default: always)", \
	    .parse = flow_options_parse }

#endif
