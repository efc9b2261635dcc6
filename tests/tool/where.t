#!/bin/sh
# --at, --first, --skip and --when: which positions of which texts are steered, and --when of collect. With a model
# whose distributions are computed here as well, and with the default model.
. tests/tap.sh

model=$tmp/tiny.gguf
perl tests/tiny.pl decoder >"$model"
jq -n -c 'range(12) | {id: ., group: (. / 2 | floor), label: (. % 2), prompt: "q\(.)",
	completion: "abcdefghijkl"[.:. + 3]}' | collect -m "$model" -l 0 -o "$tmp/a.ods"
fitbarrier -f caa -o "$tmp/b.ods" "$tmp/a.ods"
jq -n -c '{id: "a", prompt: "so?", completion: "yes.no"}, {id: "d", prompt: "", completion: "xy"}' >"$tmp/e.jsonl"
v=$(view "$tmp/b.ods" | jq -r '.vector[] * 2.385')
# shellcheck disable=SC2086 # numbers
perl tests/tiny.pl kl 'so?' yes.no $v | jq -s -c . >"$tmp/each"
kl() { # [OPTION ...]: the sums of the divergences at the tokens of a and of d
	score kl -m "$model" -b "$tmp/b.ods" -T 2.385 "$@" "$tmp/e.jsonl" | view |
		jq -s -c 'map(.kl * (.completion | length))'
}
# after its only block, a position moves nothing but the token that it predicts
near() { # FROM TO [OPTION ...]: steered are the tokens FROM to TO - 1 of the completion of a
	range=$1:$2
	shift 2
	is "$(kl "$@" | jq -c --slurpfile w "$tmp/each" \
		".[0] - (\$w[0][$range] | add // 0) | fabs < 1e-3 * (\$w[0] | add)")" true "score kl $*: tokens $range"
}
near 0 6
near 0 6 --at completion
near 0 1 --at last
near 0 1 --first 1
near 0 4 --first 4
near 0 6 --first 1000000
near 2 6 --skip 2
near 2 5 --skip 2 --first 3
near 6 6 --skip 6
is "$(score kl -v -m "$model" -b "$tmp/b.ods" -T 2.385 --skip 1 -o "$tmp/x.ods" "$tmp/e.jsonl" 2>&1 | tail -n 1 |
		sed 's/, mean.*//')" 'score: 8 activations steered, 75.0 % of them moved' 'score -v counts them'
is "$(score kl -v -m "$model" -b "$tmp/b.ods" -T 2.385 --at last -o "$tmp/x.ods" "$tmp/e.jsonl" 2>&1 | tail -n 1 |
		sed 's/, mean.*//')" 'score: 2 activations steered, 100.0 % of them moved' \
	'with --at last, those of the prompts'
# options before the first -b are about all barriers, after one about that one
is "$(score kl -m "$model" -T 2.385 --at last -b "$tmp/b.ods" "$tmp/e.jsonl" | view | jq -c .kl)" \
	"$(score kl -m "$model" -b "$tmp/b.ods" -T 2.385 --at last "$tmp/e.jsonl" | view | jq -c .kl)" \
	'before the first -b: for all'

# --when: h of the condition at the end of each prompt, and quantiles of its positives that lie on both sides of it
jq -c 'del(.completion)' "$tmp/e.jsonl" | head -n 1 | collect -m "$model" -l 0 | integrate -b "$tmp/b.ods" -T 0 |
	view | jq .h_before >"$tmp/h"
