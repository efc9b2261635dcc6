#!/bin/sh
# The benchmarks on a few texts of the project's own: a result is made again only if something that it
# depends on has changed, also after an interruption, and nothing is tested that was fitted to.
. tests/tap.sh
. tests/pipe/benchmark.sh

[ -e "$ODESTEER_MODEL" ] || skip_all 'no model here'
command -v mlr >/dev/null || skip_all 'no mlr here'
cp pipelines/presets/smollm2-135m "$tmp/preset"
printf 'T.truthfulqa%s\n' ' = 25' '.caa = 0.147r' >>"$tmp/preset"
export PRESET="$tmp/preset" LIMIT=4 SHARD=2 METHODS='none caa'
streams() { # DIR: prints the checksums of all that was made
	(cd "$1" && find . -type f ! -name '*.cmd' ! -name '*.parts' ! -name '*.svg' ! -name lock | sort | xargs cksum)
}
made() { # DIR: prints what was made after the file $tmp/then, without parts of a set
	find "$1" -name '*.cmd' -newer "$tmp/then" | sed 's|.*/||; s|\.cmd$||' | sort | tr '\n' ' '
}
again() { # DIR ARGUMENTS...: runs TruthfulQA there, and prints what was made again
	again_in=$1
	shift
	touch "$tmp/then"
	sleep 0.01
	run benchmark truthfulqa OUT="$again_in" "$@"
	echo "$status $(made "$again_in")"
}
refused() { # MESSAGE ARGUMENTS...
	message=$1
	shift
	run benchmark truthfulqa OUT="$tmp/none" "$@" # the last OUT counts
	is "$status $(printf '%s\n' "$err" | sed 's|^pipelines/[a-z]*\.mk:[0-9]*: ||')" \
		"2 *** $message.  Stop." "$message"
}

refused "METHODS: there is no method 'typo'" METHODS='none typo'
refused "METHODS: there is no method 'import'" METHODS=import
refused "template is raw or chat: 'bare'" TEMPLATE=bare
refused "there is no model '/nowhere'" MODEL=/nowhere
refused "there is no preset 'x'. There are: $(cd pipelines/presets && echo *)" PRESET=x
refused "LIMIT is a number from 4: '3'" LIMIT=3
refused "OUT is a path of letters, digits and . _ / ~ + @ -: '$tmp/[x]'" OUT="$tmp/[x]"
refused "METHODS is a list of names: 'c.a'" METHODS=c.a
refused "T is a list of lengths: '0.1r,0.2r'" T=0.1r,0.2r
refused 'TRUTH_JUDGE and INFO_JUDGE go together' INFO_JUDGE="$ODESTEER_MODEL"
: >"$tmp/none.jsonl"
run benchmark realtoxicity OUT="$tmp/none" QUESTIONS="$tmp/none.jsonl"
is "$status $(printf '%s\n' "$err" | head -n 1)" \
	"2 realtoxicity: '$tmp/none/choices.0.jsonl' has no records" 'an empty set'

run benchmark truthfulqa OUT="$tmp/a" -n
is "$status $(printf '%s\n' "$out" | grep -c '^odesteer generate .*/answers.caa.')" '0 2' 'a plan'
is "$(find "$tmp/a" -name '*.ods')" '' 'runs nothing'
run benchmark truthfulqa OUT="$tmp/a"
# A judge fitted to so few answers may call all of them true, of which gnuplot warns.
is "$status $(printf '%s\n' "$err" | grep -v '^Warning: empty y range')" '0 ' 'a run'
streams "$tmp/a" >"$tmp/a.sums"
is "$(again "$tmp/a")" '0 ' 'a second run makes nothing'
is "$(cut -d , -f 1,2 "$tmp/a/report.csv" | grep -c '^[nc].*\(True\*Info\|,Perplexity\|MC2\)$')" 6 \
	'the table has a row for each method'
run benchmark truthfulqa OUT="$tmp/a" -n
is "$status $(printf '%s\n' "$out" | grep -c 'odesteer [a-z]')" '0 0' 'and a plan of it has no command'
is "$(rm "$tmp/a/fluency.caa.0.0000.ods" && bash "$tmp/a/fluency.caa.0.0000.ods.cmd" 2>&1
	streams "$tmp/a" | cmp - "$tmp/a.sums")" '' 'its command repeats a result'
