# One half of the records of a stream, by group, with --argjson seed N and --argjson half 0|1.
# Groups are ordered by a hash of seed and name, which every number of groups shares evenly.
# Input: all lines (jq -s), the header first if there is one.
def hash($seed): reduce (tostring | explode[]) as $c ($seed * 7919 + 5381;
	(. * 33 + $c) % 4294967296) | (. * 1664525 + 1013904223) % 4294967296;
([.[] | select(.odesteer | not) | .group] | unique | sort_by([hash($seed), .])) as $groups
| ($groups | length / 2 | floor) as $middle
| ($groups | to_entries | map({key: .value, value: (if .key < $middle then 0 else 1 end)}) | from_entries) as $of
| .[] | select(.odesteer or $of[.group] == $half)
