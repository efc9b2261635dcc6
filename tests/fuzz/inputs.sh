# inputs.sh - what the fuzz targets mutate.
#
#   make_inputs               writes files to $tmp and goes there
#   each_target COMMAND       calls COMMAND TARGET FILE... for each target
. tests/made.sh

make_inputs() {
	made 'select(.odesteer or .id == "r1" or .id == "r2")' >"$tmp/a.ods"
	view --header "$tmp/a.ods" >"$tmp/a.jsonl"
	gzip -c "$tmp/a.ods" >"$tmp/a.gz"
	made >"$tmp/all.ods"
	fitbarrier -f caa "$tmp/all.ods" | view --gguf "$tmp/v.gguf"
	for f in $(fitbarrier -f help | cut -d' ' -f1); do
		# Each with the options that it has: few numbers, so that mutations hit other fields too.
		for o in '' '--components 8' '--standardise' '--degree 3' "--vector $tmp/v.gguf"; do
			fitbarrier -f $f $o "$tmp/all.ods" >"$tmp/$f${o%% /*}.barrier" 2>/dev/null ||
				rm "$tmp/$f${o%% /*}.barrier"
		done
		[ ! -e "$tmp/$f--components 8.barrier" ] || rm "$tmp/$f.barrier"
	done
	made 'if .odesteer then . else (.at = "prompt"), (.at = "mean") end' >"$tmp/mean.ods"
	fitbarrier -f truthflow --epochs 2 "$tmp/mean.ods" >"$tmp/truthflow.barrier"
	view --npy "$tmp/a.npy" "$tmp/a.ods" >/dev/null
	gzip -c "$tmp/a.npy" >"$tmp/a.npy.gz"
	jq -n -c 'range(2) | {id: ., group: "g", label: ., completion: "It is 1.5, or two; é!\nNo. It is two.",
		true: ["It is two.", "Is it 1.5?"], false: ["no", ""]}' >"$tmp/texts.jsonl"
	view --pack -o "$tmp/texts.ods" "$tmp/texts.jsonl"
	score distinct "$tmp/texts.jsonl" | score rouge | score bleu |
		view --header | jq -c 'if .odesteer then . else .T = "\(.id)r" end' >"$tmp/scored.jsonl"
	view --pack -o "$tmp/scored.ods" "$tmp/scored.jsonl"
	fitbarrier -f linear "$tmp/all.ods" | score density -b - "$tmp/a.ods" >"$tmp/density.ods"
	jq -n -c '{odesteer: "stream", version: 1, kind: "classifier", chain: []},
		{predicts: "toxicity", bits: 8, scale: 2.385, shift: -1, w: [range(256) | . * 77 % 255 - 127]}' \
		>"$tmp/classifier.jsonl"
	view --pack -o "$tmp/classifier.ods" "$tmp/classifier.jsonl"
	cd "$tmp" || exit 1
}

each_target() {
	$1 fuzz_stream a.ods a.jsonl a.gz texts.jsonl
	$1 fuzz_barrier ./*.barrier
	$1 fuzz_classifier classifier.jsonl classifier.ods
	$1 fuzz_cvec v.gguf
	$1 fuzz_npy a.npy a.npy.gz
	$1 fuzz_score texts.jsonl texts.ods a.ods a.jsonl
	$1 fuzz_report scored.jsonl scored.ods density.ods
}
