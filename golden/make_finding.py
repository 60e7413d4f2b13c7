#!/usr/bin/env python3
"""Writes what PyTorch makes of the demo's finding: cases/finding.json and neurons.json of both bundled models.

Neurons are counted, ranked and drawn at random here, by doc/method.md and doc/formats.md; switched off by hooks; and
answers are transformers' own greedy generation, texts' likelihoods its logits, all in float32. Nothing of mmneuron is
used. doc/golden.md describes the files. Needs xxhash besides requirements.txt.

Run as: python3 golden/make_finding.py [DOMAINS_BUNDLE LANGUAGES_BUNDLE]   (some minutes)
"""
import json
import math
import sys
from pathlib import Path

import torch
import transformers
from torch import Tensor, nn
from transformers import AutoModelForImageTextToText

import inputs as model_inputs
from draws import random_neurons
from make_masked import activations, shapes_of, write_neurons

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "training" / "languages"))
from lape import Model, rank, texts  # noqa: E402

DOMAIN_RATE, LANGUAGE_RATE = 0.07, 0.05  # the demo's
SEEDS, TOKENS = range(1, 6), 16  # random choices; of an answer, at most
Neurons = dict[str, list[tuple[int, int]]]  # by module: layer, neuron


class Pictures:
    """The bundle of pictures: its model with a hook on each layer's activations, and its lists."""
    def __init__(self, bundle: Path) -> None:
        self.bundle = bundle
        self.model = AutoModelForImageTextToText.from_pretrained(
            bundle / "model", dtype=torch.float32, attn_implementation="eager").eval()
        self.processor = model_inputs.load_processor(bundle / "model")
        self.shapes = shapes_of(self.model)
        self.hook = lambda module, layer, values: None
        for module, functions in activations(self.model).items():
            for layer, function in enumerate(functions):
                function.register_forward_hook(
                    lambda _, given, values, at=(module, layer): self.hook(*at, values))

    def samples(self, name: str) -> list[dict]:
        lines = (self.bundle / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    def inputs(self, sample: dict) -> dict[str, Tensor]:
        images = sample["image"] if isinstance(sample["image"], list) else [sample["image"]]
        prompt = sample.get("prompt", f"<image>\n{sample['question']}")
        return model_inputs.prepare(self.processor, prompt, [self.bundle / file for file in images])

    def count(self, samples: list[dict]) -> tuple[dict[str, dict[str, Tensor]], dict[str, dict[str, int]]]:
        """By module and domain: at how many positions each neuron is above 0, and of how many."""
        names = sorted({sample["domain"] for sample in samples})
        active = {module: {name: torch.zeros(*shape, dtype=torch.int64) for name in names}
                  for module, shape in self.shapes.items()}
        positions = {module: dict.fromkeys(names, 0) for module in self.shapes}
        for sample in samples:
            def add(module: str, layer: int, values: Tensor) -> None:
                rows = values.flatten(0, -2)
                active[module][sample["domain"]][layer] += (rows > 0).sum(0)
                positions[module][sample["domain"]] += len(rows) if layer == 0 else 0
            self.hook = add
            with torch.no_grad():
                self.model(**self.inputs(sample), use_cache=False)
        self.hook = lambda module, layer, values: None
        return active, positions

    def answers(self, samples: list[dict], off: Neurons) -> list[str]:
        """What the model answers with the neurons `off` set to 0."""
        keep = {module: torch.ones(*shape) for module, shape in self.shapes.items()}
        for module, places in off.items():
            for place in places:
                keep[module][place] = 0
        self.hook = lambda module, layer, values: values * keep[module][layer]
        found = []
        for sample in samples:
            prepared = self.inputs(sample)
            length = prepared["input_ids"].shape[1]
            with torch.no_grad():
                ids = self.model.generate(**prepared, attention_mask=torch.ones_like(prepared["input_ids"]),
                                          max_new_tokens=TOKENS, do_sample=False)
            found.append(self.processor.tokenizer.decode(ids[0, length:], skip_special_tokens=True))
        self.hook = lambda module, layer, values: None
        return found


def levenshtein(a: str, b: str) -> int:
    row = list(range(len(b) + 1))
    for i, one in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (one != other))
    return row[-1]


