# shellcheck shell=sh disable=SC2034,SC2154 # shares variables with the scripts
# fetch.sh - gets the files of a data set; the scripts of this folder source it.
#
# They set these before:
#   name     the script's, for messages and the cache
#   files    lines of FOLDER/NAME, the sha256 of the plain file, and the folder
#            of a repository on $published that has the file unchanged; the
#            FOLDER is that below DATA
#   url      empty, or an address to download from instead, each file by NAME
#   sums     empty, or a file in the format of sha256sum with other digests
#
# Downloaded files are kept in ${XDG_CACHE_HOME:-~/.cache}/odesteer/data. In
# $tmp, which is removed at the end, the script can put its own files.
unset CDPATH

published=https://raw.githubusercontent.com
here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/odesteer/data/$name
tmp=$(mktemp -d "${TMPDIR:-/tmp}/odesteer-$name.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM

die() {
	echo "$name: $*" >&2
	exit 1
}
need() { # COMMAND PACKAGE
	command -v "$1" >/dev/null || die "$1 is needed${2:+ ($2)}"
}
digest() {
	sha256sum "$1" | cut -d ' ' -f 1
}
plain() { # FILE TO: copies FILE, plain or gzipped, to TO, plain
	case $1 in
	*.gz) gzip -dc "$1" >"$2" 2>/dev/null || die "cannot read '$1'" ;;
	*) cat "$1" >"$2" 2>/dev/null || die "cannot read '$1'" ;;
	esac
}
get() { # NAME: puts this file of the set into $tmp, plain and with the right digest
	known=$(echo "$files" | grep "/$1 ")
	sum=$(echo "$known" | cut -d ' ' -f 2)
	[ -z "$sums" ] || sum=$(awk -v n="$1" '$2 == n || $2 == "*" n { print $1 }' "$sums")
	[ -n "$sum" ] || die "'$sums' has no digest of '$1'"
	if [ -n "${DATA-}" ]; then
		from=$DATA/${known%% *}
		[ -e "$from" ] || [ ! -e "$from.gz" ] || from=$from.gz
		[ -e "$from" ] || die "DATA has no file '$from'"
		plain "$from" "$tmp/$1"
	elif [ -e "$cache/$1" ] && [ "$(digest "$cache/$1")" = "$sum" ]; then
		cp "$cache/$1" "$tmp/$1"
		return
	else
		from=${url:-$published/${known##* }}/$1
		need curl
		error=$(curl -fsSL -o "$tmp/$1" "$from" 2>&1) || die "cannot fetch '$from': $error"
	fi
	[ "$(digest "$tmp/$1")" = "$sum" ] ||
		die "'$from' is not the file known: its sha256 is $(digest "$tmp/$1"), not $sum"
	[ -n "${DATA-}" ] || {
		mkdir -p "$cache" && cp "$tmp/$1" "$cache/$1.$$" && mv "$cache/$1.$$" "$cache/$1"
	}
}
usage() { # ARGUMENTS
	echo "usage: $name $1" >&2
	exit 2
}
numbers() { # VARIABLE N VALUE: checks that it has N whole numbers
	one="(0|[1-9][0-9]{0,8})"
	echo "$3" | grep -Eqx "$one( $one){$(($2 - 1))}" ||
		die "$1: not $2 whole number$([ "$2" = 1 ] || echo s): '$3'"
}
convert() { # NAME ROWS JQ-ARGUMENTS...: adds to $tmp/out what $name.jq makes of ROWS
	from=$1
	rows=$2
	shift 2
	jq -n -R -c -f "$here/$name.jq" --arg name "$name" --arg file "$from" \
		--argjson seed "$SEED" --argjson sizes "[$(echo "$SIZES" | tr ' ' ,)]" "$@" \
		"$rows" >>"$tmp/out" || exit 1
}
