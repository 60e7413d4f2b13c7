#!/usr/bin/env python3
"""Trains a small detector in the form of OWL-ViT on drawn pictures whose boxes are known, and exports it in bf16.

Every patch whose centre lies in a thing's box is to find that thing, the others nothing: no matching is needed where
boxes do not overlap. Queries are each thing's name, alone and after "a photo of a". The loss is the sigmoid focal loss
of all logits (alpha 0.25, gamma 2), and of the boxes of patches on things five times the absolute difference and twice
one minus generalised intersection over union, as DETR and OWL-ViT weigh them, and half the absolute difference before
the sigmoid: the head's bias puts the last row's and column's boxes where the sigmoid is flat.

Run as: python3 train_detector.py TRAIN.npz VALIDATION.npz FOLDER [--steps 1000]   (a log to standard output)
"""
import argparse
import json
import shutil
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AutoTokenizer, OwlViTConfig, OwlViTForObjectDetection
from transformers.models.owlvit.image_processing_pil_owlvit import OwlViTImageProcessorPil

from cache import Cache
from pictures import IMAGE, PATCH, THINGS
from model import MEAN, STD, initialise, pixels_of
from muon import Muon

TOKENIZER = Path(__file__).resolve().parents[2] / "golden" / "clip_tokenizer"
BATCH = 32
QUERIES = [form + thing for form in ("a photo of a ", "") for thing in THINGS]


def build(vocabulary: int) -> OwlViTForObjectDetection:
    model = OwlViTForObjectDetection(OwlViTConfig(
        text_config={"vocab_size": vocabulary, "hidden_size": 64, "intermediate_size": 256, "num_hidden_layers": 2,
                     "num_attention_heads": 4, "max_position_embeddings": 16, "bos_token_id": 0, "eos_token_id": 2,
                     "pad_token_id": 1},
        vision_config={"hidden_size": 96, "intermediate_size": 384, "num_hidden_layers": 4, "num_attention_heads": 4,
                       "image_size": IMAGE, "patch_size": PATCH},
        projection_dim=64))
    initialise(model, 1)
    for layer, bias in ((model.class_head.logit_shift, -0.5), (model.class_head.logit_scale, 8.0)):
        nn.init.zeros_(layer.weight)
        nn.init.constant_(layer.bias, bias)  # most patches show nothing
    return model


def encode(folder: Path) -> Tensor:
    """[queries, 16] ids, padded as OwlViTProcessor pads."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    return tokenizer(QUERIES, padding="max_length", max_length=16, return_tensors="pt")["input_ids"]


def detect(model: OwlViTForObjectDetection, ids: Tensor, images: np.ndarray) -> tuple[Tensor, Tensor]:
    """Logits [n, patches, queries] and boxes [n, patches, 4] (centre and size)."""
    queries = model.owlvit.text_projection(model.owlvit.text_model(ids).pooler_output)
    features = model.image_embedder(pixels_of(torch.from_numpy(images)))[0]
    flat = features.flatten(1, 2)
    return model.class_predictor(flat, queries.expand(len(flat), -1, -1))[0], model.box_predictor(flat, features)


def corners(boxes: Tensor) -> Tensor:
    centre, half = boxes[..., :2], boxes[..., 2:] / 2
    return torch.cat((centre - half, centre + half), -1)


def middles(corner: Tensor) -> Tensor:
    low, high = corner[..., :2], corner[..., 2:]
    return torch.cat(((low + high) / 2, high - low), -1)


def overlap(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Intersection over union, and the generalised one, of pairs of corners [n, 4]."""
    def area(low: Tensor, high: Tensor) -> Tensor:
        return (high - low).clamp(min=0).prod(-1)

    least, most = torch.minimum(first, second), torch.maximum(first, second)
    common = area(most[:, :2], least[:, 2:])
    union = area(first[:, :2], first[:, 2:]) + area(second[:, :2], second[:, 2:]) - common
    hull = area(least[:, :2], most[:, 2:])
    return common / union, common / union - (hull - union) / hull


