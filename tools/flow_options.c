#include "flow_options.h"

#include <string.h>

#include "number.h"

struct flows flows;

struct strength
flow_options_length(const char *text)
{
	struct strength T;

	if (strength_parse(&T, text) != 0)
		tool_misuse("-T: '%s' is neither a length such as 5, 0.03r or 0.2nat nor auto",
		    text);
	return T;
}

static void
add_barrier(const char *path)
{
	if (flows.n == STEERING_MAX)
		tool_misuse("-b: more than %d barriers", STEERING_MAX);
	flows.flow[flows.n].path = path;
	flows.flow[flows.n++].o = flows.common;
}

static const struct solver *
parse_solver(const char *name)
{
	const struct solver *const *s, *found = solver_find(name);

	if (strcmp(name, "help") == 0) {
		for (s = solver_table(); *s != NULL; s++)
			printf("%-10s %s\n", (*s)->name, (*s)->about);
		tool_answered();
	}
	if (found == NULL)
		tool_misuse("-s: '%s' is not a solver (-s help lists them)", name);
	return found;
}

void
flow_options_parse(const char *option, const char *text)
{
	struct flow_options *o = flows.n > 0 ? &flows.flow[flows.n - 1].o : &flows.common;

	if (strcmp(option, "-b") == 0) {
		add_barrier(text);
		return;
	}
	if (strcmp(option, "-T") == 0) {
		o->T = flow_options_length(text);
	} else if (strcmp(option, "-n") == 0) {
		o->steps = (unsigned)number_long(option, text, 1, 1000000);
		o->given |= FLOW_STEPS;
	} else if (strcmp(option, "-s") == 0) {
		o->solver = parse_solver(text);
		o->given |= FLOW_SOLVER;
	} else if (strcmp(option, "--until") == 0) {
		o->until = number_double(option, text, 0, 1);
	} else {
		o->tolerance = number_double(option, text, 1e-14, 1e6);
		o->given |= FLOW_TOLERANCE;
	}
	flows.given = 1;
}

void
flow_options_check(void)
{
	if (flows.given && flows.n == 0)
		tool_misuse("a flow needs a barrier: -b");
}

void
flow_options_steer(struct steering *s, int threads, struct header *h)
{
	struct err e;
	size_t i;

	for (i = 0; i < flows.n; i++) {
		flows.flow[i].o.threads = (unsigned)threads;
		tool_check(steering_add_file(s, flows.flow[i].path, &flows.flow[i].o, h, &e), &e);
	}
}
