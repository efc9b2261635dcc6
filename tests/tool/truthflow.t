#!/bin/sh
# truthflow moves a whole text by the correction of its prompt: the same as adding that correction as a vector.
. tests/tap.sh
[ -e "$ODESTEER_MODEL" ] || skip_all 'no model: make setup'

head -n 12 datasets/sample.jsonl | jq -c -f datasets/forms/examples.jq >"$tmp/e.jsonl"
collect -l 13 --at mean -o "$tmp/m.ods" "$tmp/e.jsonl"
fit() { # ARGUMENTS...
	fitbarrier -f truthflow --epochs 30 --rate 1e-3 "$@" "$tmp/m.ods"
}
ok 'fits' fit -j 1 -o "$tmp/b.ods"
fit -j 2 | view >"$tmp/b2.jsonl"
is "$(cksum <"$tmp/b2.jsonl")" "$(view "$tmp/b.ods" | cksum)" 'the same numbers in two threads'
is "$(jq -c '[.rank, (.basis | length / 576), (.net | length), (.training_loss | length), has("auc")]' \
	"$tmp/b2.jsonl")" '[12,12,2657736,30,false]' 'the record'
is "$(fit --rank 3 | view | jq -c '[.rank, (.basis | length / 576)]')" '[3,3]' '--rank'
fails 1 'fitbarrier: the differences have only 12 directions, fewer than the 13 of --rank' \
	fitbarrier -f truthflow --rank 13 "$tmp/m.ods"
collect -l 13 -o "$tmp/last.ods" "$tmp/e.jsonl"
fails 1 "fitbarrier: 'truthflow' needs the activations of prompts: collect --at mean" \
	fitbarrier -f truthflow "$tmp/last.ods"
misuse "--rank: 'caa' does not use it" fitbarrier -f caa --rank 3

# the correction of a prompt, as the vector of a barrier
tail -n 3 datasets/sample.jsonl | jq -c -f datasets/forms/prompts.jq >"$tmp/p.jsonl"
collect -l 13 "$tmp/p.jsonl" >"$tmp/at.ods"
view "$tmp/at.ods" >"$tmp/at.jsonl"
integrate -b "$tmp/b.ods" "$tmp/at.ods" | view >"$tmp/to.jsonl"
view --header "$tmp/b.ods" | head -n 1 >"$tmp/header"
vector() { # I: the barrier that adds the correction of prompt I, from 1
	{
		cat "$tmp/header"
		jq -n -c --slurpfile a "$tmp/at.jsonl" --slurpfile b "$tmp/to.jsonl" --argjson i "$(($1 - 1))" '{
			field: "caa", act_norm: 1, slope: 1, intercept: 0, log_prior_ratio: 0,
			vector: [$a[$i].act, $b[$i].act] | transpose | map(.[1] - .[0])}'
	} >"$tmp/v$1.jsonl"
}
line() { # I FILE
	sed -n "$1p" "$2"
}
is "$(jq -s -c 'map(.length > 1) | all' "$tmp/to.jsonl")" true 'corrections have a length'

generate -b "$tmp/b.ods" --max-tokens 12 -o "$tmp/g.ods" "$tmp/p.jsonl"
view "$tmp/g.ods" | jq -c .completion >"$tmp/g"
generate -b "$tmp/b.ods" --max-tokens 12 --seqs 1 "$tmp/p.jsonl" | view | jq -c .completion >"$tmp/one"
is "$(cat "$tmp/one")" "$(cat "$tmp/g")" 'generate: the same one by one'
generate --max-tokens 12 "$tmp/p.jsonl" | view | jq -c .completion >"$tmp/plain"
is "$(cmp -s "$tmp/plain" "$tmp/g" && echo same || echo others)" others 'generate: not the unsteered text'
for i in 1 2 3; do
	vector $i
	line $i "$tmp/p.jsonl" >"$tmp/p$i.jsonl"
	generate -b "$tmp/v$i.jsonl" -T 1 --max-tokens 12 "$tmp/p$i.jsonl" | view | jq -c .completion >"$tmp/want"
	is "$(line $i "$tmp/g")" "$(cat "$tmp/want")" "generate: prompt $i is steered by its own vector"
