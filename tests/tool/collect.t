#!/bin/sh
. tests/tap.sh
[ -e "$ODESTEER_MODEL" ] || skip_all 'no model: make setup'

head -n 6 datasets/sample.jsonl | jq -c -f datasets/forms/examples.jq >"$tmp/e.jsonl"
n=$(wc -l <"$tmp/e.jsonl")

ok 'collects' collect -l 5 -o "$tmp/a.ods" "$tmp/e.jsonl"
view "$tmp/a.ods" >"$tmp/a.jsonl"
is "$(jq -s length "$tmp/a.jsonl")" "$n" 'a record for each text'
is "$(jq -c '[.id, .group, .label, .best]' "$tmp/a.jsonl")" \
	"$(jq -c '[.id, .group, .label, .best]' "$tmp/e.jsonl")" 'fields and order survive'
is "$(jq -c keys_unsorted "$tmp/a.jsonl" | sort -u)" \
	'["id","group","split","label","best","pos","block","act"]' 'the texts are not repeated'
is "$(view --header "$tmp/a.ods" |
		jq -c 'select(.odesteer) | [.kind, .block, .dim, .dtype, (.digest | length), .chain[-1].tool]')" \
	'["activations",[5],576,"float32",16,"collect"]' 'the header'
collect -l 5 "$tmp/e.jsonl" >"$tmp/b.ods"
is "$(view "$tmp/b.ods" | cksum)" "$(cksum <"$tmp/a.jsonl")" 'the same on standard output'
collect -l 5 -o "$tmp/c.ods" "$tmp/e.jsonl"
cp "$tmp/c.ods" "$tmp/d.ods"
collect -l 5 -o "$tmp/c.ods" "$tmp/e.jsonl"
ok 'the same bytes twice' cmp "$tmp/c.ods" "$tmp/d.ods"
collect -l 5 <"$tmp/e.jsonl" >"$tmp/b.ods"
is "$(view "$tmp/b.ods" | cksum)" "$(cksum <"$tmp/a.jsonl")" 'the same from standard input'
# What reductions over a batch of another size may do to a float.
far() { # A.jsonl B.jsonl: largest difference over the norm
	jq -n --slurpfile a "$1" --slurpfile b "$2" '[range($a | length) as $i
		| ([range(576) | $a[$i].act[.] - $b[$i].act[.] | fabs] | max) / ($a[$i].act | map(. * .) | add
		| sqrt)] | max'
}
collect -l 5 --seqs 1 "$tmp/e.jsonl" | view >"$tmp/one.jsonl"
is "$(jq -n "$(far "$tmp/a.jsonl" "$tmp/one.jsonl") < 1e-2")" true \
	"one by one: off by $(far "$tmp/a.jsonl" "$tmp/one.jsonl") of the norm"
head -n 9 "$tmp/e.jsonl" >"$tmp/e1.jsonl"
tail -n +10 "$tmp/e.jsonl" >"$tmp/e2.jsonl"
is "$(collect -l 5 "$tmp/e1.jsonl" "$tmp/e2.jsonl" | view | cksum)" "$(cksum <"$tmp/a.jsonl")" 'two files are one'

# blocks
collect -l 5,29 "$tmp/e.jsonl" | view >"$tmp/two.jsonl"
is "$(jq -c .block "$tmp/two.jsonl" | sort -u | tr '\n' ' ')" '29 5 ' '-l 5,29'
is "$(jq -c 'select(.block == 5) | .act' "$tmp/two.jsonl" | cksum)" "$(jq -c .act "$tmp/a.jsonl" | cksum)" \
	'leaving the graph early changes no bit'
is "$(head -n 2 "$tmp/e.jsonl" | collect -l 3-5,4 | view | jq -c '[.id, .block]' | tr -d '\n')" \
	'["s001-1",3]["s001-1",4]["s001-1",5]["s001-2",3]["s001-2",4]["s001-2",5]' '-l 3-5,4'
is "$(head -n 1 "$tmp/e.jsonl" | collect | view | jq .block)" 15 'the middle block by default'

# positions
head -n 2 "$tmp/e.jsonl" >"$tmp/short.jsonl"
collect --at all -l 5 "$tmp/short.jsonl" | view >"$tmp/all.jsonl"
collect --at completion -l 5 "$tmp/short.jsonl" | view >"$tmp/completion.jsonl"
is "$(jq -s -c 'group_by(.id) | map(map(.pos) == [range(length)])' "$tmp/all.jsonl")" '[true,true]' \
	'--at all: every position'
is "$(jq -s -c 'group_by(.id) | map(.[-1].act)' "$tmp/all.jsonl" | cksum)" \
	"$(collect -l 5 "$tmp/short.jsonl" | view | jq -s -c 'map(.act)' | cksum)" \
	'the last of them is --at last'
is "$(jq -s -c 'map(select(.id == "s001-1") | .pos) | [.[0], .[-1], length]' "$tmp/completion.jsonl")" \
	'[24,34,11]' '--at completion: its tokens'