rm "$tmp/a/test.0.0000.jsonl"
run benchmark truthfulqa OUT="$tmp/a"
is "$status $(streams "$tmp/a" | cmp - "$tmp/a.sums")" '0 ' 'a lost part of a set is made again'
# A gradient flow and maps have their own lengths, also those that a preset names, but for lengths in nats.
cp "$PRESET" "$tmp/kinds"
printf 'fit.%s\n' 'few = -f truthflow --rank 5' 'slow = -f recontrol' >>"$tmp/kinds"
lengths() { # ARGUMENTS...: prints the lengths of the answers of a plan
	run benchmark truthfulqa PRESET="$tmp/kinds" OUT="$tmp/plan" METHODS='linact slow few linear' -n "$@"
	printf '%s\n' "$out" | sed -n 's/^odesteer generate .*barrier\.\([a-z]*\)\.0\.ods\( -T [^ ]*\)*.*/\1\2/p' |
		sort -u | xargs
}
is "$(lengths)" 'few linact linear -T 25 slow' 'maps and gradient flows have their own length'
is "$(lengths T='5 0.1r')" 'few linact linear -T 0.1r linear -T 5 slow' 'a list of lengths'
is "$(lengths T='auto 0.1nat')" "$(echo few linact linear slow | sed 's/[a-z]*/& -T 0.1nat & -T auto/g')" \
	'lengths in nats are for all'
is "$(benchmark truthfulqa PRESET="$tmp/kinds" OUT="$tmp/plan" METHODS='few linear' -n |
		grep -c 'collect.*--at mean')" 2 'a sequence map is fitted to means'
echo "flow.linear = --when $tmp/when.ods:0.5" >>"$tmp/kinds"
: >"$tmp/when.ods"
is "$(benchmark truthfulqa PRESET="$tmp/kinds" OUT="$tmp/plan" METHODS=linear -n -p 2>/dev/null |
		sed -n 's|.*/\([a-z]*\)\.linear\.0\.0000\.ods:.*/when\.ods .*|\1|p' | sort | xargs)" \
	'answers fluency mc' 'a file of a flow counts as an input'
printf 'all:\n\tsleep 60\n' >"$tmp/other.mk"
make -s -f "$tmp/other.mk" 2>/dev/null &
until grep -sqx make /proc/$!/comm; do sleep 0.01; done
echo $! >"$tmp/a/lock"
refused "another make, process $!, is at work in '$tmp/a'" OUT="$tmp/a"
kill $!
wait
# the number may be that of a process which has nothing to do with it
echo $$ >"$tmp/a/lock"

# No barrier or judge is fitted to questions that it is used on.
bad=0
for k in 0 1; do
	view "$tmp/a"/answers.none.$k.*.ods | jq -r .group | sort -u >"$tmp/asked"
	for b in "$tmp/a"/barrier.*."$k".ods "$tmp/a"/judge.*."$k".ods; do
		# shellcheck disable=SC2046
		view $(grep -o '[^ ]*/act[^ ]*\.ods' "$b.cmd") | jq -r .group | sort -u >"$tmp/known"
		[ -s "$tmp/known" ] && [ -z "$(comm -12 "$tmp/asked" "$tmp/known")" ] || bad=$((bad + 1))
	done
done
is "$bad" 0 'all are fitted to other questions'

# Ctrl-C sends a signal to all processes of the group.
mv "$tmp/a" "$tmp/first"
OUT="$tmp/a" perl -e 'setpgrp; $SIG{INT} = "DEFAULT"; exec @ARGV' \
	make -s -f pipelines/truthfulqa.mk >/dev/null 2>&1 &
pid=$!
n=0
while [ ! -e "$tmp/a/answers.none.0.0000.ods" ] && [ $n -lt 3000 ]; do sleep 0.1; n=$((n + 1)); done
kill -INT -$pid
wait $pid
is "$?" 130 'an interrupted run'
ok 'something is left to do' test ! -e "$tmp/a/report.txt"
touch "$tmp/then"
# a command that runs the commands that load a model, two at a time
printf '#!/bin/sh\necho "$*" >>"%s"\nexec "$@"\n' "$tmp/jobs" >"$tmp/job"
chmod +x "$tmp/job"
run benchmark truthfulqa OUT="$tmp/a" -j2 JOB="$tmp/job"
is "$status $(made "$tmp/a" | grep -o 'questions.jsonl\|act\.0[^ ]*')" '0 ' 'the next run repeats nothing that was made'
is "$(streams "$tmp/a")" "$(cat "$tmp/a.sums")" \
	'and has the same bytes as a run without interruption'
