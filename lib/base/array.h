/* array - grows an array by doubling it. */
#ifndef ODESTEER_ARRAY_H
#define ODESTEER_ARRAY_H

#include <stddef.h>

/*
 * Makes room for n items of `size` bytes in the array p, which has room for
 * *room. p is NULL at first. Returns the array, which may have moved, and sets
 * *room. Returns NULL if memory runs out; p then stays valid.
 */
void *array_grow(void *p, size_t n, size_t *room, size_t size);

#endif
