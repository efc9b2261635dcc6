#!/bin/sh
# score: the metrics distinct, density, mc and perplexity, the figures that report makes of them, and options.
. tests/tap.sh
. tests/made.sh

# distinct, counted by hand: "a b a b c" has 3 of 5 words, 3 of 4 pairs, and 3 of 3 triples
cat >"$tmp/c.jsonl" <<'END'
{"id":"1","completion":"a b a b c"}
{"id":"2","completion":"one"}
{"id":"3","completion":"  \n"}
{"id":"4","completion":"x\tx  x\nx"}
{"id":"5","completion":"ab a b aba"}
{"id":"6","completion":"x\u3000x\u00a0y"}
END
is "$(score distinct "$tmp/c.jsonl" | view |
		jq -c '[.distinct1, .distinct2, .distinct3] | map(. * 1000 | round)' | tr '\n' ' ')" \
	'[600,750,1000] [1000,0,0] [0,0,0] [250,333,500] [1000,1000,1000] [667,1000,1000] ' 'distinct'
is "$(score distinct "$tmp/c.jsonl" | score distinct | view --header |
		jq -c 'select(.odesteer) | .chain | map(.tool)')" '["score","score"]' \
	'each metric adds itself to the chain'
echo '{"id":"7"}' >>"$tmp/c.jsonl"
fails 1 "score: '$tmp/c.jsonl': record 7: no field 'completion'" \
	score distinct -o "$tmp/x.ods" "$tmp/c.jsonl"
is "$(find "$tmp" -name 'x.ods*' | wc -l)" 0 'a run that fails leaves no output'

# density
made >"$tmp/a.ods"
fitbarrier -p paper --components 64 -o "$tmp/b.ods" "$tmp/a.ods"
ok 'density' score density -b "$tmp/b.ods" -o "$tmp/d.ods" "$tmp/a.ods"
view "$tmp/b.ods" >"$tmp/b.jsonl"
view "$tmp/d.ods" >"$tmp/d.jsonl"
integrate -b "$tmp/b.ods" "$tmp/a.ods" | view >"$tmp/i.jsonl"
is "$(jq -s --slurpfile i "$tmp/i.jsonl" '
	[range(48) as $k | .[$k].h - $i[$k].h_before | fabs] | max < 1e-12' "$tmp/d.jsonl")" true \
	'h is what integrate calls h_before'
misuse "density needs a barrier: -b" score density "$tmp/a.ods"
is "$(jq -s --slurpfile b "$tmp/b.jsonl" '
	$b[0].prior as $pi
	| map((.h + ($pi / (1 - $pi) | log)) as $odds
		| ((if .label == 1 then -$odds else $odds end) | exp + 1 | log) - .log_loss | fabs)
	| max < 1e-12' "$tmp/d.jsonl")" true 'log_loss is that of the log-odds under the prior'
is "$(jq -s -c --slurpfile b "$tmp/b.jsonl" '
	$b[0].prior as $pi | $b[0].temperature as $t
	| map(((.h + ($pi / (1 - $pi) | log)) / $t) as $z
		| (1 / (1 + (-$z | exp)) - .p | fabs) < 1e-12,
		  (((if .label == 1 then -$z else $z end) | exp + 1 | log) - .p_log_loss | fabs) < 1e-12,
		  .correct == (if ($z >= 0) == (.label == 1) then 1 else 0 end))
	| unique, ($t > 0 and $t != 1)' "$tmp/d.jsonl" | tr '\n' ' ')" '[true] true ' \
	'p, its log-loss and whether it is correct follow from the temperature'
# collect --at mean: a prompt's label is that of its completion
made 'if .odesteer then . else (.at = "prompt"), (.at = "mean") end' >"$tmp/mean.ods"
fails 1 "score: '$tmp/mean.ods': record 1: the activation is of a prompt, but its label is about the \
completion: remove the record or the label" score density -b "$tmp/b.ods" "$tmp/mean.ods"
is "$(made 'if .odesteer then . else (.at = "prompt" | del(.label)), (.at = "mean") end' |
		score density -b "$tmp/b.ods" | view | jq -c '[.at, has("h", "p")]' | sort | uniq -c | tr -s ' ')" \
	' 48 ["mean",true,true]
 48 ["prompt",true,false]' 'without its label, a prompt has h alone'
