"""What the small LLaVA is asked about a picture, and the tokenizer for it.

The prompts are those of the joint model's paper (arXiv 2405.14612), whose saliency is that of a word after DESCRIBE.
"""
from pathlib import Path

import numpy as np
from numpy.random import Generator
from transformers import AutoTokenizer

from pictures import THINGS  # also makes training/ importable
from scene import flip, pick, several, yes
from tokenizer import write

DESCRIBE = "<image>\nUSER: What's in the image?\nASSISTANT: The image shows a"
PRESENCE = "<image>\nUSER: Is there a {} in the image? Only answer with 'yes' or 'no'.\nASSISTANT:"
PIECES = 446
ASKED = 3  # questions of presence about a picture


def described(things: list[str]) -> str:
    """How the answer to DESCRIBE goes on."""
    return ", a ".join(things[:-1]) + f" and a {things[-1]}."


def conversations(rng: Generator, things: list[str]) -> list[tuple[str, str]]:
    """Prompts and their answers: one DESCRIBE with the things in random order, and questions of presence."""
    result = [(DESCRIBE, described(several(rng, things, len(things))))]
    for _ in range(ASKED):
        there = flip(rng)
        thing = pick(rng, things if there else [thing for thing in THINGS if thing not in things])
        result.append((PRESENCE.format(thing), yes(there)))
    return result


def write_tokenizer(folder: Path) -> None:
    """A LLaMA tokenizer from the text of conversations; each thing is one token."""
    rng = np.random.default_rng(0)
    lines = []
    for _ in range(2000):
        for prompt, answer in conversations(rng, several(rng, THINGS, 3)):
            lines.append(f"{prompt.replace('<image>', '')} {answer}".strip())
    lines += THINGS * 300
    write(folder, lines, PIECES, "LlavaProcessor")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for word in [*THINGS, "yes", "no"]:
        assert len(tokenizer(word, add_special_tokens=False).input_ids) == 1, word
