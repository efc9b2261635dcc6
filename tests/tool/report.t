#!/bin/sh
# score report: runs compared, the forms of the table, who judged.
. tests/tap.sh
. tests/made.sh

# two runs of three questions, by hand; the second one's files are two
jq -n -c \
	'{id: (1, 2, 3)} | . + {group: "g\(.id)", mc2: (.id / 8), nll: .id, nll_tokens: 2, truth: (.id % 2), info: 1}' \
	>"$tmp/a.jsonl"
jq -c '.mc2 += 0.5 | .nll += 2 | .truth = 1 | .info = (if .id == 3 then 0 else 1 end)' "$tmp/a.jsonl" >"$tmp/b.jsonl"
head -n 1 "$tmp/b.jsonl" >"$tmp/b1.jsonl"
sed 1d "$tmp/b.jsonl" >"$tmp/b2.jsonl"
score report --baseline none --format json none="$tmp/a.jsonl" b="$tmp/b1.jsonl" b="$tmp/b2.jsonl" >"$tmp/r.json"
figure() { # RUN METRIC: value, difference and its interval, in thousandths
	jq -c --arg r "$1" --arg m "$2" '.[] | select(.run == $r and .metric == $m)
			| [.value, .difference, .difference_low, .difference_high | if . then . * 1e3
			| round else . end]' \
		"$tmp/r.json"
}
is "$(figure none MC2)$(figure b MC2)" '[250,null,null,null][750,500,500,500]' \
	'a difference is the mean of the questions'"'"
is "$(figure none 'True*Info')$(figure none True)$(figure none Info)" \
	'[667,null,null,null][667,null,null,null][1000,null,null,null]' 'True*Info of the baseline'
is "$(figure b 'True*Info')$(figure b True)$(figure b Info)" \
	'[667,0,-1000,1000][1000,333,0,1000][667,-333,-1000,0]' \
	'and of the other: the share that is both, not the product'
is "$(figure b 'Perplexity, all')" \
	"$(jq -n -c '[(2 | exp), (2 | exp) - (1 | exp)] | map(. * 1e3 | round)
		| . + [(1.5 | exp) - (0.5 | exp), (2.5 | exp) - (1.5 | exp) | . * 1e3 | round]')" \
	'of a ratio, the difference of the ratios'
# 2 of the 8 ways to swap three questions are as far apart
is "$(jq -c '.[] | select(.run == "b" and (.metric == "MC2" or .metric == "Perplexity, all"))
	| .p > 0.235 and .p < 0.265' "$tmp/r.json")" 'true
true' 'p is the share of swaps that are as great'
is "$(jq -c '.[] | select(.run == "b" and .metric == "True*Info").p' "$tmp/r.json")" 1 'p of no difference'
is "$(jq -c '[.[] | select(.run == "none") | has("p")] | any' "$tmp/r.json")" false \
	'the baseline is not compared with itself'
# any numeric field, and the lengths of a sweep
jq -n -c '("0", "0.1r") as $T | {id: (1, 2)} | . + {T: $T, mood: (.id / 8 + ($T | length)), mc1: 1}' >"$tmp/sweep.jsonl"
is "$(score report --column mood:Bright --column mood --format csv s="$tmp/sweep.jsonl" | cut -d, -f 1-3)" \
	'run,metric,value
s T=0,Bright,1.1875
s T=0,mood,1.1875
s T=0,MC1,1
s T=0.1r,Bright,4.1875
s T=0.1r,mood,4.1875
s T=0.1r,MC1,1' '--column stands in front, and each length is a run'
is "$(score report --baseline 's T=0' --column mood --format json s="$tmp/sweep.jsonl" |
		jq -c '[.[] | select(.metric == "mood") | .difference]')" '[null,3]' 'which can be compared'
fails 1 "score: --column: no record has the field 'moods'" score report --column moods "$tmp/sweep.jsonl"
fails 1 "score: '$tmp/sweep.jsonl': record 1: field 'T' is not a number" score report --column T "$tmp/sweep.jsonl"
for c in '' :x x:; do
	fails 2 "score: --column: '$c' is not a field, field:title or field:title:aggregate
try 'score -h'" score report --column "$c" "$tmp/sweep.jsonl"
done

# what --column makes of a field
jq -n -c 'range(23) | {id: ., group: (. / 2 | floor), v: (. * 7 % 23 * 2.385), label: (. % 2)}' >"$tmp/v.jsonl"
# by their definitions, in millionths
jq -s -c '. as $r | (map(.v) | sort) as $s
	| {P: ($s[19] + 0.8 * ($s[20] - $s[19])),
	v: ([range(12) as $q | $r[2 * $q:2 * $q + 2] | map(.v) | add / length] | add / length),
	A: ([$r[] | select(.label == 1).v as $p | $r[] | select(.label == 0) | if $p > .v then 1 else 0 end]
	| add / length)} | map_values(. * 1e6 | round)' "$tmp/v.jsonl" >"$tmp/want"