is "$(jq -c 'select(.pos >= 24 and .id == "s001-1") | .act' "$tmp/all.jsonl" | cksum)" \
	"$(jq -c 'select(.id == "s001-1") | .act' "$tmp/completion.jsonl" | cksum)" 'with the same activations'

# some of the positions
some() { # [OPTION ...]: the positions that each text gets
	collect -l 5 "$@" "$tmp/short.jsonl" | view | jq -s -c 'group_by(.id) | map([.[0].pos, .[-1].pos, length])'
}
is "$(some --at completion)" '[[24,34,11],[24,33,10]]' '--at completion'
is "$(some --at completion --first 3)" '[[24,26,3],[24,26,3]]' '--first 3'
is "$(some --at completion --skip 2)" '[[26,34,9],[26,33,8]]' '--skip 2'
is "$(some --at completion --skip 2 --first 3)" '[[26,28,3],[26,28,3]]' '--skip 2 --first 3'
is "$(some --at completion --skip 10 --first 1000000)" '[[34,34,1]]' \
	'--skip 10: the last one of eleven, and none of ten'
is "$(some --at completion --skip 11)" '[]' '--skip 11: none'
is "$(some --at all --skip 1 --first 30)" '[[1,30,30],[1,30,30]]' '--at all --skip 1 --first 30'
is "$(collect --at all --skip 3 --first 5 -l 5 "$tmp/short.jsonl" | view | jq -c .act | cksum)" \
	"$(jq -c 'select(.pos >= 3 and .pos < 8) | .act' "$tmp/all.jsonl" | cksum)" 'with the same activations'
for at in '' '--at last' '--at mean'; do
	# shellcheck disable=SC2086 # two words
	misuse '--first needs --at completion or --at all' collect $at --first 1 "$tmp/short.jsonl"
	# shellcheck disable=SC2086 # two words
	misuse '--skip needs --at completion or --at all' collect $at --skip 0 "$tmp/short.jsonl"
done
misuse "--first: '0' is not in [1, 1000000]" collect --at all --first 0 "$tmp/short.jsonl"

# --at mean: the end of the prompt, and the mean over the completion
collect --at all -l 5,13 "$tmp/short.jsonl" | view >"$tmp/both.jsonl"
collect --at mean -l 5,13 "$tmp/short.jsonl" | view >"$tmp/mean.jsonl"
is "$(jq -c '[.id, .label, .at, .pos, .block]' "$tmp/mean.jsonl" | head -n 5)" '["s001-1",1,"prompt",23,5]
["s001-1",1,"prompt",23,13]
["s001-1",1,"mean",34,5]
["s001-1",1,"mean",34,13]
["s001-2",1,"prompt",23,5]' '--at mean: the end of the prompt, then the mean'
is "$(jq -c 'select(.at == "prompt") | [.id, .block, .act]' "$tmp/mean.jsonl" | cksum)" \
	"$(jq -c 'select(.pos == 23) | [.id, .block, .act]' "$tmp/both.jsonl" | cksum)" \
	'the prompt has the activation of its last token'
is "$(jq -n --slurpfile a "$tmp/both.jsonl" --slurpfile m "$tmp/mean.jsonl" '[$m[] | select(.at == "mean") | . as $m
	| [$a[] | select(.id == $m.id and .block == $m.block and .pos >= 24) | .act] | length as $n
	| transpose | map(add / $n) | [., $m.act] | transpose[] | .[0] - .[1] | fabs] | max < 1e-4')" true \
	'the mean is that of the tokens of the completion, for each text and block'
is "$(collect --at mean --half -l 5 "$tmp/short.jsonl" | view --header | jq -c '.dtype // [.at, (.act | length)]' |
		tr -d '\n')" '"float16"["prompt",576]["mean",576]["prompt",576]["mean",576]' '--at mean --half'
jq -c '.at = "noon"' "$tmp/short.jsonl" >"$tmp/noon.jsonl"
is "$(collect -l 5 "$tmp/noon.jsonl" | view | jq -c '.at')$(collect --at mean -l 5 "$tmp/noon.jsonl" | view |
	jq -r '.at' | tr '\n' ' ')" 'null
nullprompt mean prompt mean ' "'at' is always collect's"

# form
collect -l 5 -t chat --system 'Be brief.' --at all "$tmp/short.jsonl" | view --summary >"$tmp/chat"
collect -l 5 -t chat --at all "$tmp/short.jsonl" | view --summary >"$tmp/chat.plain"
is "$(cmp -s "$tmp/chat" "$tmp/chat.plain" && echo same || echo differ)" differ '-t chat takes --system'
is "$(collect -l 5 --half "$tmp/e.jsonl" | view --header | jq -r 'select(.odesteer) | .dtype')" float16 '--half'
collect -l 5 --half "$tmp/e.jsonl" | view >"$tmp/half.jsonl"
is "$(jq -n "$(far "$tmp/a.jsonl" "$tmp/half.jsonl") < 1e-3")" true \
	"float16 is off by $(far "$tmp/a.jsonl" "$tmp/half.jsonl") of the norm"
