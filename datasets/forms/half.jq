# Prints one half of the records of a stream, by group, with --argjson seed N
# and --argjson half 0|1. Groups are ordered by a hash of seed and name. Input:
# all lines (jq -s), with the header, if any, first.
#
# A linear congruence alone would only rotate the same circular order of groups
# with the seed. So each character is followed by a square modulo a prime, whose
# middle digits are used.
def mix: (. * . % 2147483647) as $x | (($x / 2048 | floor) + ($x % 2048) * 1048576) % 2147483647;
def hash($seed): reduce (($seed | tostring | explode[]), 7, explode[], 11) as $c ($seed + 12345;
	((. + $c * 7919 + 1) % 33554393) | mix | (. + 1) % 33554393 | mix);
([.[] | select(.odesteer | not) | .group] | unique
	| sort_by([(tostring | hash($seed)), .])) as $groups
| ($groups | length / 2 | floor) as $middle
| ($groups | to_entries
	| map({key: (.value | tostring), value: (if .key < $middle then 0 else 1 end)})
	| from_entries) as $of
| .[] | select(.odesteer or $of[.group | tostring] == $half)
