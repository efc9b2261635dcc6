#!/bin/sh
# score kl: with a model whose distributions are computed here as well, and with the default model.
. tests/tap.sh

misuse 'kl needs a barrier: -b' score kl
misuse 'a flow needs a barrier: -b' score kl -T 5

model=$tmp/tiny.gguf
perl tests/tiny.pl decoder >"$model"
fit() { # MODEL
	jq -n -c 'range(12) | {id: ., group: (. / 2 | floor), label: (. % 2), prompt: "q\(.)",
		completion: "abcdefghijkl"[.:. + 3]}' | collect -m "$1" -l 0 | fitbarrier -f caa
}
fit "$model" >"$tmp/b.ods"
jq -n -c '{id: "a", prompt: "so?", completion: "yes.no"}, {id: "b", prompt: "why", completion: ""},
	{id: "c", kl: 1, kl_p95: 1, prompt: "", completion: "x"},
	{id: "d", prompt: "", completion: "xy"}' >"$tmp/e.jsonl"
kl() { # LENGTH FILE: prints the scored records
	score kl -m "$model" -b "$tmp/b.ods" -T "$1" "$2" | view
}
kl 2.385 "$tmp/e.jsonl" >"$tmp/got"
v=$(view "$tmp/b.ods" | jq -r '.vector[] * 2.385')
wanted() { # PROMPT COMPLETION: prints mean and 95th percentile
	# shellcheck disable=SC2086 # numbers
	perl tests/tiny.pl kl "$1" "$2" $v | jq -s -c 'sort as $x | (($x | length - 1) * .95) as $at
		| ($at | floor) as $i | [($x | add / length), $x[$i] + ($at - $i) * (($x[$i + 1] // 0) - $x[$i])]'
}
near() { # ID PROMPT COMPLETION
	is "$(jq -s -c --arg id "$1" --argjson w "$(wanted "$2" "$3")" 'map(select(.id == $id))[0]
		| [.kl - $w[0], .kl_p95 - $w[1]] | map(fabs) | max < 1e-3 * $w[1] and $w[0] > 0.01' "$tmp/got")" true \
		"divergence of $1: $(wanted "$2" "$3")"
}
near a 'so?' yes.no
near d '' xy
is "$(jq -s -c 'map(select(.id == "b") | has("kl"), has("kl_p95"))' "$tmp/got")" '[false,false]' \
	'none without a completion'
is "$(jq -c 'del(.kl, .kl_p95)' "$tmp/got" | cksum)" "$(jq -c 'del(.kl, .kl_p95)' "$tmp/e.jsonl" | cksum)" \
	'records keep their fields and order'
jq -c 'if .id == "b" then . else .T = "0.2nat" end' "$tmp/e.jsonl" >"$tmp/one.jsonl"
is "$(kl 2.385 "$tmp/one.jsonl" | jq -c 'del(.T)' | cksum)" "$(cksum <"$tmp/got")" 'texts of one length'
jq -c '.T = if .id == "d" then "0.1nat" else "0.2nat" end' "$tmp/e.jsonl" >"$tmp/sweep.jsonl"
fails 1 "score: '$tmp/sweep.jsonl': record 4: its T is '0.1nat', that of an earlier one '0.2nat': \
kl measures all texts at one length, so give it those of one" score kl -m "$model" -b "$tmp/b.ods" "$tmp/sweep.jsonl"
echo '{"prompt":"a","completion":"b","T":1}' >"$tmp/number.jsonl"
fails 1 "score: '$tmp/number.jsonl': record 1: field 'T' is not a text" \
	score kl -m "$model" -b "$tmp/b.ods" "$tmp/number.jsonl"
# counted: those of a, c and d, of which --skip 1 leaves out the first
counters() { # OPTION...: prints the end record's counters but the mean length, in hexadecimal
	score kl -m "$model" -b "$tmp/b.ods" -T 2.385 "$@" "$tmp/e.jsonl" | tail -c 200 | od -An -v -tx1 |
		tr -d ' \n' | sed 's/.*\(73746565726564\)\(.*\)a56d6f766564\(.*\)ab6d65616e5f.*/\2 \3/'
}
is "$(counters) $(counters --skip 1)" '09 09 09 06' 'the end record says how many were steered and moved'
is "$(kl 0 "$tmp/e.jsonl" | jq -s -c '[.[] | .kl // 0 | . < 1e-6] | all')" true 'no steering, no divergence'
sed "s/name('tokenizer.ggml.model', 'llama')/&, flag('tokenizer.ggml.add_bos_token', 0)/" tests/tiny.pl |
	perl - decoder >"$tmp/bare.gguf"
fit "$tmp/bare.gguf" >"$tmp/bare.ods"
is "$(jq -n -c '{prompt: "", completion: "", kl: 1}' | score kl -m "$tmp/bare.gguf" -b "$tmp/bare.ods" |
	view | jq -c '[.completion, .kl]')" '["",null]' 'a text without any token is passed on'
long=$(printf '%0120d' 0)
jq -n -c --arg long "$long" '{id: "a", prompt: $long, completion: $long}' >"$tmp/long.jsonl"
kl 2.385 "$tmp/long.jsonl" >"$tmp/got"
near a "$long" "$long"
jq -n -c --arg long "$long" '{id: "long", prompt: $long, completion: ($long + $long)}' >"$tmp/long.jsonl"
fails 1 "score: '$tmp/long.jsonl': record 1: 'long' has 361 tokens: more than 256" \
	score kl -m "$model" -b "$tmp/b.ods" "$tmp/long.jsonl"
# a damaged model: weights of its last layer are infinite
sed 's/1.2 + /9**9**9 + /' tests/tiny.pl | perl - decoder >"$tmp/infinite.gguf"
fit "$tmp/infinite.gguf" >"$tmp/infinite.ods"
fails 1 "score: '$tmp/e.jsonl': record 1: the divergence of 'a' is not finite" \
	score kl -m "$tmp/infinite.gguf" -b "$tmp/infinite.ods" "$tmp/e.jsonl"
fails 1 "score: '$tmp/b.ods' holds barrier, not examples or completions" \
	score kl -m "$model" -b "$tmp/b.ods" "$tmp/b.ods"
score kl -m "$model" -b "$tmp/b.ods" -T 1 -o "$tmp/a.ods" "$tmp/e.jsonl"
is "$(score report --format csv "$tmp/a.ods" | cut -d , -f 2 | tr '\n' ' ')" 'metric KL KL p95 ' 'columns of the report'
is "$(view --header "$tmp/a.ods" | jq -c 'select(.odesteer).chain[-1].side | keys')" \
	"[\"$tmp/b.ods\",\"$model\"]" 'the chain names barrier and model'
finish
