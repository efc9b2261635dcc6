#!/bin/sh
# score report: figures, comparisons of runs, the formats of the table, and who judged.
. tests/tap.sh

csv() { # COLUMNS ARGUMENTS...: prints these columns of the report
	csv_columns=$1
	shift
	score report --format csv "$@" | cut -d, -f "$csv_columns"
}

# two runs of three questions; the second run has two files
jq -n -c '{id: (1, 2, 3)}
	| . + {group: "g\(.id)", mc2: (.id / 8), nll: .id, nll_tokens: 2, truth: (.id % 2), info: 1}' >"$tmp/a.jsonl"
jq -c '.mc2 += 0.5 | .nll += 2 | .truth = 1 | .info = (if .id == 3 then 0 else 1 end)' "$tmp/a.jsonl" >"$tmp/b.jsonl"
head -n 1 "$tmp/b.jsonl" >"$tmp/b1.jsonl"
sed 1d "$tmp/b.jsonl" >"$tmp/b2.jsonl"
score report --baseline none --format json none="$tmp/a.jsonl" b="$tmp/b1.jsonl" b="$tmp/b2.jsonl" >"$tmp/r.json"
figure() { # RUN METRIC: prints value, difference and its interval, in thousandths
	jq -c --arg r "$1" --arg m "$2" '.[] | select(.run == $r and .metric == $m)
		| [.value, .difference, .difference_low, .difference_high | if . then . * 1e3 | round else . end]' \
		"$tmp/r.json"
}
is "$(figure none MC2)$(figure b MC2)" '[250,null,null,null][750,500,500,500]' \
	'a difference is the mean of the differences of the questions'
is "$(figure none 'True*Info')$(figure none True)$(figure none Info)" \
	'[667,null,null,null][667,null,null,null][1000,null,null,null]' 'True*Info of the baseline'
is "$(figure b 'True*Info')$(figure b True)$(figure b Info)" \
	'[667,0,-1000,1000][1000,333,0,1000][667,-333,-1000,0]' \
	'True*Info is the share of records with both, not the product of the shares'
jq -n -c 'range(4) | {id: ., truth: .5, info: .5}' >"$tmp/half.jsonl"
is "$(score report --format json "$tmp/half.jsonl" | jq '.[] | select(.metric == "True*Info").value')" 0.25 \
	'of probabilities it is the mean product'
is "$(figure b 'Perplexity, all')" \
	"$(jq -n -c '[2, 1, 1.5, 0.5, 2.5] | map(exp) | [.[0], .[0] - .[1], .[2] - .[3], .[4] - .[2]]
		| map(. * 1e3 | round)')" \
	'the difference of a ratio is that of the two ratios'
# of the 8 ways to exchange the runs of three questions, 2 give as great a difference
is "$(jq -c '[.[] | select(.run == "b" and (.metric == "MC2" or .metric == "Perplexity, all"))
		| .p > 0.235 and .p < 0.265]' "$tmp/r.json")" '[true,true]' \
	'p is the share of exchanges with as great a difference'
is "$(jq -c '.[] | select(.run == "b" and .metric == "True*Info").p' "$tmp/r.json")" 1 \
	'p of no difference is 1'
is "$(jq -c '[.[] | select(.run == "none") | has("p")] | any' "$tmp/r.json")" false \
	'the baseline is not compared with itself'

# --column, and the lengths of a sweep
jq -n -c '("0", "0.1r") as $T
	| {id: (1, 2)} | . + {T: $T, mood: (.id / 8 + ($T | length)), mc1: 1}' >"$tmp/sweep.jsonl"
is "$(csv 1-3 --column mood:Bright --column mood s="$tmp/sweep.jsonl")" 'run,metric,value
s T=0,Bright,1.1875
s T=0,mood,1.1875
s T=0,MC1,1
s T=0.1r,Bright,4.1875
s T=0.1r,mood,4.1875
s T=0.1r,MC1,1' 'columns of --column come first, and each length is a run'
is "$(score report --baseline 's T=0' --column mood --format json s="$tmp/sweep.jsonl" |
		jq -c '[.[] | select(.metric == "mood") | .difference]')" '[null,3]' 'lengths can be compared'
