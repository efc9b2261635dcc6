#include "solver.h"

#include <string.h>

extern const struct solver solver_euler, solver_midpoint, solver_rk4, solver_rk4_38;

static const struct solver *const table[] = {
	&solver_euler,
	&solver_midpoint,
	&solver_rk4,
	&solver_rk4_38,
	NULL
};

const struct solver *const *
solver_table(void)
{
	return table;
}

const struct solver *
solver_find(const char *name)
{
	size_t i;

	for (i = 0; table[i] != NULL; i++)
		if (strcmp(table[i]->name, name) == 0)
			return table[i];
	return NULL;
}
