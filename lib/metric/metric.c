#include "metric/metric.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/utf8.h"

enum { SHOWN = 60 };		/* bytes of a long text that metric_add_asked shows */

extern const struct metric metric_density;
extern const struct metric metric_mc;
extern const struct metric metric_judge;
extern const struct metric metric_perplexity;
extern const struct metric metric_kl;
extern const struct metric metric_reward;
extern const struct metric metric_classify;
extern const struct metric metric_distinct;
extern const struct metric metric_bleu;
extern const struct metric metric_rouge;
extern const struct metric metric_toxicity;

static const struct metric *const table[] = {
	&metric_density,
	&metric_mc,
	&metric_judge,
	&metric_perplexity,
	&metric_kl,
	&metric_reward,
	&metric_classify,
	&metric_distinct,
	&metric_bleu,
	&metric_rouge,
	&metric_toxicity,
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

/* Returns whether m has a column of this field. */
static int
has_column(const struct metric *m, const char *field)
{
	const struct column *c;

	for (c = m->columns; c->title != NULL; c++)
		if (strcmp(c->field, field) == 0 ||
		    (c->other != NULL && strcmp(c->other, field) == 0))
			return 1;
	return 0;
}

int
metric_is_taken(const struct metric *m, const char *field)
{
	static const char *const taken[] = { "odesteer", "id", "group", "label", "best", "split",
		"prompt", "completion", "question", "true", "false", "T", "sample", "tokens",
		"finish", "moved", "act", "at", "block", "pos", "h", "h_before", "h_after",
		"length", "steps", "loglik", NULL };
	size_t i;

	for (i = 0; taken[i] != NULL; i++)
		if (strcmp(taken[i], field) == 0)
			return 1;
	for (i = 0; table[i] != NULL; i++)
		if (table[i] != m && has_column(table[i], field))
			return 1;
	return 0;
}

int
metric_check_name(const struct metric *m, const char *name, struct err *e)
{
	size_t i = 0;

	while (isalpha((unsigned char)name[i]) || name[i] == '_' ||
	    (i > 0 && isdigit((unsigned char)name[i])))
		i++;
	if (i == 0 || name[i] != '\0' || i > METRIC_NAME)
		return err_set(e, "--as: '%s' is not a name of at most %d letters, digits and '_'",
		    name, METRIC_NAME);
	if (metric_is_taken(m, name))
		return err_set(e, "--as: the field '%s' has another meaning", name);
	return 0;
}

int
metric_add_by(struct header *h, struct err *e, const char *format, ...)
{
	char *text;
	va_list ap;
	int rc;

	va_start(ap, format);
	rc = vasprintf(&text, format, ap);
	va_end(ap);
	if (rc < 0)
		return err_memory(e);
	rc = header_add_value(h, "by", text);
	free(text);
	return rc == 0 ? 0 : err_memory(e);
}

int
metric_add_asked(struct header *h, const char *path, const char *digest, const char *text,
    struct err *e)
{
	size_t n = strlen(text);

	if (n <= 2 * SHOWN)
		return metric_add_by(h, e, "%s (%s), asked '%s'", basename(path), digest, text);
	return metric_add_by(h, e, "%s (%s), asked '%.*s...' (%016llx)", basename(path), digest,
	    (int)utf8_span(text, SHOWN), text,
	    (unsigned long long)hash_bytes(HASH_START, text, n));
}