echo '{"id":1,"x":1}' >"$tmp/one.jsonl"
is "$(score report --column x:Größe café="$tmp/one.jsonl" longer="$tmp/one.jsonl" | grep '1.000$')" \
	'café    1.000
longer  1.000' 'characters are counted, not bytes'
printf '{"id":%d,"x":1.7e308}\n' 1 2 >"$tmp/huge.jsonl"
fails 1 "score: run 'a': its x is too great for a double" score report --column x a="$tmp/huge.jsonl"
fails 1 "score: --column: no record has the field 'moods'" score report --column moods "$tmp/sweep.jsonl"
fails 1 "score: '$tmp/sweep.jsonl': record 1: field 'T' is not a number" \
	score report --column T "$tmp/sweep.jsonl"
for c in '' :x x:; do
	misuse "--column: '$c' is not a field, field:title or field:title:aggregate" \
		score report --column "$c" "$tmp/sweep.jsonl"
done

# the aggregates of --column, by their definitions, in millionths
jq -n -c 'range(23) | {id: ., group: (. / 2 | floor), v: (. * 7 % 23 * 2.385), label: (. % 2)}' >"$tmp/v.jsonl"
jq -s -c '. as $r | (map(.v) | sort) as $s
	| {P: ($s[19] + 0.8 * ($s[20] - $s[19])),
	   v: ([range(12) as $q | $r[2 * $q:2 * $q + 2] | map(.v) | add / length] | add / length),
	   A: ([$r[] | select(.label == 1).v as $p | $r[] | select(.label == 0) | if $p > .v then 1 else 0 end]
		| add / length)}
	| map_values(. * 1e6 | round)' "$tmp/v.jsonl" >"$tmp/want"
is "$(score report --column v:P:p90 --column v --column v:A:auc --format json "$tmp/v.jsonl" |
		jq -c 'map({(.metric): (.value * 1e6 | round)}) | add')" "$(cat "$tmp/want")" 'p90, mean and auc'
jq -c 'select(.id < 6) | .group = .id | .v = [2.385, 1, 0.5][.id % 3]' "$tmp/v.jsonl" >"$tmp/v0.jsonl"
jq -c '.v += [1, 0, -0.25, 1, 1, 0][.id]' "$tmp/v0.jsonl" >"$tmp/v1.jsonl"
is "$(csv 1-3 --column v:Won:win a="$tmp/v0.jsonl" b="$tmp/v1.jsonl")" 'run,metric,value
b,Won,0.666666667' 'win compares with the first run, and a tie counts half'
is "$(csv 1-3,7 --column v:Won:win --baseline b a="$tmp/v0.jsonl" b="$tmp/v1.jsonl")" \
	'run,metric,value,difference
a,Won,0.333333333,' 'or with the baseline'
is "$(csv 12 --column v:Won:win --baseline b a="$tmp/v0.jsonl" b="$tmp/v1.jsonl" | tail -n 1)" b 'which is named'
is "$(score report --column v:Won:win a="$tmp/v0.jsonl" b="$tmp/v1.jsonl" | tail -n 1)" 'Won against a' \
	'a note names the run compared with'
head -n 5 "$tmp/v1.jsonl" >"$tmp/v2.jsonl"
fails 1 "score: run 'b' has no record '5', but 'a' has its Won" \
	score report --column v:Won:win a="$tmp/v0.jsonl" b="$tmp/v2.jsonl"
fails 1 "score: --column: no two runs have the field 'v'" score report --column v:Won:win a="$tmp/v0.jsonl"
misuse "--column: 'median' is not mean, auc, calibration, max, p90, pair or win" \
	score report --column v:V:median "$tmp/v0.jsonl"

