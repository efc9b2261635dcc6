#!/bin/sh
. tests/tap.sh
. tests/made.sh

# every kind of value there and back
cat >"$tmp/t.jsonl" <<'EOT'
{"id":"a","prompt":"ä € 😀","n":[0,-1,127,128,255,256,65535,65536,4294967295,4294967296,9223372036854775807]}
{"id":"b","m":[-32,-33,-128,-129,-32768,-32769,-2147483648,-2147483649,-9223372036854775808],"empty":{},"none":[]}
{"id":7,"d":[0.1,1.0,-0.0,1e+300,2.385],"deep":{"a":[1,[2.5,{"b":null}],true,false]},"":"","q":"\"\\\n\u0001"}
{}
EOT
view --pack "$tmp/t.jsonl" >"$tmp/t.ods"
view "$tmp/t.ods" >"$tmp/back.jsonl"
ok 'JSON Lines, packed and viewed, are the same text' cmp "$tmp/t.jsonl" "$tmp/back.jsonl"
ok 'and so they are unpacked' sh -c 'view "$1" | cmp - "$1"' sh "$tmp/t.jsonl"
is "$(printf '{"prompt":"x"}\n' | view --pack | view)" '{"prompt":"x"}' 'a record without an id stays as it is'
ok '-o writes what standard output gets' sh -c 'view --pack -o "$1.o" "$1" && view "$1.o" | cmp - "$1"' sh \
	"$tmp/t.jsonl"
ok '-z writes gzip' sh -c 'view --pack -z "$1" >"$1.gz" && gzip -t "$1.gz" && view "$1.gz" | cmp - "$1"' sh \
	"$tmp/t.jsonl"
ok 'gzip of others is read, in several members too' \
	sh -c '{ head -n 2 "$1" | gzip; tail -n +3 "$1" | gzip; } | view | cmp - "$1"' sh "$tmp/t.jsonl"
view --pack -z -o "$tmp/1.gz" "$tmp/t.jsonl"
cp "$tmp/1.gz" "$tmp/2.gz"
view --pack -z -o "$tmp/1.gz" "$tmp/t.jsonl"
ok 'gzip output is the same for the same input' cmp "$tmp/1.gz" "$tmp/2.gz"
is "$(find "$tmp" -name '*.tmp')" '' 'no .tmp is left'
is "$(view - <"$tmp/t.ods" | cksum)" "$(view <"$tmp/t.ods" | cksum)" '- is standard input'
is "$(view "$tmp/t.ods" - <"$tmp/1.gz" | wc -l)" 8 'beside a file, too'
head -c 5 "$tmp/t.ods" >"$tmp/cut.ods"
fails 1 "view: '$tmp/cut.ods' is neither an odesteer stream nor JSON Lines" view "$tmp/t.ods" "$tmp/cut.ods"

# --header
is "$(view --header "$tmp/t.jsonl" | head -n 1)" \
	'{"odesteer":"stream","version":1,"kind":"examples","chain":[]}' '--header of JSON Lines'
is "$(view --header "$tmp/1.gz" | head -n 1)" \
	"$(jq -n -c --arg version "$(view -V | cut -d' ' -f2)" --arg out "$tmp/1.gz" --arg in "$tmp/t.jsonl" '
		{odesteer: "stream", version: 1, kind: "examples",
			chain: [{tool: "view", $version, argv: ["--pack", "-z", "-o", $out, $in]}]}')" \
	'--header has the chain, arguments as they were given'
is "$(view --header "$tmp/t.ods" | tail -n +2 | cksum)" "$(cksum <"$tmp/t.jsonl")" 'the records follow'
for type in float32 float16; do
	made "if .odesteer then .dtype = \"$type\" else . end" >"$tmp/a.ods"
	view --header "$tmp/a.ods" | view --pack >"$tmp/a2.ods"
	is "$(view "$tmp/a2.ods" | cksum)" "$(view "$tmp/a.ods" | cksum)" \
		"$type: view --header | view --pack gives the same records"
	is "$(view --header "$tmp/a2.ods" | head -n 1 | jq -c 'del(.chain[-1])')" \
		"$(view --header "$tmp/a.ods" | head -n 1)" \
		'and the same header, with one more link'
