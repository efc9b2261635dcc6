#!/bin/sh
# score bleu and score rouge.
. tests/tap.sh

# sacrebleu's and rouge-score's own numbers for the same texts (tests/golden/overlap.json says how)
jq -c '.records[] | del(.want)' tests/golden/overlap.json >"$tmp/golden.jsonl"
ok 'bleu | rouge' sh -c "score bleu '$tmp/golden.jsonl' | score rouge -o '$tmp/o.ods'"
view "$tmp/o.ods" >"$tmp/o.jsonl"
differ() { # FIELDS' BEGINNING: the greatest difference, and how many figures were compared
	jq -n -r --slurpfile g tests/golden/overlap.json --slurpfile o "$tmp/o.jsonl" --arg f "$1" \
		'[range($g[0].records | length) as $i | $g[0].records[$i].want | to_entries[]
			| select(.key | startswith($f))
			| .value - $o[$i][.key] | fabs] | "\(max < 1e-9) \(length)"'
}
is "$(differ bleu)" 'true 882' 'bleu agrees with sacrebleu'
is "$(differ rouge1)" 'true 882' 'rouge agrees with rouge-score: ROUGE-1'
is "$(differ rouge2)" 'true 882' 'ROUGE-2'
is "$(differ rougeL)" 'true 882' 'ROUGE-L'
is "$(jq -c 'del(.[keys_unsorted[] | select(test("^(bleu|rouge)"))])' "$tmp/o.jsonl" | cksum)" \
	"$(jq -c . "$tmp/golden.jsonl" | cksum)" 'records keep fields and order'

# by hand: "a b c d ." of "a b c d e ." has 5 of 5 words, 3 of 4 pairs (d . is none), 2 of 3, 1 of 2, and is shorter
one() { # COMPLETION TRUE FALSE
	jq -n -c --arg c "$1" --arg t "$2" --arg f "$3" '{id: 1, completion: $c, true: [$t], false: [$f]}'
}
is "$(one 'a b c d.' 'a b c d e' z | score bleu | view | jq -c '[.bleu_max * 1e6, .bleu_acc | round]')" \
	"$(jq -n -c '[100 * ((3 / 4 * 2 / 3 * 1 / 2) | log / 4 | exp) * ((1 - 6 / 5) | exp) * 1e6, 1 | round]')" \
	'bleu by hand'
is "$(one 'a b x' 'a b c d' 'a' | score rouge | view |
		jq -c '[.rouge1_max, .rouge1_diff, .rouge2_max, .rouge2_diff, .rougeL_max | . * 1e6 | round]')" \
	"$(jq -n -c 'def f(p; r): 200 * p * r / (p + r); [f(2/3; 1/2), f(2/3; 1/2) - f(1/3; 1), f(1/2; 1/3),
		f(1/2; 1/3), f(2/3; 1/2) | . * 1e6 | round]')" \
	'rouge by hand'
is "$(one 'I have no comment' 'Yes' 'No' | score rouge | score bleu | view |
		jq -c '[.rougeL_max, .rougeL_acc, .bleu_acc | round]')" '[100,1,1]' \
	'"I have no comment." is a true one'
is "$(one '' 'Yes' 'No' | score bleu | score rouge | view |
		jq -c '[.bleu_max, .bleu_acc, .rouge1_max, .rougeL_acc | round]')" '[0,0,0,0]' \
	'an empty completion has nothing in common with any'
titles=$(for n in BLEU ROUGE-1 ROUGE-2 ROUGE-L; do printf '%s %s diff %s acc ' $n $n $n; done)
is "$(score report --format csv "$tmp/o.ods" | cut -d, -f2 | tr '\n' ' ')" "metric $titles" 'report has them'

bad() { # MESSAGE JQ-FILTER
	one a b c | jq -c "$2" >"$tmp/bad.jsonl"
	for m in bleu rouge; do
		fails 1 "score: '$tmp/bad.jsonl': record 1: $1" score $m -o "$tmp/x.ods" "$tmp/bad.jsonl"
	done
}
bad "field 'completion' is missing or not a string" 'del(.completion)'
bad "field 'completion' is missing or not a string" '.completion = 1'
bad "field 'true' has no reference" 'del(.true)'
bad "field 'false' has no reference" '.false = []'
bad "field 'false' has no reference" '.false = [" ", ""]'
bad "field 'true' is not an array of strings" '.true = "a"'
bad "field 'true' is not an array of strings" '.true = ["a", ["b"]]'
is "$(find "$tmp" -name 'x.ods*' | wc -l)" 0 'nothing half-written is left'
for m in bleu rouge; do
	fails 2 "score: unknown option '-m'
try 'score -h'" score $m -m x
done
finish
