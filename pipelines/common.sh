# shellcheck shell=sh disable=SC2034 # sourced: its variables are used there
# common.sh - what the pipelines share; sourced, never run.
#
#   OUT   where results are kept (default: out/NAME)
#   DATA  a folder with truthfulqa/TruthfulQA.csv; without it the questions are those of the file
#         QUESTIONS, by default the project's own, datasets/sample.jsonl
#   BLOCK the block to steer at (default: 13, the default model's)
#
# Results are made in steps. A step is made when it is missing or what it hangs on has changed:
#
#   work              goes to the folder of the results, made if need be: names of files without a
#                     folder are of there. Only one run at a time may work in it.
#   step KEY UNITS OUTPUT [INPUT...] -- COMMAND...
#
# COMMAND writes to standard output what becomes the file OUTPUT once it has succeeded, with a file
# OUTPUT.made beside it: version and digest of tools and pipeline, the command and the digests of the
# INPUTs. While all of that is still so, the step is passed over. An interruption loses the step under way.
# sh sees the last stage of a pipeline alone, so that COMMANDs are functions that look at each stage.
#
# KEY, a kind and perhaps a name, and UNITS, how many of what it is of, are what time is counted by:
# a line of the file `rates' has the key, the units, the seconds and the OUTPUT of each step that was
# made.
#
#   plan FUNCTION     calls it; with $dry set, its steps are not made but listed, with what they are
#                     going to take by the rates of earlier steps of the same key, or kind, or by
#                     `seconds KIND', which the pipeline has to define: a guess for one unit
#   count FILE GUESS  the lines of the file; of one that has yet to be made, the guess
set -eu
unset CDPATH

here=$(cd "$(dirname "$0")" && until [ -e pipelines/common.sh ]; do cd ..; done && pwd)
name=$(basename "$0")
case $(command -v fitbarrier) in
"$here"/*) ;; # another build of this clone's: what is tested
*) PATH=$here/bin:$PATH ;;
esac
block=${BLOCK:-13}
dry=
late='|' # with $dry: what would be made
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
self=$(path "$0") # results are made again when more than its comments changes
DATA=$(path "${DATA-}")
QUESTIONS=$(path "${QUESTIONS-}")
model=$(path "${ODESTEER_MODEL:-${XDG_CACHE_HOME:-$HOME/.cache}/odesteer/models/SmolLM2-135M-Instruct-Q8_0.gguf}")
TRUTHFULQA_SUMS=$(path "${TRUTHFULQA_SUMS-}")
export DATA QUESTIONS TRUTHFULQA_SUMS ODESTEER_MODEL="$model"

work() {
	command -v flock >/dev/null || die 'flock (of util-linux) is needed'
	version="$(odesteer -V), $({ cat "$(dirname "$(command -v fitbarrier)")"/* && sed '/^[[:space:]]*#/d' "$self" "$here/pipelines/common.sh"; } | sha256sum | cut -c 1-16)"
	if [ -n "$dry" ]; then
		scratch=$(mktemp -d "${TMPDIR:-/tmp}/odesteer-plan.XXXXXX")
		trap 'rm -rf "$scratch"' EXIT
		trap 'exit 1' INT TERM
		[ -d "$out" ] || out=$scratch
		cd "$out"
	else
		mkdir -p "$out"
		cd "$out"
		exec 9>lock
		flock -n 9 || die "another run is at work in '$out'"
	fi
}
# Of a great file, its size and both ends: a model's have its metadata and weights, a stream's the header and
# the checksum of all of it.
digest() { # FILE
	bytes=$(wc -c <"$1") || return
	if [ "$bytes" -gt 67108864 ]; then
		echo "$({ head -c 1048576 "$1" && tail -c 1048576 "$1"; } | sha256sum | cut -c 1-64) and $bytes bytes"
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
	if [ -z "$stale" ] && [ -e "$output" ] && [ -e "$output.made" ] && [ "$(cat "$output.made")" = "$want" ]; then
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
		function time(s) { return s < 90 ? sprintf("%.0f s", s) : s < 5400 ? sprintf("%.0f min", s / 60) : sprintf("%.1f h", s / 3600) }
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
			one = n[$1] ? took[$1] / n[$1] : n[kind($1)] ? took[kind($1)] / n[kind($1)] : $3
			todo[$1]++; left++
			need[$1] += one * $2; all += one * $2
		}
		END {
			for (i = 1; i <= steps; i++) {
				s = order[i]
				printf "%-20s %6d %6d %8s\n", s, done[s], todo[s], todo[s] ? time(need[s]) : "-"
			}
			printf "%d steps to do, about %s\n", left, time(all)
		}' "$scratch/steps"
}

lines() { # STREAM JQ-ARGUMENTS...: a stream's records through jq
	stream=$1
	shift
	view --header "$stream" >lines && jq -c "$@" lines
}
# Questions in the form of sample.jsonl, and a line for each of their answers.
questions() {
	if [ -n "$DATA" ]; then
		step set 1 questions.jsonl ${TRUTHFULQA_SUMS:+"$TRUTHFULQA_SUMS"} \
			"$here/datasets/truthfulqa" "$here/datasets/truthfulqa.jq" "$here/datasets/forms/half.jq" -- \
			env LIMIT= SEED= QUESTIONS= "$here/datasets/truthfulqa" questions
	else
		step set 1 questions.jsonl "${QUESTIONS:-$here/datasets/sample.jsonl}" -- cat "${QUESTIONS:-$here/datasets/sample.jsonl}"
	fi
	step set 1 answers.jsonl questions.jsonl "$here/datasets/forms/examples.jq" -- jq -c -f "$here/datasets/forms/examples.jq" questions.jsonl
}
# The answers of one half of the questions.
half() { # SEED HALF NAME
	step set 1 "$3.jsonl" answers.jsonl "$here/datasets/forms/half.jq" -- \
		jq -c -s --argjson seed "$1" --argjson half "$2" -f "$here/datasets/forms/half.jq" answers.jsonl
}
first_groups() { # FILE N: the answers to its first N questions, those to a question together
	jq -c -s --argjson n "$2" '(map(.group) | unique | .[:$n]) as $g | INDEX($g[]; .) as $in | .[] | select($in[.group])' "$1"
}
first_prompts() { # FILE N
	jq -c -s --argjson n "$2" 'map({id: .group, group, prompt}) | unique | .[:$n][]' "$1"
}