done
made | view --header | sed 's/"act":[[][^,]*,[^,]*,[^,]*/"act":[-0.0,0,1/' | view --pack >"$tmp/zero.ods"
zeros() {
	view --pack "$@" | od -An -v -tx1 | tr -d ' \n' | grep -o 00000080000000000000803f | wc -l
}
is "$(zeros "$tmp/zero.ods")" 48 'a zero can have a sign'
is "$(view --header "$tmp/zero.ods" | zeros)" 48 'and keeps it on the way through text'

# activations beside the lines: .npy files
for type in float32 float16; do
	made "if .odesteer then .dtype = \"$type\" else . end" >"$tmp/n.ods"
	view --header --npy "$tmp/n.npy" "$tmp/n.ods" >"$tmp/n.jsonl"
	is "$? $(tail -n +2 "$tmp/n.jsonl" | cksum)" "0 $(view "$tmp/n.ods" | jq -c 'del(.act)' | cksum)" \
		"$type: --npy leaves lines without act"
	is "$(head -n 1 "$tmp/n.jsonl")" "$(view --header "$tmp/n.ods" | head -n 1)" 'and the header as it is'
	ok 'and --pack --npy takes both' view --pack --npy "$tmp/n.npy" -o "$tmp/n2.ods" "$tmp/n.jsonl"
	is "$(view "$tmp/n2.ods" | cksum)" "$(view "$tmp/n.ods" | cksum)" 'the records are what they were'
	is "$(view --header "$tmp/n2.ods" | head -n 1 | jq -c 'del(.chain[-1])')" \
		"$(head -n 1 "$tmp/n.jsonl")" 'the header too, with one more link'
	view --npy "$tmp/n2.npy" "$tmp/n2.ods" >/dev/null
	ok 'the matrix of that is the same, byte by byte' cmp "$tmp/n.npy" "$tmp/n2.npy"
done
tail -n +2 "$tmp/n.jsonl" >"$tmp/bare.jsonl"
is "$(view --pack --npy "$tmp/n.npy" -l 13 "$tmp/bare.jsonl" | view --header |
		jq -c 'select(.odesteer) | del(.chain)')" \
	'{"odesteer":"stream","version":1,"kind":"activations","block":[13],"dim":6,"dtype":"float16"}' \
	'-l makes the header that lines lack'
is "$(view --pack --npy "$tmp/n.npy" -l 3 "$tmp/n.jsonl" | view | cksum)" "$(view "$tmp/n.ods" | cksum)" \
	'and may say what a header says'
made 'select(.odesteer)' >"$tmp/none.ods"
view --header --npy "$tmp/none.npy" "$tmp/none.ods" >"$tmp/none.jsonl"
is "$(view --pack --npy "$tmp/none.npy" "$tmp/none.jsonl" | view --summary | sed -n 2p)" 'records 0' \
	'a matrix of no rows'
view --npy "$tmp/n2.npy" "$tmp/n.ods" "$tmp/n.ods" >"$tmp/twice.jsonl"
is "$(wc -l <"$tmp/twice.jsonl") $(tail -c 576 "$tmp/n2.npy" | cksum)" \
	"96 $(tail -c 576 "$tmp/n.npy" | cksum)" 'of two files'

# matrices of others: a file's head, and [1.5, -0.25] in each type
npy() { # DICTIONARY [VERSION]
	n=$(($(printf %s "$1" | wc -c) + 1))
	printf '\223NUMPY%b\000%b%b' "\\0${2-1}" "\\0$(printf %o $((n % 256)))" "\\0$(printf %o $((n / 256)))"
	[ "${2-1}" = 1 ] || printf '\000\000'
	printf '%s\n' "$1"
}
dict() { # TYPE SHAPE [ORDER]
	printf "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }" "$1" "${3-False}" "$2"
}
f4='\0000\0000\0300\0077\0000\0000\0200\0276'
f2='\0000\0076\0000\0264'
f8='\0000\0000\0000\0000\0000\0000\0370\0077\0000\0000\0000\0000\0000\0000\0320\0277'
takes() { # NAME; the matrix is in $tmp/o.npy
	is "$(echo '{"id":1}' | view --pack --npy "$tmp/o.npy" -l 0 | view)" '{"id":1,"act":[1.5,-0.25]}' "taken: $1"
}
for o in "<f4 $f4" "<f2 $f2" "<f8 $f8"; do
	{ npy "$(dict "${o%% *}" '(1, 2)')"; printf %b "${o#* }"; } >"$tmp/o.npy"
	takes "${o%% *}"
