# TruthfulQA's multiple-choice rows (question, best_answer, correct_answers, incorrect_answers)
# to questions in the form of sample.jsonl: the best answer first, every other row to fit.
input_line_number as $n
| {id: "q\($n)", category, split: (if $n % 2 == 0 then "fit" else "test" end), question,
   true: ([.best_answer] + (.correct_answers - [.best_answer])), false: .incorrect_answers}
