#include "flow_options.h"

#include <string.h>

#include "number.h"

struct flows flows;

struct strength
flow_options_length(const char *text)
{
	struct strength T;
	size_t n = strlen(text);

	if (strength_parse(&T, text) == 0)
		return T;
	if (text[0] == '-' && n > 3 && strcmp(text + n - 3, "nat") == 0)
		tool_misuse("-T: '%s': nats are not negative; for the opposite direction give a "
		    "length such as -0.1r", text);
	tool_misuse("-T: '%s' is neither a length such as 5, 0.03r or 0.2nat nor auto", text);
}

static void
add_barrier(const char *path)
{
	if (flows.n == STEERING_MAX)
		tool_misuse("-b: more than %d barriers", STEERING_MAX);
	flows.flow[flows.n].path = path;
	flows.flow[flows.n].where = flows.where;
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

const char *
flow_options_when(const char *text, double *quantile)
{
	const char *colon = strrchr(text, ':');

	if (colon == NULL || colon == text)
		tool_misuse("--when: '%s' is not a barrier and a quantile, such as barrier.ods:0.5",
		    text);
	*quantile = number_double("--when", colon + 1, 0, 1);
	return tool_need(strndup(text, (size_t)(colon - text)));
}

/* Reads an option about the positions to steer. Returns 0 if it is another. */
static int
parse_where(struct steering_where *w, const char *option, const char *text)
{
	static const char *const at[] = { "completion", "last", "all" };
	unsigned i = 0;

	if (strcmp(option, "--at") == 0) {
		while (i < 3 && strcmp(text, at[i]) != 0)
			i++;
		if (i == 3)
			tool_misuse("--at: '%s' is none of completion|last|all", text);
		w->at = i;
	} else if (strcmp(option, "--first") == 0) {
		w->first = (unsigned)number_long(option, text, 1, 1000000);
	} else if (strcmp(option, "--skip") == 0) {
		w->skip = (unsigned)number_long(option, text, 0, 1000000);
	} else if (strcmp(option, "--when") == 0) {
		w->when = flow_options_when(text, &w->quantile);
	} else
		return 0;
	return 1;
}

void
flow_options_parse(const char *option, const char *text)
{
	struct flow_options *o = flows.n > 0 ? &flows.flow[flows.n - 1].o : &flows.common;

	if (strcmp(option, "-b") == 0) {
		add_barrier(text);
		return;
	}
	flows.given = 1;
	if (parse_where(flows.n > 0 ? &flows.flow[flows.n - 1].where : &flows.where, option, text))
		return;
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
}

void
flow_options_check(void)
{
	size_t i;

	if (flows.given && flows.n == 0)
		tool_misuse("a flow needs a barrier: -b");
	for (i = 0; i < flows.n; i++) {
		const struct steering_where *w = &flows.flow[i].where;

		if (w->at == STEERING_LAST && (w->skip > 0 || w->first > 0))
			tool_misuse("--at last is one position: %s does not go with it",
			    w->skip > 0 ? "--skip" : "--first");
		if (w->at == STEERING_ALL && w->when != NULL)
			tool_misuse("--at all does not go with --when, which decides only at the "
			    "prompt's last token");
	}
}

void
flow_options_steer(struct steering *s, int threads, struct header *h)
{
	struct err e;
	size_t i;

	for (i = 0; i < flows.n; i++) {
		flows.flow[i].o.threads = (unsigned)threads;
		tool_check(steering_add_file(s, flows.flow[i].path, &flows.flow[i].o,
		    &flows.flow[i].where, h, &e), &e);
	}
}

void
flow_options_count(const struct steering *s, struct sink *out)
{
	struct steering_count c = steering_counted(s);
	struct err e;

	tool_check(sink_set_int(out, "steered", c.seen, &e), &e);
	tool_check(sink_set_int(out, "moved", c.moved, &e), &e);
	tool_check(sink_set_num(out, "mean_length", c.seen > 0 ? c.length / (double)c.seen : 0,
	    &e), &e);
}

void
flow_options_report(const struct steering *s)
{
	struct steering_count c = steering_counted(s);

	tool_note("%llu activations steered, %.1f %% of them moved, mean length %.4g",
	    (unsigned long long)c.seen, c.seen > 0 ? 100 * (double)c.moved / (double)c.seen : 0,
	    c.seen > 0 ? c.length / (double)c.seen : 0);
}