done
is "$(echo '{"id":1}' | view --pack --npy "$tmp/o.npy" -l 0 | view --header | head -n 1 | jq -c '[.dim,
		.dtype]')" \
	'[2,"float32"]' \
	'float64 becomes float32'
fails 1 "view: '$tmp/n.npy' is neither an odesteer stream nor JSON Lines" \
	view --pack --npy "$tmp/o.npy" -l 0 "$tmp/n.npy"
for version in 2 3; do
	{ npy "$(dict '<f4' '(1, 2)')" "$version"; printf %b "$f4"; } >"$tmp/o.npy"
	takes "version $version.0"
done
for header in '{"shape": (1L, 2L), "fortran_order": False, "descr": "<f4"}        ' \
	"  { 'fortran_order' :False,'shape':( 1,2, ),'descr':'<f4'}"; do
	{ npy "$header"; printf %b "$f4"; } >"$tmp/o.npy"
	takes "$header"
done
gzip "$tmp/o.npy"
mv "$tmp/o.npy.gz" "$tmp/o.npy"
takes gzip
gzip -c "$tmp/n.npy" | head -c 200 >"$tmp/w.npy"
fails 1 "view: '$tmp/w.npy' is a truncated gzip file" view --pack --npy "$tmp/w.npy" -l 13 "$tmp/bare.jsonl"
echo '{"id":1}' >"$tmp/l1.jsonl"
fails 1 "view: '$tmp/l1.jsonl' is not a .npy file" view --pack --npy "$tmp/l1.jsonl" -l 0 "$tmp/l1.jsonl"
is "$(view --pack --npy /dev/stdin -l 0 "$tmp/l1.jsonl" <"$tmp/o.npy" | view | wc -l)" 1 'a matrix from standard input'
# as numpy writes it
jq -n -c '{odesteer: "stream", version: 1, kind: "activations", block: [3], dim: 2, dtype: "float32", chain: []},
	{id: 1, act: [1.5, -0.25]}' | view --header --npy "$tmp/p.npy" >"$tmp/p.jsonl"
{
	printf '\223NUMPY\001\000\166\000%-117s\n' "$(dict '<f4' '(1, 2)')"
	printf %b "$f4"
} >"$tmp/o.npy"
ok 'every byte of a small matrix' cmp "$tmp/p.npy" "$tmp/o.npy"
if python3 -c 'import numpy' 2>/dev/null; then
	view "$tmp/n.ods" | jq -c .act >"$tmp/n.act"
	ok 'numpy reads it, and writes the same bytes' python3 -c '
import json, sys, numpy as np
x = np.load(sys.argv[1])
assert x.shape == (48, 6) and x.dtype == "<f2", (x.shape, x.dtype)
assert (x == np.array([json.loads(l) for l in open(sys.argv[2])], "<f2")).all()
np.save(sys.argv[3], x)
np.save(sys.argv[4], x.astype("<f8") * 2.385)
' "$tmp/n.npy" "$tmp/n.act" "$tmp/np.npy" "$tmp/double.npy"
	ok 'the very same' cmp "$tmp/n.npy" "$tmp/np.npy"
	view --pack -l 3 --npy "$tmp/double.npy" "$tmp/bare.jsonl" | view --npy "$tmp/single.npy" >/dev/null
	ok 'float64 is rounded as numpy rounds it' python3 -c '
import sys, numpy as np
assert (np.load(sys.argv[1]).astype("<f4") == np.load(sys.argv[2])).all()
' "$tmp/double.npy" "$tmp/single.npy"
else
	echo '# no numpy here: its own reading and writing is not checked'
fi

