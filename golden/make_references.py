#!/usr/bin/env python3
"""Writes what transformers makes of right and wrong answers behind a prompt, with the trained models: ln p of each,
in float64 and float32, with nothing off, with neurons of the language model off, and with them at other values.

BUNDLE is models/five-domains or models/five-languages; the result is BUNDLE/cases/references.json, which doc/golden.md
describes. Prompt and answer run in one pass; the neurons are drawn by Python's generator and set by hooks on
transformers' activation functions; prompt and answer are tokenised by transformers' processor: nothing of mmneuron is
used.

Run as: python3 golden/make_references.py BUNDLE...   (half a minute each)
"""
import json
import random
import sys
from pathlib import Path

import torch
import transformers
from torch import Tensor, nn

import inputs as model_inputs
from make_golden import as_float64, prepare_libraries
from make_language_neurons import activations, set_values
from truth import float64_arithmetic

OF_DOMAIN, LINES, PROMPT_WORDS, ANSWER_WORDS, PROMPT_CHARACTERS = 3, 6, 8, 4, 40
SHARE = 0.3  # of the neurons, drawn at random, so that answers become much less or more likely

Question = tuple[list[str], str, list[str]]  # images, prompt, answers


def questions_of_pictures(bundle: Path) -> list[Question]:
    """The first samples of each domain with a right answer, and with a longer wrong one."""
    samples = [json.loads(line) for line in (bundle / "test.jsonl").read_text(encoding="utf-8").splitlines()]
    answers = sorted({sample["answers"][0] for sample in samples}, key=lambda text: (-len(text), text))
    chosen: dict[str, list[Question]] = {}
    for number, sample in enumerate(samples):
        images = sample["image"] if isinstance(sample["image"], list) else [sample["image"]]
        options = sample.get("choices", [])
        chosen.setdefault(sample["domain"], []).append(
            (images, sample["prompt"], [sample["answers"][0], answers[number % 7]] + options))
    return [question for domain in chosen.values() for question in domain[:OF_DOMAIN]]


def questions_of_texts(bundle: Path) -> list[Question]:
    """Lines of the test texts, cut in two: what comes first is the prompt, and what goes on is the answer. One prompt
    of each text ends with a space, which the answer's first token takes over, and one with a line break."""
    found: list[Question] = []
    for line in (bundle / "test.jsonl").read_text(encoding="utf-8").splitlines():
        text = (bundle / json.loads(line)["text_file"]).read_text(encoding="utf-8")
        lines = [each for each in text.splitlines() if len(each) > 3 * PROMPT_CHARACTERS][:LINES]
        for number, each in enumerate(lines):
            words = each.split(" ")
            if len(words) > PROMPT_WORDS + ANSWER_WORDS:
                prompt, answer = " ".join(words[:PROMPT_WORDS]), " ".join(words[PROMPT_WORDS:][:ANSWER_WORDS])
            else:
                prompt, answer = each[:PROMPT_CHARACTERS], each[PROMPT_CHARACTERS:][:PROMPT_CHARACTERS // 4]
            found.append(([], prompt + ("", " ", "\n")[number % 3], [answer.strip()]))
    return found


def behind(prompt: Tensor, both: Tensor) -> int:
    """How many tokens prompt and answer have in common with the prompt alone."""
    limit = min(len(prompt), len(both))
    return next((i for i in range(limit) if prompt[i] != both[i]), limit)


def prepare(processor: object, bundle: Path, question: Question) -> list[tuple[dict, int]]:
    """For each answer the inputs of prompt and answer together, and where the answer's tokens begin."""
    images, prompt, answers = question
    files = [bundle / file for file in images]
    alone = model_inputs.prepare(processor, prompt, files)
    made = []
    for answer in answers:
        space = "" if prompt[-1].isspace() else " "
        both = model_inputs.prepare(processor, prompt + space + answer, files)
        made.append((both, behind(alone["input_ids"][0], both["input_ids"][0])))
    return made


def log_probabilities(model: nn.Module, inputs: dict[str, Tensor], first: int) -> list[float]:
    """Of each token from position `first` on."""
    with torch.no_grad():
        logits = model(**inputs, use_cache=False).logits[0, first - 1:-1]
    ids = inputs["input_ids"][0, first:]
    return torch.log_softmax(logits, dim=-1).gather(1, ids[:, None])[:, 0].double().tolist()


def draw_values(model: nn.Module) -> tuple[list[dict[int, float]], list[dict[int, float]]]:
    """Neurons of each layer at 0, and the same at values of the size that activations have."""
    generator = random.Random(15)
    off: list[dict[int, float]] = []
    steered: list[dict[int, float]] = []
    width = getattr(model.config, "text_config", model.config).intermediate_size
    for _ in activations(model):
        chosen = [neuron for neuron in range(width) if generator.random() < SHARE]
        off.append({neuron: 0.0 for neuron in chosen})
        # Sixteenths: the same numbers in float32 and float64.
        steered.append({neuron: generator.randrange(-4, 9) / 16 for neuron in chosen})
    return off, steered


def make(bundle: Path) -> None:
    kind = model_inputs.model_class(bundle / "model")
    single, double = (kind.from_pretrained(bundle / "model", dtype=torch.float32, attn_implementation="eager").eval()
                      for _ in range(2))
    double = double.double()
    processor = model_inputs.load_processor(bundle / "model")
    pictures = not model_inputs.is_text_only(bundle / "model")
    questions = (questions_of_pictures if pictures else questions_of_texts)(bundle)
    off, steered = draw_values(single)
    ways = {"plain": [{} for _ in off], "off": off, "steered": steered}
    rows = [{"images": images, "prompt": prompt, "answer": answer, "tokens": both["input_ids"].shape[1] - first}
            for images, prompt, answers in questions
            for answer, (both, first) in zip(answers, prepare(processor, bundle, (images, prompt, answers)))]
    for way, values in ways.items():
        handles = set_values(single, values) + set_values(double, values)
        number = 0
        for question in questions:
            for both, first in prepare(processor, bundle, question):
                with float64_arithmetic():
                    truth = log_probabilities(double, as_float64(both), first)
                rows[number][way] = {"float64": truth, "float32": log_probabilities(single, both, first)}
                number += 1
        for handle in handles:
            handle.remove()
    (bundle / "cases" / "references.json").write_text(json.dumps({
        "torch": torch.__version__, "transformers": transformers.__version__,
        "neurons": [[layer, neuron, value] for layer, chosen in enumerate(steered)
                    for neuron, value in chosen.items()],
        "answers": rows}, ensure_ascii=False, separators=(",", ":")).replace('{"images"', '\n{"images"') + "\n")
    for way in ways:
        pairs = [pair for row in rows for pair in zip(row[way]["float64"], row[way]["float32"])]
        print(f"{bundle.name}, {way}: {len(rows)} answers, ln p from {min(t for t, _ in pairs):.4g}; float32 is at "
              f"most {max(abs(t - x) for t, x in pairs):.3g} from float64")


def main() -> None:
    prepare_libraries()
    for bundle in sys.argv[1:]:
        make(Path(bundle))


if __name__ == "__main__":
    main()
