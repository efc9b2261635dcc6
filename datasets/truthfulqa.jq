# Rows of TruthfulQA.csv, as mlr gives them, to questions in the form of sample.jsonl: the best answer
# first, every other row to fit. Answers stand behind one another with semicolons between.
def answers: tostring | split(";") | map(gsub("^\\s+|\\s+$"; "")) | map(select(. != ""));
(input_line_number) as $n
| (.["Best Answer"] | tostring) as $best
| {id: "q\($n)", category: .Category, split: (if $n % 2 == 0 then "fit" else "test" end), question: .Question,
   true: ([$best] + ((.["Correct Answers"] | answers) - [$best])), false: (.["Incorrect Answers"] | answers)}
