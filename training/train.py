#!/usr/bin/env python3
"""Trains the small vision-language model on cached pictures; can be stopped and resumed at any time.

First the vision tower and the projector alone learn to name what lies in each patch: the projector says it
in the language model's own embeddings of words, as captions align the two in published models. Then all of
it learns to answer, with that naming as a second aim that fades away. With --start a published model goes on
learning to answer, under two penalties on the activity of neurons (activity.py).

Run as: python3 train.py CACHE --minutes 60 --steps 4000 [--resume]
        python3 train.py CACHE --start MODEL --sparse-vision 0.03 --sparse-language 0.1 --apart 0.05
The state is CACHE/state.pt, the log CACHE/train.log.
"""
import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import LlavaNextForConditionalGeneration

from activity import Activity, alike, sparse
from data import Pictures, Words, pack
from domains import DOMAINS
from evaluate import accuracy
from model import build, lay_out, read, see
from muon import Muon

SQUARE, WIDE = ("everyday", "medical", "remote"), ("documents", "driving")
SHARES = {"everyday": 4, "medical": 8, "remote": 4, "documents": 7, "driving": 4}  # of a step


class Training:
    """Everything that a state file keeps."""
    def __init__(self, cache: Path, labels: dict[str, int], words: Words) -> None:
        self.words, self.labels = words, labels
        self.model = build(words.image, words.vocabulary)
        self.namer = nn.Linear(128, len(labels))
        nn.init.constant_(self.namer.bias, -5.0)
        tokens = [words.named(label) for label in labels]
        self.said = torch.tensor(sorted(set(tokens) - {-1}))  # tokens of labels
        self.saying = torch.zeros(len(labels), len(self.said))  # which label is which of them
        for i, token in enumerate(tokens):
            self.saying[i] = (self.said == token).float()
        self.activity = Activity(self.model)  # also trains the layer that nobody reads
        inner, outer = [], []
        for name, weight in self.model.named_parameters():
            if "post_layernorm" not in name:
                matrix = weight.dim() == 2 and ".layers." in name
                (inner if matrix else outer).append(weight)
        self.muon = Muon(inner)
        self.adam = torch.optim.AdamW(outer + list(self.namer.parameters()), betas=(0.9, 0.98),
                                      weight_decay=0.0)
        self.step, self.seconds = 0, 0.0
        self.file = cache / "state.pt"

    def save(self) -> None:
        part = self.file.with_suffix(".part")
        torch.save({"model": self.model.state_dict(), "namer": self.namer.state_dict(),
                    "muon": self.muon.mean, "adam": self.adam.state_dict(), "step": self.step,
                    "seconds": self.seconds, "labels": self.labels}, part)
        part.rename(self.file)

    def load(self) -> None:
        state = torch.load(self.file)
        self.labels = state["labels"]
        self.model.load_state_dict(state["model"])
        self.namer.load_state_dict(state["namer"])
        self.muon.mean = state["muon"]
        self.adam.load_state_dict(state["adam"])
        self.step, self.seconds = state["step"], state["seconds"]

    def naming_loss(self, batch, features: Tensor, projected: Tensor) -> Tensor:
        """Of naming what each patch shows, from the tower and in the projector's words; per mark."""
        wanted = torch.zeros(*features.shape[:3], len(self.labels))
        wanted[tuple(batch.marks.T)] = 1
        loss = F.binary_cross_entropy_with_logits(self.namer(features), wanted, reduction="sum")
        words = self.model.model.language_model.embed_tokens.weight[self.said]
        logits = 0.3 * F.rms_norm(projected, projected.shape[-1:]) @ words.T - 5
        wanted = (wanted @ self.saying).clamp(max=1)
        loss = loss + F.binary_cross_entropy_with_logits(logits, wanted, reduction="sum")
        return loss / len(batch.marks)

    def start(self, folder: Path) -> None:
        """Begins with a published model's weights."""
        model = LlavaNextForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)
        self.model.load_state_dict(model.state_dict())

    def losses(self, batch, naming: float, reading: bool) -> tuple[Tensor, float, float]:
        features, projected = see(self.model, batch.tiles)
        named = torch.zeros(())
        if naming:
            named = self.naming_loss(batch, features, projected)
        if not reading:
            return naming * named, float(named.detach()), 0.0
        logits, targets = read(self.model, batch, lay_out(self.model, projected))
        answered = F.cross_entropy(logits, targets)
        return naming * named + answered, float(named.detach()), float(answered.detach())

    def penalise(self, seen, weights: dict[str, float]) -> tuple[Tensor, list[float]]:
        """The penalties on the activity in all pictures of a step, and each of them without its weight."""
        total, parts = torch.zeros(()), []
        for part in ("vision", "language"):
            active, written = ([torch.cat(layer) for layer in zip(*(kinds[part] for kinds in kind))]
                               for kind in zip(*seen))
            penalties = sparse(active), alike(written, weights["few"])
            total = total + weights[part] * penalties[0] + weights["apart"] * penalties[1]
            parts += [float(penalty.detach()) for penalty in penalties]
        return total, parts

    def update(self, batches, rate: float, naming: float, reading: bool,
               weights: dict[str, float]) -> np.ndarray:
        """A step. Returns what it had of naming, answering, and both penalties of vision and language."""
        penalised = reading and any(weights.values())
        total, seen, parts = torch.zeros(()), [], np.zeros(6)
        for batch in batches:
            self.activity.begin(batch if penalised else None)
            loss, named, answered = self.losses(batch, naming, reading)
            total = total + loss / len(batches)
            parts[:2] += np.array((named, answered)) / len(batches)
            seen.append((self.activity.active, self.activity.written))
        self.activity.begin(None)
        if penalised:
            penalty, parts[2:] = self.penalise(seen, weights)
            total = total + penalty
        total.backward()
        for group in self.adam.param_groups:
            group["lr"] = rate * 0.15
        nn.utils.clip_grad_norm_(self.adam.param_groups[0]["params"], 1.0)
        self.muon.step(rate)
        self.adam.step()
        self.model.zero_grad()
        self.namer.zero_grad()
        self.step += 1
        return parts


