#!/bin/sh
# random.pl writes a model that the tools can use.
. tests/tap.sh

perl tests/bench/random.pl 64 2 96 2 1 300 >"$tmp/r.gguf"
echo '{"prompt":"why"}' >"$tmp/p.jsonl"
is "$(generate -m "$tmp/r.gguf" -t raw --max-tokens 5 "$tmp/p.jsonl" | view | jq -c '[.tokens, .finish]')" \
	'[5,"length"]' 'it generates'
is "$(collect -m "$tmp/r.gguf" -l 1 "$tmp/p.jsonl" | view | jq '.act | length')" 64 'it has that width'
fails 1 'random.pl: this is no shape' perl tests/bench/random.pl 65 2 96 2 1 300
finish
