#!/bin/sh
# Every tool says so when it runs out of memory, whichever allocation fails, and leaves nothing half-written. Without
# FULL only some allocations are tried.
. tests/tap.sh
. tests/fault/runs.sh
shim=${ODESTEER_FUZZ-}/memory.so
[ -e "$shim" ] || skip_all "ODESTEER_FUZZ, the folder of memory.so, is not set; make check sets it"
ldd "$(command -v view)" | grep -q asan && skip_all 'a sanitiser has its own malloc'

make_inputs
each_run make_good
step=40
[ -z "${FULL-}" ] || step=1
export FAULT FAULT_HIT="$tmp/hit"
# shellcheck disable=SC2317 # each_run calls it
fail_each() { # NAME LINE
	tries=0
	bad=
	FAULT=1
	while :; do
		rm -f "$FAULT_HIT"
		try "$1" "$2" "LD_PRELOAD=$shim"
		[ -e "$FAULT_HIT" ] || break
		tries=$((tries + 1))
		[ -z "$complaint" ] || bad="$bad
allocation $FAULT: $complaint"
		FAULT=$((FAULT + step))
	done
	[ "$tries" != 0 ] || bad='no allocation failed'
	is "$bad" '' "$1: $tries allocations fail, one in each run"
}
each_run fail_each
if [ -n "${FULL-}" ]; then
	step=2003
	make_model_inputs
	each_model_run make_good
	each_model_run fail_each
fi
finish
