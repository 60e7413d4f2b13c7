#!/usr/bin/env python3
"""Trains a small model in the form of LLaVA-1.5 that names the things in drawn pictures, and exports it in bf16.

First the vision tower and the projector alone learn to name what lies in each patch, in the language model's
embeddings of words, as captions align the two in published models; then all of it learns to answer, with that naming
as a second aim that fades away.

Run as: python3 train_language.py TRAIN.npz VALIDATION.npz FOLDER [--steps 1000]   (a log to standard output)
"""
import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AutoTokenizer, LlavaConfig, LlavaForConditionalGeneration, LlavaProcessor
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from cache import Cache
from pictures import GRID, IMAGE, PATCH, THINGS
from questions import conversations, write_tokenizer
from data import arrange
from model import MEAN, STD, features_of, initialise, pixels_of, read
from muon import Muon

BATCH = 32


def build(image_token: int, vocabulary: int) -> LlavaForConditionalGeneration:
    model = LlavaForConditionalGeneration(LlavaConfig(
        vision_config={"model_type": "clip_vision_model", "hidden_size": 96, "projection_dim": 96,
                       "intermediate_size": 384, "num_hidden_layers": 4, "num_attention_heads": 4,
                       "image_size": IMAGE, "patch_size": PATCH},
        text_config={"model_type": "llama", "hidden_size": 128, "intermediate_size": 352, "num_hidden_layers": 3,
                     "num_attention_heads": 4, "num_key_value_heads": 4, "max_position_embeddings": 512,
                     "vocab_size": vocabulary, "rms_norm_eps": 1e-5, "bos_token_id": 1, "eos_token_id": 2,
                     "pad_token_id": image_token + 1},
        image_token_index=image_token, vision_feature_layer=-2, vision_feature_select_strategy="default",
        projector_hidden_act="gelu", tie_word_embeddings=False))
    initialise(model, 1)
    return model


