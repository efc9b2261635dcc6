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
is "$(score distinct "$tmp/c.jsonl" | score distinct | view --header |
		jq -c 'select(.odesteer) | .chain | map(.tool)')" '["score","score"]' \
	'scores chain'
echo '{"id":"6"}' >>"$tmp/c.jsonl"
fails 1 "score: '$tmp/c.jsonl': record 6: field 'completion' is missing or not a string" \
	score distinct -o "$tmp/x.ods" "$tmp/c.jsonl"
is "$(find "$tmp" -name 'x.ods*' | wc -l)" 0 'nothing half-written is left'

# density
made >"$tmp/a.ods"
fitbarrier --components 64 -o "$tmp/b.ods" "$tmp/a.ods"
ok 'density' score density -b "$tmp/b.ods" -o "$tmp/d.ods" "$tmp/a.ods"
integrate -b "$tmp/b.ods" "$tmp/a.ods" | view >"$tmp/i.jsonl"
is "$(view "$tmp/d.ods" |
		jq -s --slurpfile i "$tmp/i.jsonl" '[range(48) as $k | .[$k].h - $i[$k].h_before | fabs]
			| max < 1e-12')" \
	true 'is what integrate calls h_before'
fails 2 "score: density needs a barrier: -b
try 'score -h'" score density "$tmp/a.ods"
prior=$(view "$tmp/b.ods" | jq .prior)
is "$(view "$tmp/d.ods" | jq -s --argjson prior "$prior" '
	map((if .label == 1 then -1 else 1 end) * (.h + ($prior / (1 - $prior) | log)) | exp + 1 | log) as $loss
	| [range(48) as $i | .[$i].log_loss - $loss[$i] | fabs] | max < 1e-12')" true 'log_loss is that of the label'
is "$(made 'if .id == "r1" then del(.label) else . end' | score density -b "$tmp/b.ods" | view |
		jq -s -c '[.[0:2][] | has("log_loss")]')" '[true,false]' \
	'without a label there is none'
made 'if .id == "r1" then .label = 2 else . end' >"$tmp/other.ods"
fails 1 "score: '$tmp/other.ods': record 2: field 'label' is not 0 or 1" score density -b "$tmp/b.ods" "$tmp/other.ods"
is "$(score report --format json "$tmp/d.ods" | jq -r '.[].metric' | tr '\n' ',')" \
	'h, positives,h, negatives,AUC of h,log-loss of h,accuracy of h,log-loss of p,calibration error of p,' \
	'report has all of it'
# p is h under the prior, by the temperature; the figures of it by their definitions
view "$tmp/b.ods" >"$tmp/b.jsonl"
view "$tmp/d.ods" >"$tmp/d.jsonl"
is "$(jq -s -c --slurpfile b "$tmp/b.jsonl" '($b[0].prior) as $pi | $b[0].temperature as $t
	| map(((.h + ($pi / (1 - $pi) | log)) / $t) as $z
	| [(1 / (1 + (-$z | exp)) - .p | fabs) < 1e-12,
	(((if .label == 1 then -$z else $z end) | exp + 1 | log) - .p_log_loss | fabs) < 1e-12,
	   (if ($z >= 0) == (.label == 1) then 1 else 0 end) == .correct]) | flatten
	| unique, ($t > 0 and $t != 1)' "$tmp/d.jsonl")" '[true]
true' 'p, its log-loss and whether it is correct'
is "$(score report --format json "$tmp/d.ods" | jq '.[]
	| select(.metric == "calibration error of p").value * 1e9 | round')" "$(jq -s 'sort_by(.p) | . as $r
	| length as $n
	| [range(10) | $r[(. * $n / 10 | floor):((. + 1) * $n / 10 | floor)] | map(.p - .label) | add | fabs]
	| add / $n * 1e9 | round' "$tmp/d.jsonl")" 'and how well it is calibrated'