is "$(made 'if .id == "r1" then del(.label) else . end' | score density -b "$tmp/b.ods" | view |
		jq -s -c '[.[0:2][] | has("log_loss", "p", "p_log_loss", "correct")]')" \
	'[true,true,true,true,false,false,false,false]' 'an activation without a label has none of them'
is "$(view --header "$tmp/d.ods" | jq -c 'if .id == "r1" then del(.label) else . end' | view --pack |
		score density -b "$tmp/b.ods" | view | sed -n 2p |
		jq 'has("log_loss", "p", "p_log_loss", "correct")')" \
	"$(yes false | head -n 4)" 'nor does it keep those of an earlier run'
made 'if .id == "r1" then .label = 2 else . end' >"$tmp/other.ods"
fails 1 "score: '$tmp/other.ods': record 2: field 'label' is not 0 or 1" \
	score density -b "$tmp/b.ods" "$tmp/other.ods"
is "$(score report --format json "$tmp/d.ods" | jq -r '.[].metric' | tr '\n' ';')" \
	"h, positives;h, negatives;AUC of h;log-loss of h;accuracy of h;log-loss of p;calibration error of p;" \
	'report has all figures'
is "$(score report --format json "$tmp/d.ods" |
		jq '.[] | select(.metric == "calibration error of p").value * 1e9 | round')" \
	"$(jq -s 'sort_by(.p) | . as $r | length as $n
		| [range(10) | $r[(. * $n / 10 | floor):((. + 1) * $n / 10 | floor)] | map(.p - .label) | add | fabs]
		| add / $n * 1e9 | round' "$tmp/d.jsonl")" 'the calibration error is that of ten bins'
made 'if .odesteer then . else .truth = .label | del(.label) end' >"$tmp/truth.ods"
score density -b "$tmp/b.ods" --label truth "$tmp/truth.ods" | view >"$tmp/t.jsonl"
is "$(jq -c '[.h, .label, .log_loss, .p, .correct]' "$tmp/t.jsonl" | cksum)" \
	"$(jq -c '[.h, .label, .log_loss, .p, .correct]' "$tmp/d.jsonl" | cksum)" \
	'--label names the field with the label'
fails 1 "score: '$tmp/truth.ods': record 1: no field 'info'" \
	score density -b "$tmp/b.ods" --label info "$tmp/truth.ods"
fails 1 "score: '$tmp/truth.ods': record 1: field 'group' is not 0 or 1" \
	score density -b "$tmp/b.ods" --label group "$tmp/truth.ods"
fitbarrier -f linact -o "$tmp/map.ods" "$tmp/a.ods"
fails 1 "score: 'linact' has no h: it says where activations go, not how likely they are" \
	score density -b "$tmp/map.ods" "$tmp/a.ods"
misuse "density needs one barrier: -b" score density -b "$tmp/b.ods" -b "$tmp/b.ods" "$tmp/a.ods"
for o in -T --until -n -s; do
	misuse "unknown option '$o'" score density -b "$tmp/b.ods" $o 1 "$tmp/a.ods"
done
made 'if .odesteer then .block = [4] else . end' >"$tmp/other.ods"
fails 1 'score: the barrier is of block 3, not 4' score density -b "$tmp/b.ods" "$tmp/other.ods"
fails 1 "score: '$tmp/c.jsonl' holds examples, not activations" score density -b "$tmp/b.ods" "$tmp/c.jsonl"
fails 1 "score: '$tmp/a.ods' holds activations, not examples or completions" score distinct "$tmp/a.ods"

# records without an id
made 'del(.id)' >"$tmp/bare.ods"
is "$(score density -b "$tmp/b.ods" "$tmp/bare.ods" | view | jq -s -c '[.[0, 47].id]')" '[1,48]' \
	'records without an id are numbered'
head -n 2 "$tmp/c.jsonl" >"$tmp/two.jsonl"
is "$(jq -c 'del(.id)' "$tmp/two.jsonl" | score distinct "$tmp/two.jsonl" - | view | jq -c .id | tr '\n' ' ')" \
	'"1" "2" 3 4 ' 'and others keep theirs'

# report: the mean over questions of the mean over records, by hand
cat >"$tmp/r.jsonl" <<'END'
{"id":"1","group":"a","distinct1":0.5,"h":1.5,"label":1}
{"id":"2","group":"a","distinct1":0.25,"h":-1,"label":0}
{"id":"3","group":"b","distinct1":1,"h":0.5,"label":0}
{"id":"4","group":"b","distinct1":1,"h":0.25,"label":1}
END
is "$(score report --format json "$tmp/r.jsonl" | jq -c '.[] | [.metric, (.value * 1e4 | round), .questions]')" \
	'["h, positives",8750,2]
["h, negatives",-2500,2]
["AUC of h",7500,2]
["Dist-1",6875,2]' 'means are over questions, an AUC is over records'
is "$(score report --format csv x="$tmp/r.jsonl" | sed -n '1p;5p' | cut -d, -f1-3)" 'run,metric,value
x,Dist-1,0.6875' 'the same in CSV'
is "$(score report --format json x="$tmp/r.jsonl" | jq -c '.[] | select(.metric == "Dist-1") | [.low, .high]')" \
	'[0.375,1]' 'the interval of two questions is their range'
score report x="$tmp/r.jsonl" y="$tmp/r.jsonl" >"$tmp/r.table"
is "$(score report x="$tmp/r.jsonl" y="$tmp/r.jsonl" | cksum)" "$(cksum <"$tmp/r.table")" \
	'a report is the same every time'
is "$(awk '/^y/ { print $1, $NF }' "$tmp/r.table")" 'y 0.688' 'each run has a row'
jq -c '{id, group, mc1: 1}' "$tmp/r.jsonl" >"$tmp/mc.jsonl"
is "$(score report --format csv x="$tmp/r.jsonl" x="$tmp/mc.jsonl" | cut -d, -f1,2 | tail -n 2)" 'x,MC1
x,Dist-1' 'files of one name are one run'
fails 1 "score: '$tmp/r.jsonl': record 1: run 'x' has h, positives of '1' twice" \
	score report x="$tmp/r.jsonl" x="$tmp/r.jsonl"
is "$(score report <"$tmp/r.jsonl" | sed -n '2s/ .*//p')" - 'report reads standard input'
echo '{"id":"1"}' >"$tmp/none.jsonl"
fails 1 "score: no record has a metric's field" score report "$tmp/none.jsonl"
echo '{"id":"1","mc1":"x"}' >"$tmp/bad.jsonl"
fails 1 "score: '$tmp/bad.jsonl': record 1: field 'mc1' is not a number" score report "$tmp/bad.jsonl"
misuse "-S: '4294967296' is not in [0, 4294967295]" score report -S 4294967296 "$tmp/r.jsonl"
misuse "--format: 'tex' is not table, csv, json, latex or markdown" score report --format tex "$tmp/r.jsonl"
# by hand: the mean of (2 + 4) / 2 and 1; exp of 6 nats over 4 tokens
cat >"$tmp/p.jsonl" <<'END'
{"id":"1","group":"a","nll":0.5,"nll_tokens":1,"perplexity":2}
{"id":"2","group":"a","nll":4.5,"nll_tokens":1,"perplexity":4}
{"id":"3","group":"b","nll":1,"nll_tokens":2,"perplexity":1}
{"id":"4","group":"b"}
{"id":"5","group":"c"}
END
is "$(score report --format json "$tmp/p.jsonl" |
		jq -c '.[] | [.metric, (.value, .low, .high | . * 1e4 | round), .questions]')" \
	'["Perplexity",20000,10000,30000,2]
