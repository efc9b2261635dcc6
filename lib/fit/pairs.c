#include "fit/pairs.h"

#include <stdlib.h>

#include "fit/train.h"

/* The rows, sorted by whether they are held out, then by group. */
struct parts {
	size_t *row;	/* [d->n] */
	size_t *first;	/* [2 groups + 1], where each group begins in row */
	size_t groups;
};

/*
 * Returns whether at least half of the groups have both labels. seen[n_group]
 * is scratch memory, zero before and after.
 */
static int
groups_are_mixed(const struct fit_data *d, size_t *seen)
{
	size_t i, g, groups = 0, mixed = 0;

	for (i = 0; i < d->n; i++)
		seen[d->group[i]] |= d->label[i] ? 1 : 2;
	for (g = 0; g < d->n_group; g++) {
		groups += seen[g] != 0;
		mixed += seen[g] == 3;
		seen[g] = 0;
	}
	return 2 * mixed >= groups;
}

static size_t
part_of(const struct parts *s, const struct fit_data *d, const int *held, size_t i)
{
	return (held[i] ? s->groups : 0) + (s->groups > 1 ? (size_t)d->group[i] : 0);
}

/* Sorts the rows; those of a group keep their order. s->first is zero. */
static void
sort_rows(struct parts *s, const struct fit_data *d, const int *held)
{
	size_t i, k;

	for (i = 0; i < d->n; i++)
		s->first[part_of(s, d, held, i) + 1]++;
	for (k = 0; k < 2 * s->groups; k++)
		s->first[k + 1] += s->first[k];
	for (i = 0; i < d->n; i++)
		s->row[s->first[part_of(s, d, held, i)]++] = i;
	for (k = 2 * s->groups; k > 0; k--)
		s->first[k] = s->first[k - 1];
	s->first[0] = 0;
}

/* Returns how many pairs the rows row[n] make. */
static size_t
count_pairs(const struct fit_data *d, enum pairing how, const size_t *row, size_t n)
{
	size_t i, positives = 0, least;

	for (i = 0; i < n; i++)
		positives += d->label[row[i]] != 0;
	if (how == PAIR_ALL)
		return positives * (n - positives);
	least = positives < n - positives ? positives : n - positives;
	return how == PAIR_FIRST && least > 1 ? 1 : least;
}

static size_t
count_all(const struct fit_data *d, enum pairing how, const struct parts *s)
{
	size_t k, n = 0;

	for (k = 0; k < 2 * s->groups; k++)
		n += count_pairs(d, how, s->row + s->first[k], s->first[k + 1] - s->first[k]);
	return n;
}

/* Adds the pairs of the rows row[n]. */
static void
add_pairs(struct pairs *p, const struct fit_data *d, enum pairing how, const size_t *row, size_t n)
{
	size_t left = how == PAIR_ALL ? 0 : count_pairs(d, how, row, n), i, j;

	for (i = 0; how == PAIR_ALL && i < n; i++)
		for (j = 0; d->label[row[i]] && j < n; j++)
			if (!d->label[row[j]])
				p->pair[p->n++] = (struct pair){ row[i], row[j] };
	for (i = j = 0; left > 0; left--) {
		while (!d->label[row[i]])
			i++;
		while (d->label[row[j]])
			j++;
		p->pair[p->n++] = (struct pair){ row[i++], row[j++] };
	}
}

/* Returns 0, or -1 if out of memory. Either way, the caller frees s. */
static int
parts_init(struct parts *s, const struct fit_data *d, const int *held, enum pairing *how)
{
	s->groups = d->n_group;
	s->row = calloc(d->n, sizeof *s->row);
	s->first = calloc(2 * d->n_group + 1, sizeof *s->first);
	if (s->row == NULL || s->first == NULL)
		return -1;
	if (*how == PAIR_ALL && !groups_are_mixed(d, s->first)) {
		*how = PAIR_IN_ORDER;
		s->groups = 1;
	}
	sort_rows(s, d, held);
	if (*how == PAIR_ALL && count_all(d, PAIR_ALL, s) > PAIRS_MOST)
		*how = PAIR_IN_ORDER;
	return 0;
}

int
pairs_make(struct pairs *p, const struct fit_data *d, const int *held, enum pairing how)
{
	struct parts s;
	int rc = parts_init(&s, d, held, &how);
	size_t k;

	*p = (struct pairs){ NULL, 0, 0 };
	if (rc != 0 || (p->pair = calloc(count_all(d, how, &s) + 1, sizeof *p->pair)) == NULL)
		rc = -1;
	for (k = 0; rc == 0 && k < 2 * s.groups; k++) {
		add_pairs(p, d, how, s.row + s.first[k], s.first[k + 1] - s.first[k]);
		if (k + 1 == s.groups)
			p->n_fit = p->n;
	}
	free(s.row);
	free(s.first);
	return rc;
}

int
pairs_split(struct pairs *p, const struct fit_data *d, const struct fit_options *o,
    enum pairing how, struct err *e)
{
	int *held = calloc(d->n, sizeof *held), rc = held != NULL ? 0 : err_memory(e);
	unsigned part;

	*p = (struct pairs){ NULL, 0, 0 };
	for (part = 0; rc == 0 && part < TRAIN_PARTS; part++) {
		if (train_hold_out(d, o, part, held) != 0 || pairs_make(p, d, held, how) != 0)
			rc = err_memory(e);
		else if (p->n_fit >= 2 && p->n > p->n_fit)
			break;
		free(p->pair);
		p->pair = NULL;
	}
	if (rc == 0 && part == TRAIN_PARTS)
		rc = err_set(e, "no tenth of the groups can be held out: it must have one pair of "
		    "a positive and a negative, and the others two");
	free(held);
	return rc;
}
