# Questions to prompts, one line each, to be completed by generate; forms as in examples.jq. What the
# answers are to be compared with goes along.
{id, group: .id, split, question, true: .true, false: .false,
 prompt: (if $ARGS.named.form == "chat" then .question else "Q: \(.question)\nA:" end)}