# a calibration error does not depend on the order of equal values
jq -n -c 'range(20) | {id: ., label: (if . < 5 then 1 else 0 end), v: 0.75}' >"$tmp/equal.jsonl"
is "$(csv 2,3 --column v:ECE:calibration "$tmp/equal.jsonl" | tail -n 1)" 'ECE,0.5' \
	'the calibration error of equal values'
is "$(csv 2- --column v:ECE:calibration "$tmp/equal.jsonl" | tail -n 1)" 'ECE,0.5,,,20,,,,,,' \
	'has no interval, because resampling would raise it'
is "$(score report --column v:ECE:calibration e="$tmp/equal.jsonl")" '   ECE
e  0.500' 'nor in a table'
is "$(score report --column v:ECE:calibration --format json "$tmp/equal.jsonl" | jq -c '.[0] | keys')" \
	'["metric","questions","run","value"]' 'nor in JSON'
sed '3s/0.75/1.5/' "$tmp/equal.jsonl" >"$tmp/bad.jsonl"
fails 1 "score: '$tmp/bad.jsonl': record 3: field 'v' is not a probability: 1.5" \
	score report --column v:ECE:calibration "$tmp/bad.jsonl"

# max and pair: records of a question are samples, or answers with a label
jq -n -c '[[0.1, 0.7, 0.3], [0.9, 0.2], [0.5]] | to_entries[] | .key as $q
	| .value | to_entries[] | {id: $q, sample: .key, v: .value}' >"$tmp/m0.jsonl"
jq -c 'if .sample == 0 then .v -= 0.125 else . end' "$tmp/m0.jsonl" >"$tmp/m1.jsonl"
is "$(csv 1-3,6,7 --column v:Greatest:max --baseline a a="$tmp/m0.jsonl" b="$tmp/m1.jsonl")" \
	'run,metric,value,questions,difference
a,Greatest,0.7,3,
b,Greatest,0.616666667,3,-0.0833333333' 'max: samples of an id are records of one question'
jq -c 'select(.sample != 2)' "$tmp/m1.jsonl" >"$tmp/m2.jsonl"
fails 1 "score: run 'b' has no record '0, sample 2', but 'a' has its v" \
	score report --column v --baseline a a="$tmp/m0.jsonl" b="$tmp/m2.jsonl"
fails 1 "score: '$tmp/m1.jsonl': record 1: run 'a' has v of '0, sample 0' twice" \
	score report --column v a="$tmp/m0.jsonl" a="$tmp/m1.jsonl"
# a field of that name that another program wrote
jq -n -c '{id: "2, sample 3", v: 1}, {id: 2, sample: 3, v: 2}, {id: 3, sample: "kitten", v: 3},
	{id: 4, sample: 1.5, v: 4}' >"$tmp/foreign.jsonl"
is "$(csv 1-3,6,7 --column v --baseline a a="$tmp/foreign.jsonl" b="$tmp/foreign.jsonl")" \
	'run,metric,value,questions,difference
a,v,2.5,4,
b,v,2.5,4,0' 'a sample that is no integer does not count, and names do not collide'
# question 0: right on average; 1: wrong; 2: a tie; 3 and 4 lack a label
jq -n -c '[[0, 1, 1], [0, 4, 0], [0, 2, 1]], [[1, 1, 1], [1, 2, 0]], [[2, 0.1, 1], [2, 0.1, 0]],
	[[3, 9, 1]], [[4, 9, 0], [4, 8, null]] | .[] | {group: .[0], v: .[1], label: .[2]}' |
	jq -c '.id = input_line_number' >"$tmp/pairs.jsonl"
jq -c 'if .id == 2 then .v = 1 else . end' "$tmp/pairs.jsonl" >"$tmp/pairs1.jsonl"
is "$(csv 1-3,6,7 --column 'v:Pair accuracy:pair' --baseline a a="$tmp/pairs.jsonl" b="$tmp/pairs1.jsonl")" \
	'run,metric,value,questions,difference
