#!/bin/sh
# pipelines/demo on a part of its prompts: the answers do become gloomy and cheerful.
. tests/tap.sh

unset OUT BLOCK DATA QUESTIONS
[ -e "$ODESTEER_MODEL" ] || skip_all 'no model here'
fails 2 'usage: demo' pipelines/demo nonsense

run env OUT="$tmp/d" LIMIT=16 pipelines/demo
is "$status $err" '0 ' 'it runs'
printf '%s\n' "$out" >"$tmp/said"
is "$(sed "s|$tmp|out|; /^Perplexity.* by /d" "$tmp/said" | awk 'length($0) > 80')" '' 'its texts are 80 columns wide'
share() { # RUN: of its answers that are judged cheerful
	awk -F , -v run="$1" '$1 == run && $2 == "cheerful" { print $3 }' "$tmp/d/report.csv"
}
more() { # A B MARGIN: is A greater than B by so much?
	awk -v a="$1" -v b="$2" -v margin="$3" 'BEGIN { exit !(a >= b + margin) }'
}
for r in unsteered cheerful caa random gloomy "caa back" "random back"; do
	is "$(share "$r" | grep -c .)" 1 "$r is in the table: $(share "$r")"
done
ok 'steered one way the answers are more cheerful' more "$(share cheerful)" "$(share unsteered)" 0
ok 'the other way less' more "$(share unsteered)" "$(share gloomy)" 0.2
ok 'and the two are far apart' more "$(share cheerful)" "$(share gloomy)" 0.5
ok 'farther than by a random direction' more "$(awk -v a="$(share cheerful)" -v b="$(share gloomy)" 'BEGIN { print a - b }')" \
	"$(awk -v a="$(share random)" -v b="$(share "random back")" 'BEGIN { print a - b }')" 0.1
is "$(view "$tmp/d/mood.answers.ods" "$tmp/d/mood.back.answers.ods" | jq -r .prompt | sort | uniq -c | awk '{ print $1 }' | sort -u)" 2 'the prompts are the same'
is "$({ jq -r .prompt datasets/mood.jsonl | sort -u; jq -r .prompt datasets/mood-prompts.jsonl; } | sort | uniq -d)" '' 'none of them is in the sample'
is "$(jq -r .completion datasets/mood.jsonl datasets/mood-judge.jsonl | sort | uniq -d)" '' 'no answer is there twice, in the sample or for the judge'
is "$(jq -s -c 'group_by(.group) | map(map(.label) | sort) | unique' datasets/mood.jsonl)" '[[0,1]]' 'each question has one answer of each label'
if command -v gnuplot >/dev/null; then
	ok 'the picture is there' grep -q '>From gloomy to cheerful' "$tmp/d/flow.svg"
fi
finish
