#include "stream/groups.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/* A node of the tsearch tree. */
struct name {
	const char *text;	/* the bytes after it */
	size_t number;
};

struct groups {
	void *tree;
	struct name **by_number;
	size_t n, room;
};

struct groups *
groups_alloc(void)
{
	return calloc(1, sizeof(struct groups));
}

void
groups_free(struct groups *n)
{
	if (n == NULL)
		return;
	tdestroy(n->tree, free);
	free(n->by_number);
	free(n);
}

size_t
groups_count(const struct groups *n)
{
	return n->n;
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(((const struct name *)a)->text, ((const struct name *)b)->text);
}

int
groups_find(const struct groups *n, const char *name, size_t *number)
{
	struct name key = { name, 0 }, **found;

	if ((found = tfind(&key, &n->tree, by_text)) == NULL)
		return 0;
	*number = (*found)->number;
	return 1;
}

int
groups_add(struct groups *n, const char *name, size_t *number, struct err *e)
{
	struct name **p, *new;

	if (groups_find(n, name, number))
		return 0;
	if ((p = array_grow(n->by_number, n->n + 1, &n->room, sizeof *p)) == NULL)
		return err_memory(e);
	n->by_number = p;
	if ((new = malloc(sizeof *new + strlen(name) + 1)) == NULL)
		return err_memory(e);
	new->text = strcpy((char *)(new + 1), name);
	*number = new->number = n->n;
	if (tsearch(new, &n->tree, by_text) == NULL) {
		free(new);
		return err_memory(e);
	}
	p[n->n++] = new;
	return 1;
}

const char *
groups_text(const struct groups *n, size_t number)
{
	return n->by_number[number]->text;
}

int
groups_add_record(struct groups *n, const struct record *r, size_t *number, struct err *e)
{
	char name[RECORD_KEY_SIZE];

	if (record_get_key(r, record_has(r, "group") ? "group" : "id", name, sizeof name, e) != 0)
		return -1;
	return groups_add(n, name, number, e);
}
