#!/bin/sh
# Streams between processes: a failure of one stage makes all later stages fail, and a stream is the
# same in whatever parts, packing and order of bytes it arrives.
. tests/tap.sh
. tests/made.sh

made >"$tmp/a.ods"
view "$tmp/a.ods" >"$tmp/a.jsonl"
size=$(wc -c <"$tmp/a.ods")

# A writer that fails writes no end record.
printf '{"a":1}\n{"a":\n' | view --pack >"$tmp/part.ods" 2>"$tmp/left"
is "$? $(sed 's/column [0-9]*: .*/column/' "$tmp/left")" \
	'1 view: standard input: record 2: it is not JSON: column' 'the writer fails'
for z in '' -z; do
	# A short stream is lost in the writer's buffer, most of a long one was sent before the failure.
	printf '{"a":1}\n{"a":\n' | view --pack $z 2>/dev/null | view >"$tmp/out" 2>"$tmp/err"
	is "$? $(cat "$tmp/out" "$tmp/err")" '1 view: standard input is empty' "so the reader fails${z:+, gzip}"
	{ jq -n -c 'range(50000) | {id: ., square: (. * .), root: sqrt}'; echo '{'; } |
		view --pack $z 2>/dev/null | view >"$tmp/out" 2>"$tmp/err"
	is "$? $(head -n 1 "$tmp/out")" '1 {"id":0,"square":0,"root":0}' "after much, too${z:+, gzip}"
	is "$(sed 's/ is a truncated gzip file$/ is truncated/; s/ is truncated: .*/ is truncated/' "$tmp/err")" \
		'view: standard input is truncated' "which says why${z:+, gzip}"
done
head -c $((size - 1)) "$tmp/a.ods" | view --pack 2>/dev/null | view --pack 2>/dev/null |
	view --pack 2>/dev/null | view --summary >"$tmp/out" 2>/dev/null
is "$? $(cat "$tmp/out")" '1 ' 'the failure passes through three more stages'
view --pack "$tmp/nope" 2>/dev/null | view --pack -o "$tmp/never.ods" 2>"$tmp/err"
is "$? $(cat "$tmp/err") $(find "$tmp" -name 'never*')" '1 view: standard input is empty ' \
	'a stage that could not begin'
( view --pack "$tmp/a.ods" | head -c 1000 ) | view >/dev/null 2>"$tmp/err"
is "$? $(grep -c '^view: standard input is truncated: it ends inside record' "$tmp/err")" '1 1' \
	'a stage that was cut off'

# A stream that is cut is refused.
bad=0
gzip -c "$tmp/a.ods" >"$tmp/a.gz"
zipped=$(wc -c <"$tmp/a.gz")
for n in 1 2 15 16 17 100 137 138 200 1000 2000 3000 $((size - 60)) $((size - 30)) $((size - 2)); do
	head -c "$n" "$tmp/a.ods" | view >/dev/null 2>&1 && bad=$((bad + 1))
	head -c "$((n * zipped / size))" "$tmp/a.gz" | view >/dev/null 2>&1 && bad=$((bad + 1))
done
is "$bad" 0 'cut in 15 places, plain and gzip: none passes'
# A slow writer sends one byte at a time.
is "$(dd if="$tmp/a.ods" bs=1 2>/dev/null | view | cksum)" "$(cksum <"$tmp/a.jsonl")" 'read byte by byte it is the same'
is "$(gzip -c "$tmp/a.ods" | dd bs=1 2>/dev/null | view | cksum)" "$(cksum <"$tmp/a.jsonl")" 'gzip, too'
is "$(dd if="$tmp/a.jsonl" bs=1 2>/dev/null | sed '1s/^/\n/' | jq -c 'del(.act)' | view | wc -l)" 48 'lines, too'

# The parts of a stream are the whole.
for k in 1 7 24 47; do
	view --header "$tmp/a.ods" | head -n $((k + 1)) | view --pack >"$tmp/1.ods"
	{ view --header "$tmp/a.ods" | head -n 1; tail -n +$((k + 1)) "$tmp/a.jsonl"; } | view --pack -z >"$tmp/2.ods"
	is "$(view "$tmp/1.ods" "$tmp/2.ods" | cksum)" "$(cksum <"$tmp/a.jsonl")" \
		"the first $k records and the others, gzipped, are the whole"