made 'if .odesteer then . else .truth = .label | del(.label) end' >"$tmp/truth.ods"
score density -b "$tmp/b.ods" --label truth "$tmp/truth.ods" | view >"$tmp/t.jsonl"
is "$(jq -c '[.h, .label, .log_loss, .p, .correct]' "$tmp/t.jsonl" | cksum)" \
	"$(jq -c '[.h, .label, .log_loss, .p, .correct]' "$tmp/d.jsonl" | cksum)" '--label'
fails 1 "score: '$tmp/truth.ods': record 1: no field 'info'" score density -b "$tmp/b.ods" --label info "$tmp/truth.ods"
fails 1 "score: '$tmp/truth.ods': record 1: field 'group' is not 0 or 1" \
	score density -b "$tmp/b.ods" --label group "$tmp/truth.ods"
fitbarrier -f linact -o "$tmp/map.ods" "$tmp/a.ods"
fails 1 "score: 'linact' has no h: it says where activations go, not how likely they are" \
	score density -b "$tmp/map.ods" "$tmp/a.ods"
fails 2 "score: density needs one barrier: -b
try 'score -h'" score density -b "$tmp/b.ods" -b "$tmp/b.ods" "$tmp/a.ods"
for o in -T --until -n -s; do
	fails 2 "score: unknown option '$o'
try 'score -h'" score density -b "$tmp/b.ods" $o 1 "$tmp/a.ods"
done
made 'if .odesteer then .block = [4] else . end' >"$tmp/other.ods"
fails 1 'score: the barrier is of block 3, not 4' score density -b "$tmp/b.ods" "$tmp/other.ods"
fails 1 "score: '$tmp/c.jsonl' holds examples, not activations" score density -b "$tmp/b.ods" "$tmp/c.jsonl"
fails 1 "score: '$tmp/a.ods' holds activations, not examples or completions" score distinct "$tmp/a.ods"

# without an id
made 'del(.id)' >"$tmp/bare.ods"
is "$(score density -b "$tmp/b.ods" "$tmp/bare.ods" | view | jq -s -c '[.[0, 47].id]')" '[1,48]' \
	'records without an id are numbered'
head -n 2 "$tmp/c.jsonl" >"$tmp/two.jsonl"
is "$(jq -c 'del(.id)' "$tmp/two.jsonl" | score distinct "$tmp/two.jsonl" - | view | jq -c .id | tr '\n' ' ')" \
	'"1" "2" 3 4 ' 'and those with one keep it'

# report: a mean over questions of the mean over records, by hand
cat >"$tmp/r.jsonl" <<'EOF'
{"id":"1","group":"a","distinct1":0.5,"h":1.5,"label":1}
{"id":"2","group":"a","distinct1":0.25,"h":-1,"label":0}
{"id":"3","group":"b","distinct1":1,"h":0.5,"label":0}
{"id":"4","group":"b","distinct1":1,"h":0.25,"label":1}
EOF
is "$(score report --format json "$tmp/r.jsonl" | jq -c '.[] | [.metric, (.value * 1e4 | round), .questions]')" \
	'["h, positives",8750,2]
["h, negatives",-2500,2]
["AUC of h",7500,2]
["Dist-1",6875,2]' 'report: means over questions, AUC over records'
is "$(score report --format csv x="$tmp/r.jsonl" | sed -n '1p;5p' | cut -d, -f1-3)" 'run,metric,value
x,Dist-1,0.6875' '-o csv'
is "$(score report --format json x="$tmp/r.jsonl" | jq -c '.[] | select(.metric == "Dist-1") | [.low, .high]')" \
	'[0.375,1]' \
	'the interval of two questions is their range'
is "$(score report x="$tmp/r.jsonl" y="$tmp/r.jsonl" | cksum)" \
	"$(score report x="$tmp/r.jsonl" y="$tmp/r.jsonl" | cksum)" 'the same every time'
is "$(score report x="$tmp/r.jsonl" y="$tmp/r.jsonl" | awk '/^y/ { print $1, $NF }')" 'y 0.688' 'a row for each run'
jq -c '{id, group, mc1: 1}' "$tmp/r.jsonl" >"$tmp/mc.jsonl"
is "$(score report --format csv x="$tmp/r.jsonl" x="$tmp/mc.jsonl" | cut -d, -f1,2 | tail -n 2)" 'x,MC1
x,Dist-1' 'files of one name are one run'
fails 1 "score: '$tmp/r.jsonl': record 1: run 'x' has h, positives of '1' twice" \
	score report x="$tmp/r.jsonl" x="$tmp/r.jsonl"
