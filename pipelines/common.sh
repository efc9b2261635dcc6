# shellcheck shell=sh disable=SC2034 # sourced: its variables are used there
# common.sh - what the pipelines share; sourced, never run.
#
#   OUT   where results are kept (default: out/NAME); a file that is there is not made again
#   DATA  a folder with truthfulqa/truthfulqa_mc.jsonl.gz; without it the questions are those of
#         QUESTIONS, by default the project's own, datasets/sample.jsonl
#
# Every stage's failure ends a pipeline: set -e sees the last stage, and one that fails
# before it leaves a stream without an end record, which the next one refuses.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
name=$(basename "$0")
PATH=$here/bin:$PATH
block=${BLOCK:-13} # the default model's; see the presets of the paper, section 5
out=${OUT:-out/$name}
mkdir -p "$out"

say() {
	printf '\n== %s\n' "$*"
}
note() { # progress, where somebody watches
	[ ! -t 2 ] || printf '%s: %s\n' "$name" "$*" >&2
}
made() { # FILE: is it there already?
	[ -e "$1" ] || { note "$(basename "$1")" && return 1; }
}
whole() { # FILE: standard input becomes FILE once it is all there
	cat >"$1.tmp"
	mv "$1.tmp" "$1"
}

# Questions in the form of sample.jsonl, and a line for each of their answers.
questions() {
	made "$out/questions.jsonl" || if [ -n "${DATA-}" ]; then
		gzip -dc "$DATA/truthfulqa/truthfulqa_mc.jsonl.gz" | jq -c -f "$here/datasets/truthfulqa.jq" | whole "$out/questions.jsonl"
	else
		whole "$out/questions.jsonl" <"${QUESTIONS:-$here/datasets/sample.jsonl}"
	fi
	made "$out/answers.jsonl" || jq -c -f "$here/datasets/examples.jq" "$out/questions.jsonl" | whole "$out/answers.jsonl"
}