is "$(score report --column v:P:p90 --column v --column v:A:auc --format json "$tmp/v.jsonl" |
		jq -c 'map({(.metric): (.value * 1e6 | round)}) | add')" "$(cat "$tmp/want")" \
	'p90, mean and auc'
jq -c '.v = [2.385, 1, 0.5][.id % 3] * (if .id < 3 then 1 else 3 end) | select(.id < 6)' "$tmp/v.jsonl" |
	jq -c '.group = .id' >"$tmp/v0.jsonl"
jq -c '.v += ([1, 0, -0.25, 1, 1, 0][.id])' "$tmp/v0.jsonl" >"$tmp/v1.jsonl"
is "$(score report --column v:Won:win --format csv a="$tmp/v0.jsonl" b="$tmp/v1.jsonl" | cut -d, -f 1-3)" \
	'run,metric,value
b,Won,0.666666667' 'win: against the first run, ties counting half'
is "$(score report --column v:Won:win --baseline b --format csv a="$tmp/v0.jsonl" b="$tmp/v1.jsonl" |
		cut -d, -f 1-3,7)" \
	'run,metric,value,difference
a,Won,0.333333333,' 'or against the baseline'
is "$(score report --column v:Won:win a="$tmp/v0.jsonl" b="$tmp/v1.jsonl" | tail -n 1)" 'Won against a' \
	'which the table says'
head -n 5 "$tmp/v1.jsonl" >"$tmp/v2.jsonl"
fails 1 "score: run 'b' has no record '5', but 'a' has its Won" \
	score report --column v:Won:win a="$tmp/v0.jsonl" b="$tmp/v2.jsonl"
fails 1 "score: --column: no two runs have the field 'v'" score report --column v:Won:win a="$tmp/v0.jsonl"
fails 2 "score: --column: 'median' is not mean, auc, p90 or win
try 'score -h'" score report --column v:V:median "$tmp/v0.jsonl"

jq -n -c 'range(200) | {id: ., mc1: (. % 2)}' >"$tmp/x.jsonl"
# 60 better, 40 worse of 200: z = 20 / 10, p = .0455; with the correction for steps of 2, .0569
jq -c '.mc1 = (if .id < 120 then 1 elif .id >= 120 then 0 else . end)' "$tmp/x.jsonl" >"$tmp/y.jsonl"
is "$(score report --baseline x --format json x="$tmp/x.jsonl" y="$tmp/y.jsonl" |
		jq -c '.[1] | [(.difference * 1e3 | round), (.p > 0.05 and .p < 0.064),
			(.difference_low + 0.0 | . > -0.01 and . < 0.015),
			(.difference_high > 0.185 and .difference_high < 0.21)]')" \
	'[100,true,true,true]' 'p and interval are as theory has them'
is "$(score report --baseline x -S 1 x="$tmp/x.jsonl" y="$tmp/y.jsonl" | cksum)" \
	"$(score report --baseline x -S 1 x="$tmp/x.jsonl" y="$tmp/y.jsonl" | cksum)" 'the same every time'
is "$(score report --baseline x -S 1 --format csv x="$tmp/x.jsonl" y="$tmp/y.jsonl" | cut -d, -f1-3,6,7)" \
	'run,metric,value,questions,difference
x,MC1,0.5,200,
y,MC1,0.6,200,0.1' 'questions in another order are paired by their names'
is "$(sort -r "$tmp/y.jsonl" >"$tmp/z.jsonl"; score report --baseline x --format csv x="$tmp/x.jsonl" y="$tmp/z.jsonl" |
		sed -n '3s/,[^,]*,[^,]*,[^,]*$//p' | cut -d, -f 3,7)" '0.6,0.1' 'whatever their order'
echo '{"id":"speed","tokens_per_second":118.25}' >"$tmp/speed.jsonl"
is "$(score report --column tokens_per_second:Tokens/s --format csv x="$tmp/x.jsonl" x="$tmp/speed.jsonl" |
		sed -n 2p | cut -d, -f1-3)" 'x,Tokens/s,118.25' 'a field that no metric makes'

fails 2 "score: --baseline: no run has the name 'nope'
try 'score -h'" score report --baseline nope "$tmp/x.jsonl"
head -n 199 "$tmp/y.jsonl" >"$tmp/short.jsonl"
fails 1 "score: run 'y' has no record '199', but 'x' has its MC1" \
	score report --baseline x x="$tmp/x.jsonl" y="$tmp/short.jsonl"
