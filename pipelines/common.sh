# shellcheck shell=sh disable=SC2034 # sourced: its variables are used there
# common.sh - what the pipelines share; sourced, never run.
#
#   OUT   where results are kept (default: out/NAME); what is there is not made again, and
#         settings other than those it was made with are refused
#   DATA  a folder with truthfulqa/TruthfulQA.csv; without it the questions are those of
#         QUESTIONS, by default the project's own, datasets/sample.jsonl
#   BLOCK the block to steer at (default: 13, the default model's)
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
name=$(basename "$0")
PATH=$here/bin:$PATH
block=${BLOCK:-13}
# Two tools with a model each may run at once here; threads that wait by spinning for long would then keep the
# others from working: four tools at once on two cores are eight times slower by GNU OpenMP's own measure. With
# no spinning at all one tool alone is up to three times slower. A few microseconds serve both; who has chosen knows.
[ -n "${OMP_WAIT_POLICY-}" ] || export GOMP_SPINCOUNT="${GOMP_SPINCOUNT:-1000}"
out=${OUT:-out/$name}
[ -n "${DRY-}" ] || mkdir -p "$out"

die() {
	echo "$name: $*" >&2
	exit 1
}
say() {
	printf '\n== %s\n' "$*"
}
# What a command writes becomes a file once the command has succeeded; a file that is there
# stays. sh sees the last stage of a pipeline alone, so that what ends in jq goes through
# functions that look at each stage.
make() { # FILE COMMAND...
	[ ! -e "$1" ] || return 0
	file=$1
	shift
	[ ! -t 2 ] || echo "$name: $file" >&2
	"$@" >"$file.tmp" || die "cannot make '$file'"
	mv "$file.tmp" "$file"
}
lines() { # STREAM JQ-ARGUMENTS...: a stream's records through jq
	stream=$1
	shift
	view --header "$stream" >"$out/lines" && jq -c "$@" "$out/lines"
}
settings() { # WORD...: what the results hang on, besides this program
	now="$(odesteer -V), model ${ODESTEER_MODEL-default}, block $block, questions ${DATA-}${QUESTIONS-}, $*"
	make "$out/settings" echo "$now"
	[ "$(cat "$out/settings")" = "$now" ] || die "'$out' was made with other settings: $(cat "$out/settings")"
}

read_questions() {
	if [ -n "${DATA-}" ]; then
		LIMIT='' SEED='' QUESTIONS='' "$here/datasets/truthfulqa" questions
	else
		cat "${QUESTIONS:-$here/datasets/sample.jsonl}"
	fi
}
# Questions in the form of sample.jsonl, and a line for each of their answers.
questions() {
	make "$out/questions.jsonl" read_questions
	make "$out/answers.jsonl" jq -c -f "$here/datasets/examples.jq" "$out/questions.jsonl"
}
# The answers of one half of the questions.
half() { # SEED HALF NAME
	make "$out/$3.jsonl" jq -c -s --argjson seed "$1" --argjson half "$2" -f "$here/datasets/half.jq" "$out/answers.jsonl"
}
