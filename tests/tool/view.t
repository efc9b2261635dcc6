#!/bin/sh
. tests/tap.sh
. tests/made.sh

# every kind of value there and back
cat >"$tmp/t.jsonl" <<'EOT'
{"id":"a","prompt":"ä € 😀","n":[0,-1,127,128,255,256,65535,65536,4294967295,4294967296,9223372036854775807]}
{"id":"b","m":[-32,-33,-128,-129,-32768,-32769,-2147483648,-2147483649,-9223372036854775808],"d":[0.1,1.0,-0.0,1e+300,2.385]}
{"id":7,"deep":{"a":[1,[2.5,{"b":null}],true,false]},"empty":{},"none":[],"":"","q":"\"\\\n\u0001"}
{}
EOT
view --pack "$tmp/t.jsonl" >"$tmp/t.ods"
view "$tmp/t.ods" >"$tmp/back.jsonl"
ok 'JSON Lines, packed and viewed, are the same text' cmp "$tmp/t.jsonl" "$tmp/back.jsonl"
ok 'and so they are unpacked' sh -c 'view "$1" | cmp - "$1"' sh "$tmp/t.jsonl"
ok '-o writes what standard output gets' sh -c 'view --pack -o "$1.o" "$1" && view "$1.o" | cmp - "$1"' sh "$tmp/t.jsonl"
ok '-z writes gzip' sh -c 'view --pack -z "$1" >"$1.gz" && gzip -t "$1.gz" && view "$1.gz" | cmp - "$1"' sh "$tmp/t.jsonl"
ok 'gzip of others is read, in several members too' \
	sh -c '{ head -n 2 "$1" | gzip; tail -n +3 "$1" | gzip; } | view | cmp - "$1"' sh "$tmp/t.jsonl"
view --pack -z -o "$tmp/1.gz" "$tmp/t.jsonl"
cp "$tmp/1.gz" "$tmp/2.gz"
view --pack -z -o "$tmp/1.gz" "$tmp/t.jsonl"
ok 'gzip output is the same for the same input' cmp "$tmp/1.gz" "$tmp/2.gz"
is "$(find "$tmp" -name '*.tmp')" '' 'no .tmp is left'
is "$(view - <"$tmp/t.ods" | cksum)" "$(view <"$tmp/t.ods" | cksum)" '- is standard input'
is "$(view "$tmp/t.ods" - <"$tmp/1.gz" | wc -l)" 8 'beside a file, too'

# --header
is "$(view --header "$tmp/t.jsonl" | head -n 1)" '{"odesteer":"stream","version":1,"kind":"examples","chain":[]}' '--header of JSON Lines'
is "$(view --header "$tmp/1.gz" | head -n 1)" \
	"{\"odesteer\":\"stream\",\"version\":1,\"kind\":\"examples\",\"chain\":[{\"tool\":\"view\",\"version\":\"$(view -V | cut -d' ' -f2)\",\"argv\":[\"--pack\",\"-z\",\"-o\",\"$tmp/1.gz\",\"$tmp/t.jsonl\"]}]}" \
	'--header has the chain, arguments as they were given'
is "$(view --header "$tmp/t.ods" | tail -n +2 | cksum)" "$(cksum <"$tmp/t.jsonl")" 'the records follow'
for type in float32 float16; do
	made "if .odesteer then .dtype = \"$type\" else . end" >"$tmp/a.ods"
	view --header "$tmp/a.ods" | view --pack >"$tmp/a2.ods"
	is "$(view "$tmp/a2.ods" | cksum)" "$(view "$tmp/a.ods" | cksum)" "$type: view --header | view --pack gives the same records"
	is "$(view --header "$tmp/a2.ods" | head -n 1 | jq -c 'del(.chain[-1])')" "$(view --header "$tmp/a.ods" | head -n 1)" \
		'and the same header, with one more link'
done
made | view --header | sed 's/"act":[[][^,]*,[^,]*,[^,]*/"act":[-0.0,0,1/' | view --pack >"$tmp/zero.ods"
zeros() {
	view --pack "$@" | od -An -v -tx1 | tr -d ' \n' | grep -o 00000080000000000000803f | wc -l
}
is "$(zeros "$tmp/zero.ods")" 48 'a zero can have a sign'
is "$(view --header "$tmp/zero.ods" | zeros)" 48 'and keeps it on the way through text'

# --summary against figures of others
made >"$tmp/a.ods"
view "$tmp/a.ods" | jq -r '[.label, (.act | map(. * .) | add | sqrt)] | @tsv' | awk '
	{ n[$1]++; s[$1] += $2; q[$1] += $2 * $2
	  if (n[$1] == 1 || $2 < least[$1]) least[$1] = $2
	  if (n[$1] == 1 || $2 > most[$1]) most[$1] = $2 }
	END { for (y = 0; y < 2; y++) {
		m = s[y] / n[y]
		printf "block 3, label %d: %d records, norm mean %.6g, sd %.6g, %.6g to %.6g\n", y, n[y], m,
		    sqrt(q[y] / n[y] - m * m), least[y], most[y] } }' >"$tmp/figures"
