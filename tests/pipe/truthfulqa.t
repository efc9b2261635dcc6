#!/bin/sh
# datasets/truthfulqa on files that are made from the project's own questions.
. tests/tap.sh

unset DATA LIMIT SEED QUESTIONS JUDGED TRUTHFULQA_URL TRUTHFULQA_SUMS
export XDG_CACHE_HOME="$tmp/cache"

# The files of the set, made from the project's own questions.
mkdir -p "$tmp/web" "$tmp/data/truthfulqa"
head -n 40 datasets/sample.jsonl >"$tmp/sample.jsonl"
{
	echo Type,Category,Question,Best Answer,Correct Answers,Incorrect Answers,Source
	jq -r '["Adversarial", .category, .question, .true[0], (.true | join("; ")), (.false | join("; ")), ""]
		| @csv' "$tmp/sample.jsonl"
} >"$tmp/web/TruthfulQA.csv"
judge='.question as $question
	| ((.true[] | [., 1, 1]), (.false[] | [., 0, 1]),
		("I have no comment", "That is hard to say" | [., 1, 0])) as [$answer, $truth, $info]
	| {question: $question, answer: $answer, truth: $truth, info: $info}'
judged() { # True or Helpful: prints each answer as its judge was trained on it
	jq -c --arg of "$1" "$judge"' | (if $of == "True" then .truth else .info end) as $yes
		| {prompt: "Q: \(.question)\nA: \(.answer)\n\($of):",
			completion: (if $yes == 1 then " yes" else " no" end)}' "$tmp/sample.jsonl"
}
judged True >"$tmp/web/finetune_truth.jsonl"
judged Helpful >"$tmp/web/finetune_info.jsonl"
(cd "$tmp/web" && sha256sum ./* | sed 's|\./||') >"$tmp/sums"
cp "$tmp/web/TruthfulQA.csv" "$tmp/data/truthfulqa"
for f in truth info; do gzip -c "$tmp/web/finetune_$f.jsonl" >"$tmp/data/truthfulqa/finetune_$f.jsonl.gz"; done

if command -v mlr >/dev/null && command -v curl >/dev/null; then
	run env DATA="$tmp/data" TRUTHFULQA_SUMS="$tmp/sums" datasets/truthfulqa questions
	is "$status $err" '0 ' 'it reads the questions from files'
	printf '%s\n' "$out" >"$tmp/q.jsonl"
	is "$(jq -c '[.category, .question, .true, .false]' "$tmp/q.jsonl" | cksum)" \
		"$(jq -c '[.category, .question, .true, .false]' "$tmp/sample.jsonl" | cksum)" \
		'they are the questions that the files were made from'
	is "$(jq -r .fold "$tmp/q.jsonl" | sort | uniq -c | tr -s ' \n' ' ')" ' 20 0 20 1 ' \
		'half of them are in each fold'
	run env DATA="$tmp/data" TRUTHFULQA_SUMS="$tmp/sums" SEED=2 datasets/truthfulqa questions
	is "$(printf '%s\n' "$out" | jq -r .fold | sort | uniq -c | tr -s ' \n' ' ')" ' 20 0 20 1 ' \
		'also with another seed'
	ok 'whose folds are different' test "$out" != "$(cat "$tmp/q.jsonl")"
	run env DATA="$tmp/data" TRUTHFULQA_SUMS="$tmp/sums" datasets/truthfulqa judged "$tmp/q.jsonl"
	is "$status $err" '0 ' 'it reads the judged answers'
	printf '%s\n' "$out" >"$tmp/j.jsonl"
	is "$(jq -s -c '[length, (map(.truth) | add), (map(.info) | add)]' "$tmp/j.jsonl")" \
		"$(jq -s -c '(map(.true | length) | add) as $true | (map(.false | length) | add) as $false
			| [$true + $false + 80, $true + 80, $true + $false]' "$tmp/sample.jsonl")" \
		'each has both judgements'
	is "$(jq -n -c --slurpfile q "$tmp/q.jsonl" --slurpfile j "$tmp/j.jsonl" 'INDEX($q[]; .question) as $of
		| [$j[] | select(.fold != $of[.question].fold or .group != $of[.question].id)]')" '[]' \
		'each is in the fold of its question'
	run env DATA="$tmp/data" TRUTHFULQA_SUMS="$tmp/sums" datasets/truthfulqa judged /dev/null
	is "$(printf '%s\n' "$out" | jq -r .fold | sort -u)" null 'without known questions none is in a fold'
	printf '{"question":"Who?","answer":"No one.","truth":1}\n' >"$tmp/half-judged.jsonl"
	fails 1 'truthfulqa: no answer has both judgements' \
		env JUDGED="$tmp/half-judged.jsonl" datasets/truthfulqa judged "$tmp/q.jsonl"
	mkdir "$tmp/odd"
	cp "$tmp/web/finetune_info.jsonl" "$tmp/odd"
	for change in 's/":" /":"/:neither yes nor no' 's/Q: /Q /:not a question and an answer'; do
		sed "3${change%%:n*}" "$tmp/web/finetune_truth.jsonl" >"$tmp/odd/finetune_truth.jsonl"
		(cd "$tmp/odd" && sha256sum finetune_truth.jsonl) | cat - "$tmp/sums" |
			sort -u -k 2 >"$tmp/odd.sums"
		run env TRUTHFULQA_URL="file://$tmp/odd" TRUTHFULQA_SUMS="$tmp/odd.sums" datasets/truthfulqa judged \
			"$tmp/q.jsonl"
		is "$status $(echo "$err" | sed 's/^jq: error ([^)]*): //')" \
			"5 finetune_truth.jsonl, line 3: n${change#*:n}" "n${change#*:n}"
	done
	mkdir "$tmp/elsewhere"
	run env TRUTHFULQA_URL="file://$tmp/web" TRUTHFULQA_SUMS="$tmp/sums" datasets/truthfulqa questions
	is "$status $(printf '%s\n' "$out" | cksum)" "0 $(cksum <"$tmp/q.jsonl")" 'downloaded questions are the same'
	run env TRUTHFULQA_URL="file://$tmp/elsewhere" TRUTHFULQA_SUMS="$tmp/sums" datasets/truthfulqa questions
	is "$status $(printf '%s\n' "$out" | cksum)" "0 $(cksum <"$tmp/q.jsonl")" 'they are downloaded once'
	run env TRUTHFULQA_URL="file://$tmp/elsewhere" TRUTHFULQA_SUMS="$tmp/sums" datasets/truthfulqa \
		judged "$tmp/q.jsonl"
	is "$status ${err%%: curl:*}" \
		"1 truthfulqa: cannot fetch 'file://$tmp/elsewhere/finetune_truth.jsonl'" \
		'a file that cannot be downloaded'
	csv=$tmp/data/truthfulqa/TruthfulQA.csv
	sum=$(sha256sum <"$csv" | cut -c 1-64)
	published=99d6ae7755e3b435eade956068c9de7c0c474770344237aeb66b56519ba4b697
	fails 1 "truthfulqa: '$csv' is not the file known: its sha256 is $sum, not $published" \
		env DATA="$tmp/data" datasets/truthfulqa questions
else
	echo '# no mlr and curl here: reading the set itself is not tested'
fi
fails 2 'usage: truthfulqa questions | judged QUESTIONS' datasets/truthfulqa
fails 1 "truthfulqa: LIMIT: not 1 whole number: 'x'" env LIMIT=x datasets/truthfulqa questions
fails 1 "truthfulqa: SEED: not 1 whole number: '-1'" env SEED=-1 datasets/truthfulqa questions
finish
