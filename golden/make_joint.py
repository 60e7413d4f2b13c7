#!/usr/bin/env python3
"""Writes what PyTorch makes of the pictures of the bundled joint model, for tests/cli/joint.sh:
BUNDLE/points.tsv has picture, thing, the point (x and y in pixels) at which the saliency of the thing's name is
largest, the word's logit, and whether the point lies in the thing's box; BUNDLE/answers.tsv, of the first pictures and
every class, whether it is there, what the model answers to whether it is, and the largest score of the detector's boxes
for the class's name.

The saliency is that of bench/pointing_game.py, by autograd in float64; the program shares nothing with it.

Run as: python3 golden/make_joint.py models/joint   (needs what requirements.txt lists)
"""
import csv
import json
import sys
from pathlib import Path

import torch
from PIL import Image

sys.path.append(str(Path(__file__).resolve().parents[1] / "bench"))
from pointing_game import Joint, largest, lies_in, paint  # noqa: E402
from pictures import THINGS  # noqa: E402
from questions import DESCRIBE, PRESENCE  # noqa: E402

MARGIN = 1e-4  # of the largest weight from the next, which rounding must not pass
ASKED = 3  # pictures


def write_answers(joint: Joint, bundle: Path) -> None:
    lines = ["image\tclass\tpresent\tanswer\tconfidence"]
    shown = [json.loads(line) for line in (bundle / "images" / "objects.jsonl").read_text(encoding="utf-8").splitlines()]
    for sample in shown[:ASKED]:
        shared = joint.embed(Image.open(bundle / "images" / sample["image"]).convert("RGB"))
        for thing in sorted(THINGS):
            answer = joint.answer(shared, PRESENCE.format(thing)).strip()
            confidence = float(joint.detect(shared, thing)[0].detach().sigmoid().max())
            present = int(thing in sample["objects"])
            lines.append(f"{sample['image']}\t{thing}\t{present}\t{answer}\t{confidence:.6f}")
    (bundle / "answers.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    torch.set_num_threads(1)
    bundle = Path(sys.argv[1])
    joint = Joint(bundle / "detector", bundle / "model", bundle / "alignment.safetensors")
    write_answers(joint, bundle)
    lines = ["image\tthing\tx\ty\tlogit\thit"]
    with (bundle / "images" / "boxes.tsv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            image = Image.open(bundle / "images" / row["image"]).convert("RGB")
            found = joint.saliency(image, DESCRIBE, row["thing"])
            best = found["class"].sort(descending=True).values
            assert best[0] - best[1] > MARGIN, row
            x, y = largest(paint(found["boxes"], found["class"], image.size))
            hit = lies_in((x, y), tuple(int(row[side]) for side in ("left", "top", "right", "bottom")))
            lines.append(f"{row['image']}\t{row['thing']}\t{x}\t{y}\t{float(found['logit']):.6f}\t{int(hit)}")
    (bundle / "points.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{sum(line.endswith('1') for line in lines)} of {len(lines) - 1} words are located in their things")


if __name__ == "__main__":
    main()
