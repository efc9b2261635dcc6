# runs.sh - small runs of every tool, for tests that make a part of each go wrong.
#
#   make_inputs            writes what the runs read to $tmp/in
#   each_run COMMAND       calls COMMAND NAME LINE for each run; LINE, for sh, writes to the file out
#   each_model_run COMMAND the same for runs with the default model, if it is there
#   make_good NAME LINE    keeps what a good run writes
#   try NAME LINE PREFIX   runs LINE in the empty folder $tmp/work, PREFIX in place of its @, and sets $status, $err
#                          and $complaint: what is wrong with how it ended, or nothing
#
# A run that ends with 0 must have written what it writes when nothing fails. Any other must say why in one line, and
# leave what was there before: nothing, or in a run that begins with cp the file that it was to replace.
. tests/made.sh
# shellcheck disable=SC3045 # dash and bash have it
ulimit -c 0 # no core files beside the output
GOMP_SPINCOUNT=1000 # a tool that finds it set does not start itself again
export GOMP_SPINCOUNT

make_inputs() {
	mkdir "$tmp/in" "$tmp/work" "$tmp/good"
	made . >"$tmp/in/a.ods"
	view --header "$tmp/in/a.ods" >"$tmp/in/a.jsonl"
	view --npy "$tmp/in/a.npy" "$tmp/in/a.ods" >/dev/null
	view "$tmp/in/a.ods" | jq -c "del(.act)" >"$tmp/in/rows.jsonl"
	view --header "$tmp/in/a.ods" | jq -c 'if .odesteer then . else (.at = "prompt", .at = "mean") end' |
		view --pack >"$tmp/in/means.ods"
	fitbarrier -p paper "$tmp/in/a.ods" >"$tmp/in/b.ods"
	fitbarrier -f caa "$tmp/in/a.ods" >"$tmp/in/caa.ods"
	view --gguf "$tmp/in/v.gguf" "$tmp/in/caa.ods"
	jq -n -c 'range(12) | {id: "t\(.)", completion: "a text of \(. * 7 % 5) and \(.) words", label: (. % 2)}' \
		>"$tmp/in/texts.jsonl"
	score density --label label -b "$tmp/in/b.ods" "$tmp/in/a.ods" >"$tmp/in/scored.ods"
}

each_run() {
	$1 pack '@ view --pack -o out ../in/a.jsonl'
	$1 replace 'cp ../in/b.ods out; @ view --pack -o out ../in/a.jsonl'
	$1 gzip '@ view --pack -z -o out ../in/a.jsonl'
	$1 lines '@ view --header ../in/a.ods >out'
	$1 summary '@ view --summary ../in/a.ods >out'
	$1 to-npy '@ view --npy out ../in/a.ods >/dev/null'
	$1 from-npy '@ view --pack --npy ../in/a.npy -l 3 -o out ../in/rows.jsonl'
	$1 to-gguf '@ view --gguf out ../in/caa.ods'
	$1 fit-paper '@ fitbarrier -p paper -o out ../in/a.ods'
	$1 fit-folds '@ fitbarrier -p best --folds 3 -C auto -o out ../in/a.ods'
	$1 fit-rff '@ fitbarrier -f rff --components 16 -o out ../in/a.ods'
	$1 fit-import '@ fitbarrier -f import --vector ../in/v.gguf -o out ../in/a.ods'
	$1 fit-hpr '@ fitbarrier -f hpr -o out ../in/a.ods'
	$1 fit-recontrol '@ fitbarrier -f recontrol --epochs 3 -o out ../in/a.ods'
	$1 fit-truthflow '@ fitbarrier -f truthflow --epochs 3 -o out ../in/means.ods'
	$1 integrate '@ integrate -b ../in/b.ods -T 0.5 -o out ../in/a.ods'
	$1 until '@ integrate -b ../in/b.ods -T 2 --until 1 -s rkf45 -o out ../in/a.ods'
	$1 distinct '@ score distinct -o out ../in/texts.jsonl'
	$1 toxicity '@ score toxicity -o out ../in/texts.jsonl'
	$1 density '@ score density --label label -b ../in/b.ods -o out ../in/a.ods'
	$1 report '@ score report ../in/scored.ods >out'
	$1 json '@ score report --format json ../in/scored.ods >out'
}

