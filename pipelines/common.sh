# shellcheck shell=sh disable=SC2034 # sourced: its variables are used there
# common.sh - what the pipelines share; sourced, never run.
#
#   OUT   where results are kept (default: out/NAME)
#   DATA  a folder with truthfulqa/TruthfulQA.csv. Without it the questions are
#         those of the file QUESTIONS (default: datasets/sample.jsonl)
#   BLOCK the block to steer at (default: 13, the default model's)
#
# A pipeline makes its results in steps. A step runs if its output is missing or
# if something that it depends on has changed:
#
#   work              changes to the folder of the results and creates it if
#                     necessary; file names without a folder are relative to it.
#                     Only one run at a time can work in a folder.
#   step KEY UNITS OUTPUT [INPUT...] -- COMMAND...
#
# The standard output of COMMAND becomes the file OUTPUT once COMMAND has
# succeeded. A file OUTPUT.made next to it holds the version and digest of tools
# and pipeline, the command, and the digests of the INPUTs. The step is skipped
# while these are unchanged. An interruption loses only the step that was
# running. A shell sees the exit status of the last stage of a pipeline only, so
# a COMMAND with several stages is a function that checks each of them.
#
# The time of a step is estimated from KEY (a kind and perhaps a name) and UNITS
# (how many items the step works on). The file `rates' has a line for each step
# that ran: key, units, seconds and OUTPUT.
#
#   plan FUNCTION     calls FUNCTION. If $dry is set, its steps do not run but
#                     are listed with an estimate of their time, from the rates
#                     of earlier steps of the same key or kind, or from `seconds
#                     KIND', a guess for one unit that the pipeline defines
#   count FILE GUESS  prints the number of lines of FILE, or GUESS if FILE has
#                     yet to be made
set -eu
unset CDPATH

here=$(cd "$(dirname "$0")" && until [ -e pipelines/common.sh ]; do cd ..; done && pwd)
name=$(basename "$0")
case $(command -v fitbarrier) in
"$here"/*) ;; # a test runs another build of this source tree
*) PATH=$here/bin:$PATH ;;
esac
block=${BLOCK:-13}
dry=
late='|' # with $dry: files that would be made
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
	made_by=$({
		cat "$(dirname "$(command -v fitbarrier)")"/*
		sed '/^[[:space:]]*#/d' "$self" "$here/pipelines/common.sh"
	} | sha256sum | cut -c 1-16)
	version="$(odesteer -V), $made_by"
	if [ -n "$dry" ]; then
		scratch=$(mktemp -d "${TMPDIR:-/tmp}/odesteer-plan.XXXXXX")
		trap 'rm -rf "$scratch"' EXIT
		trap 'exit 1' INT TERM
		[ -d "$out" ] || out=$scratch
		cd "$out"
	else
		lock
		cd "$out"
	fi
}
# Prints a digest of FILE: of a large file only of its size and both ends. A
# model has its metadata and weights there, a stream its header and its
# checksum.
digest() { # FILE
	bytes=$(wc -c <"$1") || return
	if [ "$bytes" -gt 67108864 ]; then
		sum=$({ head -c 1048576 "$1" && tail -c 1048576 "$1"; } | sha256sum | cut -c 1-64)
		echo "$sum and $bytes bytes"
	else
		sha256sum <"$1" | cut -c 1-64
	fi
}
clone=$(printf '%s' "$here/" | sed 's/[][\\.*^$|]/\\&/g') # as a pattern
step() {
	key=$1 units=$2 output=$3
	shift 3
	stale=
	from=
	while [ "$1" != -- ]; do
		case $late in
		*"|$1|"*) stale=1 ;;
		*)
			sum=$(digest "$1" 2>/dev/null) || die "cannot read '$1'"
			from="$from${1##*/} $sum
