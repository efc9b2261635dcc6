#!/usr/bin/env python3
"""add.py LENGTH VECTOR - steers by adding a vector, scaled to LENGTH.

VECTOR is a file with a JSON array of numbers.

    odesteer generate prompts.jsonl \\
        --filter 'odesteer view --header | python3 add.py 10 vector.json'

view turns the activations into JSON Lines, and generate accepts JSON Lines as the
answer. So only Python's standard library is needed, and no digit is lost (nine
digits identify a float32). Each answer is flushed, because the next activation
comes only after it.
"""
import json
import sys

length = float(sys.argv[1])
with open(sys.argv[2]) as f:
    vector = json.load(f)
norm = sum(x * x for x in vector) ** 0.5
for line in sys.stdin:
    record = json.loads(line)  # the header comes first and is passed on
    if "act" in record:
        record["act"] = [a + length * x / norm for a, x in zip(record["act"], vector)]
    print(json.dumps(record), flush=True)
