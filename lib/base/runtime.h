/*
 * runtime - settings that OpenMP and OpenBLAS read before main, in constructors of their libraries.
 *
 * They can only be changed in the environment of a new process image.
 */
#ifndef ODESTEER_RUNTIME_H
#define ODESTEER_RUNTIME_H

/*
 * Starts the program again, with the arguments argv, if one of these is to be set:
 *
 *   GOMP_SPINCOUNT=1000, unless it or OMP_WAIT_POLICY is set. By default waiting threads spin for
 *   milliseconds, which takes the cores from other processes: beside one busy process on two cores,
 *   32 prompts took 48 s instead of 3.7 s.
 *
 *   OPENBLAS_CORETYPE, unless it is set, if OpenBLAS does not know the processor and took its SSE2
 *   kernels although the processor has AVX2 or AVX-512.
 *
 * Call it first in main: it returns if nothing is to be set, or if the program cannot be started again.
 */
void runtime_start(char *argv[]);

#endif