"
			;;
		esac
		shift
	done
	shift
	want=$(printf '%s\n' "$version" "$*" "$from" | sed "s|$clone||g")
	if [ -z "$stale" ] && [ -e "$output" ] && [ -e "$output.made" ] &&
		[ "$(cat "$output.made")" = "$want" ]; then
		[ -z "$dry" ] || printf '%s\t%s\tdone\n' "$key" "$units"
	elif [ -n "$dry" ]; then
		late="$late$output|"
		printf '%s\t%s\t%s\n' "$key" "$units" "$(seconds "${key%% *}")"
	else
		[ ! -t 2 ] || echo "$name: $output" >&2
		rm -f "$output.made"
		began=$(date +%s.%N)
		"$@" >"$output.tmp" || die "cannot make '$output'"
		mv "$output.tmp" "$output"
		printf '%s\n' "$want" >"$output.made"
		echo "$began,$(date +%s.%N)" | awk -F , -v step="$key,$units" -v output="$output" \
			'{ printf "%s,%.3f,%s\n", step, $2 - $1, output }' >>rates
	fi
}
count() { # FILE GUESS
	case $late in
	*"|$1|"*) echo "$2" ;;
	*) wc -l <"$1" ;;
	esac
}
plan() { # FUNCTION
	[ -n "$dry" ] || {
		"$1"
		return
	}
	"$1" >"$scratch/steps"
	[ ! -e rates ] || cp rates "$scratch/rates"
	awk -v rates="$scratch/rates" '
		function time(s) {
			if (s < 90) return sprintf("%.0f s", s)
			if (s < 5400) return sprintf("%.0f min", s / 60)
			return sprintf("%.1f h", s / 3600)
		}
		function kind(key) { sub(/ .*/, "", key); return key }
		BEGIN {
			FS = ","
			while ((getline <rates) > 0) {
				n[$1] += $2; took[$1] += $3
				if (kind($1) != $1) { n[kind($1)] += $2; took[kind($1)] += $3 }
			}
			FS = "\t"
			printf "%-20s %6s %6s %8s\n", "step", "done", "to do", "time"
		}
		!($1 in seen) { seen[$1] = 1; order[++steps] = $1 }
		$3 == "done" { done[$1]++; next }
		{
			if (n[$1]) one = took[$1] / n[$1]
			else if (n[kind($1)]) one = took[kind($1)] / n[kind($1)]
			else one = $3
			todo[$1]++; left++
			need[$1] += one * $2; all += one * $2
		}
		END {
			for (i = 1; i <= steps; i++) {
				s = order[i]
				left_of = todo[s] ? time(need[s]) : "-"
				printf "%-20s %6d %6d %8s\n", s, done[s], todo[s], left_of
			}
			printf "%d steps to do, about %s\n", left, time(all)
		}' "$scratch/steps"
}

lines() { # STREAM JQ-ARGUMENTS...: runs jq on the records of a stream
	stream=$1
	shift
	view --header "$stream" >lines && jq -c "$@" lines
}
# Makes questions.jsonl, in the format of sample.jsonl, and answers.jsonl, which
# has a line for each answer.
questions() {
	if [ -n "$DATA" ]; then
		step set 1 questions.jsonl ${TRUTHFULQA_SUMS:+"$TRUTHFULQA_SUMS"} \
			"$here/datasets/truthfulqa" "$here/datasets/truthfulqa.jq" \
			"$here/datasets/fetch.sh" "$here/datasets/forms/half.jq" -- \
			env LIMIT= SEED= QUESTIONS= "$here/datasets/truthfulqa" questions
	else
		from=${QUESTIONS:-$here/datasets/sample.jsonl}
		step set 1 questions.jsonl "$from" -- cat "$from"
	fi
	step set 1 answers.jsonl questions.jsonl "$here/datasets/forms/examples.jq" -- \
		jq -c -f "$here/datasets/forms/examples.jq" questions.jsonl
}
half() { # SEED HALF NAME: makes NAME.jsonl of the answers to one half of the questions
	step set 1 "$3.jsonl" answers.jsonl "$here/datasets/forms/half.jq" -- \
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
