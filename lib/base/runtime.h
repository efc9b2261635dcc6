/*
 * runtime - settings of OpenMP and OpenBLAS.
 *
 * Both read them from the environment before main, so they can only be changed
 * by starting the program again.
 */
#ifndef ODESTEER_RUNTIME_H
#define ODESTEER_RUNTIME_H

/*
 * Starts the program again with the arguments argv if it has to set one of
 * these environment variables, or else returns. It also returns if the program
 * cannot be started again. Call it first in main.
 *
 *   GOMP_SPINCOUNT=1000, unless it or OMP_WAIT_POLICY is set. By default a
 *   waiting thread spins for milliseconds and keeps its core from other
 *   processes: with one other busy process on two cores, 32 prompts took 48 s
 *   instead of 3.7 s.
 *
 *   OPENBLAS_CORETYPE, unless it is set, if OpenBLAS does not know the
 *   processor and uses its SSE2 kernels although there is AVX2 or AVX-512.
 */
void runtime_start(char *argv[]);

#endif
