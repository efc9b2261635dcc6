#!/bin/sh
# A damaged model is used as it is or refused in one line: it ends no tool by a signal, and is never called wrong usage.
. tests/tap.sh
[ -e "${ODESTEER_MODEL-}" ] || skip_all 'ODESTEER_MODEL is not set'
echo '{"prompt": "a", "completion": " b"}' >"$tmp/one.jsonl"
model=$tmp/damaged.gguf
cp --reflink=auto "$ODESTEER_MODEL" "$model" && chmod 600 "$model" || exit 1
# shellcheck disable=SC3045 # dash and bash have it
ulimit -c 0

large='2147483648 4294967295'
huge='1099511627776 9223372036854775808' # 2^40 and 2^63
bad=
tried=0
try() { # WHAT
	status=0
	timeout 60 collect -m "$model" -l 3 "$tmp/one.jsonl" >/dev/null 2>"$tmp/err" </dev/null || status=$?
	tried=$((tried + 1))
	case $status:$(grep -c '' "$tmp/err"):$(cat "$tmp/err") in
	0:0: | 1:1:collect:\ *) ;;
	*) bad="$bad
$1: $status $(cat "$tmp/err")" ;;
	esac
}
put() { # OFFSET, and the bytes on standard input
	dd of="$model" bs=1 seek="$1" conv=notrunc status=none
}
# Tries each value in turn. TYPE is V for 32 bits, Q for 64 bits and f for float32, as Perl calls them.
try_at() { # WHAT OFFSET TYPE VALUE...
	what=$1
	offset=$2
	type=$3
	shift 3
	for value; do
		perl -e 'print pack shift, shift' "$type" "$value" >"$tmp/value"
		tail -c +$((offset + 1)) "$ODESTEER_MODEL" | head -c "$(wc -c <"$tmp/value")" >"$tmp/old"
		put "$offset" <"$tmp/value"
		try "$what = $value"
		put "$offset" <"$tmp/old"
	done
}
# Prints the offset of what follows the first occurrence of a name in the file, or fails.
after() { # PATTERN
	head -c 8000000 "$ODESTEER_MODEL" | grep -abom1 -E "$1" | head -n 1 | {
		IFS=: read -r at name && echo $((at + ${#name}))
	}
}
# A key is followed by 4 bytes of type and its value.
try_key() { # PATTERN TYPE VALUE...
	key=$1
	at=$(after "$key") || return 0
	shift
	try_at "$key" $((at + 4)) "$@"
}

try 'the model as it is'
is "$status" 0 'the copy is a good model'
if at=$(after '[a-z0-9]+[.]context_length'); then
	printf '\377\377\377\377' | put $((at + 4))
	fails 1 "collect: '$model' is damaged: its context length is 4294967295" \
		collect -m "$model" -l 3 "$tmp/one.jsonl"
	cp "$ODESTEER_MODEL" "$model"
fi
for key in context_length block_count embedding_length feed_forward_length vocab_size rope.dimension_count \
	attention.head_count attention.head_count_kv; do
	try_key "[a-z0-9]+[.]$key" V 0 7 $large
done
for key in rope.freq_base attention.layer_norm_rms_epsilon; do
	try_key "[a-z0-9]+[.]$key" f 0 -1 nan 1e38
done
for key in bos eos unknown padding; do
	try_key "tokenizer[.]ggml[.]${key}_token_id" V $large
done
for key in tokens token_type merges; do
	at=$(after "tokenizer[.]ggml[.]$key") || continue
	try_at "type of $key" $((at + 4)) V 0 8 99
	try_at "number of $key" $((at + 8)) Q 0 1 $huge
done
[ "$tried" -gt 20 ] || bad="$tried values were found"
is "$bad" '' "$tried models with one wrong value"

bad=
tried=0
try_at 'number of tensors' 8 Q 0 1 $huge
try_at 'number of values' 16 Q 0 1 $huge
for name in token_embd.weight blk.0.attn_k.weight blk.3.ffn_up.weight; do
	at=$(after "$name") || continue
	try_at "dimensions of $name" "$at" V 0 9 $large
	try_at "columns of $name" $((at + 4)) Q 0 1 $huge
	try_at "rows of $name" $((at + 12)) Q 0 1 $huge
	try_at "type of $name" $((at + 20)) V 0 99 $large
	try_at "place of $name" $((at + 24)) Q 7 $huge
done
[ "$tried" -gt 20 ] || bad="$tried numbers were found"
is "$bad" '' "$tried models with one wrong number in their tables"

bad=
tried=0
size=$(wc -c <"$model")
for size in $((size - 1)) $((size / 2)) 2000000 100000 1000 23 4 0; do
	truncate -s "$size" "$model"
	try "cut to $size bytes"
	[ "$status" != 0 ] || bad="$bad
cut to $size bytes: accepted"
done
is "$bad" '' "$tried models cut short"
finish