# matrices that are wrong: a message, exit 1, and nothing is left
wrong() { # MESSAGE [METADATA]; the matrix is in $tmp/w.npy
	fails 1 "view: $1" view --pack --npy "$tmp/w.npy" -o "$tmp/never.ods" "${2-$tmp/p.jsonl}"
}
bad() { # DICTIONARY BYTES MESSAGE
	{ npy "$1"; printf %b "$2"; } >"$tmp/w.npy"
	wrong "'$tmp/w.npy'$3"
}
rm -f "$tmp/w.npy"
wrong "cannot open '$tmp/w.npy': No such file or directory"
: >"$tmp/w.npy"
wrong "'$tmp/w.npy' is not a .npy file"
cp "$tmp/t.ods" "$tmp/w.npy"
wrong "'$tmp/w.npy' is not a .npy file"
for n in 4 9 100; do
	head -c "$n" "$tmp/p.npy" >"$tmp/w.npy"
	wrong "'$tmp/w.npy' is truncated: it ends inside its header"
done
head -c 135 "$tmp/p.npy" >"$tmp/w.npy"
wrong "'$tmp/w.npy' is truncated: it ends inside row 1 of 1"
is "$(head -c 135 "$tmp/p.npy" | { view --pack --npy /dev/fd/0 "$tmp/p.jsonl" 2>&1 >/dev/null; })" \
	"view: '/dev/fd/0' is truncated: it ends inside row 1 of 1" 'from a pipe, too'
{ cat "$tmp/p.npy"; echo; } >"$tmp/w.npy"
wrong "'$tmp/w.npy' goes on after its last row, 1"
is "$({ cat "$tmp/p.npy"; echo; } | { view --pack --npy /dev/fd/0 "$tmp/p.jsonl" 2>&1 >/dev/null; })" \
	"view: '/dev/fd/0' goes on after its last row, 1" 'from a pipe, too'
{ npy "$(dict '<f4' '(1, 2)')" 4; printf %b "$f4"; } >"$tmp/w.npy"
wrong "'$tmp/w.npy' has .npy version 4.0; this program reads 1.0, 2.0 and 3.0"
printf '\223NUMPY\002\000\377\377\377\377{' >"$tmp/w.npy"
wrong "'$tmp/w.npy' claims a header of 4294967295 bytes, more than 65535"
for type in '>f4' '<i4' '|O' '<c8' ''; do
	bad "$(dict "$type" '(1, 2)')" "$f4" " holds numbers of type '$type', not '<f4', '<f2' or '<f8'"
done
bad "{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1,), }" "$f4" \
	' holds records with fields, not plain numbers'
bad "$(dict '<f4' '(1, 2)' True)" "$f4" ' is in Fortran order, not in C order'
bad "$(dict '<f4' '(2,)')" "$f4" ' has 1 dimension, not 2: records and numbers'
bad "$(dict '<f4' '()')" "$f4" ' has 0 dimensions, not 2: records and numbers'
bad "$(dict '<f4' '(1, 1, 2)')" "$f4" ' has 3 dimensions, not 2: records and numbers'
bad "$(dict '<f4' '(1, 0)')" '' ' has rows of 0 numbers, not of 1 to 67108864'
bad "$(dict '<f4' '(1, 67108865)')" '' ' has rows of 67108865 numbers, not of 1 to 67108864'
bad "$(dict '<f4' '(1, 99999999999999999999999)')" '' ' has rows of 18446744073709551615 numbers, not of 1 to 67108864'
bad "$(dict '<f4' '(4611686018427387905, 2)')" "$f4" ' claims 4611686018427387905 rows, more than a file can have'
bad "$(dict '<f4' '(1000000000, 67108864)')" "$f4" ' is truncated: it ends inside row 1 of 1000000000'
for header in '' '{' '{}' '[]' "{'descr': '<f4', 'fortran_order': False}" \
	"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1, 2)}" \
	"$(dict '<f4' '(1, 2)' None)" "$(dict '<f4' '(1 2)')" "$(dict '<f4' '(-1, 2)')" \
	"$(dict '<f4' '(,)')" "$(dict '<f4' '(1, 2)') x" \
	"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), 'more': 1}"; do
	{ npy "$header"; printf %b "$f4"; } >"$tmp/w.npy"
	run view --pack --npy "$tmp/w.npy" -o "$tmp/never.ods" "$tmp/p.jsonl"
	is "$status $(printf '%s\n' "$err" | sed 's/: byte [0-9]* of/: byte N of/')" \
		"1 view: '$tmp/w.npy' has a malformed .npy header: byte N of its dictionary" "not a header: $header"
