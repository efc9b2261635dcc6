# Turns questions into prompts for generate, one line each. $form is that of
# examples.jq. The reference answers are passed along for later scores.
{id, group: .id, split, question, true: .true, false: .false,
 prompt: (if $ARGS.named.form == "chat" then .question else "Q: \(.question)\nA:" end)}