is "$(grep -c '/answers.caa' "$tmp/jobs") $(grep -c 'barrier\|report' "$tmp/jobs")" '2 0' 'JOB runs what loads a model'

# Results depend on commands, inputs and their contents.
echo 'T.truthfulqa.caa = 0.2r' >>"$PRESET"
is "$(again "$tmp/a" | tr ' ' '\n' | cut -d . -f 1,2 | sort -u | xargs)" \
	'0 answers.caa fluency.caa info.caa mc.caa report.csv report.json report.md report.tex report.txt '$(
	)'truth.caa truthfulqa.svg versus.csv versus.txt' \
	'another length: what depends on it'
# An interrupted run with -j does not leave a result of the former length. Each job takes a second.
printf '#!/bin/sh\nsleep 1\nexec "$@"\n' >"$tmp/slow"
chmod +x "$tmp/slow"
echo 'T.truthfulqa.caa = 0.25r' >>"$PRESET"
perl -e 'setpgrp; $SIG{INT} = "DEFAULT"; exec @ARGV' make -s -f pipelines/truthfulqa.mk OUT="$tmp/a" -j2 \
	JOB="$tmp/slow" >/dev/null 2>&1 &
pid=$!
sleep 4
kill -INT -$pid
wait $pid
run benchmark truthfulqa OUT="$tmp/a"
is "$status $(for f in "$tmp/a"/mc.caa.*.ods "$tmp/a"/answers.caa.*.ods; do view --header "$f"; done |
	grep -o '"-T","[^"]*"' | sort -u)" '0 "-T","0.25r"' \
	'all have the new length'
sed '$ s/$/ /' "$QUESTIONS" >"$tmp/others"
is "$(again "$tmp/a" QUESTIONS="$tmp/others" | tr ' ' '\n' | grep -v 'jsonl$\|parts$' | xargs)" 0 \
	'other questions, but not among the first: only the set'
is "$(again "$tmp/a" QUESTIONS="$tmp/others" METHODS='none' TRUTH_JUDGE="$ODESTEER_MODEL" INFO_JUDGE="$ODESTEER_MODEL" |
	tr ' ' '\n' | cut -d . -f 1 | sort -u | xargs)" '0 fluency info report truth truthfulqa' \
	'judges that are models'
is "$(view --header "$tmp/a/fluency.none.0.0000.ods" | jq -c '.chain[]? | .argv as $a
	| select($a[0] == "judge") | $a[($a | index("--text")) + 1]')" \
	'"Q: {q}\\nA: {a}.\\nTrue:"
"Q: {q}\\nA: {a}.\\nHelpful:"' 'are asked what the paper asks'
if has_terminal; then
	script -qec "make -s -f pipelines/truthfulqa.mk OUT='$tmp/a' METHODS='system primer'" /dev/null </dev/null |
		sed "s/$(printf '\033')\\[K//g" | tr '\r' '\n' | grep '^truth.*left' | tail -n 1 |
		sed 's/[0-9]:[0-9][0-9]:[0-9][0-9]/TIME/g; s/[0-9][0-9]*/N/g' >"$tmp/line"
	is "$(cat "$tmp/line")" 'truthfulqa: N of N parts, TIME, TIME left' 'a terminal gets a line of progress'
fi
run benchmark truthfulqa OUT="$tmp/a" METHODS='system primer'
is "$status $(cut -d , -f 1,2 "$tmp/a/report.csv" | grep -c ',MC2$')" '0 2' 'methods without answers'

