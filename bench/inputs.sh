# shellcheck shell=sh disable=SC2034 # sourced: its variables are used there
# inputs.sh - what run and plots share; sourced, never run. See the head of run for the variables.
base=${OUT:-out/bench}
OUT=$base/sample
[ -z "${DATA-}" ] || OUT=$base/truthfulqa
export OUT
. "$(dirname "$0")/../pipelines/common.sh"
unset GOMP_SPINCOUNT	# both sides run alone, as from a shell
name=bench
bench=${BENCH:-$here/build/bench/bench}
decode=${DECODE:-$here/build/bench/decode}
threads=${THREADS:-2}
model=${ODESTEER_MODEL:?}
if [ -n "${QUICK-}" ]; then
	limit=${LIMIT:-4} size=${SIZE:-16M} prompts=4 many=8 long=12 seconds=0.3 repeats=1
else
	limit=${LIMIT:-40} size=${SIZE:-256M} prompts=20 many=64 long=50 seconds=1 repeats=3
fi
size=$(echo "$size" | sed 's/G$/000000000/; s/M$/000000/; s/k$/000/')
export BENCH_THREADS="$threads" BENCH_SECONDS="$seconds" OPENBLAS_NUM_THREADS="$threads" OMP_NUM_THREADS="$threads"

settings
in=$out
questions
half 1 0 fit
half 1 1 test
# The first questions of the half not fitted to; answers to a question stand together.
some() { # N
	jq -c -s --argjson n "$1" '(map(.group) | unique | .[:$n]) as $g | INDEX($g[]; .) as $in | .[] | select($in[.group])' "$out/test.jsonl"
}
prompts_of() { # N
	jq -c -s --argjson n "$1" 'map({id: .group, group, prompt}) | unique | .[:$n][]' "$out/test.jsonl"
}
# $many prompts whose likeliest answers do not end before $long tokens, so that libllama alone, which does not look
# for an end, has as much to do for them.
lasting() {
	prompts_of $((3 * many)) >"$in/prompts-all.jsonl" &&
		generate -j "$threads" --max-tokens "$long" -o "$in/answers.ods" "$in/prompts-all.jsonl" &&
		view "$in/answers.ods" >"$in/lines.jsonl" &&
		jq -c -n --argjson n "$many" '[inputs | select(.finish == "length") | {id, group, prompt}] | .[:$n][]' "$in/lines.jsonl"
}
inputs() {
	make "$in/fit.ods" collect -j "$threads" -l "$block" "$out/fit.jsonl"
	make "$in/paper.ods" fitbarrier -p paper "$in/fit.ods"
	make "$in/best.ods" fitbarrier -p best "$in/fit.ods"
	make "$in/paper.json" view "$in/paper.ods"
	make "$in/fit.lines" view --npy "$in/fit.npy" "$in/fit.ods"
	T=5
}
texts() {
	inputs
	some "$limit" >"$in/some.jsonl"
	prompts_of "$prompts" >"$in/prompts.jsonl"
	make "$in/lasting.$many.$long.jsonl" lasting
	cp "$in/lasting.$many.$long.jsonl" "$in/many.jsonl"
	head -n 4 "$in/many.jsonl" >"$in/few.jsonl"
	make "$in/one.jsonl" sh -c 'echo "{\"id\":\"a\",\"group\":\"q\",\"label\":1,\"prompt\":\"Q\",\"completion\":\" A\"}"
		echo "{\"id\":\"b\",\"group\":\"q\",\"label\":0,\"prompt\":\"Q\",\"completion\":\" B\"}"'
}

# Seconds of a tool, the least of $repeats: to $seconds_taken; its peak memory to $megabytes.
tool() { # OUTPUT COMMAND...
	to=$1
	shift
	rm -f "$out"/figures.*
	k=0
	while [ $k -lt "$repeats" ]; do
		k=$((k + 1))
		"$bench" peak "$out/figures.$k" "$@" >"$to" || die "'$*' failed"
	done
	seconds_taken=$(cat "$out"/figures.* | jq -s 'map(.seconds) | min')
	megabytes=$(cat "$out"/figures.* | jq -s 'map(.megabytes) | max')
}
# The same less the start: seconds of a tool over a text of one word go first.
start() { # COMMAND...
	tool "$out/discarded" "$@" "$in/one.jsonl"
	start_taken=$seconds_taken
}
records_of() {
	view --summary "$1" | sed -n 's/^records *//p'
}