is "$(score report <"$tmp/r.jsonl" | sed -n '2s/ .*//p')" - 'from standard input'
echo '{"id":"1"}' >"$tmp/none.jsonl"
fails 1 "score: no record has a metric's field" score report "$tmp/none.jsonl"
echo '{"id":"1","mc1":"x"}' >"$tmp/bad.jsonl"
fails 1 "score: '$tmp/bad.jsonl': record 1: field 'mc1' is not a number" score report "$tmp/bad.jsonl"
fails 2 "score: -S: '4294967296' is not in [0, 4294967295]
try 'score -h'" score report -S 4294967296 "$tmp/r.jsonl"
fails 2 "score: --format: 'tex' is not table, csv, json, latex or markdown
try 'score -h'" score report --format tex "$tmp/r.jsonl"
# perplexities by hand: the mean of a's (2 + 4) / 2 and b's 1; exp of all 6 nats over all 4 tokens
cat >"$tmp/p.jsonl" <<'EOF'
{"id":"1","group":"a","nll":0.5,"nll_tokens":1,"perplexity":2}
{"id":"2","group":"a","nll":4.5,"nll_tokens":1,"perplexity":4}
{"id":"3","group":"b","nll":1,"nll_tokens":2,"perplexity":1}
{"id":"4","group":"b"}
{"id":"5","group":"c"}
EOF
is "$(score report --format json "$tmp/p.jsonl" |
		jq -c '.[] | [.metric, (.value, .low, .high | . * 1e4 | round), .questions]')" \
	'["Perplexity",20000,10000,30000,2]
["Perplexity, all",44817,16487,121825,2]' 'report: the mean perplexity, and exp of a ratio of sums'
echo '{"id":"1","nll":1}' >"$tmp/bad.jsonl"
fails 1 "score: '$tmp/bad.jsonl': record 1: field 'nll_tokens' is not a number above 0" score report "$tmp/bad.jsonl"
echo '{"id":"1","nll":1,"nll_tokens":0}' >"$tmp/bad.jsonl"
fails 1 "score: '$tmp/bad.jsonl': record 1: field 'nll_tokens' is not a number above 0" score report "$tmp/bad.jsonl"
echo '{"id":"1","nll":1e6,"nll_tokens":2}' >"$tmp/bad.jsonl"
fails 1 "score: '$tmp/bad.jsonl': record 1: exp(nll / nll_tokens) is not finite" score report "$tmp/bad.jsonl"
# intervals of the mean of 200 coin tosses: 0.5 +- 1.96 sqrt(.25 / 200) = 0.069
jq -n -c 'range(200) | {id: ., mc1: (. % 2)}' >"$tmp/coin.jsonl"
is "$(score report --format json "$tmp/coin.jsonl" | jq '.[0] | (.high - .low) / 2 - 0.0693 | fabs < 0.006')" \
	true 'the interval is as wide as theory has it'

fails 2 "score: 'nope' is not a metric
try 'score -h'" score nope
fails 2 "score: a metric must come first
try 'score -h'" score
fails 2 "score: unknown option '-T'
try 'score -h'" score distinct -T 5
fails 2 "score: unknown option '--alone'
try 'score -h'" score mc --alone
for o in '-T 5' '--until 0.5' '--tolerance 1'; do
	# shellcheck disable=SC2086 # two words
	fails 2 "score: a flow needs a barrier: -b
try 'score -h'" score mc $o "$tmp/c.jsonl"
done
is "$(score mc -s help)" "$(integrate -s help)" 'mc -s help'
fails 1 "score: '$tmp/map.ods': 'linact' is a map, not a flow: it has no path to stop on" \
	score mc -b "$tmp/map.ods" --until 0.5 "$tmp/c.jsonl"
