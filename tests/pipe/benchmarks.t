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
is "$(awk -F, '$1 == "mood" && $2 == 20 && $4 > 0 && $6 > 0.9 && $8 > 0.9 { print $1 }' \
	"$tmp/blocks/blocks.csv")" mood 'at block 20 mood is seen and steered'
# variance and signs, from the activations
view "$tmp/blocks/mood.20.ods" >"$tmp/barrier"
is "$(view "$tmp/blocks/mood.test.ods" | jq -n --slurpfile b "$tmp/barrier" '
	def dot($u; $v): reduce range($u | length) as $k (0; . + $u[$k] * $v[$k]);
	def variance: (map(. * .) | add / length) - (add / length | . * .);
	$b[0].vector as $v | [inputs | select(.block == 20) | {act, group, y: .label, along: dot(.act; $v)}] as $x
	| [($x | map(.along) | variance) / dot($v; $v) / ($x | map(.act) | transpose | map(variance) | add),
		([$x | group_by(.group)[] | map(if .y == 1 then .along else -.along end) | add > 0]
			| map(select(.)) as $up | ($up | length) / length)]
	| map(. * 1e5 | round / 1e5) | map(tostring) | join(",")' -r)" \
	"$(awk -F, '$1 == "mood" && $2 == 20 { print $7 "," $8 }' "$tmp/blocks/blocks.csv")" 'variance and signs'

run env OUT="$tmp/solvers" LENGTHS=0.09r ROWS=10 pipelines/studies/solvers
is "$status $(wc -l <"$tmp/solvers/solvers.csv")" '0 23' "solvers: $err"
awk -F, '$3 == "euler" { print $1, $6 }' "$tmp/solvers/solvers.csv" >"$tmp/errors"
is "$(awk '$1 == field && $2 >= error { print $1 } { field = $1; error = $2 }' "$tmp/errors")" '' \
	'more Euler steps end closer to the flow'

run env OUT="$tmp/coherence" LIMIT=3 SAMPLES=1 TOKENS=250 pipelines/studies/coherence
is "$status" 0 "coherence: $err"
is "$(awk -F, '$1 == 1 && $3 == "Repeated" { print $2 ($11 == "" ? "" : "*") }' \
	"$tmp/coherence/windows.csv" | xargs)" \
	'none caa* paper* best* caa-short* caa-first-50* best-first-50* best-until*' 'each run is compared with none'

touch "$tmp/then"
for pipeline in estimators blocks solvers coherence; do
	run env OUT="$tmp/$pipeline" SPLITS=1 BLOCKS=5,20 ROWS=10 LENGTHS=0.09r SAMPLES=1 TOKENS=250 \
		LIMIT="$([ $pipeline = blocks ] && echo 4 || echo 3)" pipelines/studies/$pipeline
	is "$status $(find "$tmp/$pipeline" -name '*.cmd' -newer "$tmp/then")" '0 ' \
		"a second run of $pipeline finds everything made"
done

# two answers: one that repeats its first half, and one that repeats nothing
jq -n -c '[range(100) | "w\(.)"] as $w
	| {id: "a", sample: 0, prompt: "", completion: ($w[:75] + $w[:75] | join(" "))},
	{id: "b", sample: 0, prompt: "", completion: ($w | join(" "))}' | view --pack -o "$tmp/coherence/none.ods"
rm "$tmp/coherence/none.windows.ods"
run env OUT="$tmp/coherence" LIMIT=3 SAMPLES=1 TOKENS=250 pipelines/studies/coherence
is "$(view "$tmp/coherence/none.windows.ods" | jq -c '[.id, .window, .repeated * 75 | tostring]' | xargs)" \
	'[a 0 0,1,0] [a 0 75,2,75] [b 0 0,1,0]' "windows and repeated 4-grams: $err"

for preset in pipelines/presets/*; do
	for b in truthfulqa ultrafeedback realtoxicity mood; do
		run benchmark $b OUT="$tmp/plan" PRESET="${preset##*/}" METHODS=caa LIMIT=4 SHARD=4 -n
		is "$status $(printf '%s\n' "$out" | grep -q 'odesteer generate .* -T ' && echo steered)" '0 steered' \
			"$b with ${preset##*/}: $err"
	done
done
finish
