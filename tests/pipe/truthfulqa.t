#!/bin/sh
# pipelines/truthfulqa on a few of the project's own questions, and datasets/truthfulqa on files made
# from them: steps run only if something has changed, also after an interruption, and folds are kept apart.
. tests/tap.sh

unset OUT DATA MODEL PRESET METHODS BLOCK TEMPLATE LIMIT SHARD FLUENCY GPU DRY SEED QUESTIONS JUDGED
unset TRUTH_JUDGE INFO_JUDGE TRUTHFULQA_URL TRUTHFULQA_SUMS
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
fails 2 'usage: truthfulqa [--dry-run]' pipelines/truthfulqa --nonsense
fails 1 "truthfulqa: there is no model '/nowhere'" env MODEL=/nowhere DRY=1 pipelines/truthfulqa

[ -e "$ODESTEER_MODEL" ] || finish
jq -c "$judge" "$tmp/sample.jsonl" >"$tmp/judged.jsonl"
cp pipelines/presets/smollm2-135m "$tmp/preset"
export QUESTIONS="$tmp/sample.jsonl" JUDGED="$tmp/judged.jsonl" PRESET="$tmp/preset"
export LIMIT=4 SHARD=4 METHODS='none caa'
[ -z "${FULL-}" ] || export LIMIT=12 SHARD=4 METHODS='none bare paper caa linact'
streams() { # DIR: prints the checksums of all that was made, without times
	(cd "$1" && find . -name '*.ods' -o -name '*.jsonl' ! -name 'speed*' | sort | xargs cksum)
}

fails 1 "truthfulqa: METHODS: there is no method 'typo'" env METHODS='none typo' DRY=1 OUT="$tmp/a" pipelines/truthfulqa
fails 1 "truthfulqa: METHODS: there is no method 'import'" env METHODS=import DRY=1 OUT="$tmp/a" pipelines/truthfulqa
fails 1 "truthfulqa: TEMPLATE is raw or chat: 'bare'" env TEMPLATE=bare OUT="$tmp/a" pipelines/truthfulqa
fails 1 "truthfulqa: cannot read '/nowhere'" env QUESTIONS=/nowhere OUT="$tmp/none" pipelines/truthfulqa
fails 1 "truthfulqa: METHODS: 'c.a' is no name of a method" \
	env METHODS='none c.a' DRY=1 OUT="$tmp/a" pipelines/truthfulqa
run env OUT="$tmp/a" pipelines/truthfulqa --dry-run
is "$status $err" '0 ' 'a dry run'
parts=$(((LIMIT / 2 + SHARD - 1) / SHARD))
is "$(printf '%s\n' "$out" | awk '$1 == "generate" && $2 == "caa" { print $3, $4 }') $(find "$tmp" -name a)" \
	"0 $((2 * parts)) " 'it counts the steps and runs none'
run env OUT="$tmp/a" pipelines/truthfulqa
# A judge fitted to so few answers may call all of them true, of which gnuplot warns.
is "$status $(printf '%s\n' "$err" | grep -v '^Warning: empty y range')" '0 ' 'a run'
streams "$tmp/a" >"$tmp/a.sums"
cp "$tmp/a/rates" "$tmp/rates"
run env OUT="$tmp/a" pipelines/truthfulqa --dry-run
is "$(printf '%s\n' "$out" | tail -n 1)" '0 steps to do, about 0 s' 'there is nothing left to do'
run env OUT="$tmp/a" pipelines/truthfulqa
ok 'and a second run does nothing' cmp "$tmp/rates" "$tmp/a/rates"

# Steps depend on the contents of tools, pipeline and inputs, not on their place or time.
mkdir "$tmp/tree"
cp -R pipelines datasets "$tmp/tree"
ln -s "$(dirname "$(command -v score)")" "$tmp/tree/bin"
to_do() {
	OUT="$tmp/a" "$tmp/tree/pipelines/truthfulqa" --dry-run | tail -n 1 | cut -d ' ' -f 1
}
echo '# a comment' >>"$tmp/tree/pipelines/common.sh"
is "$(to_do)" 0 'another clone with another comment repeats nothing'
echo ': another pipeline' >>"$tmp/tree/pipelines/common.sh"
ok 'another pipeline repeats all of it' test "$(to_do)" -ge "$(wc -l <"$tmp/rates")"
sed '$ s/$/ /' "$QUESTIONS" >"$tmp/questions"
run env OUT="$tmp/a" QUESTIONS="$tmp/questions" pipelines/truthfulqa
is "$status $(tail -n +$(($(wc -l <"$tmp/rates") + 1)) "$tmp/a/rates" | cut -d , -f 1,4)" '0 set,questions.jsonl' \
	'other questions, but not among the first: only their file is made again'

