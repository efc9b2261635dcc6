#!/bin/sh
# random.pl writes a model that the tools can use.
. tests/tap.sh

perl tests/bench/random.pl 64 2 96 2 1 300 >"$tmp/r.gguf"
is "$(printf '{"prompt":"why"}' | generate -m "$tmp/r.gguf" -t raw --max-tokens 5 | view | jq -c '[.tokens, .finish]')" \
	'[5,"length"]' 'it generates'
is "$(printf '{"prompt":"why"}' | collect -m "$tmp/r.gguf" -l 1 | view | jq '.act | length')" 64 'it has that width'
fails 1 'random.pl: this is no shape' perl tests/bench/random.pl 65 2 96 2 1 300
finish