["Perplexity, all",44817,16487,121825,2]' 'the mean perplexity, and that of all records'
bad() { # RECORD MESSAGE: report refuses the record
	echo "$1" >"$tmp/bad.jsonl"
	fails 1 "score: '$tmp/bad.jsonl': record 1: $2" score report "$tmp/bad.jsonl"
}
bad '{"id":"1","nll":1}' "field 'nll_tokens' is not a number above 0"
bad '{"id":"1","nll":1,"nll_tokens":0}' "field 'nll_tokens' is not a number above 0"
bad '{"id":"1","nll":1e6,"nll_tokens":2}' 'exp(nll / nll_tokens) is not finite'
# the mean of 200 coin tosses is 0.5 +- 1.96 sqrt(.25 / 200) = 0.069
jq -n -c 'range(200) | {id: ., mc1: (. % 2)}' >"$tmp/coin.jsonl"
is "$(score report --format json "$tmp/coin.jsonl" | jq '.[0] | (.high - .low) / 2 - 0.0693 | fabs < 0.006')" true \
	'the width of an interval agrees with theory'

# options
misuse "'nope' is not a metric" score nope
fails 2 "score: a metric must come first
try 'score -h'" score
options() { # METRIC: prints the options that its -h lists
	score "$1" -h | sed -n 's/^  \(--*[A-Za-z-]*\) .*/\1/p' | tr '\n' ' '
}
is "$(options distinct)" '-o -z -v ' 'distinct -h lists the options of that metric only'
is "$(options judge)" '-b -m -g -j --as --no --text --yes -o -z -v ' 'so does judge -h'
unknown() { # OPTION ARGUMENTS...
	unknown_option=$1
	shift
	misuse "unknown option '$unknown_option'" score "$@"
}
for o in -o -t -n; do
	unknown $o report $o csv "$tmp/r.jsonl"
