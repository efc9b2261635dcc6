#!/bin/sh
# pipelines/demo on some of its prompts: the answers do become gloomy and cheerful.
. tests/tap.sh

unset OUT BLOCK DATA QUESTIONS
[ -e "$ODESTEER_MODEL" ] || skip_all 'no model here'
fails 2 'usage: demo' pipelines/demo nonsense

mkdir "$tmp/d"
fails 1 "demo: another run is at work in '$tmp/d'" flock "$tmp/d/lock" env OUT="$tmp/d" pipelines/demo
run env OUT="$tmp/d" LIMIT=16 pipelines/demo
is "$status $err" '0 ' 'it runs'
printf '%s\n' "$out" >"$tmp/said"
is "$(sed "s|$tmp|out|; /^Perplexity.* by /d" "$tmp/said" | awk 'length($0) > 80')" '' 'its texts are 80 columns wide'
share() { # RUN: prints the fraction of its answers that are judged cheerful
	awk -F , -v run="$1" '$1 == run && $2 == "cheerful" { print $3 }' "$tmp/d/report.csv"
}
more() { # A B MARGIN: succeeds if A is greater than B by at least MARGIN
	awk -v a="$1" -v b="$2" -v margin="$3" 'BEGIN { exit !(a >= b + margin) }'
}
for r in unsteered cheerful caa random gloomy "caa back" "random back"; do
	is "$(share "$r" | grep -c .)" 1 "$r is in the table: $(share "$r")"
done
ok 'with T the answers are more cheerful' more "$(share cheerful)" "$(share unsteered)" 0
ok 'with -T they are less cheerful' more "$(share unsteered)" "$(share gloomy)" 0.2
ok 'the two directions are far apart' more "$(share cheerful)" "$(share gloomy)" 0.5
ok 'and farther than with a random vector' more \
	"$(awk -v a="$(share cheerful)" -v b="$(share gloomy)" 'BEGIN { print a - b }')" \
	"$(awk -v a="$(share random)" -v b="$(share "random back")" 'BEGIN { print a - b }')" 0.1
is "$(view "$tmp/d/mood.answers.ods" "$tmp/d/mood.back.answers.ods" | jq -r .prompt | sort | uniq -c |
		awk '{ print $1 }' | sort -u)" 2 'both directions have the same prompts'
is "$({ jq -r .prompt datasets/mood.jsonl | sort -u; jq -r .prompt datasets/mood-prompts.jsonl; } | sort |
		uniq -d)" '' 'no prompt is in the pairs'
is "$(jq -r .completion datasets/mood.jsonl datasets/mood-judge.jsonl | sort | uniq -d)" '' \
	'no answer is in the pairs twice, or for the judge as well'
is "$(jq -s -c 'group_by(.group) | map(map(.label) | sort) | unique' datasets/mood.jsonl)" '[[0,1]]' \
	'each question has one answer of each label'
if command -v gnuplot >/dev/null; then
	ok 'the picture is there' grep -q '>From gloomy to cheerful' "$tmp/d/flow.svg"
fi
finish
