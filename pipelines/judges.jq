# Prints how good each judge is on answers to questions that it was not fitted
# to. Input: records of `score density', each with the name of the judge, and
# the prior and temperature of its fit. A judge says yes if the probability is
# above one half.
def log1pexp: if . > 0 then . + ((1 + (-. | exp)) | log) else (1 + exp) | log end;
def mean: add / length;
def round4: . * 10000 | round / 10000;
# Ties count as one half.
def auc: (map(select(.label == 1)) | length) as $positives
	| (length - $positives) as $negatives
	| reduce (group_by(.odds)[] | [(map(select(.label == 1)) | length), length]) as [$p, $n]
		({below: 0, sum: 0}; .sum += $p * (.below + ($n - $p) / 2) | .below += $n - $p)
	| .sum / ($positives * $negatives);
def tenths: length as $n | sort_by(.odds) | . as $all
	| [range(10) | $all[(. * $n / 10 | floor):((. + 1) * $n / 10 | floor)] | select(length > 0)
		| {p: (map(.p) | mean), yes: (map(.label) | mean), n: length}];
map(. + {odds: ((.h + ((.prior / (1 - .prior)) | log)) / .temperature)}
	| . + {p: (1 / (1 + (-.odds | exp)))})
| group_by(.judge) | reverse[]
| tenths as $tenths
| {judge: .[0].judge, answers: length, questions: (map(.group) | unique | length),
   yes: (map(.label) | mean),
   accuracy: (map(if (.odds > 0) == (.label == 1) then 1 else 0 end) | mean), auc: auc,
   log_loss: (map(if .label == 1 then -.odds else .odds end | log1pexp) | mean),
   calibration_error: (($tenths | map((.p - .yes | fabs) * .n) | add) / length),
   predicted: ($tenths | map(.p | round4)), observed: ($tenths | map(.yes | round4))}