fails 2 "score: unknown option '-b'
try 'score -h'" score perplexity -b "$tmp/b.ods"
fails 2 "score: option '--system' needs a value
try 'score -h'" score perplexity --system
for a in '-t raw' '--system x'; do
	# shellcheck disable=SC2086 # two words
	fails 2 "score: --alone leaves out the prompt, so -t and --system have no effect
try 'score -h'" score perplexity $a --alone
done
fails 1 "score: '$tmp/a.ods' holds activations, not examples or completions" score perplexity "$tmp/a.ods"
fails 1 "score: cannot open model '$tmp/no.gguf': No such file or directory" score perplexity -m "$tmp/no.gguf" "$tmp/c.jsonl"
options() { # METRIC: those that its -h lists
	score "$1" -h | sed -n 's/^  \(--*[A-Za-z-]*\) .*/\1/p' | tr '\n' ' '
}
is "$(options distinct)" '-o -z -v ' 'distinct -h lists the options of that metric only'
is "$(options judge)" '-b -m -g -j --as --no --text --yes -o -z -v ' 'so does judge -h'
for o in -o -t -n; do
	fails 2 "score: unknown option '$o'
try 'score -h'" score report $o csv "$tmp/r.jsonl"
done
for o in -t -y -n; do
	fails 2 "score: unknown option '$o'
try 'score -h'" score judge $o ' yes' "$tmp/c.jsonl"
done
is "$(score -V)" "score $(odesteer -V | cut -d' ' -f2)" '-V'

[ -e "$ODESTEER_MODEL" ] || { echo "# no model: score mc and perplexity are not tested"; finish; }
head -n 3 datasets/sample.jsonl | jq -c -f datasets/forms/examples.jq >"$tmp/e.jsonl"
ok 'mc' score mc -o "$tmp/mc.ods" "$tmp/e.jsonl"
view "$tmp/mc.ods" >"$tmp/m.jsonl"
is "$(jq -c '[.id, .label, .completion]' "$tmp/m.jsonl")" \
	"$(jq -c '[.id, .label, .completion]' "$tmp/e.jsonl")" 'records keep fields and order'
is "$(jq -s -c 'group_by(.group) | map((map(.loglik) | max) as $m
	| (map(select(.label == 0).loglik) | max) as $f
	| [(if (map(select(.best))[0].loglik > $f) then 1 else 0 end) == .[0].mc1,
	   ((map(select(.label == 1).loglik - $m | exp) | add) / (map(.loglik - $m | exp) | add) - .[0].mc2
	| fabs) < 1e-12,
	   ((map(select(.label == 1)) | map(select(.loglik > $f)) | length) / (map(select(.label == 1))
	| length)) == .[0].mc3]) | flatten | unique' "$tmp/m.jsonl")" \
	'[true]' 'mc1, mc2 and mc3 are what their definitions say of the log-likelihoods'
is "$(jq -c 'del(.id)' "$tmp/e.jsonl" | score mc | view | jq -c '[.id, .mc1, .mc2, .mc3]')" \
	"$(jq -c '[input_line_number, .mc1, .mc2, .mc3]' "$tmp/m.jsonl")" 'mc of records without an id'
is "$(jq -c 'del(.id, .group)' "$tmp/e.jsonl" | score perplexity | view | jq -c .id | tr '\n' ' ')" \
	'1 2 3 4 5 6 7 8 9 10 11 12 ' 'and perplexity'
head -n 20 datasets/sample.jsonl | jq -c -f datasets/forms/examples.jq | collect -l 13 -o "$tmp/act.ods"
fitbarrier -o "$tmp/s.ods" "$tmp/act.ods"
is "$(score mc -b "$tmp/s.ods" -T 0 "$tmp/e.jsonl" | view | jq -s -c 'map(.loglik)')" \
	"$(jq -s -c 'map(.loglik)' "$tmp/m.jsonl")" 'T = 0 changes nothing'
