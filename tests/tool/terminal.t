#!/bin/sh
# Tools on a terminal: progress on standard error, no stream on standard output.
. tests/tap.sh
. tests/made.sh

has_terminal || skip_all 'script(1) cannot give a terminal here'
terminal() { # COMMAND: what it writes to a terminal, a newline for each return to the line's beginning
	script -qec "$1" /dev/null </dev/null | sed "s/$(printf '\033')\\[K//g" | tr '\r' '\n' | grep -v '^$'
}

plain() { # times and speeds as N
	sed 's|[0-9.]* \([a-z]*\)/s|N \1/s|; s/[0-9.]* s$/N s/'
}

made >"$tmp/a.ods"
fitbarrier -p paper --components 64 -o "$tmp/b.ods" "$tmp/a.ods"
# steps enough for more than the 0.2 s after which progress is shown, on a fast machine too
slow="integrate -b '$tmp/b.ods' -s rk4 -n 100000"
is "$(terminal "$slow -o '$tmp/i.ods' '$tmp/a.ods'" | tail -n 1 | plain)" \
	'integrate: 48 of 48 activations, N activations/s, N s' \
	'progress counts the records of a file'
is "$(script -qec "$slow -o '$tmp/i.ods' '$tmp/a.ods'" /dev/null </dev/null | tail -c 1 | od -An -tx1)" \
	' 0a' 'and ends with a newline'
gzip -k "$tmp/a.ods"
is "$(terminal "$slow -o '$tmp/i.ods' '$tmp/a.ods' '$tmp/a.ods.gz'" | tail -n 1 | plain)" \
	'integrate: 96 of 96 activations, N activations/s, N s' 'of several, and the speed'
is "$(terminal "cat '$tmp/a.ods' | $slow -o '$tmp/i.ods'" | tail -n 1 | plain)" \
	'integrate: 48 activations, N activations/s, N s' 'of a pipe it does not know them'
head -c 1500 "$tmp/a.ods" >"$tmp/bad.ods"
record=$(($(view "$tmp/bad.ods" 2>/dev/null | wc -l) + 1))
is "$(terminal "$slow -o '$tmp/i.ods' '$tmp/a.ods' '$tmp/bad.ods'" | tail -n 2 | plain)" \
	"integrate: 48 activations, N activations/s, N s
integrate: '$tmp/bad.ods' is truncated: it ends inside record $record" \
	'nor of what is broken, and a message has a line of its own'
# a network wide enough, and a rate so low that no epoch is worse
made 'if .odesteer then .dim = 480 else .act |= [range(80) as $k | .[] + $k / 80] end' >"$tmp/wide.ods"
is "$(terminal "fitbarrier -f recontrol --rate 1e-7 --epochs 200 -o '$tmp/n.ods' '$tmp/wide.ods'" | tail -n 1 | plain |
		sed 's/\(loss\|held out\) [0-9.e+-]*/\1 N/g')" \
	'fitbarrier: 200 of 200 epochs, training loss N, held out N, N s' 'fitbarrier shows how a network is trained'
if [ -e "$ODESTEER_MODEL" ]; then
	# texts enough for more than 0.2 s on a fast machine
	jq -c '{prompt: .question}' datasets/sample.jsonl >"$tmp/p.jsonl"
	is "$(terminal "collect --at all -o '$tmp/x.ods' '$tmp/p.jsonl'" | tail -n 1 | plain)" \
		'collect: 224 of 224 texts, N tokens/s, N s' 'collect counts tokens'
	head -n 5 "$tmp/p.jsonl" >"$tmp/five.jsonl"
	is "$(terminal "generate --max-tokens 40 -o '$tmp/x.ods' '$tmp/five.jsonl'" | tail -n 1 | plain)" \
		'generate: 5 of 5 prompts, N tokens/s, N s' 'and so does generate'
	jq -r .prompt "$tmp/five.jsonl" >"$tmp/five"
	is "$(terminal "generate --text --max-tokens 40 -o '$tmp/x.ods' '$tmp/five'" | tail -n 1 | plain)" \
		'generate: 5 of 5 prompts, N tokens/s, N s' 'of plain text, too'
fi

# a stream is for a file or a pipe
for command in "collect '$tmp/e.jsonl'" "fitbarrier '$tmp/a.ods'" "fitbarrier -o - '$tmp/a.ods'" \
	"integrate -b '$tmp/b.ods' '$tmp/a.ods'" \
	"score density -b '$tmp/b.ods' '$tmp/a.ods'" "view --pack -z '$tmp/a.ods'"; do
	is "$(terminal "$command; echo \$?")" "${command%% *}: standard output is a terminal: give -o file or a pipe
1" "refused: ${command%% *}"
done
echo '{"id":1}' >"$tmp/e.jsonl"
is "$(terminal "view --gguf - '$tmp/b.ods'; echo \$?" | tail -n 1)" 1 'view --gguf -'
is "$(terminal "view '$tmp/e.jsonl'; view --pack '$tmp/e.jsonl' | view")" '{"id":1}
{"id":1}' 'what is text is not, nor is a pipe'
finish
