#include "field.h"

#include <string.h>

extern const struct field_type field_polysketch;

static const struct field_type *const table[] = {
	&field_polysketch,
	NULL
};

const struct field_type *const *
field_table(void)
{
	return table;
}

const struct field_type *
field_find(const char *name)
{
	size_t i;

	for (i = 0; table[i] != NULL; i++)
		if (strcmp(table[i]->name, name) == 0)
			return table[i];
	return NULL;
}

void
field_options_default(struct field_options *o)
{
	*o = (struct field_options){ .C = 1, .degree = 2, .components = 8000, .gamma = 0.1, .coef0 = 1,
	    .folds = 5 };
}
