#!/bin/sh
# The fuzz targets on mutations of good input: some thousands in every check, many more with FULL.
. tests/tap.sh
. tests/made.sh
[ -n "${ODESTEER_FUZZ-}" ] || skip_all 'ODESTEER_FUZZ does not say where the targets are; make check does'

n=1000
[ -z "${FULL-}" ] || n=100000
made 'select(.odesteer or .id == "r1" or .id == "r2")' >"$tmp/a.ods"
view --header "$tmp/a.ods" >"$tmp/a.jsonl"
gzip -c "$tmp/a.ods" >"$tmp/a.gz"
made >"$tmp/all.ods"
for f in 'polysketch --components 16' 'polykernel --standardise' 'polykernel --degree 3' 'rff --components 8' linear iti caa repe linact mimic; do
	# shellcheck disable=SC2086 # a field and its options
	fitbarrier -f $f "$tmp/all.ods" >"$tmp/$(echo "$f" | tr -d ' -').barrier"
done
fitbarrier -f caa "$tmp/all.ods" | view --gguf "$tmp/v.gguf"
view --npy "$tmp/a.npy" "$tmp/a.ods" >/dev/null
cd "$tmp" || exit 1
fuzz() { # NAME FILES...: a target on these seeds
	target=$1
	shift
	ok "$target: $n mutations of $# files" "$ODESTEER_FUZZ/$target" -n "$n" "$@"
}
fuzz fuzz_stream a.ods a.jsonl a.gz
fuzz fuzz_barrier ./*.barrier
fuzz fuzz_cvec v.gguf
fuzz fuzz_npy a.npy
finish