def score(sample: dict, answer: str) -> float:
    """The list's metrics for a single, simple right answer (doc/method.md, section 4)."""
    [right] = sample["answers"]
    answer, right = " ".join(answer.lower().split()), right.lower()
    if sample["metric"] == "choice":
        return float(answer in (right, sample["choices"]["ab".index(right)].lower()))
    if sample["metric"] == "anls":
        nearness = 1 - levenshtein(answer, right) / max(len(answer), len(right))
        return nearness if nearness >= 0.5 else 0.0
    assert sample["metric"] == "vqa" and right.replace(" ", "").isalnum()
    return float(answer == right)


def off_of(own: Neurons, shapes: dict[str, tuple[int, int]], seed: int) -> Neurons:
    return {module: random_neurons(own[module], width, number, seed)
            for number, (module, (_, width)) in enumerate(shapes.items())}


def row(own: Neurons, shapes: dict[str, tuple[int, int]], plain: float, without: float, random: list[float]) -> dict:
    return {"neurons": sum(map(len, own.values())),
            "of": sum(layers * width for layers, width in shapes.values()),
            "plain": plain, "own_off": without, "random_off": random, "random_mean": sum(random) / len(random)}


def name_neurons(bundle: Path, shapes: dict[str, tuple[int, int]], selected: dict[str, dict]) -> str:
    """Writes the neurons; returns their digest."""
    return write_neurons(bundle / "cases" / "neurons.json", shapes,
                         {module: {name: [list(place) for place in places] for name, places in names.items()}
                          for module, names in selected.items()})


def write(bundle: Path, rate: float, measure: str, found: str, rows: dict) -> None:
    document = {"format": "mmneuron-finding-1", "rate": rate, "digest": found, "measure": measure,
                "seeds": list(SEEDS), "domains": rows, "torch": torch.__version__,
                "transformers": transformers.__version__}
    (bundle / "cases" / "finding.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(document, indent=1))


def find_domains(bundle: Path) -> None:
    pictures = Pictures(bundle)
    active, positions = pictures.count(pictures.samples("train"))
    selected = {module: rank(active[module], positions[module], DOMAIN_RATE) for module in pictures.shapes}
    found = name_neurons(bundle, pictures.shapes, selected)
    tested, rows = pictures.samples("test"), {}
    for name in positions["language"]:
        samples = [sample for sample in tested if sample["domain"] == name]
        own = {module: selected[module][name] for module in pictures.shapes}

        def accuracy(off: Neurons) -> float:
            return sum(map(score, samples, pictures.answers(samples, off))) / len(samples)

        rows[name] = row(own, pictures.shapes, accuracy({}), accuracy(own),
                         [accuracy(off_of(own, pictures.shapes, seed)) for seed in SEEDS])
    write(bundle, DOMAIN_RATE, "accuracy", found, rows)


def find_languages(bundle: Path) -> None:
    model = Model(bundle, torch.float32)
    counted = {name: model.windows(text) for name, text in texts(bundle, "count").items()}
    tested = {name: model.windows(text) for name, text in texts(bundle, "test").items()}
    selected = rank({name: model.count(windows) for name, windows in counted.items()},
                    {name: sum(map(len, windows)) for name, windows in counted.items()}, LANGUAGE_RATE)
    shapes = {"language": (model.layers, model.neurons)}
    found = name_neurons(bundle, shapes, {"language": selected})
    rows = {}
    for name, places in sorted(selected.items()):
        own = {"language": places}

        def perplexity(off: Neurons) -> float:
            return math.exp(model.mean_loss(tested[name], off.get("language", [])))

        rows[name] = row(own, shapes, perplexity({}), perplexity(own),
                         [perplexity(off_of(own, shapes, seed)) for seed in SEEDS])
    write(bundle, LANGUAGE_RATE, "perplexity", found, rows)


def main() -> None:
    torch.set_num_threads(1)  # its sums may depend on their number
    transformers.utils.logging.disable_progress_bar()
    models = HERE.parent / "models"
    bundles = [Path(name) for name in sys.argv[1:]] or [models / "five-domains", models / "five-languages"]
    find_domains(bundles[0])
    find_languages(bundles[1])


if __name__ == "__main__":
    main()
