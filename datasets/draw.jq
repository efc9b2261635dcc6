# A module for the conversions of this folder: reading records with their
# numbers, and seeded draws that give the same bytes on every machine.

# Ends the program with a message, under the name --arg name.
def fail: "\($ARGS.named.name): \(.)\n" | halt_error(1);

# Reads JSON Lines (jq -n -R). Each record gets its number, n, from 1, and goes
# through f; a message that f raises names the file, --arg file, and the record.
def records(f):
	foreach inputs as $line (0; . + 1; . as $n
		| try ($line | fromjson
			| if type == "object" then . + {n: $n} else error("not an object") end | f)
		catch ("\($ARGS.named.file): record \($n): \(.)" | fail));
def string($key): .[$key]
	| if type == "string" then . else error("'\($key)' is not a text") end;
# Numbers of CSV files are strings. (`tonumber? // error` is no way to check
# them: in jq 1.6 the ? hides later errors, too.)
def number($key): .[$key]
	| if type == "string" and test("^-?[0-9.]+(e-?[0-9]+)?$"; "i") then tonumber
		elif type == "number" then . else error("'\($key)' is not a number") end;
def toxicity: number("toxicity")
	| if . >= 0 and . <= 1 then . else error("'toxicity' is not from 0 to 1: \(.)") end;

# The hash of forms/half.jq, of one string.
def mix: (. * . % 2147483647) as $x
	| (($x / 2048 | floor) + ($x % 2048) * 1048576) % 2147483647;
def hash: reduce explode[] as $c (12345;
	((. + $c * 7919 + 1) % 33554393) | mix | (. + 1) % 33554393 | mix);

# Orders records at random, by --argjson seed, the name of the draw, and the id.
def shuffle($draw): sort_by(["\($ARGS.named.seed) \($draw) \(.id)" | hash, .]);

# Splits records into five bins of equal width between the least and the
# greatest toxicity. The greatest is in the last bin.
def bins: (map(.toxicity) | [min, max]) as [$low, $high]
	| [range(5) as $bin | map(select($bin ==
		([(.toxicity - $low) * 5 / ([$high - $low, 1e-9] | max) | floor, 4] | min)))];

# Takes the first records of each bin, $n in all, as evenly as the bins allow.
def even($n): sort_by(length)
	| reduce .[] as $bin ({left: $n, bins: 5, drawn: []};
		$bin[:(.left / .bins | floor)] as $part
		| {left: (.left - ($part | length)), bins: (.bins - 1), drawn: (.drawn + $part)})
	| .drawn;