is "$(view --summary "$tmp/a.ods")" "kind    activations
records 48
model   made (00000000000000aa)
dim     6, float32
chain   view $(view -V | cut -d' ' -f2)
$(cat "$tmp/figures")" '--summary of activations'
is "$(view --summary "$tmp/a.ods" "$tmp/a.ods" | sed -n '2p;6p' | cut -d, -f1,2)" 'records 96
block 3, label 0: 48 records' 'of two files'
printf '{"id":1,"label":1}\n{"id":2}\n{"id":3,"label":0}\n{"id":4,"label":1}\n' >"$tmp/l.jsonl"
is "$(view --summary "$tmp/l.jsonl")" 'kind    examples
records 4
label 1: 2 records
no label: 1 records
label 0: 1 records' '--summary of examples'
is "$(view --pack </dev/null 2>&1; jq -n -c '{odesteer: "stream", version: 1, kind: "completions", chain: []}' | view --summary)" \
	'view: standard input is empty
kind    completions
records 0' 'of a header alone'

# what is wrong with lines
lines() { # TEXT MESSAGE
	printf '%b' "$1" >"$tmp/bad.jsonl"
	fails 1 "view: '$tmp/bad.jsonl': $2" view "$tmp/bad.jsonl"
}
lines '{"a":1}\n{"a":}\n{"a":3}\n' "record 2: it is not JSON: column 6: unexpected token near '}'"
lines '\n\n{"a":1}\n\n[]\n' 'record 2: it is not a JSON object'
lines '{"a":1,"a":2}\n' "record 1: it is not JSON: column 10: duplicate object key near '\"a\"'"
lines '{"a":"\0303("}\n' "record 1: it is not JSON: column 6: unable to decode byte 0xc3 near '\"'"
lines '{"odesteer":"x"}\n' "record 1: the name 'odesteer' is reserved"
lines '{"a":1}\n{"act":[1]}\n' "record 2: it has a field 'act' in a stream of examples"
is "$(view "$tmp/bad.jsonl" 2>/dev/null)" '{"a":1}' 'what was read well is shown first'
is "$(view --summary "$tmp/bad.jsonl" 2>/dev/null)" '' 'but there is no summary of a broken stream'
printf '{"a":1}\n\n{"a":2}' >"$tmp/n.jsonl"
is "$(view "$tmp/n.jsonl")" '{"a":1}
{"a":2}' 'blank lines, and no newline at the end'

# an exit of 0 promises a stream that can be read
jq -n -c '{odesteer: "stream", version: 1, kind: "activations", model: "m", digest: "d", block: [0], dim: 2, dtype: "float32",
	chain: [{tool: "a", version: "1", argv: []}]}' >"$tmp/h.jsonl"
for change in . '.chain[0].seed = -1' '.chain[0].seed = 9007199254740991' '.chain[0].argv = ["ä", ""]' '.chain[0].side = {"": ""}' \
	'.block = [3, 5]' '.dim = 67108864' '.chain = [range(200) as $i | .chain[0]]'; do
	jq -c "$change" "$tmp/h.jsonl" >"$tmp/h2.jsonl"
	rm -f "$tmp/h.ods"
	view --pack -o "$tmp/h.ods" "$tmp/h2.jsonl" 2>/dev/null
	is "$?" "$(view "$tmp/h.ods" >/dev/null 2>&1; echo $?)" "a header with $change: what is written is read"
done
echo '{"a":18446744073709551615}' >"$tmp/u.jsonl"
fails 1 "view: '$tmp/u.jsonl': record 1: it is not JSON: column 25: too big integer near '18446744073709551615'" view "$tmp/u.jsonl"