ok '-z writes gzip' sh -c 'collect -z -l 5 "$1" | gzip -t' sh "$tmp/short.jsonl"
is "$(gzip -c "$tmp/e.jsonl" | collect -l 5 | view | cksum)" "$(cksum <"$tmp/a.jsonl")" 'gzipped JSON Lines are read'

# without an id: the number in the input, over all files
jq -c 'del(.id)' "$tmp/short.jsonl" >"$tmp/bare.jsonl"
echo '{"prompt":"x","id":null}' >"$tmp/null.jsonl"
is "$(collect --at all -l 5 "$tmp/bare.jsonl" "$tmp/null.jsonl" | view | jq -c .id | uniq | tr '\n' ' ')" \
	'1 2 3 ' 'records without an id are numbered'

# length
fails 1 "collect: '$tmp/e.jsonl': record 1: 's001-1' has 35 tokens, more than the 32 of --context" \
	collect --context 32 -l 5 "$tmp/e.jsonl"
is "$(collect --context 32 --truncate --at all -l 5 "$tmp/short.jsonl" | view |
		jq -s 'group_by(.id) | .[0] | length')" 32 '--truncate'
misuse "--context: the model was trained for 8192 tokens" collect --context 9000 "$tmp/e.jsonl"

# bad input
bad() { # LINE MESSAGE
	{
		cat "$tmp/short.jsonl"
		echo "$1"
	} >"$tmp/bad.jsonl"
	fails 1 "collect: '$tmp/bad.jsonl': record 3: $2" collect -l 5 -o "$tmp/bad.ods" "$tmp/bad.jsonl"
}
bad '{"id":"x"}' "no field 'prompt'"
bad '{"id":"x","prompt":3}' "field 'prompt' is not a string"
bad '{"id":"x","prompt":"a","completion":[]}' "field 'completion' is not a string"
bad '{"id":"x","prompt":"a\u0000b"}' "field 'prompt' holds a NUL character"
bad '{"id":"x","prompt":""}' 'the text is empty'
bad '{"id":[],"prompt":"a"}' "field 'id' is neither a string nor an integer"
bad '[]' 'it is not a JSON object'
is "$(find "$tmp" -name 'bad.ods*' | wc -l)" 0 'nothing half-written is left'
echo '{"id":"x","prompt":"a"}' >"$tmp/none.jsonl"
fails 1 "collect: '$tmp/none.jsonl': record 1: 'x' has no completion" collect --at completion -l 5 "$tmp/none.jsonl"
fails 1 "collect: '$tmp/none.jsonl': record 1: 'x' has no completion" collect --at mean -l 5 "$tmp/none.jsonl"
echo '{"id":"x","prompt":"","completion":"Yes, it is"}' >"$tmp/alone.jsonl"
fails 1 "collect: '$tmp/alone.jsonl': record 1: 'x' has no token of the prompt before its completion" \
	collect --at mean -l 5 "$tmp/alone.jsonl"
fails 1 "collect: '$tmp/short.jsonl': record 1: 's001-1' has no token of the prompt before its completion" \
	collect --at mean -l 5 --context 11 --truncate "$tmp/short.jsonl"
is "$(collect --at mean -l 5 --context 12 --truncate "$tmp/short.jsonl" | view | jq -c '[.at, .pos]' | head -n 2 |
	tr -d '\n')" '["prompt",0]["mean",11]' '--truncate leaves a token of the prompt'
fails 1 'collect: standard input is empty' collect -l 5
fails 1 "collect: '$tmp/a.ods' holds activations, not examples or completions" collect "$tmp/a.ods"
run collect -m "$tmp/short.jsonl" "$tmp/e.jsonl"
is "$status $(echo "$err" | grep -c "^collect: .*'$tmp/short.jsonl'")" '1 1' "a model that is none: $err"
run collect -m "$tmp/nope.gguf" "$tmp/e.jsonl"
is "$status $(echo "$err" | grep -c "^collect: .*'$tmp/nope.gguf'.*No such file or directory")" '1 1' \
	"a model that is not there: $err"
for l in 30 3,30 0-30; do
	run collect -l "$l" "$tmp/e.jsonl"
	is "$status $(echo "$err" | cut -d"'" -f3)" '1  has no block 30: its blocks are 0 to 29' "-l $l"
done
for l in x 5- -5 5,,x '' 5-3; do
	run collect -l "$l" "$tmp/e.jsonl"
	is "$status" 2 "-l '$l' is misuse: $(echo "$err" | head -n 1)"
done
misuse "--at: 'first' is none of last|completion|all|mean" collect --at first
misuse "-t: 'llama' is none of raw|chat" collect -t llama
run sh -c 'collect -l 5 "$1" >/dev/full' sh "$tmp/e.jsonl"
is "$status $err" "1 collect: cannot write 'standard output': No space left on device" 'a full disk'
run collect -v -l 5 -o "$tmp/v.ods" "$tmp/e.jsonl"
is "$(echo "$err" | grep -c '^collect: 24 texts, [0-9]* tokens, [0-9]* of them decoded, [0-9.]* s$')" 1 "-v: $err"
finish