done
bad "$(dict '<f4' '(1, 2)')" '\0000\0000\0300\0077\0000\0000\0300\0177' ': row 1: number 2 is not finite'
bad "$(dict '<f8' '(1, 2)')" \
	'\0000\0000\0000\0000\0000\0000\0360\0377\0000\0000\0000\0000\0000\0000\0320\0277' \
	': row 1: number 1 is not finite'
bad "$(dict '<f8' '(1, 2)')" '\0234\0165\0000\0210\0074\0344\0067\0176\0000\0000\0000\0000\0000\0000\0320\0277' \
	': row 1: number 1 is 1e+300, too great for float32'
# the least that rounds to infinity, and the greatest that does not
bad "$(dict '<f8' '(1, 2)')" '\0000\0000\0000\0360\0377\0377\0357\0107\0000\0000\0000\0000\0000\0000\0320\0277' \
	': row 1: number 1 is 3.40282e+38, too great for float32'
{ npy "$(dict '<f8' '(1, 2)')"; printf %b \
	'\0377\0377\0377\0357\0377\0377\0357\0107\0000\0000\0000\0000\0000\0000\0320\0277'; } >"$tmp/w.npy"
is "$(view --pack --npy "$tmp/w.npy" "$tmp/p.jsonl" | view | jq -c .act)" '[3.40282347e+38,-0.25]' \
	'what rounds to the greatest float32 is taken'
bad "$(dict '<f4' '(2, 2)')" "$f4$f4" ' has 2 rows, but the records end after number 1'
bad "$(dict '<f4' '(1, 1)')" '\0000\0000\0300\0077' " is of dim 1, but the header says 2"
bad "$(dict '<f2' '(1, 2)')" "$f2" " holds numbers of type '<f2', but the header says float32"
cp "$tmp/p.npy" "$tmp/w.npy"
{ cat "$tmp/p.jsonl"; echo '{"id":2}'; } >"$tmp/more.jsonl"
wrong "'$tmp/more.jsonl': record 2: '$tmp/w.npy' ends after row 1" "$tmp/more.jsonl"
wrong 'the lines have no header: -l must name the block' "$tmp/l1.jsonl"
sed 's/"id":1/&,"act":[1.5,-0.25]/' "$tmp/p.jsonl" >"$tmp/has.jsonl"
wrong "'$tmp/has.jsonl': record 1: it already has a field 'act'" "$tmp/has.jsonl"
sed 's/activations/completions/' "$tmp/p.jsonl" >"$tmp/kind.jsonl"
wrong "'$tmp/kind.jsonl' holds completions, not activations" "$tmp/kind.jsonl"
fails 1 'view: the header names other blocks than -l does: 3' view --pack --npy "$tmp/w.npy" -l 4 "$tmp/p.jsonl"
is "$(find "$tmp" -name 'never*')" '' 'none of them leaves a file'

# a matrix is there when all is well, and not before
fails 1 "view: '$tmp/t.ods' holds examples, not activations" view --npy "$tmp/never.npy" "$tmp/t.ods"
head -c $(($(wc -c <"$tmp/n.ods") - 1)) "$tmp/n.ods" >"$tmp/ncut.ods"
echo old >"$tmp/old.npy"
fails 1 "view: '$tmp/ncut.ods' is truncated: it ends inside record 49" view --npy "$tmp/old.npy" "$tmp/ncut.ods"
is "$(cat "$tmp/old.npy")" old 'what stood there before stays'
fails 1 "view: cannot write 'standard output': No space left on device" \
	sh -c 'view --npy "$1/never.npy" "$1/n.ods" >/dev/full' sh "$tmp"
fails 1 "view: cannot write '/dev/full': No space left on device" view --npy /dev/full "$tmp/n.ods"
fails 1 "view: cannot write '$tmp/no/such.npy': No such file or directory" view --npy "$tmp/no/such.npy" "$tmp/n.ods"
mkfifo "$tmp/fifo"
cat "$tmp/fifo" >/dev/null &
fails 1 "view: cannot write '$tmp/fifo': it is not seekable" view --npy "$tmp/fifo" "$tmp/n.ods"
wait
made '., (select(.id) | range(2000) as $i | .)' >"$tmp/many.ods"
is "$({ view --npy "$tmp/never.npy" "$tmp/many.ods" 2>&1 >&3 | cat; } 3>&1 | head -n 1)" \
	'{"id":"r0","group":"g0","label":0,"block":3}' \
	'a reader of the lines that leaves ends it quietly'
