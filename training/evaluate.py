#!/usr/bin/env python3
"""Accuracy per domain: of the model, of the model without its picture, and of the best guess without one.

An answer counts if greedy decoding says exactly it and then stops: that is, if every token of it, and the
end, is the likeliest one after those before it.

Run as: python3 evaluate.py CACHE SPLIT [--state FILE | --bundle FOLDER]
"""
import argparse
import collections
import json
from pathlib import Path

import numpy as np
import torch

from data import SHORT, Pictures, Words, pack
from domains import DOMAINS
from generate import SPLITS
from model import build, lay_out, read, see
from scene import PRACTICE


def right_answers(model, words: Words, items, form: int) -> list[tuple[str, bool]]:
    """(question, is it answered exactly?) for every question of `items`."""
    batch = pack(words, {}, items, np.random.default_rng(0), form)
    with torch.inference_mode():
        logits, targets = read(model, batch, lay_out(model, see(model, batch.tiles)[1]))
    said = batch.targets != -100
    row = torch.arange(len(items))[:, None].expand_as(said)[said].tolist()
    found: dict[tuple[int, int], bool] = {}
    for key, good in zip(zip(row, batch.owner[said].tolist()),
                         (logits.argmax(-1) == targets).tolist()):
        found[key] = found.get(key, True) and good
    return [(items[i][2][j][0], good) for (i, j), good in found.items()]


def asked(text) -> list:
    return [question for question in text["questions"] if question[2] != PRACTICE]


def accuracy(model, words: Words, pictures, count: int | None, blank: bool = False,
             form: int = SHORT, by_question: dict | None = None) -> dict[str, float]:
    """Percent per domain over `count` pictures of each, or all; `blank`: the picture is all grey."""
    model.eval()
    result = {}
    for domain, part in pictures.items():
        outcomes = []
        total = min(count or len(part), len(part))
        for first in range(0, total, 10):
            items = [(np.full_like(part.tiles[i], 127) if blank else part.tiles[i], part.texts[i],
                      asked(part.texts[i])) for i in range(first, min(first + 10, total))]
            outcomes += right_answers(model, words, items, form)
        result[domain] = round(100 * float(np.mean([good for _, good in outcomes])), 2)
        if by_question is not None:
            for question, good in outcomes:
                by_question.setdefault((domain, question.split(" A: ")[0]), []).append(good)
    result["all"] = round(float(np.mean([result[domain] for domain in pictures])), 2)
    model.train()
    return result


def guess(known, held) -> dict[str, float]:
    """Percent per domain that the training split's most frequent answer to the same question gets."""
    result = {}
    for domain, part in held.items():
        answers = collections.defaultdict(collections.Counter)
        for text in known[domain].texts:
            for question, answer, _ in asked(text):
                answers[question][answer] += 1
        good = [bool(answers[question]) and answers[question].most_common(1)[0][0] == answer
                for text in part.texts for question, answer, _ in asked(text)]
        result[domain] = round(100 * float(np.mean(good)), 2)
    result["all"] = round(float(np.mean([result[domain] for domain in held])), 2)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cache", type=Path)
    parser.add_argument("split", choices=SPLITS)
    parser.add_argument("--state", type=Path)
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--count", type=int)
    parser.add_argument("--form", type=int, default=SHORT)
    parser.add_argument("--questions", action="store_true", help="also for each kind of question")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    words = Words(arguments.cache / "tokenizer")
    if arguments.bundle:
        from transformers import LlavaNextForConditionalGeneration
        model = LlavaNextForConditionalGeneration.from_pretrained(arguments.bundle,
                                                                  dtype=torch.float32)
    else:
        model = build(words.image, words.vocabulary)
        model.load_state_dict(torch.load(arguments.state or arguments.cache / "state.pt")["model"])
    held = {domain: Pictures(arguments.cache, arguments.split, domain) for domain in DOMAINS}
    known = {domain: Pictures(arguments.cache, "train", domain) for domain in DOMAINS}
    kinds: dict = {}
    table = {"model": accuracy(model, words, held, arguments.count, form=arguments.form,
                               by_question=kinds),
             "model, grey picture": accuracy(model, words, held, arguments.count, blank=True,
                                             form=arguments.form),
             "most frequent answer": guess(known, held)}
    for name, row in table.items():
        print(f"{name:22}" + "".join(f"{domain} {value:6.2f}  " for domain, value in row.items()))
    if arguments.questions:
        for (domain, question), good in sorted(kinds.items()):
            print(f"{domain:10} {question:50} {100 * np.mean(good):6.1f} of {len(good)}")
    print(json.dumps(table))


if __name__ == "__main__":
    main()
