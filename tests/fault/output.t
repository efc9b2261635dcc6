#!/bin/sh
# An output is whole or absent, whoever else writes to it, whatever ends the tool, and whichever descriptor is closed.
. tests/tap.sh
. tests/made.sh
# shellcheck disable=SC3045 # dash and bash have it
ulimit -c 0

made . >"$tmp/a.ods"
jq -n -c 'range(20000) | {id: ., text: "one of many lines"}' >"$tmp/many.jsonl"
echo '{"id": "one"}' >"$tmp/one.jsonl"
mkfifo "$tmp/slow"
cd "$tmp" || exit 1
# Starts a view that writes $1 and waits for more input on descriptor 4.
start() { # FILE
	# sh ignores SIGINT and SIGQUIT for what it starts with &
	env --default-signal view --pack -o "$1" slow 2>slow.err &
	pid=$!
	exec 4<>slow # for reading, too, lest it waits if view has failed
	cat one.jsonl >&4
	n=0
	while [ -z "$(ls "$1".*.tmp 2>/dev/null)" ] && [ $n -lt 100 ]; do sleep 0.1; n=$((n + 1)); done
	[ $n -lt 100 ] || echo "# no temporary file: $(cat slow.err)"
}
end() {
	exec 4>&-
	wait "$pid"
}

start two.ods
view --pack -o two.ods many.jsonl
is "$(view two.ods | wc -l)" 20000 'of two writers to one file, the first to end leaves a whole file'
end
is "$? $(view two.ods)" '0 {"id":"one"}' 'and so does the second'

start named.ods
is "$(ls named.ods* | sed 's/[0-9a-f]\{8\}/UNIQUE/')" named.ods.UNIQUE.tmp 'its name until then cannot be guessed'
end
view --pack -o mode.ods one.jsonl
chmod 640 mode.ods
view --pack -o mode.ods many.jsonl
is "$(stat -c %a mode.ods)" 640 'the mode of an existing file is kept'
ln -s mode.ods pointer
view --pack -o pointer one.jsonl
is "$(readlink pointer) $(view mode.ods)" 'mode.ods {"id":"one"}' 'and so is a link to it'
# like /dev/stdout, which root could replace
ln -s /proc/self/fd/1 standard
echo old >log
view --pack -o standard one.jsonl >>log
is "$(head -n 1 log) $(tail -n +2 log | view) $(readlink standard)" 'old {"id":"one"} /proc/self/fd/1' \
	'another name of standard output is written in place'
ln -s loop loop
fails 1 "view: cannot write 'loop': Too many levels of symbolic links" view --pack -o loop one.jsonl
ln -s nowhere dangling
fails 1 "view: cannot write 'dangling': No such file or directory" view --pack -o dangling one.jsonl
umask 027
view --pack -o new.ods one.jsonl
is "$(stat -c %a new.ods)" 640 'a new file has the mode that the umask gives'

for s in USR1:10 USR2:12 INT:2 TERM:15 HUP:1 QUIT:3 ALRM:14 XCPU:24 ABRT:6; do
	start killed.ods
	kill -"${s%:*}" "$pid"
	end 2>/dev/null
	is "$? $(find . -name 'killed*')" "$((128 + ${s#*:})) " "SIG${s%:*} leaves nothing"
done
fails 1 "view: cannot write 'big.ods': File too large" sh -c 'ulimit -f 1; view --pack -o big.ods many.jsonl'
is "$(find . -name 'big*')" '' 'and nothing is left of a file that is too large'

misuse "-o: '' is no file name" view --pack -o '' one.jsonl
view --pack -o x one.jsonl
ln -s x y
for same in x ./x "$tmp/x" "../${tmp##*/}/x" y; do
	misuse "--held-out: '$same' is where the barrier goes" fitbarrier -o x --held-out "$same" a.ods
done

# A closed descriptor must not be taken by a file: what is meant for it would go there.
view --npy good.npy a.ods >good.jsonl
fails 1 "view: cannot write 'standard output': Bad file descriptor" sh -c 'view --npy bad.npy a.ods >&-'
is "$(find . -name 'bad*')" '' 'a matrix without its lines is not kept'
sh -c 'view --npy closed.npy a.ods >closed.jsonl 2>&-'
ok 'nor is a matrix changed if standard error is closed' cmp good.npy closed.npy
sh -c 'view --npy no.npy missing.ods one.jsonl 2>&- >&-'
is "$? $(find . -name 'no.*')" '1 ' 'an error without standard error is an error'
fails 1 'view: cannot read standard input: Bad file descriptor' sh -c 'view <&-'
sh -c 'view --pack -o closed.ods one.jsonl <&- >&- 2>&-'
is "$? $(view closed.ods)" '0 {"id":"one"}' 'without any of the three, a file is written'

# Two outputs are never mixed in one file.
fails 1 "view: cannot write 'both.npy': standard output goes there, too" sh -c 'view --npy both.npy a.ods >both.npy'
fails 2 "fitbarrier: --held-out: 'both.ods' is where the barrier goes
try 'fitbarrier -h'" sh -c 'fitbarrier --held-out both.ods a.ods >both.ods'
sh -c 'view --pack -o /dev/null a.ods >&-'
is "$?" 0 '/dev/null can be written without standard output'

# Control characters in names and in fields do not reach the terminal.
escape=$(printf '\033[31m')
fails 1 "view: cannot open 'a\\x1b[31mb': No such file or directory" view "a${escape}b"
fails 1 "view: cannot open 'a\\x0ab\\xc2\\x9b': No such file or directory" view "$(printf 'a\nb\302\233')"
misuse "unknown option '--\\x1b[31m'" view "--$escape"
jq -c "if .odesteer then .model = \"m\\u001b[31m\\n\" else . end" >bad.jsonl <<-END
	$(view --header a.ods)
END
is "$(view --summary bad.jsonl | sed -n 3p)" 'model   m\x1b[31m\x0a (00000000000000aa)' \
	'the summary of a stream shows them as text'
jq -n -c '{odesteer: "stream", version: 1, kind: "completions", chain:
	[{tool: "score", version: "1", argv: [], metric: "judge", field: "f\u009b", by: "j\u001b[31m\n"}]},
	{id: 1, "f\u009b": 1}' >"run$escape.jsonl"
report() { # FORMAT
	score report --format "$1" --column "$(printf 'f\302\233:t\r')" --baseline "run$escape.jsonl" "run$escape.jsonl"
}
is "$(report table)" '                   t\x0d
run\x1b[31m.jsonl  1.000
                   [1.000, 1.000]

t\x0d by j\x1b[31m\x0a
Differences from run\x1b[31m.jsonl, by question; p of a permutation test' 'a report shows them as text'
is "$(for f in table csv json latex markdown; do report $f; done | grep -c '[^ -~]')" 0 'in every format'
finish