view --npy "$tmp/never.npy" "$tmp/fifo" >"$tmp/fifo.jsonl" 2>&1 &
pid=$!
exec 3>"$tmp/fifo"
cat "$tmp/many.ods" >&3
for _ in 1 2 3 4 5 6 7 8 9 10; do
	[ -s "$tmp/fifo.jsonl" ] || sleep 0.5
done
is "$(find "$tmp" -name 'never*' | sed 's/[0-9a-f]\{8\}\.tmp$/UNIQUE.tmp/')" "$tmp/never.npy.UNIQUE.tmp" \
	'it is written under another name'
kill -TERM "$pid"
wait "$pid"
is "$?" 143 'a signal ends it'
exec 3>&-
is "$(find "$tmp" -name 'never*')" '' 'and nothing is left'

# --gguf: block 3 and dim 6 are in made.sh, the format in tests/unit/test_cvec.c
made >"$tmp/g.ods"
floats() { # FILE: the numbers of a control vector of dim 6, after 224 bytes
	od -An -v -tfF -w4 -j224 -N24 "$1" | jq -s -c .
}
near() { # NUMBERS NUMBERS: are they the same to six digits?
	jq -n --argjson a "$1" --argjson b "$2" '[$a, $b] | transpose | all(.[0] != null and .[1] != null and
		((.[0] - .[1]) | fabs) <= 1e-6 * ([1, (.[0] | fabs)] | max))'
}
for field in caa repe; do
	fitbarrier -f $field -o "$tmp/$field.ods" "$tmp/g.ods"
	ok "--gguf of $field" view --gguf "$tmp/$field.gguf" "$tmp/$field.ods"
	is "$(wc -c <"$tmp/$field.gguf" |
			tr -d ' ')$(near "$(floats "$tmp/$field.gguf")" "$(view "$tmp/$field.ods" | jq -c .vector)")" \
		256true 'it has the vector as it is'