a,Pair accuracy,0.166666667,3,
b,Pair accuracy,0.5,3,0.333333333' 'pair: the share of questions in which label 1 has the greater mean'
is "$(csv 4,5 --column v:P:pair "$tmp/pairs.jsonl" | tail -n 1)" '0,0.5' 'with an interval over these questions'
needs() { # AGGREGATE WHAT
	fails 1 "score: --column: $1 of 'v' needs $2" score report --column "v:V:$1" "$tmp/m0.jsonl"
}
needs auc 'records with both labels'
needs pair 'a question with both labels'
needs calibration 'records with a label'
fails 1 "score: 'datasets/toxicity.ods' holds classifier, not examples or activations or completions or barrier" \
	score report datasets/toxicity.ods

jq -n -c 'range(200) | {id: ., mc1: (. % 2)}' >"$tmp/x.jsonl"
# 60 of 200 better, 40 worse: z = 20 / 10, p = .0455, and .0569 corrected for steps of 2
jq -c '.mc1 = (if .id < 120 then 1 elif .id >= 120 then 0 else . end)' "$tmp/x.jsonl" >"$tmp/y.jsonl"
is "$(score report --baseline x --format json x="$tmp/x.jsonl" y="$tmp/y.jsonl" |
		jq -c '.[1] | [(.difference * 1e3 | round), (.p > 0.05 and .p < 0.064),
			(.difference_low + 0.0 | . > -0.01 and . < 0.015),
			(.difference_high > 0.185 and .difference_high < 0.21)]')" \
	'[100,true,true,true]' 'p and interval agree with theory'
# the k-th least p of three, times 4 - k, and not below the one before
for i in 1 2 3; do
	jq -n -c --argjson i "$i" 'range(40) | {id: ., v: ((. * 7919 % 13) + (if . % 5 < $i then 1 else 0 end) * .4)}' \
		>"$tmp/h$i.jsonl"
done
jq -n -c 'range(40) | {id: ., v: (. * 7919 % 13 + (. % 3) / 3)}' >"$tmp/h0.jsonl"
holm() { # OPTIONS...: prints p of each run
	score report --format json --column v --baseline 0 "$@" 0="$tmp/h0.jsonl" 1="$tmp/h1.jsonl" \
		2="$tmp/h2.jsonl" 3="$tmp/h3.jsonl" | jq -c '[.[] | select(.metric == "v").p | values * 1e6 | round]'
}
is "$(holm --holm)" "$(holm | jq -c '
	to_entries | sort_by(.value) | [foreach to_entries[] as $e ({least: 0};
		.least = ([1e6, ([.least, (3 - $e.key) * $e.value.value] | max)] | min)
		| .i = $e.value.key; {i, p: .least})] | sort_by(.i) | map(.p)')" \
	"Holm's method: $(holm), $(holm --holm)"
misuse '--holm needs --baseline' score report --holm "$tmp/x.jsonl"
is "$(score report --baseline x -S 1 x="$tmp/x.jsonl" y="$tmp/y.jsonl" | cksum)" \
	"$(score report --baseline x -S 1 x="$tmp/x.jsonl" y="$tmp/y.jsonl" | cksum)" \
	'the same seed gives the same report'
is "$(csv 1-3,6,7 --baseline x -S 1 x="$tmp/x.jsonl" y="$tmp/y.jsonl")" 'run,metric,value,questions,difference
x,MC1,0.5,200,
y,MC1,0.6,200,0.1' 'questions are paired by their names'
sort -r "$tmp/y.jsonl" >"$tmp/z.jsonl"
is "$(csv 3,7 --baseline x x="$tmp/x.jsonl" y="$tmp/z.jsonl" | tail -n 1)" '0.6,0.1' 'in any order'
echo '{"id":"speed","tokens_per_second":118.25}' >"$tmp/speed.jsonl"
is "$(csv 1-3 --column tokens_per_second:Tokens/s x="$tmp/x.jsonl" x="$tmp/speed.jsonl" | sed -n 2p)" \
	'x,Tokens/s,118.25' 'a field that no metric writes'

