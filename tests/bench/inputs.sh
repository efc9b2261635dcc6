# shellcheck shell=sh disable=SC2034 # sourced: its variables are used there
# inputs.sh - what run and plots share; sourced, never run. The head of run describes the variables.
. "$(dirname "$0")/../../pipelines/common.sh"
base=$(path "${OUT:-out/bench}")
out=$base/sample
[ -z "$DATA" ] || out=$base/truthfulqa
name=bench
self=$here/tests/bench/inputs.sh
bench=$(path "${BENCH:-$here/build/bench/bench}")
decode=$(path "${DECODE:-$here/build/bench/decode}")
threads=${THREADS:-2}
if [ -n "${QUICK-}" ]; then
	limit=${LIMIT:-4} size=${SIZE:-16M} prompts=4 many=8 long=12 seconds=0.3 repeats=1
else
	limit=${LIMIT:-40} size=${SIZE:-256M} prompts=20 many=64 long=50 seconds=1 repeats=3
fi
size=$(echo "$size" | sed 's/G$/000000000/; s/M$/000000/; s/k$/000/')
export BENCH_THREADS="$threads" BENCH_SECONDS="$seconds" OPENBLAS_NUM_THREADS="$threads" OMP_NUM_THREADS="$threads"

work
questions
half 1 0 fit
half 1 1 test
# Prints N prompts whose likeliest answers have at least TOKENS tokens, so that libllama alone, which does not
# look for an end, has the same work.
lasting() { # THREADS TOKENS N
	first_prompts test.jsonl $((3 * $3)) >prompts-all.jsonl &&
		generate -j "$1" --max-tokens "$2" -o answers.ods prompts-all.jsonl &&
		view answers.ods >lines.jsonl &&
		jq -c -n --argjson n "$3" \
			'[inputs | select(.finish == "length") | {id, group, prompt}] | .[:$n][]' lines.jsonl
}
inputs() { # makes activations and barriers
	step fit.ods fit.jsonl "$model" -- collect -j "$threads" -l "$block" fit.jsonl
	step paper.ods fit.ods -- fitbarrier -p paper fit.ods
	step best.ods fit.ods -- fitbarrier -p best fit.ods
	step paper.json paper.ods -- view paper.ods
	step fit.lines fit.ods -- view --npy fit.npy fit.ods
	T=5
}
texts() { # makes these and the texts of the model rows
	inputs
	first_groups test.jsonl "$limit" >some.jsonl
	first_prompts test.jsonl "$prompts" >prompts.jsonl
	step "lasting.$many.$long.jsonl" test.jsonl "$model" -- lasting "$threads" "$long" "$many"
	cp "lasting.$many.$long.jsonl" many.jsonl
	head -n 4 many.jsonl >few.jsonl
	step one.jsonl -- jq -n -c \
		'["a", 1, " A"], ["b", 0, " B"] | {id: .[0], group: "q", label: .[1], prompt: "Q", completion: .[2]}'
}

# Runs a tool $repeats times. Sets seconds_taken to the least of its seconds, and megabytes to its peak memory.
tool() { # OUTPUT COMMAND...
	to=$1
	shift
	rm -f figures.*
	k=0
	while [ $k -lt "$repeats" ]; do
		k=$((k + 1))
		"$bench" peak "figures.$k" "$@" >"$to" || die "'$*' failed"
	done
	seconds_taken=$(cat figures.* | jq -s 'map(.seconds) | min')
	megabytes=$(cat figures.* | jq -s 'map(.megabytes) | max')
}
# Sets start_taken to the seconds of a tool for a text of one word, mostly its start.
start() { # COMMAND...
	tool discarded "$@" one.jsonl
	start_taken=$seconds_taken
}
records_of() { # STREAM: prints its number of records
	view --summary "$1" | sed -n 's/^records *//p'
}