is "$(score mc -b "$tmp/s.ods" -T 15 "$tmp/e.jsonl" | view |
		jq -s -c --slurpfile a "$tmp/m.jsonl" '[range(12) as $i | .[$i].loglik != $a[$i].loglik] | all')" \
	true 'T = 15 changes every answer'
# the system text and the primer are as a prompt that begins with them
logliks_of() {
	head -n 4 "$tmp/e.jsonl" | jq -c "$@" | score mc | view | jq -c .loglik
}
printf 'Q: Is it?\nA: It is.\n\n' >"$tmp/primer.txt"
given=$(head -n 4 "$tmp/e.jsonl" |
		score mc --primer "$tmp/primer.txt" -o "$tmp/primed.ods" && view "$tmp/primed.ods" |
		jq -c .loglik)
is "$given" "$(logliks_of --rawfile p "$tmp/primer.txt" '.prompt = $p + .prompt')" '--primer'
is "$(head -n 4 "$tmp/e.jsonl" | score mc --system 'Be true.' | view | jq -c .loglik)" \
	"$(logliks_of '.prompt = "Be true.\n" + .prompt')" '--system'
is "$(head -n 4 "$tmp/e.jsonl" | score mc --primer "$tmp/primer.txt" --system 'Be true.' | view | jq -c .loglik)" \
	"$(logliks_of --rawfile p "$tmp/primer.txt" '.prompt = "Be true.\n" + $p + .prompt')" 'both'
is "$(test "$given" = "$(head -n 4 "$tmp/m.jsonl" | jq -c .loglik)" && echo same || echo other)" other 'they matter'
is "$(view --header "$tmp/primed.ods" |
		jq -c --arg p "$tmp/primer.txt" 'select(.odesteer).chain[0].side[$p] | length')" 16 \
	'the primer is in the chain'
is "$(printf 'Q: Is it?\nA: It is.\n' >"$tmp/primer.txt"; head -n 4 "$tmp/e.jsonl" |
		score mc --primer "$tmp/primer.txt" | view | jq -c .loglik)" \
	"$(logliks_of --rawfile p "$tmp/primer.txt" '.prompt = $p + .prompt')" 'a newline is at its end'
is "$(printf 'Q: Is it?\nA: It is.' >"$tmp/primer.txt"; head -n 4 "$tmp/e.jsonl" |
		score mc --primer "$tmp/primer.txt" | view | jq -c .loglik)" \
	"$(logliks_of --rawfile p "$tmp/primer.txt" '.prompt = $p + "\n" + .prompt')" 'if it was not there already'
: >"$tmp/primer.txt"
fails 1 "score: '$tmp/primer.txt' is empty" score mc --primer "$tmp/primer.txt" "$tmp/e.jsonl"
printf 'a\000b' >"$tmp/primer.txt"
fails 1 "score: '$tmp/primer.txt' is not text in UTF-8" score mc --primer "$tmp/primer.txt" "$tmp/e.jsonl"
fails 1 "score: cannot open '$tmp/no.txt': No such file or directory" score mc --primer "$tmp/no.txt" "$tmp/e.jsonl"
fails 1 "score: cannot read '$tmp': Is a directory" score mc --primer "$tmp" "$tmp/e.jsonl"
# several barriers, stops
logliks() {
	head -n 4 "$tmp/e.jsonl" | score mc "$@" | view | jq -c .loglik
}
head -n 20 datasets/sample.jsonl | jq -c -f datasets/forms/examples.jq | collect -l 9 | fitbarrier -o "$tmp/s9.ods"
fitbarrier -f caa -o "$tmp/caa.ods" "$tmp/act.ods"
once=$(logliks -b "$tmp/s.ods" -T 15)
both=$(logliks -b "$tmp/s9.ods" -T 10 -b "$tmp/s.ods" -T 15)
is "$(logliks -T 10 -b "$tmp/s9.ods" -b "$tmp/s.ods" -T 15)" "$both" 'a letter before the first -b is about all'
is "$(logliks -b "$tmp/s.ods" -T 15 -b "$tmp/s9.ods" -T 10)" "$both" 'blocks come in the order of the model'
is "$(logliks -b "$tmp/s9.ods" -T 0 -b "$tmp/s.ods" -T 15)" "$once" 'one of them by 0'
ab=$(logliks -b "$tmp/caa.ods" -T 1 -b "$tmp/s.ods" -T 40)
ba=$(logliks -b "$tmp/s.ods" -T 40 -b "$tmp/caa.ods" -T 1)
is "$(test "$ab" = "$ba" && echo same || echo other)" other 'at one block the order given matters'
view --header "$tmp/s.ods" | jq -c 'if .odesteer then . else .positives_h |= map(-1e6) end' |
	view --pack >"$tmp/there.ods"
