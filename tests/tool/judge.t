#!/bin/sh
# score judge: answers judged by a model's reply, or by a barrier.
. tests/tap.sh
. tests/made.sh

head -n 6 datasets/sample.jsonl | jq -c -f datasets/forms/examples.jq >"$tmp/e.jsonl"
made | fitbarrier -p paper --components 64 -o "$tmp/made.ods"

misuse 'judge needs a barrier or a question for the model: -b or --text' score judge
misuse "--text: 'Q: {q}' has no place for the answer: {a}" score judge --text 'Q: {q}'
misuse "--text: '{a}\\x' has a '\\' that is not \\n, \\t or \\\\" score judge --text '{a}\x'
misuse "--text: '{a}\\' has a '\\' that is not \\n, \\t or \\\\" score judge --text "{a}\\"
misuse '--yes: a barrier does not reply' score judge -b "$tmp/made.ods" --yes ' yes'
misuse '--no: a barrier does not reply' score judge -b "$tmp/made.ods" --no ' no'
misuse 'judge needs one barrier: -b' score judge -b "$tmp/made.ods" -b "$tmp/made.ods"
misuse '--yes: the text is empty' score judge --text '{a}' --yes ''
misuse '--no: the text is empty' score judge --text '{a}' --no ''
misuse "--yes and --no are the same: ' no'" score judge --text '{a}' --yes ' no'
misuse "unknown option '-T'" score judge --text '{a}' -T 5
misuse "unknown option '--system'" score judge --text '{a}' --system x
for name in true odesteer h_before h_after length steps loglik toxic bleu_max p nll_tokens; do
	misuse "--as: the field '$name' has another meaning" score judge --text '{a}' --as $name
done
for name in '' 1a 'a b' "$(printf '%062d' 0 | tr 0 a)"; do
	misuse "--as: '$name' is not a name of at most 61 letters, digits and '_'" score judge --text '{a}' --as "$name"
done
made | fitbarrier -f linact -o "$tmp/map.ods"
fails 1 "score: 'linact' has no h: it says where activations go, not how likely they are" \
	score judge -b "$tmp/map.ods" "$tmp/e.jsonl"
view --header "$tmp/made.ods" | jq -c 'del(.prior)' | view --pack >"$tmp/bare.ods"
fails 1 'score: the barrier has no prior, so its h gives no probability' \
	score judge -b "$tmp/bare.ods" "$tmp/e.jsonl"
view --header "$tmp/made.ods" | jq -c 'if .odesteer then . else .temperature = -1 end' |
	view --pack >"$tmp/bare.ods"
fails 1 "score: '$tmp/bare.ods': record 1: field 'temperature' is not a positive number" \
	score judge -b "$tmp/bare.ods" "$tmp/e.jsonl"
made >"$tmp/a.ods"
fails 1 "score: '$tmp/a.ods' holds activations, not examples or completions" score judge --text '{a}' "$tmp/a.ods"
fails 1 "score: cannot open model '$tmp/no.gguf': No such file or directory" \
	score judge --text '{a}' -m "$tmp/no.gguf" "$tmp/e.jsonl"

[ -e "$ODESTEER_MODEL" ] || { echo "# no model: judging is not tested"; finish; }
digest=$(score judge --text '{a}' "$tmp/e.jsonl" | view --header | jq -r 'select(.odesteer).chain[0].side[]')
fails 1 "score: the barrier is of another model: 'made' (00000000000000aa), not $digest" \
	score judge -b "$tmp/made.ods" "$tmp/e.jsonl"

# a model's reply: the probabilities are those that perplexity computes for the same texts
ok 'judge | judge' sh -c "score judge --text 'Q: {q}\\nA: {a}\\nTrue:' '$tmp/e.jsonl' |
	score judge --text 'Is \"{a}\" helpful?' --yes ' Yes, it is' --no ' No' --as info -o '$tmp/j.ods'"
view "$tmp/j.ods" >"$tmp/j.jsonl"
is "$(jq -c 'del(.truth, .truth_p, .info, .info_p)' "$tmp/j.jsonl" | cksum)" "$(jq -c . "$tmp/e.jsonl" | cksum)" \
	'records keep their fields and order'
