# shellcheck shell=sh
# steps.sh - steps that are made when they are missing or what they hang on has changed; sourced
# behind common.sh. Goes to the folder of the results: names of files without a folder are of there.
#
#   step KEY UNITS OUTPUT [INPUT...] -- COMMAND...
#
# COMMAND writes to standard output what becomes the file OUTPUT once it has succeeded, with a file
# OUTPUT.made beside it: version and digest of the tools, the command and the digests of the INPUTs.
# While all of that is still so, the step is passed over. An interruption loses the step under way.
# Only one run at a time may work in a folder.
#
# KEY, a kind and perhaps a name, and UNITS, how many of what it is of, are what time is counted by:
# a line of the file `rates' has the key, the units, the seconds and the OUTPUT of each step that was
# made.
#
#   plan FUNCTION     calls it; with DRY set, its steps are not made but listed, with what they are
#                     going to take by the rates of earlier steps of the same key, or kind, or by
#                     `seconds KIND', which the pipeline has to define: a guess for one unit
#   count FILE GUESS  the lines of the file; of one that has yet to be made, the guess
: "${out:?}" "${name:?}" "${here:?}"
version="$(odesteer -V), $(cat "$here"/bin/* | sha256sum | cut -c 1-16)"
late='|' # with DRY: what would be made

if [ -n "${DRY-}" ]; then
	scratch=$(mktemp -d "${TMPDIR:-/tmp}/odesteer-plan.XXXXXX")
	trap 'rm -rf "$scratch"' EXIT
	trap 'exit 1' INT TERM
	[ -d "$out" ] || out=$scratch
fi
cd "$out" || exit
if [ -z "${DRY-}" ]; then
	exec 9>lock
	flock -n 9 || die "another run is at work in '$out'"
fi

# The beginning of a great file, a model, has its metadata, and its size tells more.
digest() { # FILE
	bytes=$(wc -c <"$1") || return
	if [ "$bytes" -gt 67108864 ]; then
		echo "$(head -c 1048576 "$1" | sha256sum | cut -c 1-64) and $bytes bytes"
	else
		sha256sum <"$1" | cut -c 1-64
	fi
}
step() {
	key=$1 units=$2 output=$3
	shift 3
	stale=
	from=
	while [ "$1" != -- ]; do
		case $late in
		*"|$1|"*) stale=1 ;;
		*) from="$from${1##*/} $(digest "$1")
" ;;
		esac
		shift
	done
	shift
	want=$(printf '%s\n' "$version" "$*" "$from" | sed "s|$here/||g")
	if [ -z "$stale" ] && [ -e "$output" ] && [ -e "$output.made" ] && [ "$(cat "$output.made")" = "$want" ]; then
		[ -z "${DRY-}" ] || printf '%s\t%s\tdone\n' "$key" "$units"
	elif [ -n "${DRY-}" ]; then
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
	[ -n "${DRY-}" ] || {
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
