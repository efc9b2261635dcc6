#!/bin/sh
# score toxicity: its fields, its place in the chain and in reports, and classifier files that are refused.
. tests/tap.sh

jq -n -c '("Thank you for your help, the article is much better now.", "You are a stupid idiot.",
	"What the fuck is wrong with you?", "I am a Muslim and my brother is gay.", "", " -- \n", "Möge es nützen!")
	| {completion: .}' >"$tmp/in.jsonl"
ok 'score toxicity' score toxicity -o "$tmp/out.ods" "$tmp/in.jsonl"
is "$(view "$tmp/out.ods" | jq -c '[(.toxicity | if . then . * 1000 | round else . end), .toxic]' | tr '\n' ' ')" \
	'[0,0] [1000,1] [1000,1] [486,0] [null,null] [null,null] [1,0] ' \
	'toxicity and toxic, and none for a completion without words'
is "$(view "$tmp/out.ods" | jq -c 'del(.id, .toxicity, .toxic)')" "$(cat "$tmp/in.jsonl")" 'the rest is as before'
is "$(view "$tmp/out.ods" | tac | view --pack | score toxicity | view | jq .toxicity | tac)" \
	"$(view "$tmp/out.ods" | jq .toxicity)" 'in another order, and scored again, each has the same'
jq -c '.prompt = "You fucking idiot!"' "$tmp/in.jsonl" >"$tmp/prompt.jsonl"
is "$(score toxicity "$tmp/prompt.jsonl" | view | jq .toxicity)" "$(view "$tmp/out.ods" | jq .toxicity)" \
	'the prompt does not count'
is "$(jq -c '.toxicity = 0.5 | .toxic = 1' "$tmp/in.jsonl" | score toxicity | view |
		jq -c '[has("toxicity", "toxic")]' | sed -n '4,6p' | tr '\n' ' ')" \
	'[true,true] [false,false] [false,false] ' 'fields of an earlier run are replaced or removed'
crc=$(view --header "$tmp/out.ods" | jq -r 'select(.odesteer).chain[-1].side["toxicity.ods"]')
ok 'the chain has the digest of the weights' expr "$crc" : '[0-9a-f]\{8\}$'
is "$(view --header "$tmp/out.ods" | jq -c 'select(.odesteer).chain[-1] | [.metric, .by]')" \
	"[\"toxicity\",\"toxicity.ods ($crc)\"]" 'and says who scored'
is "$(score report --format csv "$tmp/out.ods" | cut -d, -f2,6,11)" "metric,questions,by
Toxicity,5,toxicity.ods ($crc)
Toxic,5,toxicity.ods ($crc)" 'score report has both means'

# The weights that are built in are datasets/toxicity.ods.
cp datasets/toxicity.ods "$tmp/w.ods"
is "$(score toxicity --weights "$tmp/w.ods" "$tmp/in.jsonl" | view)" "$(view "$tmp/out.ods")" \
	'--weights with the same weights'
is "$(score toxicity --weights "$tmp/w.ods" "$tmp/in.jsonl" | view --header |
		jq -c 'select(.odesteer).chain[-1].side')" \
	"{\"$tmp/w.ods\":\"$crc\"}" 'has the same digest'
ok 'the weights have at most 4 MB' test "$(wc -c <"$tmp/w.ods")" -le 4000000

# A small classifier, in which one word has a weight: the index of byte 1 and "mood" with 8 bits is 162.
small() { # FILTER
	jq -n -c '{odesteer: "stream", version: 1, kind: "classifier", chain: []},
		({predicts: "toxicity", bits: 8, scale: 2, shift: -1, w: [range(256) | if . == 162 then 127 else 0 end]}
		| '"$1"')'
}
small . >"$tmp/small.jsonl"
echo '{"completion":"mood"}' >"$tmp/mood.jsonl"
# "mood" has 14 n-grams within " mood ", and itself
is "$(score toxicity --weights "$tmp/small.jsonl" "$tmp/mood.jsonl" | view | jq '.toxicity * 1e9 | round')" \
	"$(jq -n '1 / (1 + (1 - 2 * 127 / (15 | sqrt) | exp)) * 1e9 | round')" \
	'the probability is that of the definition'
refused() { # MESSAGE FILTER
	small "$2" >"$tmp/bad.jsonl"
	fails 1 "score: '$tmp/bad.jsonl': record 1: $1" \
		score toxicity -o "$tmp/x.ods" --weights "$tmp/bad.jsonl" "$tmp/in.jsonl"
}
refused "the classifier is of 'mood', not of 'toxicity'" '.predicts = "mood"'
refused "field 'predicts' is missing or not a text" 'del(.predicts)'
refused "field 'bits' is not an integer from 8 to 24" '.bits = 25'
refused "field 'scale' is not a positive number" '.scale = 0'
refused "field 'shift' is not a number" '.shift = "a"'
refused "field 'w' has 255 numbers, not 2^8" '.w |= .[1:]'
refused "field 'w' has a value out of range" '.w[0] = 128'
refused "field 'w' is not an array of integers" '.w[0] = 0.5'
small '., .' >"$tmp/bad.jsonl"
fails 1 "score: '$tmp/bad.jsonl' holds more than one classifier" \
	score toxicity --weights "$tmp/bad.jsonl" "$tmp/in.jsonl"
small empty >"$tmp/bad.jsonl"
fails 1 "score: '$tmp/bad.jsonl' holds no classifier" score toxicity --weights "$tmp/bad.jsonl" "$tmp/in.jsonl"
fails 1 "score: '$tmp/in.jsonl' holds examples, not classifier" \
	score toxicity --weights "$tmp/in.jsonl" "$tmp/in.jsonl"
fails 1 "score: '$tmp/w.ods' holds classifier, not examples or completions" score toxicity "$tmp/w.ods"
fails 1 "score: cannot open '$tmp/none': No such file or directory" \
	score toxicity --weights "$tmp/none" "$tmp/in.jsonl"
for n in 0 1 100 200000 262000; do
	head -c $n datasets/toxicity.ods >"$tmp/cut.ods"
	run score toxicity -o "$tmp/x.ods" --weights "$tmp/cut.ods" "$tmp/in.jsonl"
	is "$status $(echo "$err" | grep -c "^score: '$tmp/cut.ods'")" '1 1' "weights cut after $n bytes"
done
is "$(find "$tmp" -name 'x.ods*' | wc -l)" 0 'a run that fails leaves no output'
# a word of 20 MB; if there is less room than for its 80 million n-grams
# shellcheck disable=SC3045 # where there is no ulimit -v, nothing is tested
if (ulimit -v 1000000 && score -V) >/dev/null 2>&1; then
	perl -e 'my $x = 7; print "{\"completion\":\"",
		(map { $x = ($x * 69069 + 1) % 4294967296; chr 97 + ($x >> 16) % 26 } 1 .. 20e6), "\"}\n"' \
		>"$tmp/long.jsonl"
	ok 'a word of 20 MB needs less than a gigabyte' \
		sh -c "ulimit -v 1000000; score toxicity -o '$tmp/long.ods' '$tmp/long.jsonl'"
fi
echo '{"prompt":"a"}' >"$tmp/bad.jsonl"
fails 1 "score: '$tmp/bad.jsonl': record 1: no field 'completion'" score toxicity "$tmp/bad.jsonl"
finish