is "$(logliks -b "$tmp/there.ods" -T 15 --until 0.5)" "$(logliks)" '--until: who is there already is left alone'
view --header "$tmp/s.ods" | jq -c 'if .odesteer then . else .positives_h |= map(1e6) end' |
	view --pack >"$tmp/never.ods"
is "$(logliks -b "$tmp/never.ods" -T 15 --until 0.5)" "$once" 'and who never gets there goes all the way'
head -n 4 "$tmp/e.jsonl" | score mc | view >"$tmp/alone.jsonl"
is "$(jq -n --slurpfile a "$tmp/alone.jsonl" --slurpfile b "$tmp/m.jsonl" '[range(4)
		| $a[.].loglik / $b[.].loglik - 1 | fabs] | max < 0.02')" \
	true 'a question alone scores as it does among others, up to rounding'
jq -c 'if .id == "s003-4" then .group = "s001" else . end' "$tmp/e.jsonl" >"$tmp/back.jsonl"
fails 1 "score: '$tmp/back.jsonl': record 12: question 's001' comes again: its answers must be consecutive" \
	score mc "$tmp/back.jsonl"
head -n 2 "$tmp/e.jsonl" >"$tmp/true.jsonl"
fails 1 "score: question 's001' has no false answer" score mc "$tmp/true.jsonl"
head -n 2 "$tmp/e.jsonl" | jq -c 'del(.completion)' >"$tmp/none.jsonl"
fails 1 "score: '$tmp/none.jsonl': record 1: 's001-1' has no completion" score mc "$tmp/none.jsonl"
head -n 2 "$tmp/e.jsonl" | jq -c 'del(.label)' >"$tmp/none.jsonl"
fails 1 "score: '$tmp/none.jsonl': record 1: field 'label' is not 0 or 1" score mc "$tmp/none.jsonl"

# perplexity
near='def near(a; b): (a - b | fabs) < 1e-4;'
ok 'perplexity' score perplexity -o "$tmp/p.ods" "$tmp/e.jsonl"
view "$tmp/p.ods" >"$tmp/p.jsonl"
is "$(jq -s -c --slurpfile m "$tmp/m.jsonl" "$near"'[range(12) as $i | .[$i] | near(.nll; -$m[$i].loglik)]
		| all' "$tmp/p.jsonl")" \
	true \
	'nll is -loglik of mc'
is "$(jq -s -c "$near"'map(near(.perplexity; .nll / .nll_tokens | exp) and .nll_tokens > 3)
		| all' "$tmp/p.jsonl")" \
	true \
	'perplexity is exp(nll / nll_tokens)'
is "$(jq -c 'del(.nll, .nll_tokens, .perplexity)' "$tmp/p.jsonl")" "$(jq -c . "$tmp/e.jsonl")" \
	'records keep fields and order'
for i in 1 5 12; do
	sed -n ${i}p "$tmp/e.jsonl" | score perplexity | view
done >"$tmp/alone.jsonl"
is "$(jq -n --slurpfile a "$tmp/alone.jsonl" --slurpfile b "$tmp/p.jsonl" '[[0, 0], [1, 4], [2, 11]
	| $a[.[0]] as $x | $b[.[1]] as $y
	| $x.nll_tokens == $y.nll_tokens and ($x.nll / $y.nll - 1 | fabs) < 0.03]
	| all')" true 'one by one as all together, up to rounding'
