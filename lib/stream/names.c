#include "stream/names.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

/* What tsearch keeps: the name is the first member. */
struct name {
	char text[NAMES_SIZE];
	size_t number;
};

struct names {
	void *tree;
	struct name **by_number;
	size_t n, room;
};

struct names *
names_alloc(void)
{
	return calloc(1, sizeof(struct names));
}

void
names_free(struct names *n)
{
	if (n == NULL)
		return;
	tdestroy(n->tree, free);
	free(n->by_number);
	free(n);
}

size_t
names_count(const struct names *n)
{
	return n->n;
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(((const struct name *)a)->text, ((const struct name *)b)->text);
}

int
names_number(struct names *n, const char *name, size_t *number, struct err *e)
{
	struct name *new, **found;

	if (n->n == n->room) {
		size_t room = n->room > 0 ? 2 * n->room : 256;
		struct name **p = realloc(n->by_number, room * sizeof *p);

		if (p == NULL)
			return err_memory(e);
		n->by_number = p;
		n->room = room;
	}
	if ((new = calloc(1, sizeof *new)) == NULL)
		return err_memory(e);
	strncpy(new->text, name, sizeof new->text - 1);
	new->number = n->n;
	if ((found = tsearch(new, &n->tree, by_text)) == NULL) {
		free(new);
		return err_memory(e);
	}
	*number = (*found)->number;
	if (*found != new) {
		free(new);
		return 0;
	}
	n->by_number[n->n++] = new;
	return 1;
}

int
names_find(const struct names *n, const char *name, size_t *number)
{
	struct name key = { .number = 0 }, **found;

	strncpy(key.text, name, sizeof key.text - 1);
	if ((found = tfind(&key, &n->tree, by_text)) == NULL)
		return 0;
	*number = (*found)->number;
	return 1;
}

const char *
names_text(const struct names *n, size_t number)
{
	return n->by_number[number]->text;
}

int
names_group(struct names *n, const struct record *r, size_t *number, struct err *e)
{
	char name[NAMES_SIZE];

	if (record_get_key(r, record_has(r, "group") ? "group" : "id", name, sizeof name, e) != 0)
		return -1;
	return names_number(n, name, number, e);
}
