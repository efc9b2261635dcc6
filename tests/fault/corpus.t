#!/bin/sh
# The corpus of the stream format is read, and refused, as the page odesteer-stream(5) says.
. tests/tap.sh
perl tests/fault/corpus.pl "$tmp/corpus" || exit 1
while IFS='	' read -r file verdict why says; do
	run view "$tmp/corpus/$file"
	if [ "$verdict" != refuse ]; then
		is "$status $err" '0 ' "accepted: $why"
		if [ -e "$tmp/corpus/$file.jsonl" ]; then
			is "$out" "$(cat "$tmp/corpus/$file.jsonl")" 'and read as what it is'
		fi
	else
		case $status:$err in
		"1:view: "*"$says"*) is '' '' "refused: $why" ;;
		*) is "$status: $err" "1: view: ... $says" "refused: $why" ;;
		esac
	fi
done <"$tmp/corpus/index"
# view can read what it has packed.
while read -r file verdict _; do
	[ "$verdict" != refuse ] || continue
	view --pack -o "$tmp/again.ods" "$tmp/corpus/$file"
	is "$(view "$tmp/again.ods")" "$(view "$tmp/corpus/$file")" "$file is the same when packed again"
done <"$tmp/corpus/index"
finish