# the chain rule: a text's nll is the sum of its parts', each given what is before it
jq -n -c '{id: 1, prompt: "Count:", completion: " one, two, three, four, five, seven"},
	{id: 2, prompt: "Count:", completion: " one, two, three,"},
	{id: 3, prompt: "Count: one, two, three,", completion: " four, five, seven"}' >"$tmp/parts.jsonl"
is "$(score perplexity "$tmp/parts.jsonl" | view |
		jq -s -c "$near"'[near(.[0].nll; .[1].nll + .[2].nll),
			.[0].nll_tokens == .[1].nll_tokens + .[2].nll_tokens, .[0].nll_tokens]')" \
	'[true,true,11]' 'the parts of a text add up'
# more tokens than a batch has room for logits: decoded in pieces
jq -n -c '[range(300) | " \(. * 37 % 1000)"] as $w | {id: 1, prompt: "Numbers:", completion: ($w | add)},
	{id: 2, prompt: "Numbers:", completion: ($w[:100] | add)},
	{id: 3, prompt: ("Numbers:" + ($w[:100] | add)), completion: ($w[100:200] | add)},
	{id: 4, prompt: ("Numbers:" + ($w[:200] | add)), completion: ($w[200:] | add)}' >"$tmp/long.jsonl"
is "$(score perplexity "$tmp/long.jsonl" | view |
		jq -s -c '[(.[0].nll / (.[1:] | map(.nll) | add) - 1 | fabs) < 0.03,
			(.[1:] | map(.nll_tokens) | add) == .[0].nll_tokens, .[0].nll_tokens > 1024,
			.[1].nll_tokens < 512]')" \
	'[true,true,true,true]' 'so do those of a long one'
jq -c 'select(.id == 1) | .completion += .completion' "$tmp/long.jsonl" >"$tmp/longer.jsonl"
n=$(collect -l 0 --at all --context 8192 "$tmp/longer.jsonl" | view | wc -l)
fails 1 "score: '$tmp/longer.jsonl': record 1: '1' has $n tokens: more than 2048" score perplexity "$tmp/longer.jsonl"

# alone: this model puts no BOS in front, so the first token is nothing but a prompt for the others
jq -n -c '{id: 1, completion: "Yes, it is far too narrow"}, {id: 2, completion: "Yes"}, {id: 3, completion: ""}' \
	>"$tmp/alone.jsonl"
echo '{"id":1,"prompt":"Yes","completion":", it is far too narrow"}' | score perplexity | view >"$tmp/rest.jsonl"
score perplexity --alone "$tmp/alone.jsonl" | view >"$tmp/x.jsonl"
is "$(jq -s -c --slurpfile r "$tmp/rest.jsonl" "$near"'[near(.[0].nll; $r[0].nll),
		.[0].nll_tokens == $r[0].nll_tokens], (.[1:][] | keys)' "$tmp/x.jsonl")" \
	'[true,true]
["completion","id"]
["completion","id"]' '--alone: the first token does not count; one token has no perplexity'
is "$(jq -c '.prompt = "any \(.id)"' "$tmp/alone.jsonl" | score perplexity --alone | view | jq -c .nll)" \
	"$(jq -c .nll "$tmp/x.jsonl")" \
	'--alone: whatever the prompt'

# the same model, told to put its BOS in front: the first token counts, and the digest is another
at=$(grep -abo -m 1 tokenizer.ggml.add_bos_token "$ODESTEER_MODEL" | head -n 1 | cut -d: -f1)
cp "$ODESTEER_MODEL" "$tmp/bos.gguf"
printf '\001' | dd of="$tmp/bos.gguf" bs=1 seek=$((at + 32)) conv=notrunc 2>"$tmp/dd"
score perplexity --alone -m "$tmp/bos.gguf" -o "$tmp/bos.ods" "$tmp/alone.jsonl"
rm "$tmp/bos.gguf"
jq -c '.prompt = "<|im_start|>"' "$tmp/alone.jsonl" | score perplexity | view >"$tmp/rest.jsonl"
is "$(view "$tmp/bos.ods" | jq -c '[.nll, .nll_tokens]')" "$(jq -c '[.nll, .nll_tokens]' "$tmp/rest.jsonl")" \
	'--alone: behind BOS every token counts'
