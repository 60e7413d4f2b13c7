#!/usr/bin/env python3
"""Edits the first word of the answer to each sample of a list, and measures what each edit does to the others.

The word becomes the first word of the next answer in the same domain that begins with another one. With the additions that
"mmneuron edit" finds, "mmneuron eval" answers the whole list again. Of each edit:

- reliability: whether the sample's own answer begins with the new word;
- generality: of the other samples whose answer began with the old word, the share that begins with the new one;
- locality: of the samples whose answer began with another word, the share that answers as before, and by how much ln p per
  token of the list's right answers falls there;

for the neurons that contribute most to the word, and for as many random ones of all layers. Means over edits have 95 %
intervals of 1.98 standard errors.

Run as: bench/edits.py MMNEURON MODEL LIST.jsonl [EDITS [SAMPLES [OPTION...]]], where EDITS (100) of the samples, in turn from all domains,
are edited, the first SAMPLES (all: 0) of each domain make up the list, and the options are of "mmneuron edit".
"""
import json
import math
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path


def run(*command: object) -> str | None:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode not in (0, 3):
        sys.exit(done.stderr)
    return done.stdout if done.returncode == 0 else None


class Bench:
    def __init__(self, program: str, model: str, path: str, samples: int, folder: Path, options: list[str]) -> None:
        self.program, self.model, self.path, self.folder, self.options = program, model, Path(path), folder, options
        self.limit = ["--samples", samples] if samples else []
        self.samples = {}
        for line in self.path.read_text().splitlines():
            sample = json.loads(line)
            self.samples[sample["id"]] = sample
        self.answers, self.plain = self.ask([])

    def ask(self, options: list[object]) -> tuple[dict[str, str], dict[str, float]]:
        """The answer to each sample, and ln p per token of its right answer."""
        result = self.folder / "eval.json"
        run(self.program, "eval", self.model, self.path, "--seeds", 0, "-q", "-o", result, *self.limit, *options)
        predictions = [found for made in json.loads(result.read_text())["runs"] for found in made["predictions"]]
        return ({found["id"]: found["answer"] for found in predictions},
                {found["id"]: found["log_probability"] / found["reference_tokens"] for found in predictions})

    def target(self, name: str) -> str | None:
        """The word that shall be said instead of the first one of this answer."""
        names = [other for other in self.answers if self.samples[other]["domain"] == self.samples[name]["domain"]]
        place = names.index(name)
        for other in names[place + 1:] + names[:place]:
            if (word := first_word(self.answers[other])) and word.lower() != first_word(self.answers[name]).lower():
                return word
        return None

    def edit(self, name: str, random: int) -> dict[str, float] | None:
        """None: the answer has no word, or there is none to replace it."""
        sample, delta = self.samples[name], self.folder / "delta.safetensors"
        old = first_word(self.answers[name])
        new = self.target(name) if old else None
        if new is None:
            return None
        images = sample["image"] if isinstance(sample["image"], list) else [sample["image"]]
        made = run(self.program, "edit", self.model, "--prompt", sample["prompt"], "--from", old, "--to", new, "-o", delta, "-q",
                   *(part for image in images for part in ("--image", self.path.parent / image)),
                   *(["--random", random] if random else []), *self.options)
        if made is None:
            return {"reliability": 0.0}
        answers, likelihoods = self.ask(["--delta", delta])
        same = [other for other in answers if other != name and begins(self.answers[other], old)]
        others = [other for other in answers if not begins(self.answers[other], old)]
        found = {"reliability": float(begins(answers[name], new)),
                 "locality of answers": statistics.mean(answers[other] == self.answers[other] for other in others),
                 "fall of ln p": statistics.mean(self.plain[other] - likelihoods[other] for other in others)}
        if same:
            found["generality"] = statistics.mean(begins(answers[other], new) for other in same)
        return found


def first_word(answer: str) -> str:
    found = re.search(r"[^\W_]+", answer)
    return found[0] if found else ""


def begins(answer: str, word: str) -> bool:
    return first_word(answer).lower() == word.lower()


def tell(what: str, values: list[float]) -> None:
    wide = 1.98 * statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    print(f"  {what:20} {statistics.mean(values):8.3f}  ({statistics.mean(values) - wide:.3f} to "
          f"{statistics.mean(values) + wide:.3f}), {len(values)} edits", flush=True)


def main() -> None:
    program, model, path = sys.argv[1:4]
    edits, samples = (int(number) for number in (sys.argv[4:6] + ["100", "0"][len(sys.argv[4:6]):]))
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(program, model, path, samples, Path(folder), sys.argv[6:])
        domains: dict[str, list[str]] = {}
        for name in bench.answers:
            domains.setdefault(bench.samples[name]["domain"], []).append(name)
        order = [names[place] for place in range(max(map(len, domains.values())))
                 for names in domains.values() if place < len(names)]
        for who in "top", "random":
            found = []
            for number, name in enumerate(order):
                if len(found) < edits and (made := bench.edit(name, number + 1 if who == "random" else 0)):
                    found.append(made)
            print(f"{who} neurons")
            for measure in "reliability", "generality", "locality of answers", "fall of ln p":
                tell(measure, [made[measure] for made in found if measure in made])


if __name__ == "__main__":
    main()