misuse "--baseline: no run has the name 'nope'" score report --baseline nope "$tmp/x.jsonl"
head -n 199 "$tmp/y.jsonl" >"$tmp/short.jsonl"
fails 1 "score: run 'y' has no record '199', but 'x' has its MC1" \
	score report --baseline x x="$tmp/x.jsonl" y="$tmp/short.jsonl"
fails 1 "score: run 'y' has no record '199', but 'x' has its MC1" \
	score report --baseline y y="$tmp/short.jsonl" x="$tmp/x.jsonl"
jq -c 'if .id == 3 then .group = "other" else . end' "$tmp/y.jsonl" >"$tmp/moved.jsonl"
group=$(sed -n 4p "$tmp/x.jsonl" | jq -r '.group // .id')
fails 1 "score: run 'x' has record '3' in group '$group', but 'y' in 'other'" \
	score report --baseline x x="$tmp/x.jsonl" y="$tmp/moved.jsonl"
ok 'runs that are not compared may have different records' \
	score report x="$tmp/x.jsonl" y="$tmp/short.jsonl"
cat "$tmp/y.jsonl" "$tmp/x.jsonl" >"$tmp/twice.jsonl"
fails 1 "score: '$tmp/twice.jsonl': record 201: run 'y' has MC1 of '0' twice" \
	score report --baseline x x="$tmp/x.jsonl" y="$tmp/twice.jsonl"
fails 1 "score: '$tmp/y.jsonl': record 1: run 'x' has MC1 of '0' twice" \
	score report x="$tmp/x.jsonl" x="$tmp/y.jsonl"
jq -c 'del(.id) + {group: .id}' "$tmp/x.jsonl" >"$tmp/bare.jsonl"
ok 'records without an id are reported' score report "$tmp/bare.jsonl"
jq -c 'del(.id)' "$tmp/x.jsonl" >"$tmp/x-bare.jsonl"
jq -c 'del(.id)' "$tmp/y.jsonl" >"$tmp/y-bare.jsonl"
is "$(csv 1-3,6,7 --baseline x x="$tmp/x-bare.jsonl" y="$tmp/y-bare.jsonl")" \
	"$(csv 1-3,6,7 --baseline x x="$tmp/x.jsonl" y="$tmp/y.jsonl")" 'and compared by their numbers'
# such as an empty answer, which has no perplexity
jq -c 'if .id == 7 then del(.mc1) else . end' "$tmp/y.jsonl" >"$tmp/less.jsonl"
is "$(csv 2,6 --baseline x x="$tmp/x.jsonl" y="$tmp/less.jsonl" | tail -n 1)" 'MC1,199' \
	'a record may lack the field'
echo '{"id":1,"truth":1,"info":"x"}' >"$tmp/bad.jsonl"
fails 1 "score: '$tmp/bad.jsonl': record 1: field 'info' is not a number" score report "$tmp/bad.jsonl"

# the formats, with names that each of them must escape
jq -n -c '{id: 1, mc1: 1, mc2: 0.25}' >"$tmp/one.jsonl"
jq -n -c '{id: 1, mc1: 0, mc2: 0.75}' >"$tmp/two.jsonl"
jq -n -c '{id: 1, perplexity: 2.5, nll: 1, nll_tokens: 1}' >"$tmp/p.jsonl"
is "$(csv 1-3 --column mc2 --column mc2:Best:max a="$tmp/one.jsonl")" 'run,metric,value
a,mc2,0.25
a,Best,0.25
a,MC1,1' "a column that the metric has, too, is not there twice"
report() { # FORMAT: prints the report in that format
	score report --format "$1" --baseline 'a_b|,"%' \
		'a_b|,"%'="$tmp/one.jsonl" 'c\d'="$tmp/two.jsonl" 'e'="$tmp/p.jsonl"
}
is "$(report table)" '         MC1              MC2              Perplexity    Perplexity, all
a_b|,"%  1.000            0.250            -             -
         [1.000, 1.000]   [0.250, 0.250]
