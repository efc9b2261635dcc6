#!/bin/sh
. tests/tap.sh
. tests/made.sh

# distinct, counted by hand: "a b a b c" has 3 of 5, 3 of 4 (ab ba ab bc), 3 of 3 (aba bab abc)
cat >"$tmp/c.jsonl" <<'EOF'
{"id":"1","completion":"a b a b c"}
{"id":"2","completion":"one"}
{"id":"3","completion":"  \n"}
{"id":"4","completion":"x\tx  x\nx"}
{"id":"5","completion":"ab a b aba"}
EOF
is "$(score distinct "$tmp/c.jsonl" | view | jq -c '[.distinct1, .distinct2, .distinct3] | map(. * 1000 | round)')" \
	'[600,750,1000]
[1000,0,0]
[0,0,0]
[250,333,500]
[1000,1000,1000]' 'distinct'
is "$(score distinct "$tmp/c.jsonl" | score distinct | view --header | jq -c 'select(.odesteer) | .chain | map(.tool)')" '["score","score"]' \
	'scores chain'
echo '{"id":"6"}' >>"$tmp/c.jsonl"
fails 1 "score: '$tmp/c.jsonl': record 6: field 'completion' is missing or not a string" score distinct -o "$tmp/x.ods" "$tmp/c.jsonl"
is "$(find "$tmp" -name 'x.ods*' | wc -l)" 0 'nothing half-written is left'

# density
made >"$tmp/a.ods"
fitbarrier --components 64 -o "$tmp/b.ods" "$tmp/a.ods"
ok 'density' score density -b "$tmp/b.ods" -o "$tmp/d.ods" "$tmp/a.ods"
integrate -b "$tmp/b.ods" "$tmp/a.ods" | view >"$tmp/i.jsonl"
is "$(view "$tmp/d.ods" | jq -s --slurpfile i "$tmp/i.jsonl" '[range(48) as $k | .[$k].h - $i[$k].h_before | fabs] | max < 1e-12')" \
	true 'is what integrate calls h_before'
fails 2 "score: density needs a barrier: -b
try 'score -h'" score density "$tmp/a.ods"
made 'if .odesteer then .block = [4] else . end' >"$tmp/other.ods"
fails 1 'score: the barrier is of block 3, not 4' score density -b "$tmp/b.ods" "$tmp/other.ods"
fails 1 "score: '$tmp/c.jsonl' holds examples, not activations" score density -b "$tmp/b.ods" "$tmp/c.jsonl"
fails 1 "score: '$tmp/a.ods' holds activations, not examples or completions" score distinct "$tmp/a.ods"

# report: a mean over questions of the mean over records, by hand
cat >"$tmp/r.jsonl" <<'EOF'
{"id":"1","group":"a","distinct1":0.5,"h":1.5,"label":1}
{"id":"2","group":"a","distinct1":0.25,"h":-1,"label":0}
{"id":"3","group":"b","distinct1":1,"h":0.5,"label":0}
{"id":"4","group":"b","distinct1":1,"h":0.25,"label":1}
EOF
is "$(score report -o json "$tmp/r.jsonl" | jq -c '.[] | [.metric, (.value * 1e4 | round), .questions]')" \
	'["h, positives",8750,2]
["h, negatives",-2500,2]
["AUC of h",7500,2]
["Dist-1",6875,2]' 'report: means over questions, AUC over records'
is "$(score report -o csv x="$tmp/r.jsonl" | sed -n '1p;5p' | cut -d, -f1-3)" 'run,metric,value
x,Dist-1,0.6875' '-o csv'
is "$(score report -o json x="$tmp/r.jsonl" | jq -c '.[] | select(.metric == "Dist-1") | [.low, .high]')" '[0.375,1]' \
	'the interval of two questions is their range'
is "$(score report x="$tmp/r.jsonl" y="$tmp/r.jsonl" | cksum)" "$(score report x="$tmp/r.jsonl" y="$tmp/r.jsonl" | cksum)" 'the same every time'
is "$(score report x="$tmp/r.jsonl" y="$tmp/r.jsonl" | awk 'NR > 1 { print $1, $(NF - 2) }' | tail -n 1)" 'Dist-1 0.688' 'runs side by side'
jq -c '{id, group, mc1: 1}' "$tmp/r.jsonl" >"$tmp/mc.jsonl"
is "$(score report -o csv x="$tmp/r.jsonl" x="$tmp/mc.jsonl" | cut -d, -f1,2 | tail -n 2)" 'x,MC1
x,Dist-1' 'files of one name are one run'
fails 1 "score: run 'x' has h, positives twice, the second time in '$tmp/r.jsonl'" score report x="$tmp/r.jsonl" x="$tmp/r.jsonl"
is "$(score report <"$tmp/r.jsonl" | tail -n 1 | cut -c1-6)" Dist-1 'from standard input'
echo '{"id":"1"}' >"$tmp/none.jsonl"
fails 1 "score: no record has a metric's field" score report "$tmp/none.jsonl"
echo '{"id":"1","mc1":"x"}' >"$tmp/bad.jsonl"
fails 1 "score: '$tmp/bad.jsonl': record 1: field 'mc1' is not a number" score report "$tmp/bad.jsonl"
fails 2 "score: -o: 'tex' is not table, csv or json
try 'score -h'" score report -o tex "$tmp/r.jsonl"
# intervals of the mean of 200 coin tosses: 0.5 +- 1.96 sqrt(.25 / 200) = 0.069
jq -n -c 'range(200) | {id: ., mc1: (. % 2)}' >"$tmp/coin.jsonl"
is "$(score report -o json "$tmp/coin.jsonl" | jq '.[0] | (.high - .low) / 2 - 0.0693 | fabs < 0.006')" true 'the interval is as wide as theory has it'

