/*
 * import - a vector from elsewhere: the direction of a GGUF control vector.
 *
 * It is taken as it is, its length and its sign too, whatever the activations say. These give it
 * an h along it (constant.c).
 */
#include <stdlib.h>

#include "field/constant.h"
#include "model/cvec.h"

extern const struct field_type field_import;

static int
read_vector(struct constant *f, const struct fit_options *o, struct err *e)
{
	size_t dim = f->base.dim, i;
	float *v;
	int rc;

	if (o->vector == NULL)
		return err_set(e, "'import' needs the path of a control vector");
	if ((v = calloc(dim, sizeof *v)) == NULL)
		return err_memory(e);
	rc = cvec_read(o->vector, o->block, v, dim, e);
	for (i = 0; i < dim; i++)
		f->v[i] = (double)v[i];
	free(v);
	return rc;
}

static struct field *
fit(const struct fit_data *d, const struct fit_options *o, struct fit_report *rep, struct err *e)
{
	struct constant *f = constant_alloc(&field_import, sizeof *f, d->dim, e);

	if (f == NULL)
		return NULL;
	if (read_vector(f, o, e) == 0 && constant_along(f, d, o, rep, e) == 0)
		return &f->base;
	constant_free(&f->base);
	return NULL;
}

const struct field_type field_import = {
	.name = "import",
	.about = "the vector of a GGUF control vector (--vector)",
	.kind = FIELD_CONSTANT_FLOW,
	.has_h = 1,
	.one_vector = 1,
	.uses = FIELD_USES_VECTOR,
	.fit = fit,
	.save = constant_save,
	.load = constant_load,
	.free = constant_free,
	.eval = constant_eval,
};
