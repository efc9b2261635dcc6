# Turns rows of TruthfulQA.csv, as mlr prints them, into questions in the format
# of sample.jsonl. The best answer comes first; every other row has split "fit".
# The answers in a row are separated by semicolons.
def answers: tostring | split(";") | map(gsub("^\\s+|\\s+$"; "")) | map(select(. != ""));
(input_line_number) as $n
| (.["Best Answer"] | tostring) as $best
| {id: "q\($n)", category: .Category, split: (if $n % 2 == 0 then "fit" else "test" end),
   question: .Question, true: ([$best] + ((.["Correct Answers"] | answers) - [$best])),
   false: (.["Incorrect Answers"] | answers)}