done
for o in -t -y -n; do
	unknown $o judge $o ' yes' "$tmp/c.jsonl"
done
unknown -T distinct -T 5
unknown --alone mc --alone
unknown -b perplexity -b "$tmp/b.ods"
for o in '-T 5' '--until 0.5' '--tolerance 1'; do
	# shellcheck disable=SC2086 # two words
	misuse "a flow needs a barrier: -b" score mc $o "$tmp/c.jsonl"
done
is "$(score mc -s help)" "$(integrate -s help)" 'mc -s help lists the solvers'
fails 1 "score: '$tmp/map.ods': 'linact' is a map, not a flow: it has no path to stop on" \
	score mc -b "$tmp/map.ods" --until 0.5 "$tmp/c.jsonl"
misuse "option '--system' needs a value" score perplexity --system
for a in '-t raw' '--system x'; do
	# shellcheck disable=SC2086 # two words
	misuse "--alone leaves out the prompt, so -t and --system have no effect" score perplexity $a --alone
done
fails 1 "score: '$tmp/a.ods' holds activations, not examples or completions" score perplexity "$tmp/a.ods"
fails 1 "score: cannot open model '$tmp/no.gguf': No such file or directory" \
	score perplexity -m "$tmp/no.gguf" "$tmp/c.jsonl"
is "$(score -V)" "score $(odesteer -V | cut -d' ' -f2)" '-V'

# mc
[ -e "$ODESTEER_MODEL" ] || { echo "# no model: score mc and perplexity are not tested"; finish; }
head -n 3 datasets/sample.jsonl | jq -c -f datasets/forms/examples.jq >"$tmp/e.jsonl"
ok 'mc' score mc -o "$tmp/mc.ods" "$tmp/e.jsonl"
view "$tmp/mc.ods" >"$tmp/m.jsonl"
is "$(jq -c '[.id, .label, .completion]' "$tmp/m.jsonl")" "$(jq -c '[.id, .label, .completion]' "$tmp/e.jsonl")" \
	'records keep their fields and order'
is "$(jq -s -c 'def mass(m): map(.loglik - m | exp) | add;
	group_by(.group)
	| map((map(.loglik) | max) as $m | map(select(.label == 1)) as $true
		| (map(select(.label == 0).loglik) | max) as $f
		| [.[0].mc1 == (if ($true | map(select(.best))[0].loglik > $f) then 1 else 0 end),
		   (($true | mass($m)) / mass($m) - .[0].mc2 | fabs) < 1e-12,
		   .[0].mc3 == ($true | map(select(.loglik > $f)) | length) / ($true | length)])
	| flatten | unique' "$tmp/m.jsonl")" '[true]' 'mc1, mc2 and mc3 follow from the log-likelihoods'
is "$(jq -c 'del(.id)' "$tmp/e.jsonl" | score mc | view | jq -c '[.id, .mc1, .mc2, .mc3]')" \
	"$(jq -c '[input_line_number, .mc1, .mc2, .mc3]' "$tmp/m.jsonl")" 'mc numbers records without an id'
is "$(jq -c 'del(.id, .group)' "$tmp/e.jsonl" | score perplexity | view | jq -c .id | tr '\n' ' ')" \
	'1 2 3 4 5 6 7 8 9 10 11 12 ' 'and so does perplexity'
