#!/bin/sh
# The studies run from beginning to end on a few of the project's own questions, and each preset has what the
# benchmarks need. It takes minutes.
. tests/tap.sh
. tests/pipe/benchmark.sh

[ -n "${FULL-}" ] || skip_all 'minutes long: make check-full runs it'
[ -e "$ODESTEER_MODEL" ] || skip_all 'no model here'
head -n 40 datasets/sample.jsonl >"$tmp/questions"
unset OUT DATA BLOCK BLOCKS PRESET ROWS SPLITS LENGTHS QUANTILES ANSWERS LIMIT TRUTHFULQA_SUMS
export QUESTIONS="$tmp/questions"

run env OUT="$tmp/estimators" SPLITS=1 pipelines/studies/estimators
is "$status" 0 "estimators: $err"
is "$(cut -d, -f1,3 "$tmp/estimators/estimators.csv" | sort -u | wc -l)" 33 'each estimator has an AUC and a log-loss'

run env OUT="$tmp/blocks" BLOCKS=5,13,20 pipelines/studies/blocks
is "$status $(wc -l <"$tmp/blocks/blocks.csv")" '0 13' "blocks: $err"
is "$(echo "$out" | grep -c '^ *[0-9]* .* least$')" 1 'it names one block'

run env OUT="$tmp/solvers" LENGTHS=0.09r ROWS=10 pipelines/studies/solvers
is "$status $(wc -l <"$tmp/solvers/solvers.csv")" '0 23' "solvers: $err"
awk -F, '$3 == "euler" { print $1, $6 }' "$tmp/solvers/solvers.csv" >"$tmp/errors"
is "$(awk '$1 == field && $2 >= error { print $1 } { field = $1; error = $2 }' "$tmp/errors")" '' \
	'more Euler steps end closer to the flow'

run env OUT="$tmp/strength" LIMIT=4 ANSWERS=4 LENGTHS=15 QUANTILES=0.9 pipelines/studies/strength
is "$status $(wc -l <"$tmp/strength/strength.csv")" '0 9' "strength: $err"
is "$(awk -F, 'NR > 1 && !($4 > 0 && $4 < 1 && $9 >= 1)' "$tmp/strength/strength.csv")" '' \
	'MC2 and perplexity are in range'

touch "$tmp/then"
for pipeline in estimators blocks solvers strength; do
	run env OUT="$tmp/$pipeline" SPLITS=1 BLOCKS=5,13,20 ROWS=10 LIMIT=4 ANSWERS=4 QUANTILES=0.9 \
		LENGTHS="$([ $pipeline = solvers ] && echo 0.09r || echo 15)" pipelines/studies/$pipeline
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
