"""Reads what generate.py cached and packs pictures and questions into batches."""
import json
from pathlib import Path

import numpy as np
import torch
from numpy.random import Generator
from transformers import AutoTokenizer

from generate import PROMPT
from model import GRID, Batch
from scene import PRACTICE, flip
from tokenizer import SYSTEM

# The program's own form, the short form and that of the counts; how often each is trained.
FORMS = ((SYSTEM + PROMPT, 0.15), (PROMPT, 0.6), ("<image>\n{}", 0.25))
SHORT = 1
LETTERS = "AB"
BUDGET = 80  # words of one sequence, about


class Words:
    """The tokenizer, with what it has already cut."""
    def __init__(self, folder: Path) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.image = self.tokenizer.convert_tokens_to_ids("<image>")
        self.vocabulary = (self.image + 2 + 63) // 64 * 64
        self.cut: dict[tuple[int, str, str], tuple[list[int], list[int], int]] = {}

    def named(self, label: str) -> int:
        """The token of a mark's label: of its last word, in the form that questions or answers use; or -1."""
        word = {"dark sky": "night", "light sky": "day", "sign $": "dollars",
                "sign €": "euros"}.get(label, label)
        counted = word.endswith(" from above")
        word = word.replace(" from above", "").replace(" lanes", "").split()[-1]
        small = word.lower() if len(word) > 1 else word
        for form in (small + "s" if counted else small, word, small + "s", small):
            ids = self.tokenizer(form, add_special_tokens=False).input_ids
            ids = ids[1:] if len(ids) == 2 and word.isdigit() else ids
            if len(ids) == 1:
                return ids[0]
        return -1

    def of(self, form: int, question: str, answer: str) -> tuple[list[int], list[int], int]:
        """The ids before the picture, those after it, and how many of these are the question's."""
        key = (form, question, answer)
        if key not in self.cut:
            prompt = FORMS[form][0].format(question)
            asked = self.tokenizer(prompt).input_ids
            whole = self.tokenizer(f"{prompt} {answer}").input_ids + [2]
            assert whole[:len(asked)] == asked
            at = asked.index(self.image)
            self.cut[key] = (asked[:at], whole[at + 1:], len(asked) - at - 1)
        return self.cut[key]


class Pictures:
    """All cached pictures of a split and a domain."""
    def __init__(self, folder: Path, split: str, domain: str) -> None:
        self.domain = domain
        files = sorted(file for file in folder.glob(f"{split}-{domain}-*.npy")
                       if not file.name.endswith(".part.npy"))
        self.tiles = np.concatenate([np.load(file) for file in files])
        self.texts = [text for file in files
                      for text in json.loads(file.with_suffix(".json").read_text())]

    def __len__(self) -> int:
        return len(self.tiles)


def with_options(question: str, answer: str, options: list[str], rng: Generator) -> tuple:
    """The question with its options in random order, answered by a letter."""
    options = [options[i] for i in rng.permutation(len(options))]
    listed = " ".join(f"{letter}: {option}" for letter, option in zip(LETTERS, options))
    return f"{question} {listed}", LETTERS[options.index(answer)], "choice"


def practised(questions: list, rng: Generator) -> list:
    """The questions in random order. Of one with options half of the time the same with the options in
    another order; else the letter of an option that is named, so that finding it is learnt by itself,
    or the answer without options."""
    result = []
    for question, answer, metric in questions:
        if metric == "choice":
            plain, listed = question.split(" A: ")
            options = listed.split(" B: ")
            named = options[int(rng.integers(len(options)))]
            way = rng.random()
            if way < 0.5:
                right = options[LETTERS.index(answer)]
                result.append(with_options(plain, right, options, rng))
            elif way < 0.8:
                result.append(with_options(f"{named}?", named, options, rng))
        elif metric != PRACTICE or flip(rng, 0.3):
            result.append((question, answer, metric))
    return [result[i] for i in rng.permutation(len(result))]


def pack(words: Words, labels: dict[str, int], items, rng: Generator, form: int | None) -> Batch:
    """A batch of (tiles, text, questions or None: as many as fit, in random order)."""
    chances = [chance for _, chance in FORMS]
    rows, marks = [], []
    for i, (_, text, questions) in enumerate(items):
        chosen = form if form is not None else int(rng.choice(len(FORMS), p=chances))
        if questions is None:
            questions = practised(text["questions"], rng)
            budget = BUDGET
        else:
            budget = 10 ** 6
        ids, targets, owners, offsets = [], [], [], []
        for number, (question, answer, _) in enumerate(questions):
            prefix, after, asked = words.of(chosen, question, answer)
            if ids and len(ids) + len(after) > budget:
                continue
            ids += after[:-1]
            targets += [-100] * (asked - 1) + after[asked:]
            owners += [number] * (len(after) - 1)
            offsets += range(len(after) - 1)
        rows.append((prefix, ids, targets, owners, offsets))
        marks += [(i, tile, row * GRID + column, labels[label])
                  for tile, row, column, label in text["marks"] if label in labels]
    tiles = torch.from_numpy(np.stack([tiles for tiles, _, _ in items]))
    columns = max(1, tiles.shape[1] - 1)
    return arrange(tiles, rows, marks, GRID * GRID + GRID * (columns * GRID + 1))


def arrange(tiles: torch.Tensor, rows, marks, image: int) -> Batch:
    """A batch of rows (ids before the picture; ids after it, their targets, their questions' numbers and their
    places behind the picture); `image`: how many positions the picture has."""
    size, before = len(rows), max(len(row[0]) for row in rows)
    after = max(len(row[1]) for row in rows)
    total = before + image + after
    prefix, ids = torch.zeros(size, before, dtype=torch.long), torch.zeros(size, after, dtype=torch.long)
    targets, owners = torch.full((size, after), -100), torch.full((size, after), -1)
    positions = torch.zeros(size, total, dtype=torch.long)
    group = torch.full((size, total), -1)  # -1: padding, 0: seen by all, n + 1: question n
    for i, (first, words_of, target, owner, offset) in enumerate(rows):
        length, used = len(first), len(words_of)
        prefix[i, before - length:] = torch.tensor(first)
        positions[i, before - length:before + image] = torch.arange(length + image)
        group[i, before - length:before + image] = 0
        end = before + image + used
        ids[i, :used], targets[i, :used] = torch.tensor(words_of), torch.tensor(target)
        owners[i, :used] = torch.tensor(owner)
        positions[i, before + image:end] = torch.tensor(offset) + length + image
        group[i, before + image:end] = torch.tensor(owner) + 1
    query, key = group[:, :, None], group[:, None, :]
    mask = ((key == 0) | (key == query)) & torch.ones(total, total, dtype=torch.bool).tril()
    mask |= torch.eye(total, dtype=torch.bool)  # padding sees itself, that no row be empty
    return Batch(tiles, prefix, ids, positions, mask[:, None], targets, owners,
                 torch.tensor(marks, dtype=torch.long).reshape(-1, 4), group >= 0)
