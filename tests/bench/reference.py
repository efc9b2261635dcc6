#!/usr/bin/env python3
"""reference.py - the method in PyTorch, scikit-learn and transformers, which `make bench` compares with.

This is the paper's estimate and flow as in the authors' code, in float32: the count sketch by FFT, the gradient
without a Jacobian, Euler steps, scikit-learn's LogisticRegression on the features, activations from hidden_states
in batches of 16, answers one by one, and generation in batches of 10 with a forward hook that steers. The barrier
is the one that the tools use (`view barrier.ods`). Results are compared with those of the tools for the same input,
because times of different work would mean nothing.

    reference.py flow barrier.json acts.npy rows T steps ours.f32
    reference.py fit barrier.json acts.npy labels.jsonl
    reference.py model model.gguf block collect examples.jsonl ours.npy
                                        mc answers.jsonl barrier.json T ours.jsonl
                                        generate prompts.jsonl barrier.json T ours.jsonl system

Each measurement is one line of JSON on standard output. Differences are relative to the length of the displacement
or to the size of the compared numbers. BENCH_THREADS is the number of threads (2).
"""
import json
import os
import statistics
import sys
import time
import warnings
from functools import reduce

os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TQDM_DISABLE", "1")
warnings.filterwarnings("ignore")

import numpy as np
import torch

THREADS = int(os.environ.get("BENCH_THREADS", "2"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "1"))
torch.set_num_threads(THREADS)


def say(what, **figures):
    print(json.dumps({"what": what, "threads": torch.get_num_threads(), **figures}), flush=True)


def timed(call, least=3):
    """Calls as often as fits into SECONDS; returns the seconds of each call and the last result."""
    result = call()  # the first call, which may set things up, is not timed
    took = []
    while len(took) < least or (sum(took) < SECONDS and len(took) < 5000):
        start = time.perf_counter()
        result = call()
        took.append(time.perf_counter() - start)
    return took, result


def lines(path):
    with open(path) as f:
        return [r for r in map(json.loads, f) if "odesteer" not in r]


class Field:
    """The unit gradient of h for a polynomial count sketch (sections 4.1 and 4.2 of the paper)."""

    def __init__(self, path):
        b = lines(path)[0]
        assert b["field"] == "polysketch" and not b.get("mean"), "not the paper's field"
        self.degree, self.n, self.gamma, self.coef0 = b["degree"], b["components"], b["gamma"], b["coef0"]
        self.index = torch.tensor(b["index"]).reshape(self.degree, -1)
        self.sign = torch.tensor(b["sign"], dtype=torch.float32).reshape(self.degree, -1)
        self.w = torch.tensor(b["w"], dtype=torch.float32)
        self.spectrum = torch.fft.rfft(self.w)

    def spectra(self, a):
        norm = a.norm(dim=-1, keepdim=True) + 1e-12
        x = a / norm
        extra = torch.full_like(norm, self.coef0**0.5)
        extended = torch.cat([x * self.gamma**0.5, extra], dim=-1) if self.coef0 else x * self.gamma**0.5
        sketch = torch.zeros(self.degree, len(a), self.n, dtype=a.dtype)
        for k in range(self.degree):
            sketch[k].index_add_(1, self.index[k], extended * self.sign[k].to(a.dtype))
        return x, norm, torch.fft.rfft(sketch)

    def features(self, a):
        return torch.fft.irfft(reduce(torch.mul, self.spectra(a)[2]), self.n)

    def __call__(self, a):
        x, norm, spectra = self.spectra(a)
        u = 0
        for k in range(self.degree):
            others = reduce(torch.mul, [spectra[j] for j in range(self.degree) if j != k])
            g = torch.fft.irfft(others.conj() * self.spectrum, self.n)
            u = u + (g.index_select(1, self.index[k]) * self.sign[k])[:, : a.shape[-1]]
        u = u * self.gamma**0.5
        gradient = (u - x * (x * u).sum(dim=-1, keepdim=True)) / norm
        return gradient / (gradient.norm(dim=-1, keepdim=True) + 1e-10)

    def euler(self, a, T, steps):
        for _ in range(steps):
            a = a + T / steps * self(a)
        return a


def flow(barrier, acts, rows, T, steps, ours):
    import torchdiffeq

    field, T, steps = Field(barrier), float(T), int(steps)
    known = np.load(acts)
    a = torch.tensor(known[np.arange(int(rows)) % len(known)])
    span = torch.tensor([0.0, T])
    step = {"step_size": T / steps}
    solvers = {
        "loop": lambda: field.euler(a, T, steps),
        "odeint": lambda: torchdiffeq.odeint(lambda _, y: field(y), a, span, method="euler", options=step)[-1],
    }
    best = None
    with torch.inference_mode():
        for threads in sorted({1, THREADS}):
            torch.set_num_threads(threads)
            for name, solver in solvers.items():
                took, moved = timed(solver)
                if best is None or min(took) < min(best[0]):
                    best = took, moved, name, threads
    took, moved, name, threads = best
    torch.set_num_threads(threads)
    theirs = torch.tensor(np.fromfile(ours, dtype=np.float32).reshape(a.shape))
    length = (moved - a).norm(dim=-1)
    difference = ((moved - theirs).norm(dim=-1) / length).max().item()
    say("flow", min=min(took), median=statistics.median(took), calls=len(took), by=name, difference=difference)