def losses(logits: Tensor, boxes: Tensor, labels: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Of classes and of boxes, each per patch on a thing; wanted: corners of each patch's thing."""
    on = labels >= 0
    truth = F.one_hot(labels.clamp(min=0), len(THINGS)).float() * on[..., None]
    truth = truth.repeat(1, 1, len(QUERIES) // len(THINGS))
    error = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    share = torch.exp(-error)  # the probability of what is true
    focal = (0.25 * truth + 0.75 * (1 - truth)) * (1 - share) ** 2 * error
    found, wanted = corners(boxes[on]), wanted[on]
    difference = (found - wanted).abs().sum(-1)
    flat = (boxes[on].logit(1e-6) - middles(wanted).logit(1e-6)).abs().sum(-1)
    return focal.sum() / on.sum(), (5 * difference + 2 * (1 - overlap(found, wanted)[1]) + 0.5 * flat).mean()


@torch.no_grad()
def validate(model: OwlViTForObjectDetection, ids: Tensor, held: Cache) -> dict[str, float]:
    """Of the things in pictures, percent whose best-scored patch for their query has a box that overlaps theirs by
    more than half; of all pairs of picture and thing, percent where the best score is above 1/2 just if it is there."""
    found, told = [], []
    for begin in range(0, len(held), BATCH):
        logits, boxes = detect(model, ids[:len(THINGS)], held.images[begin:begin + BATCH])
        best, where = logits.max(1)
        for row, number in enumerate(range(begin, min(begin + BATCH, len(held)))):
            there = torch.zeros(len(THINGS), dtype=torch.bool)
            for thing, box in zip(held.things[number], held.boxes[number]):
                if thing >= 0:
                    there[int(thing)] = True
                    guess = corners(boxes[row, where[row, int(thing)]])
                    found.append(float(overlap(guess[None], torch.from_numpy(box)[None])[0]) > 0.5)
            told += ((best[row] > 0) == there).tolist()
    return {"found": round(100 * float(np.mean(found)), 2), "told": round(100 * float(np.mean(told)), 2)}


def train(model: OwlViTForObjectDetection, ids: Tensor, learnt: Cache, held: Cache, steps: int) -> None:
    inner, outer = [], []
    for name, weight in model.named_parameters():
        (inner if weight.dim() == 2 and ".layers." in name else outer).append(weight)
    muon, adam = Muon(inner), torch.optim.AdamW(outer, betas=(0.9, 0.98), weight_decay=0.0)
    start, sums = time.process_time(), np.zeros(2)
    for step in range(steps):
        rng = np.random.default_rng([7, step])  # a step is a function of its number
        numbers = rng.integers(len(learnt), size=BATCH)
        logits, boxes = detect(model, ids, learnt.images[numbers])
        parts = losses(logits, boxes, learnt.labels_of(numbers), learnt.boxes_of(numbers))
        sum(parts).backward()
        rate = 0.02 * min(1, (step + 1) / 30, 3 * (steps - step) / steps)
        for group in adam.param_groups:
            group["lr"] = 0.1 * rate
        nn.utils.clip_grad_norm_(outer, 1.0)
        muon.step(rate)
        adam.step()
        model.zero_grad()
        sums += [float(part.detach()) for part in parts]
        if (step + 1) % 50 == 0:
            line = {"step": step + 1, "classes": round(sums[0] / 50, 4), "boxes": round(sums[1] / 50, 4),
                    "seconds": round(time.process_time() - start)}
            if (step + 1) % 200 == 0 or step + 1 == steps:
                line |= validate(model, ids, held)
            print(json.dumps(line), flush=True)
            sums[:] = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("train", type=Path)
    parser.add_argument("validation", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=1000)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for file in TOKENIZER.iterdir():
        shutil.copyfile(file, arguments.folder / file.name)
    words = json.loads((TOKENIZER / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    model = build((len(words) + 31) // 32 * 32)
    count = sum(weight.numel() for weight in model.parameters())
    print(json.dumps({"parameters": count, "steps": arguments.steps}), flush=True)
    train(model, encode(arguments.folder), Cache(arguments.train), Cache(arguments.validation), arguments.steps)
    model.to(torch.bfloat16).save_pretrained(arguments.folder)
    OwlViTImageProcessorPil(size={"height": IMAGE, "width": IMAGE}, image_mean=MEAN,
                            image_std=STD).save_pretrained(arguments.folder)


if __name__ == "__main__":
    main()
