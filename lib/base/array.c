#include "base/array.h"

#include <stdint.h>
#include <stdlib.h>

void *
array_grow(void *p, size_t n, size_t *room, size_t size)
{
	size_t more = *room > 0 ? *room : 16;

	if (p != NULL && n <= *room)
		return p;
	if (n > SIZE_MAX / 4 / size)
		return NULL;
	while (more < n)
		more *= 2;
	if ((p = realloc(p, more * size)) != NULL)
		*room = more;
	return p;
}