done
is "$(integrate -v -b "$tmp/b.ods" -o "$tmp/x.ods" "$tmp/m.ods" 2>&1 | tail -n 1)" \
	'integrate: each activation was moved as the first one of a text of its own' \
	'integrate -v says what it does not know'
# every token of a text has the length of its correction
generate -v -b "$tmp/b.ods" --max-tokens 12 -o "$tmp/g1.ods" "$tmp/p1.jsonl" 2>"$tmp/said"
length=$(line 1 "$tmp/to.jsonl" | jq .length)
said=$(sed -n 's/.* 12 activations steered, 100.0 % of them moved, mean length \([0-9.]*\),.*/\1/p' "$tmp/said")
is "$(jq -n "(${said:-0} - $length | fabs) < 0.01 * $length")" true \
	"-v: 12 activations, mean length ${said:-none}, that of the correction $length"
# a length of a sweep is that of all activations of the text
generate -b "$tmp/b.ods" -T 0,1.5 --max-tokens 12 "$tmp/p.jsonl" | view >"$tmp/sweep"
is "$(jq -c 'select(.T == "0") | .completion' "$tmp/sweep")" "$(cat "$tmp/plain")" '-T 0,1.5: unsteered'
is "$(jq -c 'select(.T == "1.5") | .completion' "$tmp/sweep")" "$(cat "$tmp/g")" '-T 0,1.5: steered'
fails 1 "generate: '$tmp/b.ods': 'truthflow' is a map, not a flow: its T is a number from 0 to 10" \
	generate -b "$tmp/b.ods" -T 11 "$tmp/p.jsonl"
# some positions: all that are moved get the same correction, which begins at the end of the prompt
is "$(generate -v -b "$tmp/b.ods" --first 3 --max-tokens 12 "$tmp/p1.jsonl" 2>&1 >"$tmp/x.ods" |
		sed -n 's/.* 12 activations steered, \([0-9.]* %\) of them moved, mean length \([0-9.]*\),.*/\1 \2/p' |
		awk -v want="$length" '{ print $1, ($3 * 4 / want > 0.99 && $3 * 4 / want < 1.01) }')" '25.0 1' \
	'--first 3: a quarter of twelve activations, by the same length'
for o in '--at all' '--skip 1'; do
	# shellcheck disable=SC2086 # two words
	fails 1 "generate: '$tmp/b.ods': 'truthflow' is a sequence map, which begins at the prompt's last token: \
$([ "$o" = '--skip 1' ] && echo --skip || echo "$o") does not go with it" generate -b "$tmp/b.ods" $o "$tmp/p.jsonl"
done

# score mc: all answers to a question begin with its prompt
tail -n 3 datasets/sample.jsonl | jq -c -f datasets/forms/examples.jq >"$tmp/q.jsonl"
score mc -b "$tmp/b.ods" "$tmp/q.jsonl" | view >"$tmp/mc"
score mc "$tmp/q.jsonl" | view >"$tmp/mc.plain"
for i in 1 2 3; do
	group=$(line $i "$tmp/p.jsonl" | jq .group)
	jq -c "select(.group == $group)" "$tmp/q.jsonl" | score mc -b "$tmp/v$i.jsonl" -T 1 | view
done >"$tmp/mc.want"
off() { # FILE: the largest difference of log-likelihoods to those in mc.want
	jq -n --slurpfile a "$1" --slurpfile b "$tmp/mc.want" \
		'[$a, $b] | transpose | map(.[0].loglik - .[1].loglik | fabs) | max'
}
# decoding the same texts in other batches moves them by 0.2, with AMX by 0.7
is "$(jq -n "$(off "$tmp/mc") < 1.2 and $(off "$tmp/mc.plain") > 2")" true \
	"score mc: off by $(off "$tmp/mc") from those with the vectors, unsteered by $(off "$tmp/mc.plain")"
finish
