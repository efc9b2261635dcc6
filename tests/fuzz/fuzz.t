#!/bin/sh
# The fuzz targets survive mutations of good input: thousands in every check, many more with FULL.
. tests/tap.sh
. tests/made.sh
[ -n "${ODESTEER_FUZZ-}" ] || skip_all 'ODESTEER_FUZZ, the folder of the targets, is not set; make check sets it'

n=1000
[ -z "${FULL-}" ] || n=100000
made 'select(.odesteer or .id == "r1" or .id == "r2")' >"$tmp/a.ods"
view --header "$tmp/a.ods" >"$tmp/a.jsonl"
gzip -c "$tmp/a.ods" >"$tmp/a.gz"
made >"$tmp/all.ods"
fitbarrier -f caa "$tmp/all.ods" | view --gguf "$tmp/v.gguf"
for f in $(fitbarrier -f help | cut -d' ' -f1); do
	# Each with the options that it has: few numbers, so that mutations hit other fields too.
	for o in '' '--components 8' '--standardise' '--degree 3' "--vector $tmp/v.gguf"; do
		fitbarrier -f $f $o "$tmp/all.ods" >"$tmp/$f${o%% /*}.barrier" 2>/dev/null ||
			rm "$tmp/$f${o%% /*}.barrier"
	done
	[ ! -e "$tmp/$f--components 8.barrier" ] || rm "$tmp/$f.barrier"
done
view --npy "$tmp/a.npy" "$tmp/a.ods" >/dev/null
gzip -c "$tmp/a.npy" >"$tmp/a.npy.gz"
cd "$tmp" || exit 1
fuzz() { # NAME FILES...: runs a target on mutations of these files
	target=$1
	shift
	ok "$target: $n mutations of $# files" "$ODESTEER_FUZZ/$target" -n "$n" "$@"
}
fuzz fuzz_stream a.ods a.jsonl a.gz
fuzz fuzz_barrier ./*.barrier
fuzz fuzz_cvec v.gguf
fuzz fuzz_npy a.npy a.npy.gz
finish
