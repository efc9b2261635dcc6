#include "metric/metric.h"

#include <string.h>

extern const struct metric metric_density;
extern const struct metric metric_mc;
extern const struct metric metric_judge;
extern const struct metric metric_perplexity;
extern const struct metric metric_distinct;
extern const struct metric metric_bleu;
extern const struct metric metric_rouge;

static const struct metric *const table[] = {
	&metric_density,
	&metric_mc,
	&metric_judge,
	&metric_perplexity,
	&metric_distinct,
	&metric_bleu,
	&metric_rouge,
	NULL
};

const struct metric *const *
metric_table(void)
{
	return table;
}

const struct metric *
metric_find(const char *name)
{
	size_t i;

	for (i = 0; table[i] != NULL; i++)
		if (strcmp(table[i]->name, name) == 0)
			return table[i];
	return NULL;
}
