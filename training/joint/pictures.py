#!/usr/bin/env python3
"""Draws pictures of two to four things at random places, and tells the box of each.

A picture is a function of its split (training 0, validation 1, test 2) and number. It is 144 x 144 pixels.

Run as: python3 pictures.py cache FILE.npz SPLIT COUNT    (as the models see them, to train with)
        python3 pictures.py list FOLDER SPLIT COUNT       (image files and boxes.tsv)
"""
import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw

sys.path.append(str(Path(__file__).resolve().parents[1]))
from domains.everyday import INSIDE, OUTSIDE, draw_thing  # noqa: E402
from generate import SPLITS  # noqa: E402
from scene import COLOURS, SIDE, canvas, flip, grain, pick, several, vary  # noqa: E402

IMAGE, PATCH = 96, 12  # of both models
GRID = IMAGE // PATCH
THINGS = [thing for thing in OUTSIDE + INSIDE if thing != "apple"]  # "a" fits before each
MARGIN = 4  # pixels between boxes, and from the border
GROUNDS = ((105, 170, 75), (232, 236, 242), (205, 170, 120), (178, 178, 182), (190, 205, 220), (240, 190, 200))

Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels, the last two outside


@dataclass
class Picture:
    image: Image.Image
    things: list[tuple[str, Box]]


def drawn(rng: Generator, thing: str) -> Image.Image:
    """The thing alone, as large as it is drawn, on nothing."""
    sheet = Image.new("RGBA", (SIDE, SIDE), (0, 0, 0, 0))
    draw_thing(ImageDraw.Draw(sheet), thing, SIDE / 2, SIDE / 2, vary(rng, COLOURS[pick(rng, COLOURS)]))
    alone = sheet.crop(sheet.getbbox())
    scale = rng.uniform(0.8, 1.25)
    return alone.resize((round(alone.width * scale), round(alone.height * scale)), Image.Resampling.BICUBIC)


def find_place(rng: Generator, width: int, height: int, taken: list[Box]) -> Box | None:
    for _ in range(60):
        left = int(rng.integers(MARGIN, SIDE - width - MARGIN + 1))
        top = int(rng.integers(MARGIN, SIDE - height - MARGIN + 1))
        if all(left + width + MARGIN <= box[0] or box[2] + MARGIN <= left or top + height + MARGIN <= box[1] or
               box[3] + MARGIN <= top for box in taken):
            return left, top, left + width, top + height
    return None


def picture_of(split: str, number: int) -> Picture:
    rng = np.random.default_rng([SPLITS[split], number])
    image, draw = canvas(vary(rng, pick(rng, GROUNDS)))
    if flip(rng):
        draw.rectangle((0, int(rng.integers(40, 110)), SIDE, SIDE), fill=vary(rng, pick(rng, GROUNDS)))
    things: list[tuple[str, Box]] = []
    for thing in several(rng, THINGS, int(rng.integers(2, 5))):
        alone = drawn(rng, thing)
        box = find_place(rng, alone.width, alone.height, [box for _, box in things])
        if box is not None:  # else the picture is full
            image.paste(alone, box[:2], alone)
            things.append((thing, box))
    return Picture(grain(rng, image, 4), things)


def write_cache(file: Path, split: str, count: int) -> None:
    """images [n, 96, 96, 3] u8; things [n, 4], their numbers or -1; boxes [n, 4, 4]: shares of the sides."""
    images = np.zeros((count, IMAGE, IMAGE, 3), np.uint8)
    things, boxes = np.full((count, 4), -1, np.int8), np.zeros((count, 4, 4), np.float32)
    for number in range(count):
        picture = picture_of(split, number)
        images[number] = np.asarray(picture.image.resize((IMAGE, IMAGE), Image.Resampling.BICUBIC))
        for i, (thing, box) in enumerate(picture.things):
            things[number, i], boxes[number, i] = THINGS.index(thing), np.array(box) / SIDE
    np.savez(file, images=images, things=things, boxes=boxes)


def write_list(folder: Path, split: str, count: int) -> None:
    """SPLIT-NUMBER.jpg; boxes.tsv: file, thing and box, a thing a line; objects.jsonl: a list for "mmneuron hallucinations"."""
    folder.mkdir(parents=True, exist_ok=True)
    lines, shown = ["image\tthing\tleft\ttop\tright\tbottom"], []
    for number in range(count):
        picture, name = picture_of(split, number), f"{split}-{number:03}.jpg"
        picture.image.save(folder / name, quality=85)
        lines += ["\t".join([name, thing, *map(str, box)]) for thing, box in picture.things]
        things = sorted({thing for thing, _ in picture.things})
        shown.append(json.dumps({"id": f"{split}-{number:03}", "domain": "drawn", "image": name, "objects": things}))
    (folder / "objects.jsonl").write_text("\n".join(shown) + "\n", encoding="utf-8")
    (folder / "boxes.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mode", choices=("cache", "list"))
    parser.add_argument("output", type=Path)
    parser.add_argument("split", choices=SPLITS)
    parser.add_argument("count", type=int)
    arguments = parser.parse_args()
    write = write_cache if arguments.mode == "cache" else write_list
    write(arguments.output, arguments.split, arguments.count)


if __name__ == "__main__":
    main()