p_yes() { # JQ YES NO: prints the probability of yes, given yes or no, after the text that JQ makes
	jq -c --arg y "$2" --arg n "$3" "
		(.completion | ltrimstr(\" \")) as \$a | ($1) as \$t
		| {id: \"\(.id)y\", prompt: \$t, completion: \$y}, {id: \"\(.id)n\", prompt: \$t, completion: \$n}" \
		"$tmp/e.jsonl" | score perplexity | view |
		jq -s -c '[range(length / 2) as $i | 1 / (1 + (.[2 * $i].nll - .[2 * $i + 1].nll | exp))]'
}
agrees() { # NAME P: whether the fields are these probabilities, up to rounding, and decide by 1/2
	jq -s --argjson p "$2" --arg f "$1" '
		[range(length) as $i | .[$i]["\($f)_p"] as $got
			| ($got - $p[$i] | fabs) < 0.01 and .[$i][$f] == (if $got >= 0.5 then 1 else 0 end)]
		| all and length == 24' "$tmp/j.jsonl"
}
is "$(agrees truth "$(p_yes '.prompt + " " + $a + "\nTrue:"' ' yes' ' no')")" true \
	'the probability of " yes" among " yes" and " no"'
is "$(agrees info "$(p_yes '"Is \"\($a)\" helpful?"' ' Yes, it is' ' No')")" true \
	'the probability of replies of several tokens'
is "$(jq -s 'map(.truth_p) | unique | length > 20' "$tmp/j.jsonl")" true 'answers get different probabilities'
is "$(view --header "$tmp/j.ods" |
		jq -c 'select(.odesteer) | [.model, (.chain | map(.tool))], [.chain[].side | keys[]]')" \
	"[null,[\"score\",\"score\"]]
[\"$ODESTEER_MODEL\",\"$ODESTEER_MODEL\"]" 'the header keeps its model, and the chain has the judge'
long=$(printf 'Is it so: {a}?\\n%0200d' 0)
is "$(score judge --text "$long" "$tmp/e.jsonl" | view --header | jq -r 'select(.odesteer).chain[0].by
		| sub(".*, asked"; "asked") | sub("\\([0-9a-f]{16}\\)$"; "(hash)")')" \
	"asked 'Is it so: {a}?\\n00000000000000000000000000000000000000000000...' (hash)" \
	'of a long question, its beginning and a hash'

# question and answer
asked='Q: {q}\nA: {a}\nTrue:'
p() { # RECORD [TEXT]: prints its probability
	printf '%s\n' "$1" | score judge --text "${2-$asked}" | view | jq .truth_p
}
same=$(p '{"id":1,"question":"Is snow white?","completion":"Yes."}')
is "$(p '{"id":1,"prompt":"Q: Is snow white?\nA:","completion":" Yes.\n"}')" "$same" \
	'the form of the prompt, and white space around the answer, are removed'
is "$(p '{"id":1,"prompt":"Is snow white?","completion":"Yes."}')" "$same" 'a prompt may be the question'
is "$(p '{"id":1,"question":null,"prompt":"Is snow white?","completion":"Yes."}')" "$same" \
	'a question that is null is absent'
is "$(p '{"id":1,"prompt":"never read","question":" Is snow white? ","completion":"\tYes."}')" "$same" \
	'the question has priority over the prompt'
other=$(p '{"id":1,"question":"Is snow white?","completion":"No."}')
is "$(test "$other" = "$same" && echo same || echo other)" other 'another answer has another probability'
is "$(p '{"id":1,"question":"{a}","completion":"{q}"}')" \
	"$(p '{"id":1,"question":"a}","completion":"q}"}' 'Q: {{q}\nA: {{a}\nTrue:')" \
	'{q} and {a} inside question and answer are not replaced'
is "$(echo '{"id":1,"question":"Is snow white?","completion":""}' | score judge --text '{q}\\{x}\t{a}' | view |
		jq '.truth_p > 0 and .truth_p < 1')" true 'an empty answer is judged'
bad() { # MESSAGE JQ-FILTER: a record that the filter has changed is refused
	jq -n -c '{id: 1, question: "q", completion: "c"} | '"$2" >"$tmp/bad.jsonl"
	fails 1 "score: '$tmp/bad.jsonl': record 1: $1" score judge --text '{q} {a}' -o "$tmp/x.ods" "$tmp/bad.jsonl"
}
bad "no field 'completion'" 'del(.completion)'
bad "no field 'prompt'" 'del(.question)'
bad "field 'question' is not a string" '.question = 1'
bad "field 'completion' holds a NUL character" '.completion = "a\u0000b"'
jq -n -c '{id: 1, question: "q", completion: ([range(3000)] | join(" "))}' >"$tmp/bad.jsonl"
run score judge --text '{q} {a}' -o "$tmp/x.ods" "$tmp/bad.jsonl"
is "$status: $(printf '%s\n' "$err" | sed 's/[0-9]* tokens/N tokens/')" \
	"1: score: '$tmp/bad.jsonl': record 1: '1' has N tokens: more than 2048" 'a text that is too long is refused'
is "$(find "$tmp" -name 'x.ods*' | wc -l)" 0 'a run that fails leaves no output'

# a barrier: the calibrated probability by h of the same activations
head -n 20 datasets/sample.jsonl | jq -c -f datasets/forms/examples.jq | collect -l 13 |
	fitbarrier -f linear -o "$tmp/b.ods"
collect -l 13 "$tmp/e.jsonl" | score density -b "$tmp/b.ods" | view >"$tmp/h.jsonl"
ok 'judge -b' score judge -b "$tmp/b.ods" -o "$tmp/jb.ods" "$tmp/e.jsonl"
view "$tmp/jb.ods" >"$tmp/jb.jsonl"
view "$tmp/b.ods" >"$tmp/b.jsonl"
is "$(jq -c '[.prior, .temperature | type]' "$tmp/b.jsonl")" '["number","number"]' \
	'the fit has a prior and a temperature'
is "$(jq -n --slurpfile b "$tmp/b.jsonl" --slurpfile h "$tmp/h.jsonl" --slurpfile j "$tmp/jb.jsonl" '
	$b[0] as $b
	| [range(24) as $i | ($h[$i].h - ((1 - $b.prior) / $b.prior | log)) as $odds | $j[$i].truth_p as $p
		| (1 / (1 + (-$odds / $b.temperature | exp)) - $p | fabs) < 0.01
			and $j[$i].truth == (if $p >= 0.5 then 1 else 0 end)]
	| all')" true 'the probability follows from h, the prior and the temperature'
view --header "$tmp/b.ods" | jq -c 'del(.temperature)' | view --pack >"$tmp/plain.ods"
score judge -b "$tmp/plain.ods" "$tmp/e.jsonl" | view >"$tmp/plain.jsonl"
is "$(jq -s --slurpfile j "$tmp/jb.jsonl" --slurpfile b "$tmp/b.jsonl" '
	def odds: . / (1 - .) | log;
	[range(24) as $i | (.[$i].truth_p | odds) / $b[0].temperature - ($j[$i].truth_p | odds) | fabs]
	| max < 1e-6' "$tmp/plain.jsonl")" true 'without a temperature the log-odds are not divided'
is "$(score judge -b "$tmp/b.ods" --text 'Q: {q}\nA: {a}' "$tmp/e.jsonl" | view | cksum)" \
	"$(cksum <"$tmp/jb.jsonl")" 'the default text is that of the examples'
jq -c 'if .id == "s001-2" then .completion = " " | .truth = 1 | .truth_p = 1 else . end' \
	"$tmp/e.jsonl" >"$tmp/empty.jsonl"
score judge -b "$tmp/b.ods" --text '{a}' "$tmp/e.jsonl" | view >"$tmp/answers"
is "$(score judge -b "$tmp/b.ods" --text '{a}' "$tmp/empty.jsonl" | view |
	jq -s -c --slurpfile all "$tmp/answers" '[to_entries[] | .value as $x | $all[.key] as $y
		| if $x | has("truth") or has("truth_p") then ($x.truth_p - $y.truth_p | fabs < 0.05)
			else $x.id end] | unique')" '[true,"s001-2"]' \
	'with {a} alone, an empty answer gets no fields, and the others are judged'
is "$(view --header "$tmp/jb.ods" | jq -c 'select(.odesteer).chain[-1].side | keys | sort')" \
	"$(printf '%s\n' "$tmp/b.ods" "$ODESTEER_MODEL" | LC_ALL=C sort | jq -R . | jq -s -c .)" \
	'the chain names barrier and model'
digest=$(view --header "$tmp/jb.ods" | jq -r --arg b "$tmp/b.ods" 'select(.odesteer).chain[-1].side[$b]')
is "$(view --header "$tmp/jb.ods" | jq -c 'select(.odesteer).chain[-1] | {metric, field, by}')" \
	"{\"metric\":\"judge\",\"field\":\"truth\",\"by\":\"b.ods ($digest)\"}" 'and what a report needs to know'
is "$(view --header "$tmp/j.ods" | jq -r --arg asked ", asked 'Q: {q}\\nA: {a}\\nTrue:'" '
		select(.odesteer).chain[0]
		| .by == "\(.side | keys[0] | split("/")[-1]) (\(.side[]))" + $asked')" true \
	'for a model, also what it was asked'

is "$(score judge -b "$tmp/b.ods" --as info "$tmp/jb.ods" | score distinct | score report --format csv |
		cut -d, -f2 | head -n 4 | tr '\n' ' ')" \
	'metric True*Info True Info ' 'judges and other metrics form one pipeline'
finish
