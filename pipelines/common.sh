# shellcheck shell=sh disable=SC2034 # sourced: its variables are used there
# common.sh - what the pipelines share; sourced, never run.
#
#   OUT   where results are kept (default: out/NAME)
#   DATA  a folder with truthfulqa/TruthfulQA.csv. Without it the questions are
#         those of the file QUESTIONS (default: datasets/sample.jsonl)
#   BLOCK the block to steer at (default: 13, the default model's)
#
#   work              changes to the folder of the results and creates it if
#                     necessary; file names without a folder are relative to it.
#                     Only one run at a time can work in a folder.
#   step OUTPUT [INPUT...] -- COMMAND...
#
# The standard output of COMMAND becomes the file OUTPUT, as by a rule of make
# (rules.mk): if there is no OUTPUT, if an INPUT is newer, or if the file
# OUTPUT.cmd does not hold this command and the digest of tools and script. An
# interruption loses only the step that was running. A shell sees the exit
# status of the last stage of a pipeline only, so a COMMAND with several stages
# is a function that checks each of them.
set -eu
unset CDPATH
LC_ALL=C # or mawk may read 0.5 as 0
export LC_ALL

here=$(cd "$(dirname "$0")" && until [ -e pipelines/common.sh ]; do cd ..; done && pwd)
name=$(basename "$0")
case $(command -v fitbarrier) in
"$here"/*) ;; # a test runs another build of this source tree
*) PATH=$here/bin:$PATH ;;
esac
block=${BLOCK:-13}
out=${OUT:-out/$name}

die() {
	echo "$name: $*" >&2
	exit 1
}
say() {
	printf '\n== %s\n' "$*"
}
path() { # FILE: its absolute path
	case ${1-} in
	'' | /*) printf %s "${1-}" ;;
	*) printf %s "$PWD/$1" ;;
	esac
}
self=$(path "$0") # a change of its code makes results stale, one of its comments does not
DATA=$(path "${DATA-}")
QUESTIONS=$(path "${QUESTIONS-}")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/odesteer
model=$(path "${ODESTEER_MODEL:-$cache/models/SmolLM2-135M-Instruct-Q8_0.gguf}")
TRUTHFULQA_SUMS=$(path "${TRUTHFULQA_SUMS-}")
export DATA QUESTIONS TRUTHFULQA_SUMS ODESTEER_MODEL="$model"

lock() { # creates the folder of the results; only one run at a time may hold it
	command -v flock >/dev/null || die 'flock (of util-linux) is needed'
	mkdir -p "$out"
	exec 9>"$out/lock"
	flock -n 9 || die "another run is at work in '$out'"
}
work() {
	tools=$({
		cat "$(dirname "$(command -v fitbarrier)")"/*
		sed '/^[[:space:]]*#/d' "$self" "$here/pipelines/common.sh"
		echo "$model"
	} | sha256sum | cut -c 1-16)
	lock
	cd "$out"
}
step() {
	output=$1 stale=
	shift
	while [ "$1" != -- ]; do
		[ -e "$1" ] || die "cannot read '$1'"
		[ -z "$(find -L "$1" -newer "$output" 2>/dev/null)" ] || stale=1
		shift
	done
	shift
	command="# odesteer $tools
$*"
	if [ -n "$stale" ] || [ ! -e "$output" ] ||
		[ "$(cat "$output.cmd" 2>/dev/null)" != "$command" ]; then
		[ ! -t 2 ] || echo "$name: $output" >&2
		rm -f "$output.cmd"
		"$@" >"$output.tmp" || die "cannot make '$output'"
		mv "$output.tmp" "$output"
		printf '%s\n' "$command" >"$output.cmd"
	fi
}

lines() { # STREAM JQ-ARGUMENTS...: runs jq on the records of a stream
	stream=$1
	shift
	view --header "$stream" >lines && jq -c "$@" lines
}
# For jq: `ranks' of numbers, of which equal ones share a rank, and the
# `correlation' of two lists, 0 if one is constant. That of ranks is Spearman's.
spearman='
	def ranks: to_entries | sort_by(.value) | [foreach .[] as $x ({n: 0};
			.n += 1; {at: $x.key, value: $x.value, n})]
		| group_by(.value) | map((map(.n) | add / length) as $rank | .[] | .rank = $rank)
		| sort_by(.at) | map(.rank);
	def correlation: map((add / length) as $mean | map(. - $mean))
		| transpose | (map(.[0] * .[1]) | add) as $xy
		| (map(.[0] * .[0]) | add) * (map(.[1] * .[1]) | add)
		| if . > 0 then $xy / sqrt else 0 end;'
# Makes questions.jsonl, in the format of sample.jsonl, and answers.jsonl, which
# has a line for each answer.
questions() {
	if [ -n "$DATA" ]; then
		step questions.jsonl ${TRUTHFULQA_SUMS:+"$TRUTHFULQA_SUMS"} \
			"$here/datasets/truthfulqa" "$here/datasets/truthfulqa.jq" \
			"$here/datasets/fetch.sh" "$here/datasets/forms/half.jq" -- \
			env LIMIT= SEED= QUESTIONS= "$here/datasets/truthfulqa" questions
	else
		from=${QUESTIONS:-$here/datasets/sample.jsonl}
		step questions.jsonl "$from" -- cat "$from"
	fi
	step answers.jsonl questions.jsonl "$here/datasets/forms/examples.jq" -- \
		jq -c -f "$here/datasets/forms/examples.jq" questions.jsonl
}
half() { # SEED HALF NAME: makes NAME.jsonl of the answers to one half of the questions
	step "$3.jsonl" answers.jsonl "$here/datasets/forms/half.jq" -- \
		jq -c -s --argjson seed "$1" --argjson half "$2" \
		-f "$here/datasets/forms/half.jq" answers.jsonl
}
first_groups() { # FILE N: prints the answers to the first N questions, grouped by question
	jq -c -s --argjson n "$2" '
		(map(.group) | unique | .[:$n]) as $g | INDEX($g[]; .) as $in
		| .[] | select($in[.group])' "$1"
}
first_prompts() { # FILE N: prints the first N questions as prompts
	jq -c -s --argjson n "$2" 'map({id: .group, group, prompt}) | unique | .[:$n][]' "$1"
}

# The default model's mood, from gloomy (label 0) to cheerful (label 1).
mood=$here/datasets/mood
mood_prompts() { # SPLIT N: prints the first N prompts of a split
	jq -c --arg split "$1" 'select(.split == $split)' "$mood-prompts.jsonl" >chosen &&
		head -n "$2" chosen
}
mood_judge() { # prints a barrier that was fitted to other texts, after a later block
	jq -c '.prompt = ""' "$mood-judge.jsonl" >texts &&
		collect -l 24 -o texts.ods texts && fitbarrier -p best texts.ods
}
answer() { # PROMPTS OPTIONS...: samples answers as the paper does
	generate --temperature 0.7 --top-k 50 --top-p 0.9 --repetition-penalty 1.1 --stop '
Q:' "$@"
}
