#!/bin/sh
# No small file makes a tool need minutes or gigabytes: each of these ends within LIMIT seconds and ROOM KiB.
. tests/tap.sh
. tests/made.sh
ldd "$(command -v view)" | grep -q asan && skip_all 'a sanitiser needs terabytes of address space'
LIMIT=8
ROOM=700000

# Runs a command and sets $status, $out and $err; a status of 124 or 137 is the limit's.
within() {
	run sh -c "ulimit -c 0; ulimit -v $ROOM; exec timeout -s KILL $LIMIT \"\$@\"" within "$@"
}
refused() { # MESSAGE COMMAND...
	message=$1
	shift
	within "$@"
	is "$status: $err" "1: $message" "refused: $message"
}
OPENBLAS_NUM_THREADS=1 # each thread has a stack and a buffer
OMP_NUM_THREADS=1
export OPENBLAS_NUM_THREADS OMP_NUM_THREADS

made . >"$tmp/a.ods"
header() { # KIND DIM BLOCKS LINKS: one line, the last two as JSON
	printf '{"odesteer":"stream","version":1,"kind":"%s","model":"made","digest":"00000000000000aa",' "$1"
	printf '"block":%s,"dim":%s,"dtype":"float32","chain":%s}\n' "$3" "$2" "$4"
}
cd "$tmp" || exit 1

# A seed stands for rff's matrix, and two hash functions for the matrix of polysketch.
numbers() { perl -e 'print join ",", map { $_ % $ARGV[1] + $ARGV[2] } 1 .. $ARGV[0]' "$@"; } # N MODULUS LEAST
figures='"id":"barrier","intercept":0,"log_prior_ratio":0,"act_norm":1,"seed":1'
{
	header barrier 70000 '[3]' '[]'
	printf '{%s,"field":"rff","sigma":1,"components":4096,"w":[%s]}\n' "$figures" "$(numbers 4096 3 0)"
} | view --pack -z -o rff.ods
{
	header barrier 12000 '[3]' '[]'
	printf '{%s,"field":"polysketch","degree":2,"gamma":1,"coef0":0,"components":900000,"index":[%s],' \
		"$figures" "$(numbers 24000 7 0)"
	printf '"sign":[%s],"w":[%s]}\n' "$(numbers 24000 1 1)" "$(numbers 900000 3 0)"
} | view --pack -z -o polysketch.ods
is "$(find . -name '*.ods' -size -3k ! -name a.ods | sort | tr '\n' ' ')" './polysketch.ods ./rff.ods ' \
	'the barriers are small files'
for b in rff:70000 polysketch:12000; do
	refused "score: the barrier is of dim ${b#*:}, not 6" score density -b "${b%:*}.ods" a.ods
	refused "integrate: the barrier is of dim ${b#*:}, not 6" integrate -b "${b%:*}.ods" -T 1 a.ods
done

# Long texts, and many references.
words() { perl -e 'print join " ", map { "$ARGV[1]$_" } 1 .. $ARGV[0]' "$@"; } # N LETTER
printf '{"id":1,"completion":"%s","true":["%s"],"false":["no"]}\n' "$(words 30000 a)" "$(words 30000 b)" >bleu.jsonl
within score bleu -o bleu.ods bleu.jsonl
is "$status $err" '0 ' 'bleu of texts of 30000 words'
printf '{"id":1,"completion":"%s","true":["%s"],"false":["no"]}\n' "$(words 14000 a)" "$(words 14000 b)" >rouge.jsonl
within score rouge -o rouge.ods rouge.jsonl
is "$status $err" '0 ' 'rouge of texts of 14000 words'
printf '{"id":1,"completion":"%s","true":["%s"],"false":["no"]}\n' "$(words 300000 a)" "$(words 4000 b)" >long.jsonl
refused "score: 'long.jsonl': record 1: texts of 300000 and 4000 words are too long to compare" score rouge long.jsonl
perl -e 'print "{\"id\":1,\"completion\":\"one of many\",\"false\":[\"no\"],\"true\":[",
	join(",", map { "\"reference $_ of many\"" } 1 .. 40000), "]}\n"' >many.jsonl
for metric in bleu rouge; do
	within score $metric -o many.ods many.jsonl
	is "$status $err" '0 ' "$metric with 40000 references"
done
# A tool that adds itself to a chain must not make it too long for the next.
link='{"tool":"t","version":"1","argv":[]}'
links() { perl -e 'print join ",", ($ARGV[1]) x $ARGV[0]' "$@"; } # N LINK
side=$(perl -e 'print join ",", map { "\"$_.ods\":\"00\"" } 1 .. 80000')
{
	header examples 1 '[3]' "[{\"tool\":\"t\",\"version\":\"1\",\"argv\":[],\"side\":{$side}}]"
	echo '{"id":1,"completion":"a"}'
} >side.jsonl
within score distinct -o side.ods side.jsonl
is "$status $err" '0 ' 'a link with 80000 side files'
header examples 1 '[3]' "[$(links 1024 "$link")]" >chain.jsonl
within view --summary chain.jsonl
is "$status $(echo "$out" | wc -l)" '0 1028' 'a chain of 1024 links'
refused "view: cannot write 'chain.ods': header: its chain has 1025 links, more than 1024" \
	view --pack -o chain.ods chain.jsonl
is "$(find . -name 'chain.ods*')" '' 'and nothing is left'
finish
