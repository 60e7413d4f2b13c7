#!/usr/bin/env python3
"""The pointing game on drawn pictures: how often the saliency of a word in a joint model points at the thing of that
name.

Of each held-out picture, which shows two to four things, one thing is asked for. The saliency is that of arXiv
2405.14612, written here with autograd in float64: the cosine between the gradients, by the embedding that detector and
language model share, of the word's logit behind the prompt and of each box's class logit or coordinates. Where the map
is largest, it points at the middle of those pixels; that is a hit if it lies in the thing's box. Compared with the
picture's centre, with a random point, with what the detector alone likes best for the word, and with how often the
map points at another of the picture's things. Each share has its 95 % interval (Wilson's). With --program, `mmneuron
locate` plays too, and the largest differences of its cosines and logits from those here are printed.

Run as: python3 bench/pointing_game.py OWLVIT LLAVA W.safetensors [--count 240] [--program ./mmneuron]
"""
import argparse
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoTokenizer, LlavaForConditionalGeneration, OwlViTForObjectDetection

TRAINING = Path(__file__).resolve().parents[1] / "training"
sys.path += [str(TRAINING), str(TRAINING / "joint")]
from pictures import Box, Picture, picture_of  # noqa: E402
from questions import DESCRIBE  # noqa: E402
from train_alignment import Eye  # noqa: E402

MAPS = ("class", "coordinates", "any")


class Program:
    """What `mmneuron locate` finds."""
    def __init__(self, program: str, files: list[Path]) -> None:
        detector, language, alignment = map(str, files)
        self.command = [program, "locate", detector, language, "--align", alignment, "-n", "1", "-q", "--json"]
        self.differences = {"cosine": 0.0, "logit": 0.0}  # the largest from what is computed here

    def point(self, image: Image.Image, prompt: str, word: str, found: dict[str, Tensor]) -> tuple[float, float]:
        with tempfile.NamedTemporaryFile(suffix=".png") as file:
            image.save(file.name)
            told = json.loads(subprocess.run(
                [*self.command, "--image", file.name, "--prompt", prompt, "--word", word], check=True,
                stdout=subprocess.PIPE).stdout)
        cosines = torch.tensor([[number["cosine"] for number in box["numbers"]] for box in told["boxes"]])
        for name, difference in (("cosine", (cosines - found["cosines"]).abs().max()),
                                 ("logit", abs(told["logit"] - found["logit"]))):
            self.differences[name] = max(self.differences[name], float(difference))
        return told["x"], told["y"]