done
for o in '-f iti' '-f linear' '-f linear --loss hinge' '-f linear --standardise'; do
	# shellcheck disable=SC2086 # a list of options
	fitbarrier $o -o "$tmp/unit.ods" "$tmp/g.ods"
	ok "--gguf of $o" view --gguf "$tmp/unit.gguf" "$tmp/unit.ods"
	is "$(near "$(floats "$tmp/unit.gguf")" "$(view "$tmp/unit.ods" | jq -c '. as $r
		| [.w, (.isd // (.w | map(1)))] |
		transpose | map(.[0] * .[1]) | (map(. * .) | add | sqrt) as $n
		| map(. / $n)')")" true 'it has the direction, of length one'
done
scaled() { # -T FACTOR OF THE VECTOR
	view --gguf "$tmp/T.gguf" -T "$1" "$tmp/caa.ods"
	is "$(near "$(floats "$tmp/T.gguf")" "$(floats "$tmp/caa.gguf" | jq -c "map(. * $2)")")" true "-T $1"
}
scaled 2.385 2.385
scaled 0 0
scaled 0.03r "$(view "$tmp/caa.ods" | jq '0.03 * .act_norm / (.vector | map(. * .) | add | sqrt)')"
fitbarrier -f caa -T 0.385 -o "$tmp/auto.ods" "$tmp/g.ods"
view --gguf "$tmp/auto.gguf" -T auto "$tmp/auto.ods"
is "$(near "$(floats "$tmp/auto.gguf")" "$(floats "$tmp/caa.gguf" | jq -c 'map(. * 0.385)')")" true '-T auto'
is "$(view --gguf "$tmp/stdin.gguf" <"$tmp/caa.ods"; cmp "$tmp/stdin.gguf" "$tmp/caa.gguf")" '' \
	'the barrier may come from standard input'
is "$(view --gguf "$tmp/minus.gguf" - <"$tmp/caa.ods"; cmp "$tmp/minus.gguf" "$tmp/caa.gguf")" '' 'by its name, too'
is "$(view --gguf - "$tmp/caa.ods" | cksum)" "$(cksum <"$tmp/caa.gguf")" 'and the vector may go to standard output'

for field in polysketch linact; do
	fitbarrier -f $field -o "$tmp/$field.ods" "$tmp/g.ods"
done
fails 1 "view: 'polysketch' is a field, not one vector: where it leads depends on the activation" \
	view --gguf "$tmp/never.gguf" "$tmp/polysketch.ods"
fails 1 "view: 'linact' is a map, not one vector: where it leads depends on the activation" \
	view --gguf "$tmp/never.gguf" "$tmp/linact.ods"
made 'if .odesteer then .block = [0] else .block = 0 end' | fitbarrier -f caa -o "$tmp/zero.b.ods"
fails 1 'view: block 0 cannot have a control vector: they begin at block 1' \
	view --gguf "$tmp/never.gguf" "$tmp/zero.b.ods"
fails 1 'view: -T auto: this barrier has no suggested length (fitbarrier -T stores one)' \
	view --gguf "$tmp/never.gguf" -T auto "$tmp/caa.ods"
run view --gguf "$tmp/never.gguf" -T 1e39 "$tmp/caa.ods"
is "$status $(printf '%s\n' "$err" | sed 's/is [0-9.e+]*/is X/')" \
	'1 view: number 1 of the vector is X, too great for float32' 'a length that no float32 carries'
fails 1 "view: '$tmp/g.ods' holds activations, not barrier" view --gguf "$tmp/never.gguf" "$tmp/g.ods"
fails 1 "view: cannot open '$tmp/nope': No such file or directory" view --gguf "$tmp/never.gguf" "$tmp/nope"
fails 1 'view: standard input is empty' view --gguf "$tmp/never.gguf"
head -c 700 "$tmp/caa.ods" >"$tmp/cut.b.ods"
run view --gguf "$tmp/never.gguf" "$tmp/cut.b.ods"
is "$status" 1 "a broken barrier: $err"
is "$(find "$tmp" -name 'never*')" '' 'what failed leaves no file'
echo old >"$tmp/old.gguf"
view --gguf "$tmp/old.gguf" "$tmp/polysketch.ods" 2>/dev/null
is "$(cat "$tmp/old.gguf")" old 'and what stood there before stays'
fails 1 "view: cannot write '/dev/full': No space left on device" view --gguf /dev/full "$tmp/caa.ods"
fails 1 "view: cannot write '$tmp/no/such.gguf': No such file or directory" \
	view --gguf "$tmp/no/such.gguf" "$tmp/caa.ods"

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
is "$(view --pack </dev/null 2>&1; jq -n -c '{odesteer: "stream", version: 1, kind: "completions", chain: []}' |
		view --summary)" \
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
jq -n -c '{odesteer: "stream", version: 1, kind: "activations", model: "m", digest: "d", block: [0], dim: 2,
	dtype: "float32",
	chain: [{tool: "a", version: "1", argv: []}]}' >"$tmp/h.jsonl"
for change in . '.chain[0].seed = -1' '.chain[0].seed = 9007199254740991' '.chain[0].argv = ["ä", ""]' \
	'.chain[0].side = {"": ""}' \
	'.block = [3, 5]' '.dim = 67108864' '.chain = [range(200) as $i | .chain[0]]'; do
	jq -c "$change" "$tmp/h.jsonl" >"$tmp/h2.jsonl"
	rm -f "$tmp/h.ods"
	view --pack -o "$tmp/h.ods" "$tmp/h2.jsonl" 2>/dev/null
	is "$?" "$(view "$tmp/h.ods" >/dev/null 2>&1; echo $?)" "a header with $change: what is written is read"
done
echo '{"a":18446744073709551615}' >"$tmp/u.jsonl"
fails 1 "view: '$tmp/u.jsonl': record 1: it is not JSON: column 25: too big integer near '18446744073709551615'" \
	view "$tmp/u.jsonl"

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
is "$status" 1 "bytes after gzip: $err"
fails 1 "view: '$tmp/t.ods': its kind differs from that of '$tmp/a.ods'" view "$tmp/a.ods" "$tmp/t.ods"

# lengths that lie, with no memory to spare
ods() { # FIRST BYTES OF A VALUE
	printf '\204\250odesteer\246stream\247version\001\244kind\250examples\245chain\220'
	printf '\201\241x%b' "$1"
}
# shellcheck disable=SC3045
if (ulimit -v 400000 && view -V) >/dev/null 2>&1; then
	for claim in '\0333\0377\0377\0377\0377' '\0335\0377\0377\0377\0377' '\0337\0377\0377\0377\0377' \
		'\0306\0377\0377\0377\0377' '\0335\0077\0377\0377\0000'; do
		ods "$claim" >"$tmp/claim.ods"
		case $claim in
		'\0335\0077'*) wanted=" is truncated: it ends inside record 1" ;;
		*) wanted=': record 1: it is bigger than 1024 MiB' ;;
		esac
		fails 1 "view: '$tmp/claim.ods'$wanted" sh -c 'ulimit -v 400000; exec view "$1"' sh "$tmp/claim.ods"
	done