def fit(barrier, acts, labels):
    from sklearn.linear_model import LogisticRegression

    field = Field(barrier)
    known = torch.tensor(np.load(acts))
    y = np.array([r["label"] for r in lines(labels)])

    def once():
        with torch.inference_mode():
            phi = torch.cat([field.features(part) for part in known.split(256)]).numpy()
        return LogisticRegression(C=1.0, max_iter=1000).fit(phi, y)

    took, model = timed(once)
    w, c = model.coef_[0].astype(np.float64), float(model.intercept_[0])
    with torch.inference_mode():
        phi = torch.cat([field.features(part.double()) for part in known.split(256)]).numpy()
    margin = np.where(y == 1, 1, -1) * (phi @ w + c)
    objective = 0.5 * w @ w + np.logaddexp(0, -margin).sum()
    say("fit", min=min(took), median=statistics.median(took), calls=len(took), objective=objective, rows=len(y))


class Model:
    def __init__(self, path, block):
        from transformers import AutoModelForCausalLM, AutoTokenizer

        folder, name = os.path.split(path)
        start = time.perf_counter()
        self.tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name)
        self.lm = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32).eval()
        say("load", seconds=time.perf_counter() - start)
        self.block = int(block)
        if self.tokenizer.pad_token is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token

    def encode(self, texts, side):
        self.tokenizer.padding_side = side
        # the default model has no token before a text
        return self.tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False)

    def steered(self, move):
        """Calls move(hidden) after the block; returns a handle that removes it."""

        def hook(_module, _inputs, output):
            hidden = output[0] if isinstance(output, tuple) else output
            move(hidden)
            return output

        return self.lm.model.layers[self.block].register_forward_hook(hook)

    def collect(self, examples, ours):
        records = lines(examples)
        found, tokens = [], 0
        start = time.perf_counter()
        for i in range(0, len(records), 16):
            batch = self.encode([r["prompt"] + r.get("completion", "") for r in records[i : i + 16]], "right")
            hidden = self.lm(**batch, output_hidden_states=True).hidden_states[self.block + 1]
            last = batch["attention_mask"].sum(dim=1) - 1
            found.append(hidden[torch.arange(len(last)), last])
            tokens += int(batch["attention_mask"].sum())
        took = time.perf_counter() - start
        found, theirs = torch.cat(found), torch.tensor(np.load(ours))
        difference = ((found - theirs).norm(dim=-1) / found.norm(dim=-1)).median().item()
        say("collect", seconds=took, tokens=tokens, texts=len(records), difference=difference)

    def mc(self, answers, barrier, T, ours):
        field, T = Field(barrier), float(T)
        records = lines(answers)
        loglik, tokens = [], 0
        first = [0]

        def move(hidden):
            hidden[0, first[0] :] = field.euler(hidden[0, first[0] :], T, 10)

        handle = self.steered(move)
        start = time.perf_counter()
        for r in records:
            prompt = self.encode([r["prompt"]], "right")["input_ids"].shape[1]
            ids = self.encode([r["prompt"] + r["completion"]], "right")["input_ids"]
            first[0] = prompt - 1
            logits = self.lm(ids, use_cache=False).logits[0, prompt - 1 : -1]
            loglik.append(logits.log_softmax(dim=-1).gather(1, ids[0, prompt:, None]).sum().item())
            tokens += ids.shape[1]
        took = time.perf_counter() - start
        handle.remove()
        theirs = np.array([r["loglik"] for r in lines(ours)])
        difference = np.median(np.abs((np.array(loglik) - theirs) / theirs))
        say("mc", seconds=took, tokens=tokens, texts=len(records), difference=difference)

    def complete(self, records, system, **options):
        tokens, texts = 0, []
        for i in range(0, len(records), 10):
            batch = self.encode([(system + "\n" if system else "") + r["prompt"] for r in records[i : i + 10]], "left")
            out = self.lm.generate(**batch, pad_token_id=self.tokenizer.pad_token_id, repetition_penalty=1.1, **options)
            for row in out[:, batch["input_ids"].shape[1] :]:
                end = self.lm.generation_config.eos_token_id
                ends = (row == end).nonzero() if end is not None else []
                n = int(ends[0]) + 1 if len(ends) else len(row)
                tokens += n
                texts.append(self.tokenizer.decode(row[:n], skip_special_tokens=True))
        return tokens, texts

    def generate(self, prompts, barrier, T, ours, system):
        field, T = Field(barrier), float(T)
        records = lines(prompts)

        def move(hidden):
            hidden[:, -1] = field.euler(hidden[:, -1], T, 10)

        handle = self.steered(move)
        # do both sides write the same few likeliest tokens?
        _, texts = self.complete(records, system, do_sample=False, max_new_tokens=5)
        same = [a.strip() == b["completion"].strip() for a, b in zip(texts, lines(ours))]
        torch.manual_seed(0)
        start = time.perf_counter()
        sampling = {"do_sample": True, "temperature": 0.7, "top_p": 0.9, "top_k": 0, "max_new_tokens": 50}
        tokens, _ = self.complete(records, system, **sampling)
        took = time.perf_counter() - start
        handle.remove()
        start = time.perf_counter()
        plain, _ = self.complete(records, system, **sampling)
        say("generate", seconds=took, tokens=tokens, texts=len(records), difference=1 - sum(same) / len(same),
            unsteered=plain / (time.perf_counter() - start))


def model(path, block, *words):
    takes = {"collect": 2, "mc": 4, "generate": 5}
    it = Model(path, block)
    words = list(words)
    with torch.inference_mode():
        while words:
            name = words.pop(0)
            arguments, words = words[: takes[name]], words[takes[name] :]
            getattr(it, name)(*arguments)


if __name__ == "__main__":
    commands = {"flow": flow, "fit": fit, "model": model}
    if len(sys.argv) < 3 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]](*sys.argv[2:])
