/* golden - reads the reference numbers of tests/golden with jansson. */
#ifndef ODESTEER_GOLDEN_H
#define ODESTEER_GOLDEN_H

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static inline json_t *
golden_load(const char *path)
{
	json_error_t why;
	json_t *j = json_load_file(path, 0, &why);

	if (j == NULL) {
		printf("Bail out! %s: %s\n", path, why.text);
		exit(1);
	}
	return j;
}

static inline size_t
golden_flatten(const json_t *v, double *out)
{
	size_t i, n = 0;

	if (!json_is_array(v)) {
		*out = json_number_value(v);
		return 1;
	}
	for (i = 0; i < json_array_size(v); i++)
		n += golden_flatten(json_array_get(v, i), out + n);
	return n;
}

/* Returns all numbers of an array of arrays, row-major; the caller frees them. */
static inline double *
golden_numbers(const json_t *v, size_t *n)
{
	enum { MOST = 1 << 20 };
	double *out = malloc(MOST * sizeof *out);
	size_t got;

	if (out == NULL || v == NULL) {
		printf("Bail out! a golden value is missing\n");
		exit(1);
	}
	got = golden_flatten(v, out);
	if (n != NULL)
		*n = got;
	return out;
}

#endif
