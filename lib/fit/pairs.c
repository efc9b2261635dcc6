#include "fit/pairs.h"

#include <stdlib.h>

#include "base/array.h"

/*
 * Sets order[n] to the rows by group, in their order, and first[n_group + 1] to
 * where each group begins there.
 */
static void
sort_by_group(const struct fit_data *d, size_t *order, size_t *first)
{
	size_t i, g;

	for (i = 0; i < d->n; i++)
		first[d->group[i] + 1]++;
	for (g = 0; g < d->n_group; g++)
		first[g + 1] += first[g];
	for (i = 0; i < d->n; i++)
		order[first[d->group[i]]++] = i;
	for (g = d->n_group; g > 0; g--)
		first[g] = first[g - 1];
	first[0] = 0;
}

/* Adds a pair, of which *cap fit. Returns 0, or -1 if out of memory. */
static int
add(struct pairs *p, size_t *cap, size_t positive, size_t negative)
{
	struct pair *grown = array_grow(p->pair, p->n + 1, cap, sizeof *grown);

	if (grown == NULL)
		return -1;
	p->pair = grown;
	p->pair[p->n++] = (struct pair){ positive, negative };
	return 0;
}

/*
 * Adds all pairs of the rows row[n], one group. Returns 0, or -1 if out of
 * memory.
 */
static int
add_group(struct pairs *p, size_t *cap, const struct fit_data *d, const size_t *row, size_t n)
{
	size_t i, j;

	for (i = 0; i < n; i++)
		for (j = 0; d->label[row[i]] && j < n; j++)
			if (!d->label[row[j]] && add(p, cap, row[i], row[j]) != 0)
				return -1;
	return 0;
}

/*
 * Adds the i-th positive with the i-th negative, of the rows with this held.
 * Returns 0, or -1 if out of memory.
 */
static int
add_in_order(struct pairs *p, size_t *cap, const struct fit_data *d, const int *held, int which)
{
	size_t i = 0, j = 0;

	for (;; i++, j++) {
		while (i < d->n && (!d->label[i] || held[i] != which))
			i++;
		while (j < d->n && (d->label[j] || held[j] != which))
			j++;
		if (i == d->n || j == d->n)
			return 0;
		if (add(p, cap, i, j) != 0)
			return -1;
	}
}

/* Returns whether at least half of the groups have both labels. */
static int
groups_are_mixed(const struct fit_data *d, const size_t *order, const size_t *first)
{
	size_t g, i, groups = 0, mixed = 0;

	for (g = 0; g < d->n_group; g++) {
		groups += first[g] < first[g + 1];
		for (i = first[g]; i < first[g + 1]; i++)
			if (d->label[order[i]] != d->label[order[first[g]]]) {
				mixed++;
				break;
			}
	}
	return 2 * mixed >= groups;
}

/* Adds all pairs. Returns 0, or -1 if out of memory. */
static int
add_all(struct pairs *p, const struct fit_data *d, const int *held, const size_t *order,
    const size_t *first)
{
	int which, mixed = groups_are_mixed(d, order, first), failed = 0;
	size_t cap = 0, g;

	for (which = 0; !failed && which <= 1; which++) {
		for (g = 0; mixed && !failed && g < d->n_group; g++)
			if (first[g] < first[g + 1] && held[order[first[g]]] == which)
				failed = add_group(p, &cap, d, order + first[g],
				    first[g + 1] - first[g]);
		if (!mixed)
			failed = add_in_order(p, &cap, d, held, which);
		if (which == 0)
			p->n_fit = p->n;
	}
	return failed;
}

int
pairs_make(struct pairs *p, const struct fit_data *d, const int *held, struct err *e)
{
	size_t *order = calloc(d->n, sizeof *order);
	size_t *first = calloc(d->n_group + 1, sizeof *first);
	int rc = 0;

	*p = (struct pairs){ NULL, 0, 0 };
	if (order == NULL || first == NULL) {
		rc = err_memory(e);
	} else {
		sort_by_group(d, order, first);
		rc = add_all(p, d, held, order, first) != 0 ? err_memory(e) : 0;
	}
	free(order);
	free(first);
	if (rc == 0 && (p->n_fit == 0 || p->n_fit == p->n))
		rc = err_set(e, "there are no pairs of a positive and a negative to %s: more "
		    "groups are needed", p->n_fit == 0 ? "fit to" : "hold out for validation");
	return rc;
}