c\d      0.000            0.750            -             -
         [0.000, 0.000]   [0.750, 0.750]
         -1.000, p 1.000  +0.500, p 1.000
e        -                -                2.50          2.72
                                           [2.50, 2.50]  [2.72, 2.72]

Differences from a_b|,"%, by question; p of a permutation test' '--format table'
is "$(report markdown)" '| | MC1 | MC2 | Perplexity | Perplexity, all |
|---|---|---|---|---|
| a\_b\|,"% | 1.000<br>[1.000, 1.000] | 0.250<br>[0.250, 0.250] | - | - |
| c\\d | 0.000<br>[0.000, 0.000]<br>-1.000, p 1.000 | 0.750<br>[0.750, 0.750]<br>+0.500, p 1.000 | - | - |
| e | - | - | 2.50<br>[2.50, 2.50] | 2.72<br>[2.72, 2.72] |

Differences from a\_b\|,"%, by question; p of a permutation test<br>' '--format markdown'
is "$(report latex | sed -n '3,10p;14,$p')" ' & MC1 & MC2 & Perplexity & Perplexity, all \\
\hline
a\_b|,"\% & $1.000$ & $0.250$ & $-$ & $-$ \\
 & {\scriptsize $[1.000, 1.000]$} & {\scriptsize $[0.250, 0.250]$} &  &  \\
c\textbackslash{}d & $0.000$ & $0.750$ & $-$ & $-$ \\
 & {\scriptsize $[0.000, 0.000]$} & {\scriptsize $[0.750, 0.750]$} &  &  \\
 & {\scriptsize $-1.000, p 1.000$} & {\scriptsize $+0.500, p 1.000$} &  &  \\
e & $-$ & $-$ & $2.50$ & $2.72$ \\

\par{\footnotesize Differences from a\_b|,"\%, by question; p of a permutation test}' '--format latex'
is "$(report csv | sed -n '1p;4,6p')" \
	'run,metric,value,low,high,questions,difference,difference_low,difference_high,p,by,baseline
c\d,MC1,0,0,0,1,-1,-1,-1,1,,"a_b|,""%"
c\d,MC2,0.75,0.75,0.75,1,0.5,0.5,0.5,1,,"a_b|,""%"
e,Perplexity,2.5,2.5,2.5,1,,,,,,' '--format csv'
is "$(report csv | sed -n 2p)" '"a_b|,""%",MC1,1,1,1,1,,,,,,' 'a name in quotes'
jq -n -c '{id: 1} + ([("mc1", "mc2", "mc3", "truth", "info", "distinct1", "distinct2", "distinct3", "bleu_max")
	| {(.): 0.5}] | add)' >"$tmp/wide.jsonl"
is "$(score report x="$tmp/wide.jsonl" |
		awk '{ n += length > 110 } /MC1|BLEU/ { k++ } END { print n + 0, k }')" '0 2' \
	'columns that do not fit go below the others'

# who judged: the last link of the chain that wrote the field says so
{
	echo '{"odesteer":"stream","version":1,"kind":"completions","chain":[
		{"tool":"score","version":"1","argv":[],"metric":"judge","field":"truth","by":"j.ods (00000001)"},
		{"tool":"score","version":"1","argv":[],"metric":"judge","field":"truth","by":"truth.ods (1a2b3c4d)"},
		{"tool":"score","version":"1","argv":[],"metric":"judge","field":"info",
			"by":"j.gguf (0123456789abcdef), asked '"'Helps {a}?'"'"},
		{"tool":"score","version":"1","argv":[],"metric":"perplexity","by":"g.gguf (03), alone"}]}' |
		tr -d '\n\t'
	echo
	jq -n -c '{id: 1, truth: 1, info: 0, perplexity: 2, nll: 1, nll_tokens: 1}'
} >"$tmp/by.jsonl"
is "$(score report x="$tmp/by.jsonl" y="$tmp/by.jsonl" | sed '1,/^$/d')" "True by truth.ods (1a2b3c4d)
Info by j.gguf (0123456789abcdef), asked 'Helps {a}?'
Perplexity by g.gguf (03), alone
Perplexity, all by g.gguf (03), alone" 'one note for all runs if they have the same judge'
sed 's/1a2b3c4d/5e6f7a8b/; s/, alone//; s/"id":1/"id":2/' "$tmp/by.jsonl" >"$tmp/by2.jsonl"
is "$(score report x="$tmp/by.jsonl" x="$tmp/by2.jsonl" y="$tmp/by2.jsonl" | grep '^True of')" \
	'True of x by truth.ods (1a2b3c4d); truth.ods (5e6f7a8b)