class Joint:
    """Detector, alignment and language model."""
    def __init__(self, detector: Path, language: Path, alignment: Path) -> None:
        options = {"dtype": torch.float64, "attn_implementation": "eager"}
        self.owlvit = OwlViTForObjectDetection.from_pretrained(detector, **options).eval()
        self.llava = LlavaForConditionalGeneration.from_pretrained(language, **options).eval()
        self.eye = Eye(detector, self.owlvit.config.vision_config.image_size)
        self.words, self.queries = (AutoTokenizer.from_pretrained(folder) for folder in (language, detector))
        tensors = load_file(alignment)
        self.linear = [(tensors[f"linear_{i}.weight"].double(), tensors[f"linear_{i}.bias"].double())
                       for i in range(1, len(tensors) // 2 + 1)]

    def embed(self, image: Image.Image) -> Tensor:
        """t [1 + patches, width], what the tower's last layer reads; the class token first."""
        tower = self.owlvit.owlvit.vision_model
        with torch.no_grad():
            hidden = tower.pre_layernorm(tower.embeddings(self.eye(image)[None].double()))
            for layer in tower.encoder.layers[:-1]:
                hidden = layer(hidden, None)
        return hidden[0]

    def logits(self, shared: Tensor, prompt: str, said: list[int] = []) -> Tensor:
        """Of every token behind the prompt, whose image is what the alignment makes of t, and what was said since."""
        features = shared[1:]
        for i, (weight, bias) in enumerate(self.linear):
            features = torch.nn.functional.linear(features if i == 0 else features.relu(), weight, bias)
        ids = torch.tensor(self.words(prompt).input_ids + said)
        at, = (ids == self.llava.config.image_token_id).nonzero()[0]
        before, after = (self.llava.get_input_embeddings()(part) for part in (ids[:at], ids[at + 1:]))
        hidden = self.llava.model.language_model(inputs_embeds=torch.cat((before, features, after))[None])
        return self.llava.lm_head(hidden.last_hidden_state[0, -1])

    def answer(self, shared: Tensor, prompt: str, most: int = 16) -> str:
        """The likeliest token behind the prompt, again and again."""
        said: list[int] = []
        with torch.no_grad():
            while len(said) < most and self.words.eos_token_id not in said:
                said.append(int(self.logits(shared, prompt, said).argmax()))
        return self.words.decode(said, skip_special_tokens=True)

    def detect(self, shared: Tensor, query: str) -> tuple[Tensor, Tensor]:
        """Logits [patches] of the query and boxes [patches, 4] (centre and size, shares of the picture)."""
        model, tower = self.owlvit, self.owlvit.owlvit.vision_model
        hidden = tower.post_layernorm(tower.encoder.layers[-1](shared[None], None))
        features = model.layer_norm(hidden[:, 1:] * hidden[:, :1])
        ids = self.queries(query, return_tensors="pt")["input_ids"]
        with torch.no_grad():
            text = model.owlvit.text_projection(model.owlvit.text_model(ids).pooler_output)
        boxes = (model.box_head(features) + model.box_bias).sigmoid()
        return model.class_head(features, text[None], None)[0][0, :, 0], boxes[0]

    def saliency(self, image: Image.Image, prompt: str, word: str) -> dict[str, Tensor]:
        """`logit` of the word, `gradient` of it [1 + patches, width], `boxes` and `scores` of them for the word,
        `cosines` [patches, 5] of class and coordinates, and each map's weights [patches]."""
        shared = self.embed(image).requires_grad_()
        token = self.words(word, add_special_tokens=False).input_ids[-1]
        logit = self.logits(shared, prompt)[token]
        gradient, = torch.autograd.grad(logit, shared)
        scores, boxes = self.detect(shared, f"a photo of a {word}")
        outputs = torch.cat((scores[:, None], boxes), 1)
        each = torch.eye(outputs.numel(), dtype=torch.float64).view(-1, *outputs.shape)
        gradients, = torch.autograd.grad(outputs, shared, each, is_grads_batched=True)
        cosines = (gradients * gradient).sum((1, 2)) / gradients.norm(dim=(1, 2)) / gradient.norm()
        cosines = cosines.view(outputs.shape)
        weights = torch.cat([stretched(cosines[:, :1]), stretched(cosines[:, 1:])], 1)
        maps = {"class": weights[:, 0], "coordinates": weights[:, 1:].amax(1), "any": weights.amax(1)}
        return {"logit": logit.detach(), "gradient": gradient, "boxes": boxes.detach(), "scores": scores.detach(),
                "cosines": cosines} | maps


def stretched(values: Tensor) -> Tensor:
    """To 0..1."""
    return (values - values.min()) / (values.max() - values.min())


def paint(boxes: Tensor, weights: Tensor, size: tuple[int, int]) -> np.ndarray:
    """The map [height, width]: of each pixel the largest weight of the boxes that cover it, or 0."""
    width, height = size
    result = np.zeros((height, width))
    for (x, y, w, h), weight in zip(boxes.tolist(), weights.tolist()):
        left, right = (min(max(int(width * (x + side * w / 2)), 0), width) for side in (-1, 1))
        top, bottom = (min(max(int(height * (y + side * h / 2)), 0), height) for side in (-1, 1))
        part = result[top:bottom, left:right]
        np.maximum(part, weight, out=part)
    return result


def largest(saliency: np.ndarray) -> tuple[float, float]:
    """The middle (x, y) of the pixels where the map is largest."""
    rows, columns = np.nonzero(saliency == saliency.max())
    return columns.mean() + 0.5, rows.mean() + 0.5


def lies_in(point: tuple[float, float], box: Box) -> bool:
    return box[0] <= point[0] < box[2] and box[1] <= point[1] < box[3]


def wilson(hits: int, count: int, z: float = 1.959964) -> tuple[float, float]:
    share = hits / count
    middle = share + z * z / (2 * count)
    reach = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return (middle - reach) / (1 + z * z / count), (middle + reach) / (1 + z * z / count)


def play(joint: Joint, program: Program | None, picture: Picture, asked: int,
         rng: np.random.Generator) -> dict[str, bool]:
    word, box = picture.things[asked]
    others = [other for i, (_, other) in enumerate(picture.things) if i != asked]
    size = picture.image.size
    found = joint.saliency(picture.image, DESCRIBE, word)
    best = found["boxes"][found["scores"].argmax()]
    points = {name: largest(paint(found["boxes"], found[name], size)) for name in MAPS}
    points |= {"detector": (float(best[0]) * size[0], float(best[1]) * size[1]), "centre": (size[0] / 2, size[1] / 2),
               "random": tuple(rng.uniform(0, size))}
    if program:
        points["program, class"] = program.point(picture.image, DESCRIBE, word, found)
    hits = {name: bool(lies_in(point, box)) for name, point in points.items()}
    return hits | {"class, another thing": bool(any(lies_in(points["class"], other) for other in others))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("owlvit", type=Path)
    parser.add_argument("llava", type=Path)
    parser.add_argument("alignment", type=Path)
    parser.add_argument("--count", type=int, default=240, help="of pictures, the first of the test split")
    parser.add_argument("--program", help="plays too, by its locate")
    parser.add_argument("--seed", type=int, default=0, help="of the things asked for, and of random points")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    files = [arguments.owlvit, arguments.llava, arguments.alignment]
    joint, rng = Joint(*files), np.random.default_rng(arguments.seed)
    program = Program(arguments.program, files) if arguments.program else None
    played = []
    for number in range(arguments.count):
        picture = picture_of("test", number)
        if len(picture.things) > 1:
            played.append(play(joint, program, picture, int(rng.integers(len(picture.things))), rng))
    for name in played[0]:
        hits = sum(hit[name] for hit in played)
        low, high = wilson(hits, len(played))
        print(f"{name:22} {100 * hits / len(played):5.1f} %  ({100 * low:.1f} to {100 * high:.1f})")
    if program:
        print("largest differences:", json.dumps(program.differences))
    print(json.dumps({"pictures": len(played)} | {name: sum(hit[name] for hit in played) for name in played[0]}))


if __name__ == "__main__":
    main()
