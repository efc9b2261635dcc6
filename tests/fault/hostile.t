#!/bin/sh
# No small file makes a tool need minutes, or much more memory than its bytes once they are decompressed: each of
# these ends within LIMIT seconds and ROOM KiB.
. tests/tap.sh
. tests/made.sh
ldd "$(command -v view)" | grep -q asan && skip_all 'a sanitiser needs terabytes of address space'
LIMIT=20
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

# truthflow looks at each pair of its vectors, so their number is limited.
{
	header barrier 300 '[3]' '[]'
	printf '{%s,"field":"truthflow","rank":257}\n' "$figures"
} | view --pack -o truthflow.ods
header activations 300 '[3]' '[]' | view --pack -o wide.ods
refused "integrate: 'truthflow.ods': record 1: field 'rank' is not an integer from 1 to 256" \
	integrate -b truthflow.ods wide.ods

# Long texts, and many references.
words() { perl -e 'print join " ", map { "$ARGV[1]$_" } 1 .. $ARGV[0]' "$@"; } # N LETTER
printf '{"id":1,"completion":"%s","true":["%s"],"false":["no"]}\n' "$(words 8000 a)" "$(words 8000 b)" >bleu.jsonl
within score bleu -o bleu.ods bleu.jsonl
is "$status $err" '0 ' 'bleu of texts of 8000 words'
printf '{"id":1,"completion":"%s","true":["%s"],"false":["no"]}\n' "$(words 8000 a)" "$(words 8000 b)" >rouge.jsonl
within score rouge -o rouge.ods rouge.jsonl
is "$status $err" '0 ' 'rouge of texts of 8000 words'
printf '{"id":1,"completion":"%s","true":["%s"],"false":["no"]}\n' "$(words 300000 a)" "$(words 4000 b)" >long.jsonl
refused "score: 'long.jsonl': record 1: 300000 words are too many for references of that length" score rouge long.jsonl
{
	printf '{"id":1,"completion":"%s","true":["x"],"false":[' "$(words 20000 a)"
	perl -e 'print join(",", map { "\"$_\"" } 1 .. 40000), "]}\n"'
} >both.jsonl
for metric in bleu rouge; do
	refused "score: 'both.jsonl': record 1: 20000 words are too many for references of that length" \
		score $metric both.jsonl
done
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
# A report, whose file names its runs and columns.
perl -e 'print "{\"id\":$_,\"T\":\"$_\",\"perplexity\":1.5}\n" for 1 .. 50000' >T.jsonl
within score report T.jsonl
is "$status $(echo "$err" | sed 's/[0-9][0-9]*/N/g')" \
	'1 score: N runs with N columns are too many: each name is a run, and each flow length T of it' \
	'50000 flow lengths'
perl -e 'print "{\"id\":$_,\"T\":\"$_\",\"perplexity\":1.5}\n" for 1 .. 300' >T.jsonl
within score report T.jsonl
is "$status $(echo "$out" | wc -l)" '0 601' '300 flow lengths'
{
	header examples 1 '[3]' "[$(perl -e 'print join ",",
		map { "{\"tool\":\"score\",\"version\":\"1\",\"argv\":[]," .
			"\"metric\":\"judge\",\"field\":\"f$_\",\"by\":\"b$_\"}" } 1 .. 1024')]"
	perl -e 'print "{\"id\":$_,\"T\":\"", $_ % 10, "\",", join(",", map { "\"f$_\":0.5" } 1 .. 1000), "}\n"
		for 1 .. 100'
} >fields.jsonl
within score report fields.jsonl
is "$status $err" '0 ' '1000 fields of 10 runs'
perl -e 'print "{\"id\":$_,\"group\":\"", $_ + 10000, "\",\"perplexity\":1.5}\n" for 1 .. 30000' >groups.jsonl
within score report groups.jsonl
is "$status $err" '0 ' '30000 groups in sorted order'
long=$(perl -e 'print "T" x 300')
echo "{\"id\":1,\"T\":\"$long\",\"perplexity\":1.5}" >T.jsonl
refused "score: 'T.jsonl': record 1: field 'T' is longer than 255 bytes" score report T.jsonl
{
	header examples 1 '[3]' \
		"[{\"tool\":\"t\",\"version\":\"1\",\"argv\":[],\"metric\":\"judge\",\"field\":\"$long\"}]"
	echo "{\"id\":1,\"$long\":0.5}"
} >field.jsonl
refused "score: 'field.jsonl': a 'field' of the chain is longer than 255 bytes" score report field.jsonl