head -n 20 datasets/sample.jsonl | jq -c -f datasets/forms/examples.jq | collect -l 13 -o "$tmp/act.ods"
fitbarrier -o "$tmp/s.ods" "$tmp/act.ods"
is "$(score mc -b "$tmp/s.ods" -T 0 "$tmp/e.jsonl" | view | jq -s -c 'map(.loglik)')" \
	"$(jq -s -c 'map(.loglik)' "$tmp/m.jsonl")" 'a flow of length 0 changes nothing'
is "$(score mc -b "$tmp/s.ods" -T 15 "$tmp/e.jsonl" | view |
		jq -s -c --slurpfile a "$tmp/m.jsonl" '[range(12) as $i | .[$i].loglik != $a[$i].loglik] | all')" true \
	'a flow of length 15 changes every answer'

# --system and --primer: the same as a prompt that begins with these texts
logliks() { # ARGUMENTS...: prints the log-likelihoods of the first four answers
	head -n 4 "$tmp/e.jsonl" | score mc "$@" | view | jq -c .loglik
}
logliks_of() { # JQ ARGUMENTS...: prints those of the first four answers, changed by jq
	head -n 4 "$tmp/e.jsonl" | jq -c "$@" | score mc | view | jq -c .loglik
}
primer=$tmp/primer.txt
printf 'Q: Is it?\nA: It is.\n\n' >"$primer"
given=$(head -n 4 "$tmp/e.jsonl" | score mc --primer "$primer" -o "$tmp/primed.ods" &&
	view "$tmp/primed.ods" | jq -c .loglik)
is "$given" "$(logliks_of --rawfile p "$primer" '.prompt = $p + .prompt')" '--primer'
is "$(logliks --system 'Be true.')" "$(logliks_of '.prompt = "Be true.\n" + .prompt')" '--system'
is "$(logliks --primer "$primer" --system 'Be true.')" \
	"$(logliks_of --rawfile p "$primer" '.prompt = "Be true.\n" + $p + .prompt')" 'both'
is "$(test "$given" = "$(head -n 4 "$tmp/m.jsonl" | jq -c .loglik)" && echo same || echo other)" other \
	'the primer changes the log-likelihoods'
is "$(view --header "$tmp/primed.ods" | jq -c --arg p "$primer" 'select(.odesteer).chain[0].side[$p] | length')" 16 \
	'the chain has the digest of the primer'
printf 'Q: Is it?\nA: It is.\n' >"$primer"
is "$(logliks --primer "$primer")" "$(logliks_of --rawfile p "$primer" '.prompt = $p + .prompt')" \
	'a primer may end with one newline'
printf 'Q: Is it?\nA: It is.' >"$primer"
is "$(logliks --primer "$primer")" "$(logliks_of --rawfile p "$primer" '.prompt = $p + "\n" + .prompt')" \
	'or with none, which is added'
: >"$primer"
fails 1 "score: '$primer' is empty" score mc --primer "$primer" "$tmp/e.jsonl"
printf 'a\000b' >"$primer"
fails 1 "score: '$primer' is not text in UTF-8" score mc --primer "$primer" "$tmp/e.jsonl"
fails 1 "score: cannot open '$tmp/no.txt': No such file or directory" score mc --primer "$tmp/no.txt" "$tmp/e.jsonl"
fails 1 "score: cannot read '$tmp': Is a directory" score mc --primer "$tmp" "$tmp/e.jsonl"

# several barriers, and --until
head -n 20 datasets/sample.jsonl | jq -c -f datasets/forms/examples.jq | collect -l 9 |
	fitbarrier -o "$tmp/s9.ods"
