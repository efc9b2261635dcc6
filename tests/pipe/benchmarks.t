#!/bin/sh
# The studies run from beginning to end on a few of the project's own questions, and each preset has what the
# benchmarks need. It takes minutes.
. tests/tap.sh
. tests/pipe/benchmark.sh

[ -n "${FULL-}" ] || skip_all 'minutes long: make check-full runs it'
[ -e "$ODESTEER_MODEL" ] || skip_all 'no model here'
head -n 40 datasets/sample.jsonl >"$tmp/questions"
unset OUT DATA BLOCK BLOCKS PRESET ROWS SPLITS LENGTHS SAMPLES TOKENS T LIMIT TRUTHFULQA_SUMS
export QUESTIONS="$tmp/questions"

run env OUT="$tmp/estimators" SPLITS=1 pipelines/studies/estimators
is "$status" 0 "estimators: $err"
is "$(cut -d, -f1,3 "$tmp/estimators/estimators.csv" | sort -u | wc -l)" 33 'each estimator has an AUC and a log-loss'

run env OUT="$tmp/blocks" BLOCKS=5,20 LIMIT=4 pipelines/studies/blocks
is "$status $(wc -l <"$tmp/blocks/blocks.csv")" '0 5' "blocks: $err"
is "$(awk -F, 'NR > 1 && ($3 < $4 || $3 > $5 || $6 > 1 || $7 <= 0 || $7 >= 1 || $8 > 1 || $9 <= 0)' \
	"$tmp/blocks/blocks.csv")" '' 'figures are in range'
is "$(awk -F, '$1 == "mood" && $2 == 20 && $3 > 0.1 { print $1 }' "$tmp/blocks/blocks.csv")" mood \
	'steering at block 20 makes answers cheerful'

run env OUT="$tmp/solvers" LENGTHS=0.09r ROWS=10 pipelines/studies/solvers
is "$status $(wc -l <"$tmp/solvers/solvers.csv")" '0 23' "solvers: $err"
awk -F, '$3 == "euler" { print $1, $6 }' "$tmp/solvers/solvers.csv" >"$tmp/errors"
is "$(awk '$1 == field && $2 >= error { print $1 } { field = $1; error = $2 }' "$tmp/errors")" '' \
	'more Euler steps end closer to the flow'

run env OUT="$tmp/coherence" LIMIT=3 SAMPLES=1 TOKENS=250 pipelines/studies/coherence
is "$status" 0 "coherence: $err"
is "$(awk -F, 'NR > 1 { print $1 }' "$tmp/coherence/coherence.csv" | uniq | xargs)" \
	'none caa paper best caa-first-50 best-first-50 best-until' 'each run has windows'
is "$(awk -F, 'NR > 1 && ($4 <= 1 || $5 < 0 || $5 > 1 || $6 < 0 || $6 > 1)' "$tmp/coherence/coherence.csv")" '' \
	'perplexity, repetition and effect are in range'

touch "$tmp/then"
for pipeline in estimators blocks solvers coherence; do
	run env OUT="$tmp/$pipeline" SPLITS=1 BLOCKS=5,20 ROWS=10 LENGTHS=0.09r SAMPLES=1 TOKENS=250 \
		LIMIT="$([ $pipeline = blocks ] && echo 4 || echo 3)" pipelines/studies/$pipeline
	is "$status $(find "$tmp/$pipeline" -name '*.cmd' -newer "$tmp/then")" '0 ' \
		"a second run of $pipeline finds everything made"
done

for preset in pipelines/presets/*; do
	for b in truthfulqa ultrafeedback realtoxicity mood; do
		run benchmark $b OUT="$tmp/plan" PRESET="${preset##*/}" METHODS=caa LIMIT=4 SHARD=4 -n
		is "$status $(printf '%s\n' "$out" | grep -q 'odesteer generate .* -T ' && echo steered)" '0 steered' \
			"$b with ${preset##*/}: $err"
	done
done
finish