done
is "$(view "$tmp/1.ods" - <"$tmp/2.ods" | cksum)" "$(cksum <"$tmp/a.jsonl")" 'one of them from standard input'
view --pack -o "$tmp/w.ods" "$tmp/1.ods" "$tmp/2.ods"
is "$(view "$tmp/w.ods" | cksum)" "$(cksum <"$tmp/a.jsonl")" 'packed as one, too'
cat "$tmp/1.ods" "$tmp/1.ods" >"$tmp/cat.ods"
fails 1 "view: '$tmp/cat.ods' goes on after its end record" view "$tmp/cat.ods"

# Files whose headers disagree are refused.
other() { # CHANGE OF THE HEADER, CHANGE OF A RECORD, WHAT DIFFERS
	made "if .odesteer then $1 else $2 end" >"$tmp/other.ods"
	fails 1 "view: '$tmp/other.ods': its $3 differs from that of '$tmp/a.ods'" view "$tmp/a.ods" "$tmp/other.ods"
	is "$(printf '%s\n' "$out" | wc -l)" 48 'after the records of the first file'
}
other '.digest = "00000000000000ab"' . model
other 'del(.model, .digest)' . model
other '.block = [4]' . block
other '.block = [3, 4]' . block
other '.dim = 5' '.act = .act[1:]' dim
other '.dtype = "float16"' . dtype
other '{odesteer, version, kind: "examples", chain}' 'del(.act)' kind
made 'if .odesteer then .chain = [{tool: "x", version: "9", argv: []}] else . end' >"$tmp/other.ods"
is "$(view "$tmp/a.ods" "$tmp/other.ods" | wc -l)" 96 'chains may differ'

# The same input gives the same bytes, and a damaged byte anywhere is noticed.
view --pack <"$tmp/a.ods" >"$tmp/x.ods"
view --pack <"$tmp/a.ods" >"$tmp/y.ods"
ok 'the same bytes twice' cmp "$tmp/x.ods" "$tmp/y.ods"
bad=0
for at in 0 1 9 20 40 60 100 150 1000 2000 3000 $((size - 50)) $((size - 40)) $((size - 20)) $((size - 1)); do
	{ head -c "$at" "$tmp/a.ods"; printf '\252'; tail -c +$((at + 2)) "$tmp/a.ods"; } >"$tmp/bent.ods"
	cmp -s "$tmp/bent.ods" "$tmp/a.ods" && continue
	view "$tmp/bent.ods" >/dev/null 2>&1 && bad=$((bad + 1))
done
is "$bad" 0 'a byte replaced in 15 places: none passes'

# A reader leaves, and a writer is killed.
is "$({ view "$tmp/a.ods" "$tmp/a.ods" "$tmp/a.ods" 2>&1 >&3 | cat; } 3>&1 | head -n 1 | jq -r .id)" r0 \
	'view | head -n 1 is quiet'
mkfifo "$tmp/slow"
view --pack -o "$tmp/killed.ods" "$tmp/slow" 2>/dev/null &
pid=$!
exec 4>"$tmp/slow"
echo '{"a":1}' >&4
n=0
while [ -z "$(ls "$tmp/killed.ods".*.tmp 2>/dev/null)" ] && [ $n -lt 100 ]; do sleep 0.1; n=$((n + 1)); done
ok 'a file is written under a temporary name' test -e "$(ls "$tmp/killed.ods".*.tmp)" -a ! -e "$tmp/killed.ods"
kill -TERM $pid 2>/dev/null
wait $pid
is "$?" 143 'a signal ends it'
exec 4>&-
is "$(find "$tmp" -name 'killed*')" '' 'no file is left'
mkfifo "$tmp/fifo"
view --pack -o "$tmp/fifo" "$tmp/a.ods" &
is "$(view "$tmp/fifo" | cksum)" "$(cksum <"$tmp/a.jsonl")" 'a fifo is written in place'
wait
ok 'and is still there' test -p "$tmp/fifo"
finish