True of y by truth.ods (5e6f7a8b)' 'a note for each run if not, and all judges of a run'
is "$(csv 2,11- "$tmp/by.jsonl" | sed -n 2p)" \
	"True*Info,\"truth.ods (1a2b3c4d); j.gguf (0123456789abcdef), asked 'Helps {a}?'\"," \
	'True*Info has both judges'
is "$(score report --format json "$tmp/by.jsonl" | jq -r '.[] | select(.metric == "Perplexity").by')" \
	'g.gguf (03), alone' 'in JSON'

# a field whose name the user chose has a column after those of its metric
sed 's/"truth"/"polite"/g; s/"id":1/"id":3, "distinct1": 0.5/' "$tmp/by.jsonl" >"$tmp/p.jsonl"
is "$(csv 2,3 x="$tmp/p.jsonl" | head -n 4 | tr '\n' ' ')" \
	'metric,value Info,0 polite,1 Perplexity,2 ' 'a judge of any name is reported'
is "$(score report x="$tmp/p.jsonl" | tail -n 4 | grep polite)" 'polite by truth.ods (1a2b3c4d)' \
	'with a note'
is "$(csv 2,3,11 --column polite:Pol x="$tmp/p.jsonl" | grep -i pol)" \
	'Pol,1,truth.ods (1a2b3c4d)' 'once, if --column names it'
is "$(csv 2,3 --column polite:Most:max x="$tmp/p.jsonl" | grep -i pol | tr '\n' ' ')$(csv 2,3 \
	--column polite:Most:max x="$tmp/p.jsonl" | sed -n 2p)" 'polite,1 Most,1' \
	'another aggregate of it leaves its mean'
# a model may name several fields
{
	echo '{"odesteer":"stream","version":1,"kind":"completions","chain":[
		{"tool":"score","version":"1","argv":[],"metric":"classify","field":"rude kind","by":"c.gguf (01)"}]}' |
		tr -d '\n\t'
	printf '\n{"id":1,"rude":1,"kind":0}\n'
} >"$tmp/classes.jsonl"
is "$(csv 2,3,11 "$tmp/classes.jsonl" | tail -n 2 | tr '\n' ' ')" 'rude,1,c.gguf (01) kind,0,c.gguf (01) ' \
	'each field of a classifier has a column'
sed 's/"rude kind"/"rude toxic T"/; s/"kind":0/"toxic":0/' "$tmp/classes.jsonl" >"$tmp/taken.jsonl"
is "$(csv 2,3,11 "$tmp/taken.jsonl" | tail -n 2 | tr '\n' ' ')" 'Toxic,0, rude,1,c.gguf (01) ' \
	"but not one that is another metric's"
# older versions did not write who scored
{
	echo '{"odesteer":"stream","version":1,"kind":"completions","chain":[
		{"tool":"score","version":"1","argv":["judge","-b","j.ods"]}]}' | tr -d '\n\t'
	echo
	echo '{"id":1,"truth":1}'
} >"$tmp/old.jsonl"
is "$(score report "$tmp/old.jsonl" | sed '1,/^$/d')" '' 'without it there is no note'
finish
