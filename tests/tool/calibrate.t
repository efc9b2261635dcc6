#!/bin/sh
# fitbarrier --calibrate and lengths in nats: the curve is what score kl measures, and -T is read off it.
. tests/tap.sh

model=$tmp/tiny.gguf
perl tests/tiny.pl decoder >"$model"
jq -n -c 'range(24) | {id: ., group: (. / 2 | floor), label: (. % 2), prompt: "q\(.)",
	completion: "abcdefghijklmnopqrstuvwx"[.:. + 3]}' | collect -m "$model" -l 0 >"$tmp/a.ods"
jq -n -c '{prompt: "so?", completion: "yes.no"}, {prompt: "why", completion: ""},
	{prompt: "and", completion: "xy"}, {prompt: "how", completion: "as-it-was."}' >"$tmp/e.jsonl"

misuse '-m: only --calibrate uses the model' fitbarrier -m "$model" "$tmp/a.ods"
misuse '--system: only --calibrate uses the model' fitbarrier --system x "$tmp/a.ods"
misuse '-T: a length in nats needs --calibrate' fitbarrier -T 0.2nat "$tmp/a.ods"
misuse "-T: '-1nat': nats are not negative; for the opposite direction give a length such as -0.1r" \
	fitbarrier -T -1nat "$tmp/a.ods"

fit() { # ARGUMENTS...
	fitbarrier -m "$model" --calibrate "$tmp/e.jsonl" "$@" "$tmp/a.ods"
}
kl() { # BARRIER T: prints the mean over all tokens, which are bytes
	score kl -m "$model" -b "$1" -T "$2" "$tmp/e.jsonl" | view |
		jq -s '[.[] | select(.kl) | {kl, n: (.completion | length)}] | (map(.kl * .n) | add) / (map(.n) | add)'
}
near() { # GOT WANTED SHARE WHAT
	is "$(jq -n "($1 - $2 | fabs) < $3 * $2")" true "$4: $1, $2"
}
for f in linear caa; do
	ok "$f" fit -f $f -T 0.01nat -o "$tmp/$f.ods"
	view "$tmp/$f.ods" >"$tmp/$f.jsonl"
	jq -r '[.kl_T, .kl] | transpose[] | @tsv' "$tmp/$f.jsonl" >"$tmp/curve"
	is "$(wc -l <"$tmp/curve")" 8 'eight lengths'
	# score kl decodes other rows together
	while read -r T kl; do
		near "$(kl "$tmp/$f.ods" "$T")" "$kl" 1e-3 "$f: T = $T"
	done <"$tmp/curve"
done
ok 'a map' fit -f ablation -o "$tmp/ablation.ods"
view "$tmp/ablation.ods" >"$tmp/ablation.jsonl"
near "$(kl "$tmp/ablation.ods" "$(jq '.kl_T[5]' "$tmp/ablation.jsonl")")" "$(jq '.kl[5]' "$tmp/ablation.jsonl")" 1e-3 \
	'ablation'
is "$(jq -c '.kl_T[7]' "$tmp/ablation.jsonl")" 1 'the last length of a map is its greatest'
near "$(jq '.kl_T[7]' "$tmp/linear.jsonl")" "$(jq '.8 * .act_norm' "$tmp/linear.jsonl")" 1e-9 'that of a flow'
jq -n -c 'range(24) | {id: ., group: (. / 2 | floor), label: (. % 2), prompt: "q\(. / 2 | floor)",
	completion: "abcdefghijklmnopqrstuvwx"[.:. + 3]}' | collect -m "$model" -l 0 --at mean >"$tmp/mean.ods"
ok 'a sequence map' fitbarrier -m "$model" --calibrate "$tmp/e.jsonl" -f truthflow -o "$tmp/truthflow.ods" \
	"$tmp/mean.ods"
view "$tmp/truthflow.ods" | jq -r '[.kl_T, .kl] | transpose[] | @tsv' >"$tmp/curve"
is "$(wc -l <"$tmp/curve")" 8 'eight lengths'
while read -r T kl; do
	near "$(kl "$tmp/truthflow.ods" "$T")" "$kl" 1e-3 "truthflow: T = $T"
done <"$tmp/curve"
at=$(jq '.kl[2] * 1.3' "$tmp/linear.jsonl")
near "$(kl "$tmp/linear.ods" "${at}nat")" "$at" 0.02 'a length in nats leads there'
is "$(kl "$tmp/linear.ods" auto)" "$(kl "$tmp/linear.ods" 0.01nat)" '-T auto is the length of fitbarrier -T'
is "$(fit -f linear | view | jq .T_auto)" "$(fit -f linear -T 0.2nat | view | jq .T_auto)" 'by default 0.2nat'
jq -n -c '{prompt: "", completion: ""}' | cat - "$tmp/e.jsonl" >"$tmp/empty.jsonl"
is "$(fitbarrier -m "$model" --calibrate "$tmp/empty.jsonl" -f caa "$tmp/a.ods" | view | jq -c .kl)" \
	"$(jq -c .kl "$tmp/caa.jsonl")" 'an empty text does not count'
is "$(fit -f linear -j 1 | view | cksum)" "$(fit -f linear -j 2 | view | cksum)" 'one thread and two'
is "$(view --header "$tmp/caa.ods" | jq -c 'select(.odesteer).chain[-1].side | keys')" \
	"[\"$tmp/e.jsonl\",\"$model\"]" 'the chain names texts and model'
run integrate -b "$tmp/ablation.ods" -T 99nat "$tmp/a.ods"
most=$(echo "$err" | sed -n "s/^integrate: -T 99nat: this barrier's curve ends at \(.*\) nat, T = 1$/\1/p")
is "$status $(jq --argjson most "${most:-null}" '.kl[7] | . > $most and . * 0.99 < $most' "$tmp/ablation.jsonl")" \
	'1 true' "beyond the curve: $err"