make_model_inputs() {
	head -n 4 datasets/mood.jsonl >"$tmp/in/pairs.jsonl"
	head -n 16 datasets/mood.jsonl | collect -l 3 | fitbarrier -f caa -o "$tmp/in/model.ods"
	echo '{"id":1,"prompt":"Hello"}' >"$tmp/in/prompt.jsonl"
	perl tests/tiny.pl decoder >"$tmp/in/decoder.gguf"
	perl tests/tiny.pl head >"$tmp/in/head.npy"
	perl tests/tiny.pl encoder neutral toxic >"$tmp/in/encoder.gguf"
}
each_model_run() {
	[ -e "$ODESTEER_MODEL" ] || return 0
	$1 collect '@ collect -j 1 -l 3 -o out ../in/pairs.jsonl'
	$1 generate '@ generate -j 1 --max-tokens 2 -b ../in/model.ods -T 0.1r --when ../in/model.ods:0 -o out \
		../in/prompt.jsonl'
	$1 filter '@ generate -j 1 --max-tokens 2 -l 3 --filter cat -o out ../in/prompt.jsonl'
	$1 perplexity '@ score perplexity -j 1 -o out ../in/pairs.jsonl'
	$1 kl '@ score kl -j 1 -b ../in/model.ods -T 0.1r -o out ../in/pairs.jsonl'
	$1 mc '@ score mc -j 1 -o out ../in/pairs.jsonl'
	$1 reward '@ score reward -j 1 --truncate -m ../in/decoder.gguf --head ../in/head.npy -o out ../in/pairs.jsonl'
	$1 classify '@ score classify -j 1 -m ../in/encoder.gguf -o out ../in/texts.jsonl'
	$1 judge '@ score judge -j 1 --as warm --text "Is {a} cheerful?" -o out ../in/pairs.jsonl'
}

# Forgets out if a run that ended with an error may leave it.
forget_rest() { # LINE
	case $1 in
	*'>out'*) rm -f "$tmp/work/out" ;;
	cp*) ! cmp -s "$tmp/work/out" "$tmp/in/b.ods" || rm "$tmp/work/out" ;;
	esac
}

try() {
	rm -rf "$tmp/work"
	mkdir "$tmp/work"
	status=0
	(cd "$tmp/work" && eval "${2%%@*}$3${2#*@}") 2>"$tmp/err" </dev/null || status=$?
	err=$(cat "$tmp/err")
	complaint=
	if [ $status = 0 ]; then
		[ -z "$err" ] || complaint="it says '$err'"
		cmp -s "$tmp/work/out" "$tmp/good/$1" || complaint='its output is not that of a good run'
		[ "$(ls "$tmp/work")" = out ] || complaint='it leaves other files'
		return
	fi
	# libgomp begins with an empty line
	case $(sed '/^$/d' "$tmp/err" | wc -l):$status:$err in
	1:1:view:\ * | 1:1:fitbarrier:\ * | 1:1:collect:\ * | 1:1:generate:\ *) ;;
	1:1:integrate:\ * | 1:1:score:\ * | 1:1:*libgomp:\ *) ;;
	*) complaint="it ends with $status and says '$err'" ;;
	esac
	forget_rest "$2"
	[ -z "$(ls "$tmp/work")" ] || complaint="it leaves $(ls "$tmp/work")"
}

make_good() { # NAME LINE
	cp /dev/null "$tmp/good/$1"
	try "$1" "$2" ''
	is "$status $err" '0 ' "$1 runs"
	cp "$tmp/work/out" "$tmp/good/$1"
}
