#!/bin/sh
# The fuzz targets survive mutations of good input: a thousand of each in every check, five with FULL. With
# FUZZ_S each target runs for that many seconds, and each time from other random numbers.
# shellcheck disable=SC2317 # each_target calls fuzz
. tests/tap.sh
. tests/fuzz/inputs.sh
[ -n "${ODESTEER_FUZZ-}" ] || skip_all 'ODESTEER_FUZZ, the folder of the targets, is not set; make check sets it'

n=1000
[ -z "${FULL-}" ] || n=5000
seed=$(date +%s)
make_inputs
fuzz() { # TARGET FILES...
	target=$1
	shift
	if [ -n "${FUZZ_S-}" ]; then
		ok "$target: $FUZZ_S seconds from seed $seed" "$ODESTEER_FUZZ/$target" -s "$FUZZ_S" -S "$seed" "$@"
		echo "# $target: $(grep executions "$tmp/tap.out")"
	else
		ok "$target: $n mutations of $# files" "$ODESTEER_FUZZ/$target" -n "$n" "$@"
	fi
	if [ -e mutated ]; then
		mv mutated "$ODESTEER_FUZZ/$target.mutated"
		echo "# $ODESTEER_FUZZ/$target.mutated holds the input"
	fi
}
each_target fuzz
finish