view "$tmp/b.ods" | jq -c --slurpfile h "$tmp/h" '.positives_h = [range(101) | . / 50 - 1 + $h[0]]' >"$tmp/c.record"
condition() { # FILE [BLOCK]: makes a barrier whose positives' median is the h of the prompt of a
	view --header "$tmp/b.ods" | jq -c --slurpfile r "$tmp/c.record" --argjson block "${2:-0}" \
		'if .odesteer then .block = [$block] elif .field then $r[0] else . end' | view --pack >"$1"
}
condition "$tmp/c.ods"
near 0 6 --when "$tmp/c.ods:0"
near 0 6 --when "$tmp/c.ods:0.49"
near 6 6 --when "$tmp/c.ods:0.51"
near 6 6 --when "$tmp/c.ods:1"
near 1 3 --when "$tmp/c.ods:0.49" --skip 1 --first 2
cp "$tmp/c.ods" "$tmp/c:0.ods"
near 0 6 --when "$tmp/c:0.ods:0.49"
is "$(score kl -m "$model" -b "$tmp/b.ods" --when "$tmp/c.ods:0" "$tmp/e.jsonl" | view --header |
		jq -c 'select(.odesteer).chain[-1].side | keys')" "[\"$tmp/b.ods\",\"$tmp/c.ods\",\"$model\"]" \
	'the chain names the condition'

# collect --when: texts whose prompt is at or above the level
kept() { # QUANTILE [OPTION ...]: the ids that collect writes, once for each activation
	q=$1
	shift
	collect -m "$model" -l 0 --when "$tmp/c.ods:$q" "$@" "$tmp/e.jsonl" | view | jq -r .id | tr '\n' ' '
}
jq -c 'del(.completion)' "$tmp/e.jsonl" | collect -m "$model" -l 0 | integrate -b "$tmp/b.ods" -T 0 | view >"$tmp/ends"
for q in 0 0.49 0.51 1; do
	want=$(jq -r -s --argjson q $q --slurpfile h "$tmp/h" \
		'map(select(.h_before >= $q * 2 - 1 + $h[0]).id + " ") | add // ""' "$tmp/ends")
	is "$(kept $q)" "$want" "collect --when q = $q: '$want'"
done
is "$(kept 0.49 --at completion --first 2 | tr ' ' '\n' | grep -c a)" 2 'collect --when --at completion --first 2'
is "$(collect -m "$model" -l 0 --at mean --when "$tmp/c.ods:0.51" "$tmp/e.jsonl" | view | jq -c '[.id, .at]')" \
	"$(for i in $(kept 0.51); do printf '["%s","%s"]\n' "$i" prompt "$i" mean; done)" 'collect --when --at mean'
jq -c 'del(.completion)' "$tmp/e.jsonl" >"$tmp/prompts.jsonl"
is "$(collect -m "$model" -l 0 --when "$tmp/c.ods:0.51" "$tmp/prompts.jsonl" | view | jq -r .id | tr '\n' ' ')" \
	"$(kept 0.51)" 'collect --when of prompts alone'
is "$(collect -v -m "$model" -l 0 --when "$tmp/c.ods:0.51" -o "$tmp/x.ods" "$tmp/e.jsonl" 2>&1 | cut -d, -f1,4)" \
	"collect: 2 texts, $(kept 0.51 | wc -w) texts kept" 'collect -v counts them'
is "$(view --header "$tmp/x.ods" | jq -c 'select(.odesteer).chain[-1].side | keys')" "[\"$tmp/c.ods\"]" \
	'and the chain names the condition'

# refusals
for tool in generate 'score mc' 'score kl'; do
	for o in '--at last' '--first 3' '--skip 2' "--when $tmp/c.ods:0.5"; do
		# shellcheck disable=SC2086 # two words
		fails 2 "${tool% *}: a flow needs a barrier: -b
try '${tool% *} -h'" $tool $o "$tmp/e.jsonl"
	done
done
for o in --at --first --skip --when; do
	misuse "unknown option '$o'" integrate $o 1
done
g() { # MESSAGE [OPTION ...]: generate refuses these options
	g_message=$1
	shift
	misuse "$g_message" generate -m "$model" -b "$tmp/b.ods" "$@" "$tmp/e.jsonl"
}
g "--at: 'mean' is none of completion|last|all" --at mean
g "--first: '0' is not in [1, 1000000]" --first 0
g "--skip: '-1' is not in [0, 1000000]" --skip -1
for o in c.ods :0.5 ''; do
	g "--when: '$o' is not a barrier and a quantile, such as barrier.ods:0.5" --when "$o"
done
g "--when: '1.5' is not in [0, 1]" --when c.ods:1.5
fail() { # MESSAGE [OPTION ...]: generate fails with these options
	fail_message=$1
	shift
	fails 1 "generate: $fail_message" generate -m "$model" -b "$tmp/b.ods" "$@" "$tmp/e.jsonl"
}
for o in first skip; do
	misuse "--at last is one position: --$o does not go with it" generate -b "$tmp/b.ods" --at last --$o 1
done
for o in c.ods :0.5 ''; do
	misuse "--when: '$o' is not a barrier and a quantile, such as barrier.ods:0.5" \
		collect --when "$o" "$tmp/e.jsonl"
done
misuse "--at all does not go with --when, which decides only at the prompt's last token" \
	score kl -b "$tmp/b.ods" --at all --when "$tmp/c.ods:0.5"
fail "'$tmp/b.ods': --at all: after block 0, the last, nothing reads the prompt" --at all
condition "$tmp/above.ods" 1
fail "'$tmp/b.ods': --when: '$tmp/above.ods' decides after block 1, too late for block 0" --when "$tmp/above.ods:0.5"
fail "cannot open '$tmp/none.ods': No such file or directory" --when "$tmp/none.ods:0.5"
fitbarrier -f linact -o "$tmp/map.ods" "$tmp/a.ods"
fail "'$tmp/map.ods': --when: 'linact' has no h" --when "$tmp/map.ods:0.5"
view --header "$tmp/b.ods" | jq -c 'del(.positives_h)' | view --pack >"$tmp/bare.ods"
fail "'$tmp/bare.ods': --when: this barrier stores no quantiles of h (no groups were held out of its fit)" \
	--when "$tmp/bare.ods:0.5"
# quantiles and blocks are those of the fit: a condition of another model is refused as a barrier is
view --header "$tmp/c.ods" | jq -c 'if .odesteer then .digest = "00000000000000bb" else . end' |
	view --pack >"$tmp/other.ods"
run generate -m "$model" -b "$tmp/b.ods" --when "$tmp/other.ods:0.5" "$tmp/e.jsonl"
is "$status $(echo "$err" | grep -c "^generate: '$tmp/other.ods': the barrier is of another model: ")" '1 1' \
	"another model: $err"
run collect -m "$model" --when "$tmp/other.ods:0.5" "$tmp/e.jsonl"
is "$status $(echo "$err" | grep -c "^collect: '$tmp/other.ods': the barrier is of another model: ")" '1 1' \
	"collect --when of another model: $err"
fails 1 "collect: '$tmp/map.ods': --when: 'linact' has no h" \
	collect -m "$model" --when "$tmp/map.ods:0.5" "$tmp/e.jsonl"
fails 1 "collect: '$tmp/above.ods': model 'tiny llama' has no block 1: its blocks are 0 to 0" \
	collect -m "$model" --when "$tmp/above.ods:0.5" "$tmp/e.jsonl"
fails 1 "collect: cannot open '$tmp/none.ods': No such file or directory" \
	collect -m "$model" --when "$tmp/none.ods:0.5" "$tmp/e.jsonl"
misuse "--when: '1.5' is not in [0, 1]" collect --when c.ods:1.5

[ -e "$ODESTEER_MODEL" ] || finish
head -n 20 datasets/sample.jsonl | jq -c -f datasets/forms/examples.jq | collect -l 9 | fitbarrier -o "$tmp/b9.ods"
head -n 4 datasets/sample.jsonl | jq -c -f datasets/forms/prompts.jq >"$tmp/p.jsonl"
# collect --when, decided after another block than those that are written
head -n 20 datasets/sample.jsonl | jq -c -f datasets/forms/examples.jq >"$tmp/q.jsonl"
jq -c 'del(.completion)' "$tmp/q.jsonl" | collect -l 9 | integrate -b "$tmp/b9.ods" -T 0 | view >"$tmp/ends"
# the level is in the widest gap: other batches move h a little
level=$(jq -s 'map(.h_before) | unique | .[length / 4 | floor:length * 3 / 4 | floor] | [.[:-1], .[1:]] | transpose |
	max_by(.[1] - .[0]) | add / 2' "$tmp/ends")
view "$tmp/b9.ods" | jq -c --argjson h "$level" '.positives_h = [range(101) | . / 50 - 1 + $h]' >"$tmp/c.record"
view --header "$tmp/b9.ods" | jq -c --slurpfile r "$tmp/c.record" 'if .field then $r[0] else . end' |
	view --pack >"$tmp/c9.ods"
for blocks in 6,13 6,9 6; do
	collect -l $blocks "$tmp/q.jsonl" | view >"$tmp/every"
	collect -l $blocks --when "$tmp/c9.ods:0.5" "$tmp/q.jsonl" | view >"$tmp/kept"
	is "$(jq -r '"\(.id) \(.block)"' "$tmp/kept")" "$(jq -r --argjson h "$level" --argjson blocks "[$blocks]" \
		'select(.h_before >= $h) | .id | "\(.) \($blocks[])"' "$tmp/ends")" \
		"collect -l $blocks --when after block 9: $(wc -l <"$tmp/kept") of $(wc -l <"$tmp/every") activations"
	is "$(wc -l <"$tmp/kept")" "$(sort "$tmp/kept" "$tmp/every" | uniq -d | wc -l)" 'which are those without --when'
done
n=$(head -n 1 "$tmp/q.jsonl" | collect -l 0 --at all | view | wc -l)
is "$(head -n 1 "$tmp/q.jsonl" | collect -l 0 --truncate --context $((n - 1)) --when "$tmp/c9.ods:0" | view |
	wc -l)" 1 '--when of a truncated text'
fails 1 "collect: '$tmp/e.jsonl': record 2: 'd' has no token of the prompt before its completion" \
	collect --when "$tmp/c9.ods:0.5" "$tmp/e.jsonl"
texts() { # [OPTION ...]: completions, steered with these options
	generate -b "$tmp/b9.ods" -T 15 --max-tokens 8 "$@" "$tmp/p.jsonl" | view |
		jq -c '{id, T, completion, tokens, moved}'
}
texts >"$tmp/default"
is "$(texts --first 1000000)" "$(cat "$tmp/default")" 'generate --first 1000000 is the default'
texts --at last >"$tmp/last"
is "$(texts --first 1)" "$(cat "$tmp/last")" '--at last is --first 1'
is "$(jq -c .moved "$tmp/last" | sort -u)" 1 'which moves one position of each text'
is "$(texts --skip 1 --first 3 | jq -s -c 'map(.moved == ([.tokens - 1, 3] | min)) | unique')" '[true]' \
	'--skip 1 --first 3'
is "$(texts --skip 8 | jq -c .completion)" "$(texts -T 0 | jq -c .completion)" '--skip of all is no steering'

# --at all: rows of the prompt are steered, so neither lengths nor texts may share them
for T in 0 15; do
	is "$(texts --seqs 1 --at all -T 0,15 | jq -c --arg T $T 'select(.T == $T) | [.completion, .moved]')" \
		"$(texts --seqs 1 --at all -T $T | jq -c '[.completion, .moved]')" "--at all: $T in a sweep is as alone"
done
n=$(collect -l 9 --at all "$tmp/p.jsonl" | view | wc -l)
texts --at all >"$tmp/all"
generate -v -b "$tmp/b9.ods" -T 15 --at all --max-tokens 8 -o "$tmp/x.ods" "$tmp/p.jsonl" 2>"$tmp/err"
is "$(tail -n 1 "$tmp/err" | cut -d, -f1)" \
	"generate: $(jq -s --argjson n "$n" 'map(.tokens - 1) | add + $n' "$tmp/all") activations steered" \
	'--at all: every token of the prompts and completions but the last'
is "$(jq -s -c 'map(.moved == .tokens) | unique' "$tmp/all")" '[true]' 'moved counts those of the completion'
# the divergence of a completion is that of the whole text without a prompt, less that of the prompt
jq -n -c '"Can fish drown in water that has no air?" as $p | " Yes, if there is too little of it." as $c
	| {id: "pc", prompt: "", completion: ($p + $c)}, {id: "p", prompt: "", completion: $p},
	{id: "c", prompt: $p, completion: $c}' >"$tmp/k.jsonl"
collect -l 9 --at all "$tmp/k.jsonl" | view | jq -s -c 'group_by(.id) | map({(.[0].id): length}) | add' >"$tmp/n"
score kl -b "$tmp/b9.ods" -T 15 "$tmp/k.jsonl" | view >"$tmp/k"
score kl -b "$tmp/b9.ods" -T 15 --at all "$tmp/k.jsonl" | view >"$tmp/k.all"
is "$(jq -n -c --slurpfile k "$tmp/k" --slurpfile all "$tmp/k.all" --slurpfile n "$tmp/n" '
	($k | map({(.id): .kl}) | add) as $kl | $n[0] as $n
	| ($kl.pc * ($n.pc - 1) - $kl.p * ($n.p - 1)) as $want | ($all[2].kl * ($n.pc - $n.p)) as $got
	| ($want - $got | fabs) < 0.05 * $want and ($kl.c * ($n.pc - $n.p) - $want | fabs) > 0.1 * $want')" true \
	'score kl --at all steers the prompt as it steers a completion'
# answers to a question share the steered rows of its prompt
head -n 3 datasets/sample.jsonl | jq -c -f datasets/forms/examples.jq >"$tmp/q.jsonl"
mc() { # [OPTION ...]
	score mc -b "$tmp/b9.ods" -T 15 "$@" | view | jq -c .loglik
}
mc --at all "$tmp/q.jsonl" >"$tmp/together"
for i in 1 2 3; do
	jq -c --argjson i $i 'select(.group == "s00\($i)")' "$tmp/q.jsonl" | mc --at all
done >"$tmp/apart"
mc "$tmp/q.jsonl" >"$tmp/completion"
off() { # FILE: the mean difference from the log-likelihoods in apart
	jq -n --slurpfile a "$1" --slurpfile b "$tmp/apart" \
		'[$a, $b] | transpose | map(.[0] - .[1] | fabs) | add / length'
}
# decoding the same texts in other batches moves them by about 0.2
is "$(jq -n "$(off "$tmp/together") < 0.5 * $(off "$tmp/completion")")" true \
	"score mc --at all: off by $(off "$tmp/together") from questions apart, without by $(off "$tmp/completion")"
finish