fails 1 "score: run 'y' has no record '199', but 'x' has its MC1" \
	score report --baseline y y="$tmp/short.jsonl" x="$tmp/x.jsonl"
ok 'runs that are not compared may have what they like' score report x="$tmp/x.jsonl" y="$tmp/short.jsonl"
cat "$tmp/y.jsonl" "$tmp/x.jsonl" >"$tmp/twice.jsonl"
fails 1 "score: '$tmp/twice.jsonl': record 201: run 'y' has MC1 of '0' twice" \
	score report --baseline x x="$tmp/x.jsonl" y="$tmp/twice.jsonl"
fails 1 "score: '$tmp/y.jsonl': record 1: run 'x' has MC1 of '0' twice" score report x="$tmp/x.jsonl" x="$tmp/y.jsonl"
jq -c 'del(.id) + {group: .id}' "$tmp/x.jsonl" >"$tmp/bare.jsonl"
ok 'records without an id are reported' score report "$tmp/bare.jsonl"
jq -c 'del(.id)' "$tmp/x.jsonl" >"$tmp/x-bare.jsonl"
jq -c 'del(.id)' "$tmp/y.jsonl" >"$tmp/y-bare.jsonl"
is "$(score report --baseline x --format csv x="$tmp/x-bare.jsonl" y="$tmp/y-bare.jsonl" | cut -d, -f1-3,6,7)" \
	"$(score report --baseline x --format csv x="$tmp/x.jsonl" y="$tmp/y.jsonl" | cut -d, -f1-3,6,7)" \
	'and compared by their numbers'
# an answer without a field, as an empty one has no perplexity, is no missing record
jq -c 'if .id == 7 then del(.mc1) else . end' "$tmp/y.jsonl" >"$tmp/less.jsonl"
is "$(score report --baseline x --format csv x="$tmp/x.jsonl" y="$tmp/less.jsonl" | sed -n '3p' | cut -d, -f2,6)" \
	'MC1,199' 'a record may be without the field'
echo '{"id":1,"truth":1,"info":"x"}' >"$tmp/bad.jsonl"
fails 1 "score: '$tmp/bad.jsonl': record 1: field 'info' is not a number" score report "$tmp/bad.jsonl"

# the forms, with names that each of them must write otherwise
jq -n -c '{id: 1, mc1: 1, mc2: 0.25}' >"$tmp/one.jsonl"
jq -n -c '{id: 1, mc1: 0, mc2: 0.75}' >"$tmp/two.jsonl"
report() {
	score report --baseline 'a_b|,"%' "$@" 'a_b|,"%'="$tmp/one.jsonl" 'c\d'="$tmp/two.jsonl" 'e'="$tmp/p.jsonl"
}
jq -n -c '{id: 1, perplexity: 2.5, nll: 1, nll_tokens: 1}' >"$tmp/p.jsonl"
is "$(report)" '         MC1              MC2              Perplexity    Perplexity, all
a_b|,"%  1.000            0.250            -             -
         [1.000, 1.000]   [0.250, 0.250]
c\d      0.000            0.750            -             -
         [0.000, 0.000]   [0.750, 0.750]
         -1.000, p 1.000  +0.500, p 1.000
e        -                -                2.50          2.72
                                           [2.50, 2.50]  [2.72, 2.72]

Differences from a_b|,"%, by question; p of a permutation test' 'table'
is "$(report --format markdown)" '| | MC1 | MC2 | Perplexity | Perplexity, all |
|---|---|---|---|---|
| a\_b\|,"% | 1.000<br>[1.000, 1.000] | 0.250<br>[0.250, 0.250] | - | - |
| c\\d | 0.000<br>[0.000, 0.000]<br>-1.000, p 1.000 | 0.750<br>[0.750, 0.750]<br>+0.500, p 1.000 | - | - |
| e | - | - | 2.50<br>[2.50, 2.50] | 2.72<br>[2.72, 2.72] |

Differences from a\_b\|,"%, by question; p of a permutation test<br>' '-o markdown'
is "$(report --format latex | sed -n '3,10p;14,$p')" ' & MC1 & MC2 & Perplexity & Perplexity, all \\
\hline
a\_b|,"\% & $1.000$ & $0.250$ & $-$ & $-$ \\
 & {\scriptsize $[1.000, 1.000]$} & {\scriptsize $[0.250, 0.250]$} &  &  \\
c\textbackslash{}d & $0.000$ & $0.750$ & $-$ & $-$ \\
 & {\scriptsize $[0.000, 0.000]$} & {\scriptsize $[0.750, 0.750]$} &  &  \\
 & {\scriptsize $-1.000, p 1.000$} & {\scriptsize $+0.500, p 1.000$} &  &  \\
e & $-$ & $-$ & $2.50$ & $2.72$ \\