fitbarrier -f caa -o "$tmp/caa.ods" "$tmp/act.ods"
once=$(logliks -b "$tmp/s.ods" -T 15)
both=$(logliks -b "$tmp/s9.ods" -T 10 -b "$tmp/s.ods" -T 15)
is "$(logliks -T 10 -b "$tmp/s9.ods" -b "$tmp/s.ods" -T 15)" "$both" 'an option before the first -b is for all barriers'
is "$(logliks -b "$tmp/s.ods" -T 15 -b "$tmp/s9.ods" -T 10)" "$both" 'barriers act in the order of their blocks'
is "$(logliks -b "$tmp/s9.ods" -T 0 -b "$tmp/s.ods" -T 15)" "$once" 'a barrier with length 0 does not act'
ab=$(logliks -b "$tmp/caa.ods" -T 1 -b "$tmp/s.ods" -T 40)
ba=$(logliks -b "$tmp/s.ods" -T 40 -b "$tmp/caa.ods" -T 1)
is "$(test "$ab" = "$ba" && echo same || echo other)" other 'at one block they act in the order given'
with_quantiles() { # H BARRIER: makes a barrier whose positives all have this h
	view --header "$tmp/s.ods" | jq -c --argjson h "$1" 'if .odesteer then . else .positives_h |= map($h) end' |
		view --pack >"$2"
}
with_quantiles -1e6 "$tmp/there.ods"
is "$(logliks -b "$tmp/there.ods" -T 15 --until 0.5)" "$(logliks)" '--until leaves activations that are there already'
with_quantiles 1e6 "$tmp/never.ods"
is "$(logliks -b "$tmp/never.ods" -T 15 --until 0.5)" "$once" 'and those that do not get there go the whole length'
head -n 4 "$tmp/e.jsonl" | score mc | view >"$tmp/alone.jsonl"
is "$(jq -n --slurpfile a "$tmp/alone.jsonl" --slurpfile b "$tmp/m.jsonl" \
	'[range(4) | $a[.].loglik / $b[.].loglik - 1 | fabs] | max < 0.02')" true \
	'a question alone scores as among others, up to rounding'
jq -c 'if .id == "s003-4" then .group = "s001" else . end' "$tmp/e.jsonl" >"$tmp/back.jsonl"
fails 1 "score: '$tmp/back.jsonl': record 12: question 's001' comes again: its answers must be consecutive" \
	score mc "$tmp/back.jsonl"
head -n 2 "$tmp/e.jsonl" >"$tmp/true.jsonl"
fails 1 "score: question 's001' has no false answer" score mc "$tmp/true.jsonl"
jq -n -c 'range(100) | {id: ., group: (. / 2 | floor), label: (. % 2), prompt: "?", completion: "\(.)"}
	| if .group == 0 then .label = 1 else . end' >"$tmp/true.jsonl"
fails 1 "score: question '0' has no false answer" score mc "$tmp/true.jsonl"
head -n 2 "$tmp/e.jsonl" | jq -c 'del(.completion)' >"$tmp/none.jsonl"
fails 1 "score: '$tmp/none.jsonl': record 1: 's001-1' has no completion" score mc "$tmp/none.jsonl"
head -n 2 "$tmp/e.jsonl" | jq -c 'del(.label)' >"$tmp/none.jsonl"
fails 1 "score: '$tmp/none.jsonl': record 1: field 'label' is not 0 or 1" score mc "$tmp/none.jsonl"

# perplexity
near='def near(a; b): (a - b | fabs) < 1e-4;'
ok 'perplexity' score perplexity -o "$tmp/p.ods" "$tmp/e.jsonl"
view "$tmp/p.ods" >"$tmp/p.jsonl"
is "$(jq -s -c --slurpfile m "$tmp/m.jsonl" "$near"'
	[range(12) as $i | .[$i] | near(.nll; -$m[$i].loglik)] | all' "$tmp/p.jsonl")" true 'nll is -loglik of mc'
is "$(jq -s -c "$near"'
	map(near(.perplexity; .nll / .nll_tokens | exp) and .nll_tokens > 3) | all' "$tmp/p.jsonl")" true \
	'perplexity is exp(nll / nll_tokens)'
is "$(jq -c 'del(.nll, .nll_tokens, .perplexity)' "$tmp/p.jsonl")" "$(jq -c . "$tmp/e.jsonl")" \
	'records keep their fields and order'
for i in 1 5 12; do
	sed -n ${i}p "$tmp/e.jsonl" | score perplexity | view
done >"$tmp/alone.jsonl"
is "$(jq -n --slurpfile a "$tmp/alone.jsonl" --slurpfile b "$tmp/p.jsonl" '
	[[0, 0], [1, 4], [2, 11] | $a[.[0]] as $x | $b[.[1]] as $y
		| $x.nll_tokens == $y.nll_tokens and ($x.nll / $y.nll - 1 | fabs) < 0.03] | all')" true \
	'one by one as all together, up to rounding'
