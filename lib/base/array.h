/* array - arrays that grow by doubling. */
#ifndef ODESTEER_ARRAY_H
#define ODESTEER_ARRAY_H

#include <stddef.h>

/*
 * Makes room for item n of an array p of *room items of `size` bytes. Returns the array, which may have
 * moved, and updates *room; NULL if memory runs out, and p is still valid.
 */
void *array_grow(void *p, size_t n, size_t *room, size_t size);

#endif
