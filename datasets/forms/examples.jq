# Turns questions with true and false answers into examples: one line for each
# answer, the best one first. id: question and number of the answer; group: the
# question; label: 1 if true, 0 if false. The prompt is "Q: ...\nA:" for raw
# text, or with `--arg form chat' the bare question, for -t chat.
($ARGS.named.form == "chat") as $chat | .id as $q
| {group: $q, split, prompt: (if $chat then .question else "Q: \(.question)\nA:" end)} as $common
| [(.true | to_entries[] | {label: 1, best: (.key == 0), answer: .value}),
   (.false[] | {label: 0, best: false, answer: .})]
| to_entries[]
| {id: "\($q)-\(.key + 1)"} + $common
  + {label: .value.label, best: .value.best,
     completion: "\(if $chat then "" else " " end)\(.value.answer)"}