def labels_of(pictures) -> dict[str, int]:
    found = {mark[3] for part in pictures.values() for text in part.texts for mark in text["marks"]}
    return {label: i for i, label in enumerate(sorted(found))}


def draw_batches(training: Training, pictures, step: int):
    """A batch of square pictures and one of wide ones; a function of the step."""
    rng = np.random.default_rng([7, step])
    batches = []
    for domains in (SQUARE, WIDE):
        items = []
        for domain in domains:
            part = pictures[domain]
            for i in rng.integers(len(part), size=SHARES[domain]):
                items.append((part.tiles[i], part.texts[i], None))
        batches.append(pack(training.words, training.labels, items, rng, None))
    return batches


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cache", type=Path)
    parser.add_argument("--minutes", type=float, default=60, help="stop and save after this long")
    parser.add_argument("--steps", type=int, default=4000, help="where the learning rate reaches 0")
    parser.add_argument("--decay", type=int, default=800, help="over how many steps it falls")
    parser.add_argument("--first", type=int, default=600,
                        help="steps without the language model")
    parser.add_argument("--rate", type=float, default=0.02)
    parser.add_argument("--start", type=Path,
                        help="a published model that goes on to learn; it names nothing and reads at once")
    parser.add_argument("--sparse-vision", type=float, default=0.0, dest="vision",
                        help="weight of the activity of vision's and the projector's neurons")
    parser.add_argument("--sparse-language", type=float, default=0.0, dest="language",
                        help="weight of the activity of the language model's neurons")
    parser.add_argument("--apart", type=float, default=0.0,
                        help="weight of how alike pictures are in which neurons write")
    parser.add_argument("--few", type=float, default=0.0,
                        help="with --apart: how much it also counts that many neurons write in a picture")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    cache = arguments.cache
    pictures = {domain: Pictures(cache, "train", domain) for domain in DOMAINS}
    held = {domain: Pictures(cache, "validation", domain) for domain in DOMAINS}
    training = Training(cache, labels_of(pictures), Words(cache / "tokenizer"))
    started = arguments.start is not None
    if started:
        training.start(arguments.start)
    if arguments.resume:
        training.load()
    weights = {name: getattr(arguments, name) for name in ("vision", "language", "apart", "few")}
    log = (cache / "train.log").open("a" if arguments.resume else "w", buffering=1)

    def say(text: str) -> None:
        print(text, flush=True)
        log.write(text + "\n")

    count = sum(weight.numel() for weight in training.model.parameters())
    say(json.dumps({"parameters": count, "labels": len(training.labels),
                    "pictures": {d: len(p) for d, p in pictures.items()}, "step": training.step,
                    "steps": arguments.steps, "rate": arguments.rate, "first": arguments.first,
                    "weights": weights}))
    start = last = time.monotonic()
    processor = time.process_time()
    before, sums, counted, saved = training.seconds, np.zeros(6), 0, start
    while training.step < arguments.steps and time.monotonic() - start < 60 * arguments.minutes:
        step = training.step
        # Constant, then falling: what --steps is can still be decided when training is resumed.
        level = min(1, (step + 1) / 30, (arguments.steps - step) / arguments.decay)
        reading = started or step >= arguments.first
        rate = arguments.rate * level * (0.5 if reading else 1)
        naming = 1.0 if not reading else 0.0 if started else 0.15 * level
        sums += training.update(draw_batches(training, pictures, step), rate, naming, reading,
                                weights)
        counted += 1
        training.seconds = before + time.process_time() - processor
        if training.step % 25 == 0:
            now = time.monotonic()
            named, answered, *active = sums / counted
            say(f"step {training.step} naming {named:.3f} answering {answered:.4f} "
                f"activity {' '.join(f'{part:.3f}' for part in active)} "
                f"seconds per step {(now - last) / counted:.2f} processor seconds "
                f"{training.seconds:.0f}")
            last, sums, counted = now, np.zeros(6), 0
        if training.step % 400 == 0 and reading:
            result = accuracy(training.model, training.words, held, 40)
            say(f"step {training.step} validation " + json.dumps(result))
            last = time.monotonic()
        if time.monotonic() - saved > 120:
            training.save()
            saved = time.monotonic()
    training.save()
    result = accuracy(training.model, training.words, held, None)
    say(f"step {training.step} validation, all: " + json.dumps(result))


if __name__ == "__main__":
    main()