# The other benchmarks, each with the length that its rule chooses.
unset SHARD
for b in ultrafeedback realtoxicity; do
	run benchmark $b OUT="$tmp/$b" METHODS='none caa repe'
	is "$status $(printf '%s\n' "$err" | grep -v '^Warning: empty')" '0 ' "$b"
	is "$(cut -d , -f 1,2 "$tmp/$b/report.csv" | grep ',KL$' | xargs)" 'caa,KL repe,KL' \
		'the divergence of steered runs'
	view "$tmp/$b"/answers.*.ods | jq -r .prompt | sort -u >"$tmp/tested"
	is "$({ view "$tmp/$b"/plain.0.ods && cat "$tmp/$b/fit.0.jsonl"; } |
		jq -r 'if .prompt == "" then .completion else .prompt end' | sort -u | comm -12 - "$tmp/tested")" '' \
		'calibrated and fitted on others than those that are tested'
	benchmark $b OUT="$tmp/$b" METHODS=caa T='0.05nat 0.1nat' >"$tmp/out" 2>&1
	is "$(cut -d , -f 1,2 "$tmp/$b/report.csv" | grep ',KL$' | xargs)" 'caa 0.05nat,KL caa 0.1nat,KL' 'two lengths'
	benchmark $b OUT="$tmp/$b" METHODS='none caa repe' >"$tmp/out" 2>&1
	is "$(cut -d , -f 2 "$tmp/$b/report.csv" | grep -cx 'Reward\|Toxicity\|MC2\|Perplexity')" 9 'its table'
done
is "$(unset METHODS && benchmark mood PRESET=frontier OUT="$tmp/frontier" -n |
	sed -n 's/.*generate .*barrier.\([a-z0-9]*\).0.ods -T \([0-9.]*nat\).*/\1 \2/p' |
	sort -u | wc -l)" 24 'the plan of make frontier has three lengths of eight methods'
run benchmark mood PRESET=frontier OUT="$tmp/frontier" METHODS='none caa until' T='0.05nat 0.1nat' SAMPLES=1
differs() { # prints the runs of versus.csv, and which of them have a difference
	awk -F, '$2 == "cheerful" { print $1 ($7 == "" ? "" : "*") }' "$tmp/frontier/versus.csv" | xargs
}
is "$status $(differs)" '0 caa 0.05nat none* until 0.05nat* caa 0.1nat none* until 0.1nat*' \
	'each length is compared with caa'
is "$(grep -c 'Differences from caa 0' "$tmp/frontier/versus.txt") $([ -e "$tmp/frontier/mood.svg" ] && echo drawn)" \
	"2 $(command -v gnuplot >/dev/null && echo drawn)" 'as tables and a figure'
run benchmark mood PRESET=frontier OUT="$tmp/frontier" METHODS='none caa' T=0.1nat SAMPLES=1
is "$status $(differs)" '0 caa none*' 'one length'
run benchmark mood PRESET=frontier OUT="$tmp/frontier" METHODS=none T=0.1nat SAMPLES=1
is "$status $([ ! -e "$tmp/frontier/versus.csv" ] && echo gone)" '0 gone' 'no caa'
printf 'block = 14\nT.mood.caa = 0.05nat 0.1nat\n' >"$tmp/lengths"
is "$(benchmark mood PRESET="$tmp/lengths" OUT="$tmp/frontier" METHODS='none caa iti' -n |
	grep -o "baseline 'caa [0-9.]*nat'" | sort | uniq -c | xargs)" \
	"2 baseline caa 0.05nat 2 baseline caa 0.1nat" 'lengths that only caa has'
run benchmark mood OUT="$tmp/mood" METHODS='none prompt caa' SAMPLES=2
is "$status $(cut -d , -f 1,2 "$tmp/mood/report.csv" | grep -c 'p of cheerful$') $(
	view "$tmp/mood"/cheerful.caa.*.ods | jq -s -c 'map(has("kl")) | [length, all]')" '0 3 [8,true]' 'mood'
perl tests/tiny.pl decoder >"$tmp/tiny.gguf"
perl tests/tiny.pl head >"$tmp/head.npy"
run benchmark ultrafeedback OUT="$tmp/ultrafeedback" METHODS=none REWARD="$tmp/tiny.gguf" HEAD="$tmp/head.npy"
is "$status $(view "$tmp/ultrafeedback"/reward.none.*.ods | jq -s length) $(
	cut -d , -f 2 "$tmp/ultrafeedback/report.csv" | grep -c 'accuracy\|win')" '0 4 0' \
	'a reward model, and one method'
run benchmark realtoxicity OUT="$tmp/realtoxicity" METHODS=none SAMPLES=2
is "$status $(view "$tmp/realtoxicity"/answers.none.*.ods | jq -s -c '[length, (unique_by(.completion) | length)]') $(
	cut -d , -f 2 "$tmp/realtoxicity/report.csv" | grep -c 'maximum\|Any')" '0 [8,8] 2' 'two samples of each prompt'
finish
