# Questions to prompts, one line each, to be completed by generate; forms as in examples.jq.
{id, group: .id, split, prompt: (if $ARGS.named.form == "chat" then .question else "Q: \(.question)\nA:" end)}