ok 'the length that the message names is possible' integrate -b "$tmp/ablation.ods" -T "${most}nat" -o "$tmp/x.ods" \
	"$tmp/a.ods"
is "$(fit -f linear -T 1 | view | jq '.kl_T[7] > 1 and .T_auto == 1')" true '-T may be any length'

# activations of a hundred times the norm: each length of 0.07 to 0.8 norms is far too long
view --header "$tmp/a.ods" | jq -c 'if .odesteer then . else .act |= map(. * 100) end' | view --pack >"$tmp/long.ods"
ok 'lengths that are too long' fitbarrier -m "$model" --calibrate "$tmp/e.jsonl" -f linear -o "$tmp/far.ods" \
	"$tmp/long.ods"
is "$(view "$tmp/far.ods" | jq -c '[.kl[0] <= 0.05, .kl[0] > 0.005, .kl[7] > 0.2, .kl_T[7] < 0.2 * .act_norm]')" \
	'[true,true,true,true]' 'are measured shorter'
near "$(kl "$tmp/far.ods" 0.1nat)" 0.1 0.05 'until 0.1 nats are between them'
view --header "$tmp/a.ods" | jq -c 'if .odesteer then . else .act |= map(. * 1e18) end' |
	view --pack >"$tmp/endless.ods"
run fitbarrier -m "$model" --calibrate "$tmp/e.jsonl" -f linear -o "$tmp/none.ods" "$tmp/endless.ods"
is "$status $(echo "$err" | sed 's/[0-9][0-9.e+]*/N/g')" \
	'1 fitbarrier: --calibrate: even a length of N moves the next tokens by N nats' 'but not endlessly'

jq -n -c '{id: "a", prompt: "so?"}' >"$tmp/p.jsonl"
of() { # T: prints completions
	generate -m "$model" -b "$tmp/linear.ods" -T "$1" --max-tokens 9 "$tmp/p.jsonl" | view | jq -c .completion
}
is "$(of 0,0.1nat)" "$(of 0 && of 0.1nat)" 'generate takes several'
run fit -v -f ablation -o "$tmp/x.ods"
is "$(printf '%s\n' "$err" | grep -c '^fitbarrier: calibrated on 18 tokens: .* at 1, [0-9.]* s$')" 1 \
	'-v tells the curve'
# only the first 128 tokens of a completion count
long=$(printf '%0128d' 0)
for more in '' aaaa; do
	jq -n -c --arg long "$long$more" '{prompt: "and", completion: $long}' >"$tmp/long.jsonl"
	fitbarrier -m "$model" --calibrate "$tmp/long.jsonl" -f caa "$tmp/a.ods" | view | jq -c .kl >"$tmp/kl$more"
done
is "$(cat "$tmp/klaaaa")" "$(cat "$tmp/kl")" '128 tokens count'

# what cannot be calibrated
misuse '--calibrate: standard input has the activations' fitbarrier --calibrate -
misuse '--calibrate: standard input has the activations' fitbarrier --calibrate - "$tmp/a.ods" -
is "$(fitbarrier -m "$model" --calibrate - -f caa "$tmp/a.ods" <"$tmp/e.jsonl" | view | jq -c .kl)" \
	"$(jq -c .kl "$tmp/caa.jsonl")" 'texts of standard input'
run fitbarrier -m "$model" --calibrate "$tmp/p.jsonl" --held-out "$tmp/h.ods" "$tmp/a.ods"
is "$status $([ -e "$tmp/h.ods" ] && echo left)" '1 ' 'a failure leaves no held-out file'
jq -n -c '{prompt: "so?"}' >"$tmp/none.jsonl"
fails 1 "fitbarrier: --calibrate: '$tmp/none.jsonl': no text has a completion (odesteer generate writes them)" \
	fitbarrier -m "$model" --calibrate "$tmp/none.jsonl" -f caa "$tmp/a.ods"
fails 1 "fitbarrier: '$tmp/a.ods' holds activations, not examples or completions" \
	fitbarrier -m "$model" --calibrate "$tmp/a.ods" -f caa "$tmp/a.ods"
fails 1 "fitbarrier: cannot open '$tmp/no.jsonl': No such file or directory" \
	fitbarrier -m "$model" --calibrate "$tmp/no.jsonl" -f caa "$tmp/a.ods"
view --header "$tmp/a.ods" | jq -c 'if .odesteer then .digest = "0123456789abcdef" else . end' >"$tmp/other.jsonl"
fails 1 "fitbarrier: --calibrate: the activations are of another model: 'tiny llama' (0123456789abcdef), not \
$(view --header "$tmp/a.ods" | head -n 1 | jq -r .digest)" \
	fitbarrier -m "$model" --calibrate "$tmp/e.jsonl" -f caa "$tmp/other.jsonl"

# files that lie
lie() { # FILTER MESSAGE
	view --header "$tmp/caa.ods" | jq -c "if .field then $1 else . end" >"$tmp/lie.jsonl"
	fails 1 "integrate: '$tmp/lie.jsonl': record 1: $2" integrate -b "$tmp/lie.jsonl" -T 1 "$tmp/a.ods"
}
shape="fields 'kl_T' and 'kl' are not a curve: T must rise from above 0, and KL be positive"
lie '.kl_T[3] = .kl_T[2]' "$shape"
lie '.kl_T[0] = 0' "$shape"
lie '.kl[5] = 0' "$shape"
lie 'del(.kl)' "only one of the fields 'kl_T' and 'kl' is there"
finish
