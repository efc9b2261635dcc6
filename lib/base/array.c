#include "base/array.h"

#include <stdlib.h>

void *
array_grow(void *p, size_t n, size_t *room, size_t size)
{
	size_t more = *room > 0 ? 2 * *room : 256;

	if (n < *room)
		return p;
	if ((p = realloc(p, more * size)) != NULL)
		*room = more;
	return p;
}
