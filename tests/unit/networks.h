/* networks - shared by the tests of fields with a network: golden layers, activations with a known answer. */
#ifndef ODESTEER_TEST_NETWORKS_H
#define ODESTEER_TEST_NETWORKS_H

#include <cblas.h>

#include "fields.h"

/* Sets p to the layers [{W, b}], as a network's parameters are ordered. Returns their number. */
static inline size_t
golden_layers(const json_t *layers, double *p)
{
	const json_t *layer;
	size_t i, n = 0;

	json_array_foreach(layers, i, layer) {
		n += golden_flatten(json_object_get(layer, "W"), p + n);
		n += golden_flatten(json_object_get(layer, "b"), p + n);
	}
	return n;
}

/* Returns a number of the golden object. */
static inline double
golden_number(const json_t *j, const char *name)
{
	const json_t *v = json_object_get(j, name);

	if (!json_is_number(v)) {
		printf("Bail out! no golden number '%s'\n", name);
		exit(1);
	}
	return json_number_value(v);
}

/* Returns the largest |a - b| / max(|b|) of n numbers. */
static inline double
relative(const double *a, const double *b, size_t n)
{
	double worst = 0, size = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		worst = fmax(worst, fabs(a[i] - b[i]));
		size = fmax(size, fabs(b[i]));
	}
	return worst / size;
}

/* Returns a field that is loaded from r, or ends the test. */
static inline struct field *
load_field(const struct record *r, size_t dim)
{
	struct err e;
	struct field *f = field_load(r, dim, &e);

	if (f == NULL) {
		printf("Bail out! %s\n", e.text);
		exit(1);
	}
	return f;
}

/* Compares the message of loading r with one. */
static inline void
refused(const struct record *r, size_t dim, const char *message)
{
	struct err e = { "it is accepted" };
	struct field *f = field_load(r, dim, &e);

	ok(f == NULL && strcmp(e.text, message) == 0, "refused: %s", e.text);
	field_free(f);
}

/* Fits a field; ends the test if that fails. */
static inline struct field *
fit_field(const char *name, const struct fit_data *d, const struct fit_options *o, struct fit_report *rep)
{
	struct err e;
	struct field *f = field_fit(field_find(name), d, o, rep, &e);

	if (f == NULL) {
		printf("Bail out! %s: %s\n", name, e.text);
		exit(1);
	}
	return f;
}

/* Returns the bytes of the saved field, *n of them, which the caller frees. */
static inline unsigned char *
saved_bytes(const struct field *f, size_t *n)
{
	struct record *r = record_alloc();
	struct buf b = { 0 };

	if (field_save(f, r) != 0 || record_to_wire(r, &b) != 0) {
		printf("Bail out! out of memory\n");
		exit(1);
	}
	record_free(r);
	*n = b.len;
	return b.p;
}

/* A network that no record can hold is refused before there is memory for it. */
static inline void
check_size(const char *name, unsigned MiB)
{
	enum { VAST = 1 << 20 };
	float *act = need(calloc(4, VAST * sizeof *act));
	struct fit_data d = { act, (int[]){ 0, 1, 0, 1 }, (int[]){ 0, 0, 1, 1 }, 4, VAST, 2, act };
	static struct fit_report rep;
	struct fit_options o;
	struct err e = { "it is accepted" };
	char message[ERR_SIZE];

	snprintf(message, sizeof message, "the barrier of '%s' would have %u MiB at dim %d: more than the 1024 MiB "
	    "of a record", name, MiB, VAST);
	fit_options_default(&o);
	ok(field_fit(field_find(name), &d, &o, &rep, &e) == NULL && strcmp(e.text, message) == 0, "refused: %s",
	    e.text);
	free(act);
}

/* Fits with one, two and three threads to wide rows, whose products are worth them: the bytes are the same. */
static inline void
check_threads(const char *name, size_t dim)
{
	enum { WIDE_ROWS = 160 };
	float *act = need(calloc(WIDE_ROWS * dim, sizeof *act));
	int label[WIDE_ROWS], group[WIDE_ROWS];
	struct fit_data d = { act, label, group, WIDE_ROWS, dim, WIDE_ROWS / 4, NULL };
	static struct fit_report rep;
	struct fit_options o;
	unsigned char *bytes[3];
	size_t n[3], i;
	int k;

	for (i = 0; i < WIDE_ROWS * dim; i++)
		act[i] = (float)sin(2.385 * (double)i + (double)(i * i % 1009));
	for (i = 0; i < WIDE_ROWS; i++) {
		label[i] = i % 2;
		group[i] = (int)(i / 4);
	}
	fit_options_default(&o);
	o.epochs = 2;
	for (k = 0; k < 3; k++) {
		struct field *f;

		openblas_set_num_threads(1 + k);
		f = fit_field(name, &d, &o, &rep);
		bytes[k] = saved_bytes(f, &n[k]);
		field_free(f);
	}
	openblas_set_num_threads(1);
	for (k = 1; k < 3; k++)
		ok(n[0] == n[k] && memcmp(bytes[0], bytes[k], n[0]) == 0, "%s: %d threads fit the same %zu bytes", name,
		    k + 1, n[0]);
	for (k = 0; k < 3; k++)
		free(bytes[k]);
	free(act);
}

#endif
