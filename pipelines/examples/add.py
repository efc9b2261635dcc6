#!/usr/bin/env python3
"""add.py LENGTH VECTOR - steers by adding a vector of that length, the numbers of VECTOR, a JSON array.

    odesteer generate --filter 'odesteer view --header | python3 add.py 10 vector.json' prompts.jsonl

view makes JSON Lines of the activations as they come, and generate takes JSON Lines for an answer:
so nothing but Python's own library is needed, and the numbers go through unchanged (nine digits
name a float32). Each answer is flushed, for the next activation comes only after it.
"""
import json
import sys

length = float(sys.argv[1])
with open(sys.argv[2]) as f:
    vector = json.load(f)
norm = sum(x * x for x in vector) ** 0.5
for line in sys.stdin:
    record = json.loads(line)  # the header comes first and is answered by itself
    if "act" in record:
        record["act"] = [a + length * x / norm for a, x in zip(record["act"], vector)]
    print(json.dumps(record), flush=True)
