# Prints judged answers, one line for each question and answer that has both
# judgements, with the fold of the question. Input: $rows, with question,
# answer, and truth or info or both, 1 or 0; $questions, with their folds. The
# fold is null if the question is not in $questions. Answers with contradictory
# judgements are left out, and with a $limit also those to unknown questions.
def text: ascii_downcase | split(" ") | map(select(. != "")) | join(" ");
def one: map(values) | unique | if length == 1 then .[0] else empty end;
(reduce $questions[] as $q ({}; .[$q.question | text] = $q)) as $known
| $rows | map(. + {text: (.question | text)}) | group_by([.text, .answer])
| to_entries[]
| .value as $same | $known[$same[0].text] as $q
| select($q or $limit == "")
| {id: "j\(.key + 1)", group: ($q.id // "x\($same[0].text | .[:200])"), fold: $q.fold,
   question: $same[0].question, answer: $same[0].answer,
   truth: ($same | map(.truth) | one), info: ($same | map(.info) | one)}
