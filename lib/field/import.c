/*
 * import - a vector from another program: the direction of a GGUF control
 * vector.
 *
 * Its length and sign are kept, whatever the activations say. h is fitted along
 * it (constant.h).
 */
#include <stdlib.h>

#include "field/constant.h"
#include "model/cvec.h"

/* Reads v[dim] from o->vector. Returns 0, or -1 with a message in e. */
static int
read_vector(double *v, const struct fit_data *d, const struct fit_options *o, struct err *e)
{
	float *single;
	size_t i;
	int rc;

	if (o->vector == NULL)
		return err_set(e, "'import' needs the path of a control vector");
	if ((single = calloc(d->dim, sizeof *single)) == NULL)
		return err_memory(e);
	rc = cvec_read(o->vector, o->block, single, d->dim, e);
	for (i = 0; i < d->dim; i++)
		v[i] = (double)single[i];
	free(single);
	return rc;
}

const struct field_type field_import = {
	.name = "import",
	.about = "the vector of a GGUF control vector (--vector)",
	.kind = FIELD_CONSTANT_FLOW,
	.uses = FIELD_USES_VECTOR,
	.fit = constant_fit_along,
	.vector = read_vector,
	CONSTANT_FIELD,
};