# broken streams
fails 1 "view: cannot open '$tmp/nope': No such file or directory" view "$tmp/nope"
fails 1 'view: standard input is empty' view
fails 1 'view: standard input is empty' view --pack
fails 1 "view: cannot read '$tmp': Is a directory" view "$tmp"
fails 1 "view: '$tmp/figures' is neither an odesteer stream nor JSON Lines" view "$tmp/figures"
size=$(wc -c <"$tmp/a.ods")
head -c $((size - 1)) "$tmp/a.ods" >"$tmp/cut.ods"
fails 1 "view: '$tmp/cut.ods' is truncated: it ends inside record 49" view "$tmp/cut.ods"
fails 1 "view: '$tmp/cut.ods' is truncated: it ends inside record 49" view --summary "$tmp/cut.ods"
fails 1 "view: '$tmp/cut.ods' is truncated: it ends inside record 49" view --pack -o "$tmp/never.ods" "$tmp/cut.ods"
is "$(find "$tmp" -name 'never*')" '' 'a broken input leaves no file'
echo old >"$tmp/old"
view --pack -o "$tmp/old" "$tmp/cut.ods" 2>/dev/null
is "$(cat "$tmp/old")" old 'and what stood there before stays'
size=$(wc -c <"$tmp/1.gz")
head -c $((size - 1)) "$tmp/1.gz" >"$tmp/cut.gz"
fails 1 "view: '$tmp/cut.gz' is a truncated gzip file" view "$tmp/cut.gz"
{ cat "$tmp/1.gz"; echo x; } >"$tmp/more.gz"
run view "$tmp/more.gz"
is "$status" 1 "bytes behind gzip: $err"
fails 1 "view: '$tmp/t.ods': its kind is not that of '$tmp/a.ods'" view "$tmp/a.ods" "$tmp/t.ods"

# lengths that lie, with no memory to spare
ods() { # FIRST BYTES OF A VALUE
	printf '\204\250odesteer\246stream\247version\001\244kind\250examples\245chain\220'
	printf '\201\241x%b' "$1"
}
# shellcheck disable=SC3045
if (ulimit -v 400000 && view -V) >/dev/null 2>&1; then
	for claim in '\0333\0377\0377\0377\0377' '\0335\0377\0377\0377\0377' '\0337\0377\0377\0377\0377' '\0306\0377\0377\0377\0377' '\0335\0017\0377\0377\0000'; do
		ods "$claim" >"$tmp/claim.ods"
		case $claim in
		'\0335\0017'*) wanted=" is truncated: it ends inside record 1" ;;
		*) wanted=': record 1: it is bigger than 256 MiB' ;;
		esac
		fails 1 "view: '$tmp/claim.ods'$wanted" sh -c 'ulimit -v 400000; exec view "$1"' sh "$tmp/claim.ods"
	done
else
	echo '# no limit on memory can be set here'
fi

# output
fails 1 "view: cannot write 'standard output': No space left on device" sh -c 'view "$1" >/dev/full' sh "$tmp/t.jsonl"
fails 1 "view: cannot write 'standard output': No space left on device" sh -c 'view --summary "$1" >/dev/full' sh "$tmp/t.jsonl"
fails 1 "view: cannot write 'standard output': No space left on device" sh -c 'view --pack "$1" >/dev/full' sh "$tmp/t.jsonl"
fails 1 "view: cannot write 'standard output': No space left on device" sh -c 'view --pack -z "$1" >/dev/full' sh "$tmp/t.jsonl"
fails 1 "view: cannot write 'standard output': No space left on device" sh -c 'view -h >/dev/full'
fails 1 "view: cannot write 'standard output': No space left on device" sh -c 'view -V >/dev/full'
fails 1 "view: cannot write '/dev/full': No space left on device" view --pack -o /dev/full "$tmp/t.jsonl"
ok '/dev/full is still there' test -c /dev/full
fails 1 "view: cannot write '$tmp/no/such': No such file or directory" view --pack -o "$tmp/no/such" "$tmp/t.jsonl"
jq -n -c 'range(20000) | {id: ., text: "a reader that leaves ends the writer quietly"}' >"$tmp/long.jsonl"
is "$({ view "$tmp/long.jsonl" 2>&1 >&3 | cat; } 3>&1 | head -n 1)" '{"id":0,"text":"a reader that leaves ends the writer quietly"}' \
	'a reader that leaves ends it quietly'
is "$({ view --pack "$tmp/long.jsonl" 2>&1 >&3 | cat; } 3>&1 | head -c 1 | wc -c)" 1 'with --pack, too'

# usage
for o in header pack; do
	fails 2 "view: --header, --summary and --pack exclude each other
try 'view -h'" view --summary --$o
done
fails 2 "view: --header, --summary and --pack exclude each other
try 'view -h'" view --header --pack
fails 2 "view: -z needs --pack
try 'view -h'" view -z
fails 2 "view: -o needs --pack
try 'view -h'" view -o x
fails 2 "view: option '-o' needs a value
try 'view -h'" view --pack -o
fails 2 "view: unknown option '-x'
try 'view -h'" view -x
fails 2 "view: unknown option '--nope'
try 'view -h'" view --nope
run view --summary=3
is "$status $(printf '%s\n' "$err" | grep -c -e --summary)" '2 1' 'a value where none belongs: the message names the option'
run view -h
is "$status $err $(printf '%s\n' "$out" | head -n 1)" '0  usage: view [--header] [--summary] [file ...]' '-h'
is "$(view --help)" "$out" '--help'
is "$(view --version)" "$(view -V)" '--version'
finish