# the chain rule: the nll of a text is the sum of those of its parts, each given what comes before
jq -n -c '{id: 1, prompt: "Count:", completion: " one, two, three, four, five, seven"},
	{id: 2, prompt: "Count:", completion: " one, two, three,"},
	{id: 3, prompt: "Count: one, two, three,", completion: " four, five, seven"}' >"$tmp/parts.jsonl"
is "$(score perplexity "$tmp/parts.jsonl" | view | jq -s -c "$near"'
	[near(.[0].nll; .[1].nll + .[2].nll), .[0].nll_tokens == .[1].nll_tokens + .[2].nll_tokens,
	 .[0].nll_tokens]')" \
	'[true,true,11]' 'the parts of a text add up'
# more tokens than a batch has room for logits of
jq -n -c '[range(300) | " \(. * 37 % 1000)"] as $w | {id: 1, prompt: "Numbers:", completion: ($w | add)},
	{id: 2, prompt: "Numbers:", completion: ($w[:100] | add)},
	{id: 3, prompt: ("Numbers:" + ($w[:100] | add)), completion: ($w[100:200] | add)},
	{id: 4, prompt: ("Numbers:" + ($w[:200] | add)), completion: ($w[200:] | add)}' >"$tmp/long.jsonl"
is "$(score perplexity "$tmp/long.jsonl" | view | jq -s -c '.[0] as $all | .[1:] as $parts
	| [($all.nll / ($parts | map(.nll) | add) - 1 | fabs) < 0.03,
	   ($parts | map(.nll_tokens) | add) == $all.nll_tokens, $all.nll_tokens > 1024,
	   $parts[0].nll_tokens < 512]')" \
	'[true,true,true,true]' 'so do those of a text that is decoded in pieces'
jq -c 'select(.id == 1) | .completion += .completion' "$tmp/long.jsonl" >"$tmp/longer.jsonl"
n=$(collect -l 0 --at all --context 8192 "$tmp/longer.jsonl" | view | wc -l)
fails 1 "score: '$tmp/longer.jsonl': record 1: '1' has $n tokens: more than 2048" score perplexity "$tmp/longer.jsonl"

# --alone: this model has no BOS, so the first token is no more than a prompt for the others
jq -n -c '{id: 1, completion: "Yes, it is far too narrow"}, {id: 2, completion: "Yes"}, {id: 3, completion: ""}' \
	>"$tmp/alone.jsonl"
echo '{"id":1,"prompt":"Yes","completion":", it is far too narrow"}' | score perplexity | view >"$tmp/rest.jsonl"
score perplexity --alone "$tmp/alone.jsonl" | view >"$tmp/x.jsonl"
is "$(jq -s -c --slurpfile r "$tmp/rest.jsonl" "$near"'
	[near(.[0].nll; $r[0].nll), .[0].nll_tokens == $r[0].nll_tokens], (.[1:][] | keys)' "$tmp/x.jsonl")" \
	'[true,true]
["completion","id"]
["completion","id"]' '--alone: the first token does not count, and one token has no perplexity'
is "$(jq -c '.prompt = "any \(.id)"' "$tmp/alone.jsonl" | score perplexity --alone | view | jq -c .nll)" \
	"$(jq -c .nll "$tmp/x.jsonl")" '--alone: the prompt does not matter'

# a decoder whose texts would end with an EOS, as they do in training
perl tests/tiny.pl decoder >"$tmp/tiny.gguf"
sed "s/name('tokenizer.ggml.model', 'llama')/&, flag('tokenizer.ggml.add_eos_token', 1)/" tests/tiny.pl |
	perl - decoder >"$tmp/eos.gguf"
nll() { # MODEL
	score perplexity -m "$1" "$tmp/e.jsonl" | view | jq -c '[.nll, .nll_tokens]'
}
is "$(cmp -s "$tmp/eos.gguf" "$tmp/tiny.gguf" || nll "$tmp/eos.gguf")" "$(nll "$tmp/tiny.gguf")" 'no text gets an EOS'
rm "$tmp/tiny.gguf" "$tmp/eos.gguf"