else
	echo '# no limit on memory can be set here'
fi

# output
fails 1 "view: cannot write 'standard output': No space left on device" sh -c 'view "$1" >/dev/full' sh "$tmp/t.jsonl"
fails 1 "view: cannot write 'standard output': No space left on device" \
	sh -c 'view --summary "$1" >/dev/full' sh "$tmp/t.jsonl"
fails 1 "view: cannot write 'standard output': No space left on device" \
	sh -c 'view --pack "$1" >/dev/full' sh "$tmp/t.jsonl"
fails 1 "view: cannot write 'standard output': No space left on device" \
	sh -c 'view --pack -z "$1" >/dev/full' sh "$tmp/t.jsonl"
fails 1 "view: cannot write 'standard output': No space left on device" sh -c 'view -h >/dev/full'
fails 1 "view: cannot write 'standard output': No space left on device" sh -c 'view -V >/dev/full'
fails 1 "view: cannot write '/dev/full': No space left on device" view --pack -o /dev/full "$tmp/t.jsonl"
ok '/dev/full is still there' test -c /dev/full
fails 1 "view: cannot write '$tmp/no/such': No such file or directory" view --pack -o "$tmp/no/such" "$tmp/t.jsonl"
jq -n -c 'range(20000) | {id: ., text: "a reader that leaves ends the writer quietly"}' >"$tmp/long.jsonl"
is "$({ view "$tmp/long.jsonl" 2>&1 >&3 | cat; } 3>&1 | head -n 1)" \
	'{"id":0,"text":"a reader that leaves ends the writer quietly"}' \
	'a reader that leaves ends it quietly'
is "$({ view --pack "$tmp/long.jsonl" 2>&1 >&3 | cat; } 3>&1 | head -c 1 | wc -c)" 1 'with --pack, too'

# usage
for o in header pack; do
	misuse "--header, --summary and --pack exclude each other" view --summary --$o
done
misuse "--header, --summary and --pack exclude each other" view --header --pack
misuse "-z needs --pack" view -z
misuse "-o needs --pack" view -o x
misuse "option '-o' needs a value" view --pack -o
misuse "--npy and --summary exclude each other" view --npy x --summary
misuse "--npy: '-' is not a file" view --npy -
for o in '--pack' '--npy x'; do
	# shellcheck disable=SC2086 # an option and its value
	misuse "-l needs --pack and --npy" view $o -l 3
done
misuse "-l: '1000001' is not in [0, 1000000]" view --pack --npy x -l 1000001
for o in --header --summary --pack '--npy y'; do
	# shellcheck disable=SC2086 # an option and its value
	misuse "--gguf and ${o% y} exclude each other" view --gguf x $o
done
misuse "-T needs --gguf" view -T 1
misuse "-T: '1x' is neither a length such as 5, 0.03r or 0.2nat nor auto" view --gguf x -T 1x
misuse "--gguf takes one barrier" view --gguf x a b
misuse "unknown option '-x'" view -x
misuse "unknown option '--nope'" view --nope
run view --summary=3
is "$status $(printf '%s\n' "$err" | grep -c -e --summary)" '2 1' \
	'a value where none belongs: the message names the option'
run view -h
is "$status $err $(printf '%s\n' "$out" | head -n 1)" \
	'0  usage: view [--header] [--npy matrix] [file ...]' '-h'
is "$(view --help)" "$out" '--help'
is "$(view --version)" "$(view -V)" '--version'
finish
