#!/bin/sh
# Tools in pipelines: a failure of one stage makes all later stages fail, an interrupted tool leaves no
# file, and a stream is the same whichever way it is passed on.
. tests/tap.sh
. tests/made.sh

made >"$tmp/a.ods"
fitbarrier -p paper --components 64 -o "$tmp/b.ods" "$tmp/a.ods"
size=$(wc -c <"$tmp/a.ods")

# sh sees the status of the last stage only.
for n in 100 500 $((size / 2)) $((size - 1)); do
	head -c "$n" "$tmp/a.ods" | integrate -b "$tmp/b.ods" 2>/dev/null |
		score density -b "$tmp/b.ods" 2>/dev/null | score report >/dev/null 2>"$tmp/err"
	is "$?" 1 "cut after $n bytes: $(cat "$tmp/err")"
done
{ cat "$tmp/a.ods"; echo x; } | integrate -b "$tmp/b.ods" 2>/dev/null | view >/dev/null 2>&1
is "$?" 1 'bytes after the end record'
integrate -b "$tmp/nope" "$tmp/a.ods" 2>/dev/null | score density -b "$tmp/b.ods" 2>"$tmp/err" |
	score report >/dev/null 2>&1
is "$? $(cat "$tmp/err")" '1 score: standard input is empty' 'a stage that could not begin'

# A pipe, files, gzip and JSON Lines give the same stream.
direct=$(integrate -b "$tmp/b.ods" "$tmp/a.ods" | score density -b "$tmp/b.ods" | view | cksum)
integrate -b "$tmp/b.ods" -z -o "$tmp/i.gz" "$tmp/a.ods"
score density -b "$tmp/b.ods" -z -o "$tmp/d.gz" "$tmp/i.gz"
is "$(view "$tmp/d.gz" | cksum)" "$direct" 'through gzipped files'
is "$(view --header "$tmp/a.ods" | view --pack | integrate -b "$tmp/b.ods" | score density -b "$tmp/b.ods" |
		view | cksum)" "$direct" 'through JSON Lines'
is "$(view --header "$tmp/d.gz" | jq -c 'select(.odesteer) | .chain | map(.tool)')" \
	'["view","integrate","score"]' 'the chain lists the tools'

# An interrupted tool leaves neither its output file nor the temporary one.
mkfifo "$tmp/slow"
integrate -b "$tmp/b.ods" -o "$tmp/out.ods" "$tmp/slow" 2>/dev/null &
pid=$!
exec 4>"$tmp/slow"
head -c 3000 "$tmp/a.ods" >&4
n=0
while [ -z "$(ls "$tmp/out.ods".*.tmp 2>/dev/null)" ] && [ $n -lt 100 ]; do sleep 0.1; n=$((n + 1)); done
ok 'it writes under a temporary name' test -e "$(ls "$tmp/out.ods".*.tmp)"
kill -TERM $pid
wait $pid 2>/dev/null
is "$?" 143 'a signal ends it'
exec 4>&-
is "$(find "$tmp" -name 'out.ods*' | wc -l)" 0 'no file is left'

finish