fails 2 "score: 'nope' is not a metric
try 'score -h'" score nope
fails 2 "score: a metric must come first
try 'score -h'" score
fails 2 "score: unknown option '-T'
try 'score -h'" score distinct -T 5
is "$(score -V)" "score $(odesteer -V | cut -d' ' -f2)" '-V'

[ -e "$ODESTEER_MODEL" ] || { echo "# no model: score mc is not tested"; finish; }
head -n 3 datasets/sample.jsonl | jq -c -f datasets/examples.jq >"$tmp/e.jsonl"
ok 'mc' score mc -o "$tmp/mc.ods" "$tmp/e.jsonl"
view "$tmp/mc.ods" >"$tmp/m.jsonl"
is "$(jq -c '[.id, .label, .completion]' "$tmp/m.jsonl")" "$(jq -c '[.id, .label, .completion]' "$tmp/e.jsonl")" 'records keep fields and order'
is "$(jq -s -c 'group_by(.group) | map((map(.loglik) | max) as $m
	| (map(select(.label == 0).loglik) | max) as $f
	| [(if (map(select(.best))[0].loglik > $f) then 1 else 0 end) == .[0].mc1,
	   ((map(select(.label == 1).loglik - $m | exp) | add) / (map(.loglik - $m | exp) | add) - .[0].mc2 | fabs) < 1e-12,
	   ((map(select(.label == 1)) | map(select(.loglik > $f)) | length) / (map(select(.label == 1)) | length)) == .[0].mc3]) | flatten | unique' "$tmp/m.jsonl")" \
	'[true]' 'mc1, mc2 and mc3 are what their definitions say of the log-likelihoods'
head -n 20 datasets/sample.jsonl | jq -c -f datasets/examples.jq | collect -l 13 -o "$tmp/act.ods"
fitbarrier -o "$tmp/s.ods" "$tmp/act.ods"
is "$(score mc -b "$tmp/s.ods" -T 0 "$tmp/e.jsonl" | view | jq -s -c 'map(.loglik)')" "$(jq -s -c 'map(.loglik)' "$tmp/m.jsonl")" 'T = 0 changes nothing'
is "$(score mc -b "$tmp/s.ods" -T 15 "$tmp/e.jsonl" | view | jq -s -c --slurpfile a "$tmp/m.jsonl" '[range(12) as $i | .[$i].loglik != $a[$i].loglik] | all')" \
	true 'T = 15 changes every answer'
head -n 4 "$tmp/e.jsonl" | score mc | view >"$tmp/alone.jsonl"
is "$(jq -n --slurpfile a "$tmp/alone.jsonl" --slurpfile b "$tmp/m.jsonl" '[range(4) | $a[.].loglik / $b[.].loglik - 1 | fabs] | max < 0.02')" \
	true 'a question alone scores as it does among others, up to rounding'
jq -c 'if .id == "s003-4" then .group = "s001" else . end' "$tmp/e.jsonl" >"$tmp/back.jsonl"
fails 1 "score: '$tmp/back.jsonl': record 12: question 's001' comes back: its answers must stand together" score mc "$tmp/back.jsonl"
head -n 2 "$tmp/e.jsonl" >"$tmp/true.jsonl"
fails 1 "score: question 's001' has no false answer" score mc "$tmp/true.jsonl"
head -n 2 "$tmp/e.jsonl" | jq -c 'del(.completion)' >"$tmp/none.jsonl"
fails 1 "score: '$tmp/none.jsonl': record 1: 's001-1' has no completion" score mc "$tmp/none.jsonl"
head -n 2 "$tmp/e.jsonl" | jq -c 'del(.label)' >"$tmp/none.jsonl"
fails 1 "score: '$tmp/none.jsonl': record 1: field 'label' is not 0 or 1" score mc "$tmp/none.jsonl"
finish