# the same model with a BOS, which gives it another digest
at=$(grep -abo -m 1 tokenizer.ggml.add_bos_token "$ODESTEER_MODEL" | head -n 1 | cut -d: -f1)
cp "$ODESTEER_MODEL" "$tmp/bos.gguf"
printf '\001' | dd of="$tmp/bos.gguf" bs=1 seek=$((at + 32)) conv=notrunc 2>"$tmp/dd"
score perplexity --alone -m "$tmp/bos.gguf" -o "$tmp/bos.ods" "$tmp/alone.jsonl"
rm "$tmp/bos.gguf"
jq -c '.prompt = "<|im_start|>"' "$tmp/alone.jsonl" | score perplexity | view >"$tmp/rest.jsonl"
is "$(view "$tmp/bos.ods" | jq -c '[.nll, .nll_tokens]')" "$(jq -c '[.nll, .nll_tokens]' "$tmp/rest.jsonl")" \
	'--alone: every token after a BOS counts'
is "$(jq -s -c '[.[1].nll_tokens, (.[2] | has("nll"))]' "$tmp/rest.jsonl")" '[1,false]' \
	'an empty completion has no perplexity then, either'

# -t and --system are the same as a prompt that contains the template
jq -n -c '{id: 1, prompt: "Q: Is it?", completion: " It is."}' >"$tmp/q.jsonl"
jq -c '.prompt = "Be brief.\n" + .prompt' "$tmp/q.jsonl" >"$tmp/raw.jsonl"
jq -c '.prompt = "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n" + .prompt
	+ "<|im_end|>\n<|im_start|>assistant\n"' "$tmp/q.jsonl" >"$tmp/chat.jsonl"
for t in raw chat; do
	is "$(score perplexity -t $t --system 'Be brief.' "$tmp/q.jsonl" | view | jq .nll)" \
		"$(score perplexity "$tmp/$t.jsonl" | view | jq .nll)" "-t $t --system"
done

# empty completions among others, with fields of an earlier run
jq -c '., (.id as $id | range(9)
	| {id: "\($id)/\(.)", prompt: "x", completion: "", nll: 1, nll_tokens: 1, perplexity: 2})' \
	"$tmp/e.jsonl" >"$tmp/empty.jsonl"
score perplexity -o "$tmp/empty.ods" "$tmp/empty.jsonl"
view "$tmp/empty.ods" >"$tmp/x.jsonl"
is "$(jq -c .id "$tmp/x.jsonl" | cksum)" "$(jq -c .id "$tmp/empty.jsonl" | cksum)" \
	'empty completions keep their place'
is "$(jq -c 'select(.completion == "") | keys' "$tmp/x.jsonl" | sort -u)" '["completion","id","prompt"]' \
	'they lose the fields'
is "$(jq -c 'select(.completion != "") | [has("nll", "nll_tokens", "perplexity")]' "$tmp/x.jsonl" |
		sort | uniq -c | tr -s ' ')" ' 12 [true,true,true]' 'the others have them'
is "$(score report --format json "$tmp/empty.ods" | jq -c '.[] | [.metric, .questions]')" '["Perplexity",3]
["Perplexity, all",3]' 'report counts only the others'

# the header keeps the model that wrote the completions; the chain has the one that scored
{
	echo '{"odesteer":"stream","version":1,"kind":"completions","model":"another",
		"digest":"0123456789abcdef","chain":[]}' | tr -d '\n\t'
	echo
	cat "$tmp/q.jsonl"
} >"$tmp/another.jsonl"
digest=$(view --header "$tmp/mc.ods" | jq -r 'select(.odesteer).digest')
is "$(score perplexity "$tmp/another.jsonl" | view --header |
		jq -c 'select(.odesteer) | [.kind, .model, .digest], .chain[-1].side')" \
	"[\"completions\",\"another\",\"0123456789abcdef\"]
{\"$ODESTEER_MODEL\":\"$digest\"}" 'the model that scored is in the chain'

refused() { # RECORD MESSAGE: perplexity refuses the record
	echo "$1" >"$tmp/bad.jsonl"
	fails 1 "score: '$tmp/bad.jsonl': record 1: $2" score perplexity -o "$tmp/x.ods" "$tmp/bad.jsonl"
}
refused '{"id":1,"prompt":"x"}' "no field 'completion'"
refused '{"id":1,"completion":"x y"}' "no field 'prompt'"
refused '{"id":1,"prompt":"x","completion":"y\u0000z"}' "field 'completion' holds a NUL character"
is "$(find "$tmp" -name 'x.ods*' | wc -l)" 0 'a run that fails leaves no output'
finish