class Answering:
    """A model, and what it is asked."""
    def __init__(self, folder: Path, trained: bool) -> None:
        """The folder's tokenizer, and its model if that is trained, else a new one."""
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.image = self.tokenizer.convert_tokens_to_ids("<image>")
        if trained:
            self.model = LlavaForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)
        else:
            self.model = build(self.image, (self.image + 2 + 63) // 64 * 64)
        self.words = torch.tensor([self.tokenizer(thing, add_special_tokens=False).input_ids[-1] for thing in THINGS])

    def row(self, asked: list[tuple[str, str]]):
        """As data.arrange wants it."""
        first, ids, targets, owners, places = [], [], [], [], []
        for number, (prompt, answer) in enumerate(asked):
            before = self.tokenizer(prompt).input_ids
            whole = self.tokenizer(f"{prompt} {answer}").input_ids + [2]
            assert whole[:len(before)] == before
            at = before.index(self.image)
            first, after, question = before[:at], whole[at + 1:], len(before) - at - 1
            ids += after[:-1]
            targets += [-100] * (question - 1) + after[question:]
            owners += [number] * (len(after) - 1)
            places += range(len(after) - 1)
        return first, ids, targets, owners, places

    def project(self, images: np.ndarray) -> Tensor:
        """What the language model reads of each picture [n, patches, width]."""
        inner = self.model.model
        return inner.multi_modal_projector(features_of(inner.vision_tower, pixels_of(torch.from_numpy(images))))

    def naming_loss(self, projected: Tensor, labels: Tensor) -> Tensor:
        """Of naming each patch's thing, or none, in the embeddings of words."""
        words = self.model.model.language_model.embed_tokens.weight[self.words]
        logits = 0.3 * F.rms_norm(projected, projected.shape[-1:]) @ words.T
        logits = torch.cat((logits, torch.full_like(logits[..., :1], 3.0)), -1)  # the last: none
        return F.cross_entropy(logits.flatten(0, 1), labels.flatten() % logits.shape[-1])

    def answering(self, images: np.ndarray, projected: Tensor, asked) -> tuple[Tensor, Tensor]:
        """The logits where an answer's token is to be said, and those tokens."""
        batch = arrange(torch.from_numpy(images), [self.row(questions) for questions in asked], [], GRID * GRID)
        return read(self.model, batch, projected)


@torch.no_grad()
def validate(answering: Answering, held: Cache) -> dict[str, float]:
    """Percent of the likeliest first words of a description that are there, and of right yes and no."""
    rng = np.random.default_rng(5)
    yes, no = (answering.tokenizer(word, add_special_tokens=False).input_ids[-1] for word in ("yes", "no"))
    first, right = [], []
    for begin in range(0, len(held), BATCH):
        numbers = range(begin, min(begin + BATCH, len(held)))
        images = held.images[begin:begin + BATCH]
        asked = [conversations(rng, held.things_of(number)) for number in numbers]
        logits, targets = answering.answering(images, answering.project(images), asked)
        choice = torch.isin(targets, torch.tensor([yes, no]))
        right += (logits[choice].argmax(-1) == targets[choice]).tolist()
        at = 0
        for number, questions in zip(numbers, asked):
            said = sum(target != -100 for target in answering.row(questions)[2])
            there = {int(answering.words[THINGS.index(thing)]) for thing in held.things_of(number)}
            first.append(int(logits[at].argmax()) in there)
            at += said
    return {"first word": round(100 * float(np.mean(first)), 2), "yes or no": round(100 * float(np.mean(right)), 2)}


def rate_at(step: int, steps: int) -> float:
    """The learning rate's factor: a short rise, constant, and a straight fall over the last third."""
    return min(1, (step + 1) / 30, 3 * (steps - step) / steps)


def train(answering: Answering, learnt: Cache, held: Cache, steps: int, first: int) -> None:
    inner, outer = [], []
    for name, weight in answering.model.named_parameters():
        (inner if weight.dim() == 2 and ".layers." in name else outer).append(weight)
    muon, adam = Muon(inner), torch.optim.AdamW(outer, betas=(0.9, 0.98), weight_decay=0.0)
    start, sums = time.process_time(), np.zeros(2)
    for step in range(steps):
        rng = np.random.default_rng([7, step])  # a step is a function of its number
        numbers = rng.integers(len(learnt), size=BATCH)
        images, level = learnt.images[numbers], rate_at(step, steps)
        projected = answering.project(images)
        naming = answering.naming_loss(projected, learnt.labels_of(numbers))
        loss, answered = naming * (1.0 if step < first else 0.3 * level), torch.zeros(())
        if step >= first:
            asked = [conversations(rng, learnt.things_of(number)) for number in numbers]
            answered = F.cross_entropy(*answering.answering(images, projected, asked))
        (loss + answered).backward()
        rate = 0.02 * level * (1 if step < first else 0.5)
        for group in adam.param_groups:
            group["lr"] = 0.15 * rate
        nn.utils.clip_grad_norm_(outer, 1.0)
        muon.step(rate)
        adam.step()
        answering.model.zero_grad()
        sums += (float(naming.detach()), float(answered.detach()))
        if (step + 1) % 50 == 0:
            line = {"step": step + 1, "naming": round(sums[0] / 50, 4), "answering": round(sums[1] / 50, 4),
                    "seconds": round(time.process_time() - start)}
            if (step + 1) % 200 == 0 and step >= first or step + 1 == steps:
                line |= validate(answering, held)
            print(json.dumps(line), flush=True)
            sums[:] = 0


def export(answering: Answering, folder: Path) -> None:
    answering.model.to(torch.bfloat16).save_pretrained(folder)
    pictures = CLIPImageProcessorPil(size={"shortest_edge": IMAGE}, crop_size={"height": IMAGE, "width": IMAGE},
                                     image_mean=MEAN, image_std=STD)
    LlavaProcessor(pictures, answering.tokenizer, patch_size=PATCH, vision_feature_select_strategy="default",
                   image_token="<image>", num_additional_image_tokens=1).save_pretrained(folder)
    write_tokenizer(folder)  # in the published form, not in that of transformers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("train", type=Path)
    parser.add_argument("validation", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--first", type=int, default=350, help="steps without the language model")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    write_tokenizer(arguments.folder)
    answering = Answering(arguments.folder, trained=False)
    count = sum(weight.numel() for weight in answering.model.parameters())
    print(json.dumps({"parameters": count, "steps": arguments.steps, "first": arguments.first}), flush=True)
    train(answering, Cache(arguments.train), Cache(arguments.validation), arguments.steps, arguments.first)
    export(answering, arguments.folder)


if __name__ == "__main__":
    main()
