#!/usr/bin/env python3
"""Writes golden/demo/: five small domains of real pictures, a tiny model, and what PyTorch makes of it.

The pictures are crops of photographs that scikit-image and scikit-learn ship; golden/demo/README.md tells
where each is from and its licence. Needs what requirements.txt lists.

Run as: python3 golden/make_demo.py
"""
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import skimage
import sklearn.datasets
from PIL import Image
from safetensors.torch import save_file

from make_checkpoints import CHECKPOINTS, write_checkpoint
from make_golden import MARGIN, Case, prepare_libraries, run_checkpoint

HERE = Path(__file__).resolve().parent
DEMO = HERE / "demo"
SKIMAGE = Path(skimage.__file__).parent / "data"
SKLEARN = Path(sklearn.datasets.__file__).parent / "images"
SEED = 8  # of the first eight, the one that gives neurons to most domains
CASE = Case("golden", "USER: <image>\nWhat is this? ASSISTANT:", ("images/wide.jpg",),
            "input_ids, pixel_values, image_sizes, vision.*, projector.*, language.embeddings, "
            "language.layers.0.*, language.layers.3.out, language.norm", 4)


@dataclass(frozen=True)
class Sample:
    """A crop of a photograph, reduced so that its longer side has 224 pixels, and a question."""
    name: str
    source: str
    box: tuple[int, int, int, int]  # left, top, right, bottom
    question: str
    answer: str

    @property
    def domain(self) -> str:
        return self.name.split("-")[0]


SAMPLES = (
    Sample("everyday-astronaut", "astronaut.png", (0, 0, 512, 512),
           "Who is in the picture?", "an astronaut"),
    Sample("everyday-cat", "chelsea.png", (60, 0, 400, 300), "Which animal is this?", "cat"),
    Sample("everyday-coffee", "coffee.png", (100, 30, 500, 400), "What is in the cup?", "coffee"),
    Sample("everyday-flower", "flower.jpg", (0, 0, 640, 427), "What grows here?", "a flower"),
    Sample("everyday-temple", "china.jpg", (0, 0, 640, 427), "What is in front of us?", "a temple"),
    Sample("medical-retina", "retina.jpg", (0, 0, 1411, 1411), "Which organ is shown?", "the eye"),
    Sample("medical-vessels", "retina.jpg", (300, 500, 800, 900),
           "Which vessels are dark?", "veins"),
    Sample("medical-disc", "retina.jpg", (850, 450, 1300, 900),
           "What is the bright spot?", "the optic disc"),
    Sample("medical-macula", "retina.jpg", (500, 550, 900, 950),
           "What lies in the middle?", "the macula"),
    Sample("medical-lower", "retina.jpg", (400, 850, 1000, 1200), "Is it healthy?", "yes"),
    Sample("documents-page", "text.png", (0, 0, 448, 172), "What is on the page?", "formulas"),
    Sample("documents-left", "text.png", (0, 0, 224, 172), "Is it printed?", "no"),
    Sample("documents-right", "text.png", (224, 0, 448, 172), "Is it in colour?", "no"),
    Sample("documents-lines", "text.png", (60, 20, 380, 90), "Is the paper ruled?", "yes"),
    Sample("documents-signs", "text.png", (120, 70, 340, 160), "How was it written?", "by hand"),
    Sample("astronomy-field", "hubble_deep_field.jpg", (0, 0, 1000, 872),
           "What are the bright spots?", "galaxies"),
    Sample("astronomy-centre", "hubble_deep_field.jpg", (350, 300, 700, 600),
           "Is there a spiral?", "yes"),
    Sample("astronomy-left", "hubble_deep_field.jpg", (0, 250, 260, 800),
           "Which colour is the sky?", "black"),
    Sample("astronomy-top", "hubble_deep_field.jpg", (300, 0, 1000, 280),
           "Who took the picture?", "Hubble"),
    Sample("astronomy-right", "hubble_deep_field.jpg", (650, 450, 950, 850),
           "How many stars are there?", "few"),
    Sample("surfaces-brick", "brick.png", (0, 0, 512, 512), "What is the wall made of?", "brick"),
    Sample("surfaces-joints", "brick.png", (100, 150, 350, 300), "Is the wall new?", "no"),
    Sample("surfaces-grass", "grass.png", (0, 0, 512, 400), "What covers the ground?", "grass"),
    Sample("surfaces-gravel", "gravel.png", (0, 0, 512, 512), "What lies there?", "gravel"),
    Sample("surfaces-stones", "gravel.png", (150, 100, 350, 420), "Are they round?", "no"),
)


def write_image(sample: Sample, file: Path) -> None:
    folder = SKIMAGE if (SKIMAGE / sample.source).exists() else SKLEARN
    image = Image.open(folder / sample.source).crop(sample.box)
    image.thumbnail((224, 224), Image.Resampling.LANCZOS)
    if file.suffix == ".png":
        image.save(file, optimize=True)
    else:
        image.save(file, quality=85)


def write_samples() -> None:
    folder = DEMO / "images"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    lines = []
    for sample in SAMPLES:
        suffix = ".png" if sample.domain == "documents" else ".jpg"
        file = folder / f"{sample.name}{suffix}"
        write_image(sample, file)
        lines.append(json.dumps({
            "id": sample.name, "domain": sample.domain, "image": f"images/{file.name}",
            "question": sample.question, "answers": [sample.answer], "metric": "vqa"}))
    (DEMO / "DATA.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_model() -> None:
    """The model, and one forward pass of it in float64."""
    write_checkpoint(CHECKPOINTS["demo"], SEED, DEMO / "model")
    golden = run_checkpoint(DEMO / "model", HERE, (CASE,))
    assert golden.margin >= MARGIN
    tensors, metadata = golden.cases[CASE.name]
    file = DEMO / "golden.safetensors"
    save_file(tensors, file, metadata | {"checkpoint": "demo", "seed": str(SEED)})
    file.chmod(0o644)


def main() -> None:
    prepare_libraries()
    write_samples()
    write_model()


if __name__ == "__main__":
    main()