# No barrier or judge is fitted to questions that it is used on.
bad=0
for k in 0 1; do
	jq -r .id "$tmp/a/questions.$k.jsonl" | sort >"$tmp/asked"
	for b in "$tmp/a"/barrier.*."$k".ods "$tmp/a"/judge.*."$k".ods; do
		awk '/\.ods / && NR > 2 { print $1 }' "$b.made" >"$tmp/inputs"
		while read -r input; do
			view "$tmp/a/$input" | jq -r .group
		done <"$tmp/inputs" | sort -u >"$tmp/known"
		[ -s "$tmp/known" ] && [ -z "$(comm -12 "$tmp/asked" "$tmp/known")" ] || bad=$((bad + 1))
	done
done
is "$bad" 0 'all are fitted to other questions'

# Ctrl-C sends a signal to all processes of the group.
OUT="$tmp/b" perl -e 'setpgrp; $SIG{INT} = "DEFAULT"; exec @ARGV' pipelines/truthfulqa >/dev/null 2>&1 &
pid=$!
n=0
while [ ! -e "$tmp/b/answers.none.0.0.ods.made" ] && [ $n -lt 3000 ]; do sleep 0.1; n=$((n + 1)); done
sleep 0.3
kill -INT -$pid
wait $pid
is "$?" 130 'an interrupted run'
before=$(wc -l <"$tmp/b/rates")
ok 'some steps are left' test "$before" -lt "$(wc -l <"$tmp/rates")"
run env OUT="$tmp/b" pipelines/truthfulqa
is "$status $(wc -l <"$tmp/b/rates")" "0 $(wc -l <"$tmp/rates")" 'the next run repeats no step'
is "$(streams "$tmp/b")" "$(cat "$tmp/a.sums")" 'and has the same bytes as a run without interruption'

# Another strength repeats only the steps that depend on it.
echo "steer_caa='-T 0.2r'" >>"$PRESET"
run env OUT="$tmp/b" pipelines/truthfulqa
tail -n +$(($(wc -l <"$tmp/rates") + 1)) "$tmp/b/rates" | cut -d , -f 1 | sed 's/^speed .*/speed/' |
	sort -u | tr '\n' ' ' >"$tmp/again"
is "$(cat "$tmp/again")" 'generate caa info mc caa report score speed truth ' \
	'another strength: the steps that depend on it, and all speeds'
is "$(tail -n +$(($(wc -l <"$tmp/rates") + 1)) "$tmp/b/rates" | grep -v ^speed | grep -c 'none')" 0 \
	'and none without steering'
is "$(cut -d , -f 1,2 "$tmp/b/report.csv" | grep -c 'True\*Info\|,Perplexity$\|Tokens/s')" \
	$((3 * $(echo "$METHODS" | wc -w))) 'the table has a row for each method'
is "$(jq -s -c 'map(.id, (.tokens_per_second > 0))' "$tmp/b"/speed.none.?.jsonl)" \
	'["round 1",true,"round 2",true,"round 3",true]' 'there is a speed for each round'
is "$(cut -d , -f 1,2 "$tmp/b/report.csv" | grep -c ',MC2$')" \
	"$(echo "$METHODS" | tr ' ' '\n' | grep -vcx bare)" 'and multiple choice for each but the bare one'
# Judges that answer yes or no, and methods without free answers.
run env OUT="$tmp/b" METHODS=none TRUTH_JUDGE="$ODESTEER_MODEL" INFO_JUDGE="$ODESTEER_MODEL" pipelines/truthfulqa
is "$status" 0 'judges that are models'
is "$(view --header "$tmp/b/scored.none.0.0.ods" | jq -c '.chain[]? | .argv as $a
	| select($a[0] == "judge") | $a[($a | index("--text")) + 1]')" \
	'"Q: {q}\\nA: {a}.\\nTrue:"
"Q: {q}\\nA: {a}.\\nHelpful:"' 'are asked what the paper asks'
is "$(grep -c '^none,True\*Info,' "$tmp/b/report.csv")" 1 'and their verdict is in the table'
mkdir "$tmp/c"
touch "$tmp/c/truthfulqa.svg" # of an earlier run with answers
run env OUT="$tmp/c" METHODS='system primer' TRUTH_JUDGE="$ODESTEER_MODEL" INFO_JUDGE="$ODESTEER_MODEL" \
	pipelines/truthfulqa
is "$status $err $(cut -d , -f 1,2 "$tmp/c/report.csv" | grep -c ',MC2$') $(find "$tmp/c" -name '*.svg')" \
	'0  2 ' 'without free answers there is no figure'

# Only one run can work in a folder.
exec 9>"$tmp/c/lock"
flock 9
fails 1 "truthfulqa: another run is at work in '$tmp/c'" env OUT="$tmp/c" METHODS='system primer' pipelines/truthfulqa
exec 9>&-
finish