\par{\footnotesize Differences from a\_b|,"\%, by question; p of a permutation test}' '-o latex'
is "$(report --format csv | sed -n '1p;4,6p')" \
	'run,metric,value,low,high,questions,difference,difference_low,difference_high,p,by
c\d,MC1,0,0,0,1,-1,-1,-1,1,
c\d,MC2,0.75,0.75,0.75,1,0.5,0.5,0.5,1,
e,Perplexity,2.5,2.5,2.5,1,,,,,' '-o csv'
is "$(report --format csv | sed -n 2p)" '"a_b|,""%",MC1,1,1,1,1,,,,,' 'a name in quotes'
# more columns than a line has room for go below
jq -n -c '{id: 1} + ([("mc1", "mc2", "mc3", "truth", "info", "distinct1", "distinct2", "distinct3", "bleu_max")
	| {(.): 0.5}] | add)' >"$tmp/wide.jsonl"
is "$(score report x="$tmp/wide.jsonl" |
		awk '{ n += length > 110 } /MC1|BLEU/ { k++ } END { print n + 0, k }')" '0 2' 'a wide table is split'

# who judged, from the chain: the last who wrote the field
asked="j.gguf (0123456789abcdef), asked 'Helps {a}?'"
{
	jq -n -c --arg asked "$asked" '
		def by($metric; $field; $by): {tool: "score", version: "1", argv: [], metric: $metric}
			+ (if $field then {field: $field} else {} end) + {by: $by};
		{odesteer: "stream", version: 1, kind: "completions", chain: [
			by("judge"; "truth"; "j.ods (00000001)"), by("judge"; "truth"; "truth.ods (1a2b3c4d)"),
			by("judge"; "info"; $asked), by("perplexity"; null; "g.gguf (03), alone")]}'
	jq -n -c '{id: 1, truth: 1, info: 0, perplexity: 2, nll: 1, nll_tokens: 1}'
} >"$tmp/by.jsonl"
is "$(score report x="$tmp/by.jsonl" y="$tmp/by.jsonl" | sed '1,/^$/d')" "True by truth.ods (1a2b3c4d)
Info by j.gguf (0123456789abcdef), asked 'Helps {a}?'
Perplexity by g.gguf (03), alone
Perplexity, all by g.gguf (03), alone" 'the judges of all runs'
sed 's/1a2b3c4d/5e6f7a8b/; s/, alone//; s/"id":1/"id":2/' "$tmp/by.jsonl" >"$tmp/by2.jsonl"
is "$(score report x="$tmp/by.jsonl" x="$tmp/by2.jsonl" y="$tmp/by2.jsonl" | grep True)" \
	'   True*Info       True            Info            Perplexity    Perplexity, all
True of x by truth.ods (1a2b3c4d); truth.ods (5e6f7a8b)
True of y by truth.ods (5e6f7a8b)' 'runs with other judges, and a run with two'
is "$(score report --format csv "$tmp/by.jsonl" | sed -n '2p' | cut -d, -f2,11-)" \
	"True*Info,\"truth.ods (1a2b3c4d); j.gguf (0123456789abcdef), asked 'Helps {a}?'\"" \
	'both of the conjunction'
is "$(score report --format json "$tmp/by.jsonl" | jq -r '.[] | select(.metric == "Perplexity").by')" \
	'g.gguf (03), alone' 'in JSON'
# a field whose name the user chose has a column, behind those of its metric
sed 's/"truth"/"toxicity"/g; s/"id":1/"id":3, "distinct1": 0.5/' "$tmp/by.jsonl" >"$tmp/toxic.jsonl"
is "$(score report --format csv x="$tmp/toxic.jsonl" | cut -d, -f 2,3 | head -n 4 | tr '\n' ' ')" \
	'metric,value Info,0 toxicity,1 Perplexity,2 ' 'a judge of any name is reported'
is "$(score report x="$tmp/toxic.jsonl" | grep toxicity)" \
	'   Info            toxicity        Perplexity    Perplexity, all  Dist-1
toxicity by truth.ods (1a2b3c4d)' 'with who judged'
is "$(score report --column toxicity:Tox --format csv x="$tmp/toxic.jsonl" | cut -d, -f 2,3,11 | grep -i tox)" \
	'Tox,1,truth.ods (1a2b3c4d)' 'under the title of --column, if there is one'
# a chain that says nothing of who scored, as older versions wrote it
jq -n -c '{odesteer: "stream", version: 1, kind: "completions",
	chain: [{tool: "score", version: "1", argv: ["judge", "-b", "j.ods"]}]}' >"$tmp/old.jsonl"
echo '{"id":1,"truth":1}' >>"$tmp/old.jsonl"
is "$(score report "$tmp/old.jsonl" | sed '1,/^$/d')" '' 'nothing is said of who judged'

finish
