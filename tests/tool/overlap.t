#!/bin/sh
# score bleu and score rouge: the numbers of sacrebleu and rouge-score, and errors.
. tests/tap.sh

# tests/golden/overlap.json says how its numbers were made
jq -c '.records[] | del(.want)' tests/golden/overlap.json >"$tmp/golden.jsonl"
ok 'bleu | rouge' sh -c "score bleu '$tmp/golden.jsonl' | score rouge -o '$tmp/o.ods'"
view "$tmp/o.ods" >"$tmp/o.jsonl"
compare() { # PREFIX: compares the fields with this prefix; prints whether they agree, and how many
	jq -n -r --slurpfile g tests/golden/overlap.json --slurpfile o "$tmp/o.jsonl" --arg f "$1" '
		[range($g[0].records | length) as $i
			| $g[0].records[$i].want | to_entries[] | select(.key | startswith($f))
			| .value - $o[$i][.key] | fabs]
		| "\(max < 1e-9) \(length)"'
}
is "$(compare bleu)" 'true 882' 'bleu agrees with sacrebleu'
is "$(compare rouge1)" 'true 882' 'rouge agrees with rouge-score in ROUGE-1'
is "$(compare rouge2)" 'true 882' 'in ROUGE-2'
is "$(compare rougeL)" 'true 882' 'in ROUGE-L'
is "$(jq -c 'del(.[keys_unsorted[] | select(test("^(bleu|rouge)"))])' "$tmp/o.jsonl" | cksum)" \
	"$(jq -c . "$tmp/golden.jsonl" | cksum)" 'records keep their fields and order'

# by hand: "a b c d ." has 5 of 5 words, 3 of 4 pairs (not "d ."), 2 of 3 and 1 of 2 of "a b c d e ."
one() { # COMPLETION TRUE FALSE: prints a record
	jq -n -c --arg c "$1" --arg t "$2" --arg f "$3" '{id: 1, completion: $c, true: [$t], false: [$f]}'
}
is "$(one 'a b c d.' 'a b c d e' z | score bleu | view | jq -c '[.bleu_max * 1e6, .bleu_acc | round]')" \
	"$(jq -n -c '[100 * ((3 / 4 * 2 / 3 * 1 / 2) | log / 4 | exp) * ((1 - 6 / 5) | exp) * 1e6, 1 | round]')" \
	'bleu of a short text, computed by hand'
is "$(one 'a b x' 'a b c d' 'a' | score rouge | view |
		jq -c '[.rouge1_max, .rouge1_diff, .rouge2_max, .rouge2_diff, .rougeL_max | . * 1e6 | round]')" \
	"$(jq -n -c 'def f(p; r): 200 * p * r / (p + r);
		[f(2/3; 1/2), f(2/3; 1/2) - f(1/3; 1), f(1/2; 1/3), f(1/2; 1/3), f(2/3; 1/2) | . * 1e6 | round]')" \
	'rouge of a short text, computed by hand'
is "$(one 'I have no comment' 'Yes' 'No' | score rouge | score bleu | view |
		jq -c '[.rougeL_max, .rougeL_acc, .bleu_acc | round]')" '[100,1,1]' \
	'"I have no comment." is a true reference'
is "$(one '' 'Yes' 'No' | score bleu | score rouge | view |
		jq -c '[.bleu_max, .bleu_acc, .rouge1_max, .rougeL_acc | round]')" '[0,0,0,0]' \
	'an empty completion scores 0'
is "$(score report --format csv "$tmp/o.ods" | cut -d, -f2 | tr '\n' ' ')" \
	"metric $(for m in BLEU ROUGE-1 ROUGE-2 ROUGE-L; do printf '%s' "$m $m diff $m acc "; done)" \
	'report has a column for each field'

bad() { # MESSAGE JQ-FILTER: both metrics refuse a record that the filter has changed
	one a b c | jq -c "$2" >"$tmp/bad.jsonl"
	for m in bleu rouge; do
		fails 1 "score: '$tmp/bad.jsonl': record 1: $1" score $m -o "$tmp/x.ods" "$tmp/bad.jsonl"
	done
}
bad "no field 'completion'" 'del(.completion)'
bad "field 'completion' is not a string" '.completion = 1'
bad "field 'true' has no reference" 'del(.true)'
bad "field 'false' has no reference" '.false = []'
bad "field 'false' has no reference" '.false = [" ", ""]'
bad "field 'true' is not an array of strings" '.true = "a"'
bad "field 'true' is not an array of strings" '.true = ["a", ["b"]]'
is "$(find "$tmp" -name 'x.ods*' | wc -l)" 0 'a run that fails leaves no output'
for m in bleu rouge; do
	misuse "unknown option '-m'" score $m -m x
done
finish