# Summaries have a line for each label and block.
perl -e 'print "{\"id\":$_,\"label\":$_}\n" for 1 .. 60000' >labels.jsonl
within view --summary labels.jsonl
is "$status $(echo "$out" | wc -l)" '0 60002' '60000 labels'
{
	header activations 1 "[$(perl -e 'print join ",", 1 .. 1000000')]" '[]'
	perl -e 'print "{\"id\":$_,\"block\":$_,\"act\":[1.5]}\n" for 1 .. 60000'
} >blocks.jsonl
within view --summary blocks.jsonl
is "$status $(echo "$out" | wc -l)" '0 60004' 'a million blocks in the header, 60000 in the records'
{
	header activations 1 '[3]' '[]'
	perl -e 'printf "{\"id\":%d,\"group\":\"%06d\",\"label\":%d,\"act\":[%d.5]}\n", $_, $_, $_ % 2, $_ % 7
		for 1 .. 100000'
} >many.jsonl
within fitbarrier -f linear -o many.ods many.jsonl
is "$status $err" '0 ' '100000 groups in a fit'

# Lines and numbers that claim more than there is, or nest without end.
perl -e 'print "{\"a\":" x 1000000' >deep.jsonl
refused "view: 'deep.jsonl': record 1: it is not JSON: column 10241: maximum parsing depth reached near '{'" \
	view deep.jsonl
perl -e 'print "{\"a\":\"", "x" x 20000000, "\"}\n"' >line.jsonl
within sh -c 'view line.jsonl | cmp - line.jsonl'
is "$status $err" '0 ' 'a line of 20 MB'
printf '{"a":"%s' "$(perl -e 'print "x" x 100')" >open.jsonl
gzip -9c open.jsonl >bomb.gz
perl -e 'print "x" x 280000000' | gzip -1c >part.gz
cat part.gz part.gz part.gz part.gz >>bomb.gz
ROOM=2300000
refused "view: 'bomb.gz': record 1: it is bigger than 1024 MiB" view bomb.gz
ROOM=700000
shape() { # SHAPE: a matrix of that shape without numbers
	perl -e 'my $h = "{\"descr\": \"<f4\", \"fortran_order\": False, \"shape\": $ARGV[0]}";
		print "\x93NUMPY\1\0", pack("v", length $h), $h' "$1"
}
shape '(1000000000000, 4096)' >huge.npy
refused "view: 'huge.npy' is truncated: it ends inside row 1 of 1000000000000" view --pack -l 3 --npy huge.npy T.jsonl
gzip -c huge.npy >huge.npy.gz
refused "view: 'huge.npy.gz' is truncated: it ends inside row 1 of 1000000000000" \
	view --pack -l 3 --npy huge.npy.gz T.jsonl
shape '(1, 67108864)' | gzip -c >wide.npy.gz
refused "view: 'wide.npy.gz' is truncated: it ends inside row 1 of 1" view --pack -l 3 --npy wide.npy.gz T.jsonl
perl -e 'print "GGUF", pack("Vq<q<", 3, $ARGV[0], 0)' 1000000000000 >huge.gguf
within fitbarrier -f import --vector huge.gguf -o v.ods a.ods
is "$status $(echo "$err" | grep -c '^fitbarrier: ')" '1 1' "a control vector of 10^12 tensors: $err"
perl -e 'print "GGUF", pack("Vq<q<", 3, 0, $ARGV[0])' 1000000000000 >huge.gguf
within fitbarrier -f import --vector huge.gguf -o v.ods a.ods
is "$status $(echo "$err" | grep -c '^fitbarrier: ')" '1 1' "10^12 values of its header: $err"
perl -e 'print "GGUF", pack("Vq<q<", 3, 0, 1), pack("q</a*VVq<", "general.architecture", 9, 4, $ARGV[0])' \
	100000000000 >huge.gguf
within fitbarrier -f import --vector huge.gguf -o v.ods a.ods
is "$status $(echo "$err" | grep -c '^fitbarrier: ')" '1 1' "an array of 10^11 numbers in it: $err"
perl -e 'print "GGUF", pack("Vq<q<", 3, 1, 1), pack("q</a*Vq</a*", "general.architecture", 8, "controlvector"),
	pack("q</a*Vq<Vq<", "direction.3", 1, $ARGV[0], 0, 0)' 100000000000 >huge.gguf
within fitbarrier -f import --vector huge.gguf -o v.ods a.ods
is "$status $(echo "$err" | grep -c '^fitbarrier: ')" '1 1' "a vector of 10^11 numbers: $err"
finish
