/*
 * What runtime_start sets, if OpenBLAS reports the kernels in $KERNELS: this program starts itself with
 * an argument, and then prints its environment.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/runtime.h"
#include "tap.h"

char *openblas_get_corename(void);

/* replaces OpenBLAS's function */
char *
openblas_get_corename(void)
{
	return getenv("KERNELS");
}

static const char *
variable(const char *name)
{
	const char *value = getenv(name);

	return value != NULL ? value : "-";
}

static void
check(const char *about, const char *settings, const char *wanted)
{
	char command[512], got[256] = "";
	FILE *f;

	snprintf(command, sizeof command, "env -u GOMP_SPINCOUNT -u OMP_WAIT_POLICY -u OPENBLAS_CORETYPE "
	    "KERNELS=Haswell %s /proc/%d/exe 'a b' ''", settings, (int)getpid());
	if ((f = popen(command, "r")) == NULL || fgets(got, sizeof got, f) == NULL)
		got[0] = '\0';
	ok(f != NULL && pclose(f) == 0 && strcmp(got, wanted) == 0, "%s: %s", about, got);
}

/* Returns the kernels for a processor that OpenBLAS does not know, from its flags in /proc/cpuinfo. */
static const char *
best_kernels(void)
{
	if (system("for f in f bw cd dq vl; do grep -qw avx512$f /proc/cpuinfo || exit 1; done") == 0)
		return "SkylakeX";
	return system("grep -qw avx2 /proc/cpuinfo && grep -qw fma /proc/cpuinfo") == 0 ? "Haswell" : "-";
}

int
main(int argc, char *argv[])
{
	char wanted[64];

	if (argc > 1) {
		runtime_start(argv);
		printf("%s %s %s, %d arguments: '%s' '%s'", variable("GOMP_SPINCOUNT"), variable("OMP_WAIT_POLICY"),
		    variable("OPENBLAS_CORETYPE"), argc - 1, argv[1], argv[argc - 1]);
		return 0;
	}
	check("nothing set", "", "1000 - -, 2 arguments: 'a b' ''");
	check("spins set", "GOMP_SPINCOUNT=7", "7 - -, 2 arguments: 'a b' ''");
	check("a policy set", "OMP_WAIT_POLICY=passive", "- passive -, 2 arguments: 'a b' ''");
	snprintf(wanted, sizeof wanted, "1000 - %s, 2 arguments: 'a b' ''", best_kernels());
	check("an unknown processor", "KERNELS=Prescott", wanted);
	check("kernels asked for", "KERNELS=Prescott OPENBLAS_CORETYPE=Prescott",
	    "1000 - Prescott, 2 arguments: 'a b' ''");
	return tap_done();
}
