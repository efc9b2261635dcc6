#!/bin/sh
# pipelines/tune on a few pairs and prompts: its results, its proposal, and that it resumes.
. tests/tap.sh

[ -e "$ODESTEER_MODEL" ] || skip_all 'no model here'
unset OUT DATA BLOCK BLOCKS LENGTHS TEMPLATE FIT JUDGE LIMIT TOKENS GPU
export OUT="$tmp/tune" BLOCKS='10 14' LENGTHS=0.1nat,0.4nat TOKENS=12 LIMIT=4
# It steers towards gloom, because the model is cheerful by itself.
head -n 48 datasets/mood.jsonl | jq -c '.label = 1 - .label' >"$tmp/pairs.jsonl"
jq -c '.label = 1 - .label' datasets/mood-judge.jsonl >"$tmp/judge.jsonl"
{
	jq -c 'select(.split == "tune")' datasets/mood-prompts.jsonl | head -n 6
	echo '{"split":"test","prompt":"A prompt to keep for the test."}'
} >"$tmp/prompts.jsonl"
run pipelines/tune "$tmp/pairs.jsonl" "$tmp/prompts.jsonl"
is "$status" 0 "it ends: $err"
is "$(jq -r '.[].run' "$tmp/tune/report.json" | sort -u | tr '\n' ,)" \
	'block 10 T=0.1nat,block 10 T=0.4nat,block 14 T=0.1nat,block 14 T=0.4nat,unsteered,' \
	'each block with each length'
is "$(view "$tmp/tune/unsteered.ods" | jq -c .prompt)" "$(head -n 6 "$tmp/prompts.jsonl" | jq -c .prompt)" \
	'it does not use prompts of the test'
is "$(for h in 0 1; do jq -c -s --argjson seed 1 --argjson half $h -f datasets/forms/half.jq "$tmp/pairs.jsonl" |
		jq -r .group; done | sort | uniq -c | awk '{ print $1 }' | sort -u)" 2 \
	'no pair is in both halves'
is "$(view "$tmp/tune/judge.ods" |
		jq '.positives + .negatives') $(view "$tmp/tune/10.ods" | jq '.positives + .negatives')" \
	'24 24' 'barriers are fitted to one half, the judge to the other'
# The proposal is computed again from the records.
mean() { # FILE T FIELD: prints the mean over the answers of that length
	view "$tmp/tune/$1" | jq -s --arg T "$2" "map(select(.T // \"\" | . == \$T)$3) | add / length"
}
ppl() { # FILE T: prints their perplexity as one text
	view "$tmp/tune/$1" | jq -s --arg T "$2" 'map(select(.T // "" | . == $T))
		| (map(.nll) | add) / (map(.nll_tokens) | add) | exp'
}
best=$(for b in 10 14; do for T in 0.1nat 0.4nat; do
	echo "$(mean $b.texts.ods $T .effect_p) $(ppl $b.texts.ods $T) block $b T=$T"
done; done | awk -v none="$(mean unsteered.ods '' .effect_p)" -v ppl="$(ppl unsteered.ods '')" \
	'$1 > none && $2 <= 4 * ppl' | sort -k1,1gr | head -n 1 | cut -d' ' -f3-)
is "$(echo "$out" | sed -n 's/^== proposed: //p')" "$(echo "$best" | sed 's/ T=/, length /')" \
	'it proposes the greatest effect that the limit of perplexity allows'
view "$tmp/tune/barrier.ods" >"$tmp/barrier"
is "$(jq '.positives + .negatives' "$tmp/barrier")" 48 'the barrier is fitted to all pairs'
moved() { # T: prints where it moves the activations
	integrate -b "$tmp/tune/barrier.ods" -T "$1" -o "$tmp/moved.ods" "$tmp/tune/all.ods" &&
		view "$tmp/moved.ods" | cksum
}
ok 'it steers' moved auto
is "$(moved auto)" "$(moved "${best#*T=}")" 'and has the proposed length'
touch "$tmp/then"
run pipelines/tune "$tmp/pairs.jsonl" "$tmp/prompts.jsonl"
is "$status $(find "$tmp/tune" -name '*.cmd' -newer "$tmp/then")" '0 ' 'a second run repeats nothing'
run env LIMIT=0.001 pipelines/tune "$tmp/pairs.jsonl" "$tmp/prompts.jsonl"
is "$status $err" \
	'1 tune: no block and length has an effect at a perplexity of at most 0.001 times the unsteered one' \
	'no length within the limit'
run env JUDGE="$tmp/judge.jsonl" pipelines/tune "$tmp/pairs.jsonl" "$tmp/prompts.jsonl"
is "$status $(view "$tmp/tune/10.ods" | jq '.positives + .negatives')" '0 48' \
	"with a judge of other texts barriers are fitted to all pairs: $err"
run env FIT='-p paper' pipelines/tune "$tmp/pairs.jsonl" "$tmp/prompts.jsonl"
is "$status $(for b in 10 barrier; do view "$tmp/tune/$b.ods"; done | jq -r .field)" "0 polysketch
polysketch" 'another fit makes all barriers again'
run env LENGTHS=0.4nat pipelines/tune "$tmp/pairs.jsonl" "$tmp/prompts.jsonl"
is "$status $err" '1 tune: LENGTHS: give at least two, such as 0.1nat,0.4nat' 'one length only'
run env LENGTHS=0.1nat,auto pipelines/tune "$tmp/pairs.jsonl" "$tmp/prompts.jsonl"
is "$status $err" "1 tune: LENGTHS: 'auto' is not a length to choose" 'a length of the barrier'
jq -c 'del(.group)' "$tmp/pairs.jsonl" >"$tmp/alone.jsonl"
run pipelines/tune "$tmp/alone.jsonl" "$tmp/prompts.jsonl"
is "$status $err" "1 tune: '$tmp/alone.jsonl': each record needs a group, the same for the two of a pair,\
 and there must be at least 4 groups" 'pairs without groups'
run pipelines/tune "$tmp/pairs.jsonl"
is "$status $err" '2 usage: tune pairs.jsonl prompts.jsonl' 'usage'
finish
