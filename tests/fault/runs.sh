# runs.sh - small runs of every tool, for tests that make a part of each go wrong.
#
#   make_inputs            writes what the runs read to $tmp/in
#   each_run COMMAND       calls COMMAND NAME LINE for each run; LINE, for sh, writes to the file out
#   try NAME LINE PREFIX   runs LINE in the empty folder $tmp/work, its tool behind PREFIX, and sets $status,
#                          $err and $complaint: what is wrong with how it ended, or nothing
#
# A run that ends with 0 must have written what it writes when nothing fails. Any other must say why in one line, and
# leave nothing at all where it writes by -o.
. tests/made.sh
# shellcheck disable=SC3045 # dash and bash have it
ulimit -c 0 # no core files beside the output

make_inputs() {
	mkdir "$tmp/in" "$tmp/work" "$tmp/good"
	made >"$tmp/in/a.ods"
	view --header "$tmp/in/a.ods" >"$tmp/in/a.jsonl"
	view --npy "$tmp/in/a.npy" "$tmp/in/a.ods" >/dev/null
	view "$tmp/in/a.ods" | jq -c "del(.act)" >"$tmp/in/rows.jsonl"
	fitbarrier -p paper "$tmp/in/a.ods" >"$tmp/in/b.ods"
	fitbarrier -f caa "$tmp/in/a.ods" >"$tmp/in/caa.ods"
	view --gguf "$tmp/in/v.gguf" "$tmp/in/caa.ods"
	jq -n -c 'range(12) | {id: "t\(.)", completion: "a text of \(. * 7 % 5) and \(.) words", label: (. % 2)}' \
		>"$tmp/in/texts.jsonl"
	score density --label label -b "$tmp/in/b.ods" "$tmp/in/a.ods" >"$tmp/in/scored.ods"
}

each_run() {
	$1 pack '@view --pack -o out ../in/a.jsonl'
	$1 gzip '@view --pack -z -o out ../in/a.jsonl'
	$1 lines '@view --header ../in/a.ods >out'
	$1 summary '@view --summary ../in/a.ods >out'
	$1 to-npy '@view --npy out ../in/a.ods >/dev/null'
	$1 from-npy '@view --pack --npy ../in/a.npy -l 3 -o out ../in/rows.jsonl'
	$1 to-gguf '@view --gguf out ../in/caa.ods'
	$1 fit-paper '@fitbarrier -p paper -o out ../in/a.ods'
	$1 fit-folds '@fitbarrier -p best --folds 3 -C auto -o out ../in/a.ods'
	$1 fit-rff '@fitbarrier -f rff --components 16 -o out ../in/a.ods'
	$1 fit-import '@fitbarrier -f import --vector ../in/v.gguf -o out ../in/a.ods'
	$1 integrate '@integrate -b ../in/b.ods -T 0.5 -o out ../in/a.ods'
	$1 until '@integrate -b ../in/b.ods -T 2 --until 1 -s rkf45 -o out ../in/a.ods'
	$1 distinct '@score distinct -o out ../in/texts.jsonl'
	$1 density '@score density --label label -b ../in/b.ods -o out ../in/a.ods'
	$1 report '@score report ../in/scored.ods >out'
	$1 json '@score report --format json ../in/scored.ods >out'
}

try() {
	rm -rf "$tmp/work"
	mkdir "$tmp/work"
	status=0
	(cd "$tmp/work" && eval "${2%%@*}$3 ${2#*@}") 2>"$tmp/err" </dev/null || status=$?
	err=$(cat "$tmp/err")
	complaint=
	if [ $status = 0 ]; then
		[ -z "$err" ] || complaint="it says '$err'"
		cmp -s "$tmp/work/out" "$tmp/good/$1" || complaint='its output is not that of a good run'
		[ "$(ls "$tmp/work")" = out ] || complaint='it leaves other files'
	else
		case $2 in
		*'>out'*) rm -f "$tmp/work/out" ;;
		esac
		[ "$(grep -c . "$tmp/err")" = 1 ] || complaint="it says '$err'"
		[ $status = 1 ] || complaint="it ends with $status and says '$err'"
		# C++ ends a program itself when libggml runs out of memory
		case $status:$err in
		134:*std::bad_alloc*) complaint= ;;
		esac
		[ -z "$(ls "$tmp/work")" ] || complaint="it leaves $(ls "$tmp/work")"
	fi
}

make_good() { # NAME LINE
	try "$1" "$2" ''
	[ $status = 0 ] || echo "# $1: $err"
	cp "$tmp/work/out" "$tmp/good/$1"
}
