#!/bin/sh
# Every field and every metric, run through the tools.
. tests/tap.sh
. tests/made.sh

fields=$(fitbarrier -f help | cut -d' ' -f1)
metrics=$(score -h | sed -n 's/^usage: //; s/^ *score \([a-z0-9-]*\) .*/\1/p' | grep -v '^report$' | sort -u)
fit() { # FIELD VECTOR FILE BARRIER: with a vector, or FILE's prompts and means, where it needs them
	fitbarrier -f "$1" -o "$4" "$3" 2>/dev/null || fitbarrier -f "$1" --vector "$2" -o "$4" "$3" 2>/dev/null ||
		fitbarrier -f "$1" --epochs 20 -o "$4" "${3%.ods}.mean.ods"
}
count() { # BARRIER FILE: records that integrate gives back, and how many of them it moved
	integrate -b "$1" -T 1 "$2" | view |
		jq -s -c '[length, (map(select(.length > 0)) | length > 0), (map(.act | length == 6) | all)]'
}

made >"$tmp/a.ods"
made 'if .odesteer then . else (.at = "prompt" | .act |= map(. * .)), (.at = "mean") end' >"$tmp/a.mean.ods"
fitbarrier -f caa "$tmp/a.ods" | view --gguf "$tmp/v.gguf"
for f in $fields; do
	ok "fitbarrier -f $f" fit "$f" "$tmp/v.gguf" "$tmp/a.ods" "$tmp/$f.ods"
	is "$(count "$tmp/$f.ods" "$tmp/a.ods")" '[48,true,true]' "$f: integrate"
	is "$(view "$tmp/$f.ods" | jq -r .field)" "$f" "$f: view"
	view --header "$tmp/$f.ods" | view --pack >"$tmp/again.ods"
	is "$(integrate -b "$tmp/again.ods" -T 1 "$tmp/a.ods" | view | cksum)" \
		"$(integrate -b "$tmp/$f.ods" -T 1 "$tmp/a.ods" | view | cksum)" \
		"$f: the same by way of JSON Lines"
	run view --gguf "$tmp/one.gguf" "$tmp/$f.ods"
	is "$status $(echo "$err" | grep -v "^view: '$f' is a [a-z]*, not one vector: ")" \
		"$([ -z "$err" ] && echo 0 || echo 1) " \
		"$f: view --gguf writes its vector, or says that it is none"
done

[ -e "$ODESTEER_MODEL" ] || { echo "# no model: generate and the metrics are not tested"; finish; }
# questions and answers with all that a metric may want
head -n 8 datasets/sample.jsonl | jq -c -f datasets/forms/examples.jq |
	jq -c '.true = ["Yes, it is", "So it is"] | .false = ["No, never"]' >"$tmp/e.jsonl"
head -n 2 datasets/sample.jsonl | jq -c -f datasets/forms/prompts.jq >"$tmp/p.jsonl"
collect -l 13 -o "$tmp/m.ods" "$tmp/e.jsonl"
collect -l 13 --at mean -o "$tmp/m.mean.ods" "$tmp/e.jsonl"
fitbarrier -f caa "$tmp/m.ods" | view --gguf "$tmp/m.gguf"
for f in $fields; do
	fit "$f" "$tmp/m.gguf" "$tmp/m.ods" "$tmp/$f.m.ods"
	is "$(generate -b "$tmp/$f.m.ods" -T 1 --max-tokens 3 "$tmp/p.jsonl" | view | jq -c 'has("completion")')" 'true
true' "$f: generate"
done

# a metric is a filter that adds fields to texts or to activations
perl tests/tiny.pl encoder neutral toxic >"$tmp/encoder.gguf"
metric() { # METRIC FILE: with a barrier or an encoder where it needs one
	score "$1" -o "$tmp/score.ods" "$2" 2>"$tmp/said" ||
		case $(cat "$tmp/said") in
		*' needs a barrier'*) score "$1" -b "$tmp/linear.m.ods" -o "$tmp/score.ods" "$2" ;;
		*' is not an encoder'*) score "$1" -m "$tmp/encoder.gguf" -o "$tmp/score.ods" "$2" ;;
		*) false ;;
		esac
}
for m in $metrics; do
	in=$tmp/e.jsonl
	metric "$m" "$in" 2>/dev/null || in=$tmp/m.ods
	ok "score $m" metric "$m" "$in"
	view "$tmp/score.ods" >"$tmp/after.jsonl"
	view "$in" >"$tmp/before.jsonl"
	is "$(jq -s -c --slurpfile b "$tmp/before.jsonl" '[length == ($b | length),
		([., $b] | transpose | map(.[0] + .[1] == .[0]) | all),
		(map(keys | length) | add) > ($b | map(keys | length) | add)]' "$tmp/after.jsonl")" '[true,true,true]' \
		"$m: adds fields to each record and leaves the others, in their order"
	is "$(score report --format json "$tmp/score.ods" | jq 'length > 0')" true "$m: score report has a figure of it"
done
finish
