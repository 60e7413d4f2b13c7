#!/usr/bin/env python3
"""Draws the five domains: arrays to train with, or lists with image files for the program.

A sample is a function of its split, domain and number: training, validation and test have seeds apart.

Run as: python3 generate.py cache FOLDER SPLIT FIRST COUNT    (COUNT images of every domain, a file each)
        python3 generate.py list FOLDER SPLIT COUNT [--prompt] [--questions N]
"""
import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image

from domains import DOMAINS
from scene import PRACTICE, Scene

SPLITS = {"train": 0, "validation": 1, "test": 2}
TILE, PATCH = 72, 12
PROMPT = "USER: <image>\n{} ASSISTANT:"


def scene_of(split: str, domain: str, number: int) -> Scene:
    seed = [SPLITS[split], list(DOMAINS).index(domain), number]
    return DOMAINS[domain](np.random.default_rng(seed))


def joined(scene: Scene) -> Image.Image:
    width = sum(frame.width for frame in scene.frames)
    whole = Image.new("RGB", (width, scene.frames[0].height))
    left = 0
    for frame in scene.frames:
        whole.paste(frame, (left, 0))
        left += frame.width
    return whole


def tiles_of(image: Image.Image) -> np.ndarray:
    """What anyres makes of a picture once or twice as wide as high: the whole, then its tiles.

    A square picture's only tile is the whole, which is not repeated.
    """
    columns = image.width // image.height
    large = np.asarray(image.resize((columns * TILE, TILE), Image.Resampling.BICUBIC))
    tiles = [large[:, i * TILE:(i + 1) * TILE] for i in range(columns)]
    if columns > 1:
        tiles.insert(0, np.asarray(image.resize((TILE, TILE), Image.Resampling.BICUBIC)))
    return np.stack(tiles)


def marks_of(scene: Scene, whole: Image.Image) -> list[tuple[int, int, int, str]]:
    """(tile, row, column, label) in patches, for every tile that shows the mark."""
    side, count = whole.height, TILE // PATCH
    marks = set()
    for mark in scene.marks:
        x, y = mark.x / whole.width, mark.y / side
        row = min(max(int(y * count), 0), count - 1)
        columns = whole.width // side
        place = min(max(int(x * count * columns), 0), count * columns - 1)
        first = 0 if columns == 1 else 1
        marks.add((first + place // count, row, place % count, mark.label))
        if columns > 1:
            marks.add((0, row, min(max(int(x * count), 0), count - 1), mark.label))
    return sorted(marks)


def write_cache(folder: Path, split: str, domain: str, first: int, count: int) -> None:
    """SPLIT-DOMAIN-FIRST.npy [n, tiles, 72, 72, 3] u8, and .json: questions and marks of every image."""
    arrays, texts = [], []
    for number in range(first, first + count):
        scene = scene_of(split, domain, number)
        whole = joined(scene)
        arrays.append(tiles_of(whole))
        texts.append({"questions": [(q.text, q.answer, q.metric) for q in scene.questions],
                      "marks": marks_of(scene, whole)})
    name = f"{split}-{domain}-{first:06}"
    (folder / f"{name}.json").write_text(json.dumps(texts), encoding="utf-8")
    temporary = folder / f"{name}.part.npy"
    np.save(temporary, np.stack(arrays))
    temporary.rename(folder / f"{name}.npy")


def write_list(folder: Path, split: str, count: int, prompt: bool, questions: int) -> None:
    """SPLIT.jsonl and images/: `count` images of every domain, and `questions` about each.

    A domain's first `count` lines ask one question about each image, the next ones another, and so on.
    """
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    lines = []
    for domain in DOMAINS:
        suffix = "png" if domain == "documents" else "jpg"
        rounds = [[] for _ in range(questions)]
        for number in range(count):
            scene = scene_of(split, domain, number)
            asked = [q for q in scene.questions if q.metric != PRACTICE]
            name = f"{split}-{domain}-{number:03}"
            files = []
            for i, frame in enumerate(scene.frames):
                file = images / f"{name}{'ab'[i] if len(scene.frames) > 1 else ''}.{suffix}"
                if suffix == "png":  # 16 colours: a third of the bytes, and no difference to the eye
                    frame.quantize(16, dither=Image.Dither.NONE).save(file, optimize=True)
                else:
                    frame.save(file, quality=85)
                files.append(f"images/{file.name}")
            for i in range(min(questions, len(asked))):
                question = asked[(number + i) % len(asked)]
                line = {"id": name + (f"-{i + 1}" if i else ""), "domain": domain,
                        "image": files if len(files) > 1 else files[0], "question": question.text,
                        "answers": [question.answer], "metric": question.metric}
                if question.choices:
                    line["choices"] = list(question.choices)
                if prompt:
                    line["prompt"] = PROMPT.format(question.text)
                rounds[i].append(json.dumps(line, ensure_ascii=False))
        lines += sum(rounds, [])
    (folder / f"{split}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    modes = parser.add_subparsers(dest="mode", required=True)
    cache, listed = modes.add_parser("cache"), modes.add_parser("list")
    for mode in (cache, listed):
        mode.add_argument("folder", type=Path)
        mode.add_argument("split", choices=SPLITS)
    cache.add_argument("first", type=int)
    cache.add_argument("count", type=int)
    listed.add_argument("count", type=int)
    listed.add_argument("--prompt", action="store_true",
                        help="write the prompt in the form in which answers are best")
    listed.add_argument("--questions", type=int, default=1, help="about each picture (1)")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    if arguments.mode == "list":
        write_list(arguments.folder, arguments.split, arguments.count, arguments.prompt,
                   arguments.questions)
        return
    for domain in DOMAINS:
        write_cache(arguments.folder, arguments.split, domain, arguments.first, arguments.count)


if __name__ == "__main__":
    main()
