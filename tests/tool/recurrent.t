#!/bin/sh
# A recurrent model, which decodes one text at a time where texts differ in length or share their beginning.
. tests/tap.sh

model=$tmp/mamba.gguf
perl tests/tiny.pl mamba >"$model"
jq -n -c 'range(12) | {id: ., group: (. / 2 | floor), label: (. % 2), prompt: "q\(.)",
	completion: ("abcdefghijkl"[.:] * (1 + . % 3))}' >"$tmp/e.jsonl"
alone() { # COMMAND...: prints the records that it makes of one text after the other
	while read -r text; do printf '%s\n' "$text" | "$@" | view; done <"$tmp/e.jsonl"
}
for o in '' '--at completion' '--at mean'; do
	collect -m "$model" -l 0,1 $o "$tmp/e.jsonl" | view | jq -c '[.pos, .act]' >"$tmp/together"
	alone collect -m "$model" -l 0,1 $o | jq -c '[.pos, .act]' >"$tmp/one"
	ok "collect $o: texts do not disturb one another" cmp "$tmp/together" "$tmp/one"
	is "$(awk 'END { print (NR >= 24) }' "$tmp/one")" 1 'and all are there'
done
collect -m "$model" -l 0 "$tmp/e.jsonl" | fitbarrier -m "$model" -f caa --calibrate "$tmp/e.jsonl" -o "$tmp/b.ods"
is "$(view "$tmp/b.ods" | jq '.kl[0] < 0.05 and .kl[7] > 8 * .kl[0]')" true 'fitbarrier --calibrate'
for metric in perplexity "kl -b $tmp/b.ods"; do
	score $metric -m "$model" "$tmp/e.jsonl" | view >"$tmp/together"
	ok "score $metric" cmp "$tmp/together" - <<-end
		$(alone score $metric -m "$model")
	end
done
score perplexity -m "$model" "$tmp/e.jsonl" | view | jq '.nll // 0 | -. * 1e4 | round' >"$tmp/nll"
score mc -m "$model" "$tmp/e.jsonl" | view | jq '.loglik * 1e4 | round' >"$tmp/loglik"
ok 'score mc' cmp "$tmp/nll" "$tmp/loglik"
k=$(view "$tmp/b.ods" | jq '.kl_T[7], .kl[7]' | xargs)
is "$(score kl -m "$model" -b "$tmp/b.ods" -T "${k% *}" "$tmp/e.jsonl" | view |
	jq -s "(map(select(.kl) | .kl * (.completion | length)) | add) / (map(.completion | length) | add)
		| . / ${k#* } | . > 0.999 and . < 1.001")" true 'eight lengths at once are measured as one'
jq -n -c 'range(40) | {id: ., prompt: "q\(.)"}' >"$tmp/p.jsonl"
generated() {
	generate -m "$model" -b "$tmp/b.ods" --temperature 3 --max-tokens 64 --stop k --stop Q "$@" "$tmp/p.jsonl" |
		view | jq -c '[.id, .completion, .finish]' | sort
}
for o in '' '--at last' '--at all' '-T 0' '-T 0,1'; do
	generated $o >"$tmp/together"
	ok "generate $o" cmp "$tmp/together" - <<-end
		$(generated $o --seqs 1)
	end
	is "$(jq -r '.[2]' "$tmp/together" | sort -u | grep -c 'length\|eos\|stop' | sed 's/[23]/several/')" several \
		'some texts end before others'
done
finish
