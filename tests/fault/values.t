#!/bin/sh
# Numbers that are not finite, and texts with a NUL, are refused where they are made, not by the tool that reads them.
. tests/tap.sh
. tests/made.sh
made . >"$tmp/a.ods"
fitbarrier -f linear -o "$tmp/b.ods" "$tmp/a.ods"
huge() { # FILTER: makes a barrier whose h is not finite
	view --header "$tmp/b.ods" | jq -c "$1" | view --pack -o "$tmp/huge.ods"
}
huge 'if .w then .w |= map(1e308) else . end'
fails 1 "score: cannot write 'standard output': record 1: field 'h' holds a number that is not finite" \
	score density -b "$tmp/huge.ods" "$tmp/a.ods"
fails 1 "score: cannot write '$tmp/d.ods': record 1: field 'h' holds a number that is not finite" \
	score density -b "$tmp/huge.ods" -o "$tmp/d.ods" "$tmp/a.ods"
is "$(find "$tmp" -name 'd.ods*')" '' 'and nothing is left'
huge 'if .w then .intercept = 1.7e308 | .log_prior_ratio = 1.7e308 else . end'
fails 1 "integrate: cannot write 'standard output': record 1: field 'h_before' holds a number that is not finite" \
	integrate -b "$tmp/huge.ods" -T 1 "$tmp/a.ods"
jq -n -c '{id: 1, completion: "two\u0000parts", true: ["a"], false: ["b"]}' >"$tmp/nul.jsonl"
for metric in distinct rouge bleu; do
	fails 1 "score: '$tmp/nul.jsonl': record 1: field 'completion' holds a NUL character" \
		score $metric "$tmp/nul.jsonl"
done
for label in 2 1.0 '"1"'; do
	view --header "$tmp/a.ods" | jq -c "if .label then .label = 1 else . end" |
		sed "s/\"label\":1/\"label\":$label/" >"$tmp/label.jsonl"
	run fitbarrier -o "$tmp/l.ods" "$tmp/label.jsonl"
	is "$status $err" "1 fitbarrier: '$tmp/label.jsonl': record 1: field 'label' is not 0 or 1" \
		"label $label is refused"
done
finish