is "$(jq -s -c '[.[1].nll_tokens, (.[2] | has("nll"))]' "$tmp/rest.jsonl")" '[1,false]' 'but in an empty completion'

# the template and the system text are as a prompt that has them in it
jq -n -c '{id: 1, prompt: "Q: Is it?", completion: " It is."}' >"$tmp/q.jsonl"
jq -c '.prompt = "Be brief.\n" + .prompt' "$tmp/q.jsonl" >"$tmp/raw.jsonl"
jq -c 'def turn($who): "<|im_start|>\($who)\n";
	.prompt = turn("system") + "Be brief.<|im_end|>\n" + turn("user") + .prompt + "<|im_end|>\n"
		+ turn("assistant")' "$tmp/q.jsonl" >"$tmp/chat.jsonl"
for t in raw chat; do
	is "$(score perplexity -t $t --system 'Be brief.' "$tmp/q.jsonl" | view | jq .nll)" \
		"$(score perplexity "$tmp/$t.jsonl" | view | jq .nll)" "-t $t --system"
done

# empty completions: many, among others, with fields that an earlier run left
jq -c '., (.id as $id | range(9) | {id: "\($id)/\(.)", prompt: "x", completion: "", nll: 1, nll_tokens: 1,
		perplexity: 2})' \
	"$tmp/e.jsonl" >"$tmp/empty.jsonl"
score perplexity -o "$tmp/empty.ods" "$tmp/empty.jsonl"
view "$tmp/empty.ods" >"$tmp/x.jsonl"
is "$(jq -c .id "$tmp/x.jsonl" | cksum)" "$(jq -c .id "$tmp/empty.jsonl" | cksum)" 'empty completions: the order stays'
is "$(jq -c 'select(.completion == "") | keys' "$tmp/x.jsonl" | sort -u)" '["completion","id","prompt"]' \
	'they pass without the fields'
is "$(jq -c 'select(.completion != "") | [has("nll", "nll_tokens", "perplexity")]' "$tmp/x.jsonl" | sort |
		uniq -c | tr -s ' ')" ' 12 [true,true,true]' 'the others have them'
is "$(score report --format json "$tmp/empty.ods" | jq -c '.[] | [.metric, .questions]')" '["Perplexity",3]
["Perplexity, all",3]' 'report has both'

# the header's model stays the one that wrote the completions; the chain names the one that scored
{
	jq -n -c '{odesteer: "stream", version: 1, kind: "completions", model: "another",
		digest: "0123456789abcdef", chain: []}'
	cat "$tmp/q.jsonl"
} >"$tmp/another.jsonl"
digest=$(view --header "$tmp/mc.ods" | jq -r 'select(.odesteer).digest')
is "$(score perplexity "$tmp/another.jsonl" | view --header |
		jq -c 'select(.odesteer) | [.kind, .model, .digest], .chain[-1].side')" \
	"[\"completions\",\"another\",\"0123456789abcdef\"]
{\"$ODESTEER_MODEL\":\"$digest\"}" 'the model that scored is in the chain'

echo '{"id":1,"prompt":"x"}' >"$tmp/bad.jsonl"
fails 1 "score: '$tmp/bad.jsonl': record 1: field 'completion' is missing or not a string" \
	score perplexity "$tmp/bad.jsonl"
echo '{"id":1,"completion":"x y"}' >"$tmp/bad.jsonl"
fails 1 "score: '$tmp/bad.jsonl': record 1: no field 'prompt'" score perplexity "$tmp/bad.jsonl"
echo '{"id":1,"prompt":"x","completion":"y\u0000z"}' >"$tmp/bad.jsonl"
fails 1 "score: '$tmp/bad.jsonl': record 1: field 'completion' holds a NUL character" \
	score perplexity -o "$tmp/x.ods" "$tmp/bad.jsonl"
is "$(find "$tmp" -name 'x.ods*' | wc -l)" 0 'nothing half-written is left'
finish
