#!/bin/sh
# score classify: by a classifier whose outputs are computed here as well.
. tests/tap.sh

model=$tmp/tiny.gguf
perl tests/tiny.pl encoder neutral toxic '2: "so"' >"$model"
jq -n -c '{id: 1, question: "x y", completion: "a b c"}, {id: 2, prompt: "x", completion: "c b a"},
	{id: 3, prompt: "x", completion: " \n", class_toxic: 1}' >"$tmp/e.jsonl"

misuse "--text: 'Q: {q}' has no place for the answer: {a}" score classify --text 'Q: {q}'
misuse "--text: '{a}\\x' has a '\\' that is not \\n, \\t or \\\\" score classify --text '{a}\x'
misuse "unknown option '-b'" score classify -b b.ods
misuse "unknown option '-t'" score classify -t chat

classes() { # N TEXT: prints their probabilities
	perl tests/tiny.pl logits "$1" "$2" | jq -s -c 'if length == 1 then [1 / (1 + (-.[0] | exp))]
		else map(exp) | map(. / 1) as $e | ($e | add) as $s | $e | map(. / $s) end'
}
near() { # NAME GOT WANTED: arrays of numbers are equal, up to what float16 in the engine rounds
	is "$(jq -n --argjson g "$2" --argjson w "$3" '($g | length) == ($w | length) and
		([range($w | length) | $g[.] - $w[.] | fabs] | max < 1e-3)')" true "$1: $2"
}
three="[.class_neutral, .class_toxic, .class_2___so_]"
score classify -m "$model" -o "$tmp/c.ods" "$tmp/e.jsonl"
view "$tmp/c.ods" >"$tmp/got"
near 'softmax of three classes' "$(jq -c "select(.id == 1) | $three" "$tmp/got")" \
	"$(classes 3 'a b c')"
near 'another order of the same words' "$(jq -c "select(.id == 2) | $three" "$tmp/got")" \
	"$(classes 3 'c b a')"
is "$(jq -c "select(.id < 3) | $three | add | . * 1e6 | round" "$tmp/got" | tr '\n' ' ')" \
	'1000000 1000000 ' \
	'probabilities add up to 1'
is "$(jq -c 'select(.id == 3)' "$tmp/got")" '{"id":3,"prompt":"x","completion":" \n"}' \
	'a completion of white space has no class, and loses that of an earlier run'
score classify -m "$model" --text '{a}\n{q}' "$tmp/e.jsonl" | view >"$tmp/got"
near '--text' "$(jq -c "select(.id == 1) | $three" "$tmp/got")" "$(classes 3 'a b c x y')"
near '--text without a question' "$(echo '{"id":1,"completion":"a b"}' |
	score classify -m "$model" --text 'c {a}' | view | jq -c "$three")" "$(classes 3 'c a b')"
fails 1 "score: standard input: record 1: no field 'prompt'" \
	sh -c "echo '{\"id\":1,\"completion\":\"a b\"}' | score classify -m '$model' --text '{q} {a}' -o '$tmp/x.ods'"
perl tests/tiny.pl encoder - >"$tmp/one.gguf"
near 'one output: its logistic function, and a name for a class without one' \
	"$(score classify -m "$tmp/one.gguf" "$tmp/e.jsonl" | view | head -n 1 | jq -c '[.class_0]')" \
	"$(classes 1 'a b c')"
score toxicity "$tmp/e.jsonl" | score classify -m "$model" --as mine |
	score report --format csv --column mine_toxic:Mine | cut -d, -f2 | sort -u | xargs >"$tmp/columns"
is "$(cat "$tmp/columns")" 'Mine Toxic Toxicity metric mine_2___so_ mine_neutral' \
	'beside the built-in score, with names of its own'

# texts that are too long
jq -n -c '{id: 1, completion: ([range(300) | ["a", "b", "c"][. % 3]] | join(" "))}' >"$tmp/long.jsonl"
fails 1 "score: '$tmp/long.jsonl': record 1: the text has 302 tokens: more than 256" \
	score classify -m "$model" -o "$tmp/x.ods" "$tmp/long.jsonl"
is "$(find "$tmp" -name 'x.ods*' | wc -l)" 0 'a run that fails leaves no output'
near '--truncate keeps the mark of the end' \
	"$(score classify -m "$model" --truncate "$tmp/long.jsonl" | view | jq -c "$three")" \
	"$(classes 3 "$(jq -r '.completion[:507]' "$tmp/long.jsonl")")"

# what is no classifier, or no text for one
perl tests/tiny.pl decoder >"$tmp/decoder.gguf"
fails 1 "score: '$tmp/decoder.gguf' is not an encoder such as BERT or RoBERTa" \
	score classify -m "$tmp/decoder.gguf" "$tmp/e.jsonl"
perl -0777 -pe 's/(bert\.pooling_type....)\x04/$1\x01/s' "$model" >"$tmp/mean.gguf"
fails 1 "score: '$tmp/mean.gguf' is not a classifier: it has no classes" \
	score classify -m "$tmp/mean.gguf" "$tmp/e.jsonl"
fails 1 "score: cannot open model '$tmp/no.gguf': No such file or directory" \
	score classify -m "$tmp/no.gguf" "$tmp/e.jsonl"
perl tests/tiny.pl encoder a.b a-b >"$tmp/twins.gguf"
fails 1 "score: class 1 of the model cannot become the field 'class_a_b', which another class has" \
	score classify -m "$tmp/twins.gguf" "$tmp/e.jsonl"
perl tests/tiny.pl encoder diff >"$tmp/taken.gguf"
fails 1 "score: class 0 of the model cannot become the field 'bleu_diff', which has another meaning: choose\
 another name with --as" score classify -m "$tmp/taken.gguf" --as bleu "$tmp/e.jsonl"
long=$(printf '%0300d' 0)
perl tests/tiny.pl encoder "$long" >"$tmp/long.gguf"
fails 1 "score: class 0 of the model cannot become a field, which has at most 255 bytes: 'class_$(echo "$long" |
	cut -c 1-249)'" score classify -m "$tmp/long.gguf" "$tmp/e.jsonl"
for name in odesteer id group label best split prompt completion question true false T sample tokens finish act \
	block pos h toxic perplexity; do
	misuse "--as: the field '$name' has another meaning" score classify --as $name
done
misuse "--as: 'a-b' is not a name of at most 61 letters, digits and '_'" score classify --as a-b
fails 1 "collect: '$model' is not a decoder-only model" collect -m "$model" -l 0 "$tmp/e.jsonl"
echo '{"id":1,"prompt":"x"}' >"$tmp/bad.jsonl"
fails 1 "score: '$tmp/bad.jsonl': record 1: no field 'completion'" score classify -m "$model" "$tmp/bad.jsonl"

# the report has the classes, and who scored
is "$(score report --column class_toxic:Worst:max --format csv x="$tmp/c.ods" | cut -d, -f1,2,6 | tr '\n' ' ')" \
	'run,metric,questions x,Worst,2 x,class_neutral,2 x,class_toxic,2 x,class_2___so_,2 ' \
	'columns of the report'
is "$(score report --format csv "$tmp/c.ods" | sed -n '2s/.*,\(tiny.gguf\) (.*),$/\1/p')" tiny.gguf 'who scored'
finish
