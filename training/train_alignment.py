#!/usr/bin/env python3
"""Trains the alignment network W of a joint model (arXiv 2405.14612): from the embedding that an OWL-ViT detector reads
its boxes from to the image features of a LLaVA-1.5 model, both of which stay as they are.

For each picture W reads the rows of patches of the detector's vision hidden_states[-2] (what its last layer reads), and
learns by the mean squared error over all elements to give what LLaVA's projector gives for the same patches. Both
models see the whole picture, resized to a square without a crop. Linear layers with ReLU between them, by AdamW; the
last batch of an epoch is dropped if it is not full. The defaults are the published settings.

Run as: python3 train_alignment.py OWLVIT LLAVA PICTURES W.safetensors [options]
OWLVIT and LLAVA are checkpoint folders that have as many patches, PICTURES a folder of image files (also in folders
below it). The result has linear_1.weight [outputs, inputs], linear_1.bias and so on, and names its activation in its
metadata. The same pictures, options and version of PyTorch on the same kind of processor give the same file.
"""
import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import AutoConfig, LlavaForConditionalGeneration, OwlViTForObjectDetection

SUFFIXES = {".bmp", ".jpeg", ".jpg", ".png", ".webp"}


def patches_of(vision) -> tuple[int, int]:
    """Pixels and patches along a side."""
    return vision.image_size, vision.image_size // vision.patch_size


def check(detector: Path, language: Path) -> None:
    """Leaves with a sentence if the two cannot be joined."""
    owlvit, llava = AutoConfig.from_pretrained(detector), AutoConfig.from_pretrained(language)
    if owlvit.model_type != "owlvit":
        sys.exit(f"{detector}: is of the type \"{owlvit.model_type}\"; expected \"owlvit\"")
    if llava.model_type != "llava":
        sys.exit(f"{language}: is of the type \"{llava.model_type}\"; expected \"llava\", whose image features are "
                 "one for each patch of one square picture")
    if llava.vision_feature_select_strategy != "default":
        sys.exit(f"{language}: its image features have one for the class token too; expected those of patches only")
    theirs, ours = patches_of(owlvit.vision_config)[1], patches_of(llava.vision_config)[1]
    if theirs != ours:
        sys.exit(f"{detector} has {theirs} x {theirs} patches, {language} {ours} x {ours}: a picture's image features "
                 "would not lie where the detector's patches do; expected as many in both")


def normalisation_of(folder: Path) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each channel."""
    for name in ("preprocessor_config.json", "processor_config.json"):
        if (folder / name).exists():
            settings = json.loads((folder / name).read_text(encoding="utf-8"))
            settings = settings.get("image_processor", settings)
            if "image_mean" in settings:
                return torch.tensor(settings["image_mean"]), torch.tensor(settings["image_std"])
    sys.exit(f"{folder}: no preprocessor_config.json or processor_config.json that has image_mean")


class Eye:
    """How a model sees a picture file."""
    def __init__(self, folder: Path, side: int) -> None:
        self.side, (self.mean, self.deviation) = side, normalisation_of(folder)

    def __call__(self, image: Image.Image) -> Tensor:
        """[3, side, side]"""
        square = np.asarray(image.resize((self.side, self.side), Image.Resampling.BICUBIC), np.float32)
        return ((torch.from_numpy(square / 255) - self.mean) / self.deviation).permute(2, 0, 1)


class Pair:
    """The detector's embedding of pictures and LLaVA's image features."""
    def __init__(self, detector: Path, language: Path) -> None:
        owlvit = OwlViTForObjectDetection.from_pretrained(detector, dtype=torch.float32).eval()
        llava = LlavaForConditionalGeneration.from_pretrained(language, dtype=torch.float32).eval()
        self.tower, self.llava = owlvit.owlvit.vision_model, llava.model
        self.eyes = (Eye(detector, owlvit.config.vision_config.image_size),
                     Eye(language, llava.config.vision_config.image_size))
        self.inputs = owlvit.config.vision_config.hidden_size
        self.outputs = llava.config.text_config.hidden_size

    @torch.inference_mode()
    def see(self, files: list[Path]) -> tuple[Tensor, Tensor]:
        """[n, patches, inputs] and [n, patches, outputs]"""
        images = [Image.open(file).convert("RGB") for file in files]
        ours, theirs = (torch.stack([eye(image) for image in images]) for eye in self.eyes)
        shared = self.tower(ours, output_hidden_states=True).hidden_states[-2][:, 1:]
        wanted = self.llava.get_image_features(theirs).pooler_output
        return shared.clone(), torch.stack(list(wanted)).clone()


def build(inputs: int, widths: list[int], outputs: int) -> nn.Sequential:
    sizes = [inputs, *widths, outputs]
    layers: list[nn.Module] = []
    for before, after in zip(sizes, sizes[1:]):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def explained(network: nn.Module, seen: list[tuple[Tensor, Tensor]]) -> tuple[float, float]:
    """The mean squared error over all pictures, and the share of the features' variance that is left."""
    wanted = torch.cat([features for _, features in seen])
    with torch.inference_mode():
        error = float(torch.cat([F.mse_loss(network(shared), features, reduction="none")
                                 for shared, features in seen]).mean())
    return error, error / float((wanted - wanted.mean((0, 1))).square().mean())


def train(network: nn.Module, pair: Pair, files: list[Path], held: list, options: argparse.Namespace) -> None:
    optimizer = torch.optim.AdamW(network.parameters(), lr=options.rate, weight_decay=options.decay)
    generator = torch.Generator().manual_seed(options.seed)
    seen: dict[int, tuple[Tensor, Tensor]] = {}  # with --keep
    start, step = time.process_time(), 0
    for epoch in range(options.epochs):
        order, total = torch.randperm(len(files), generator=generator).tolist(), 0.0
        batches = [order[i:i + options.batch] for i in range(0, len(order) - options.batch + 1, options.batch)]
        for batch in batches:
            new = [i for i in batch if i not in seen]
            if new:
                seen |= {i: features for i, features in zip(new, zip(*pair.see([files[i] for i in new])))}
            shared, wanted = (torch.stack(part) for part in zip(*(seen[i] for i in batch)))
            if not options.keep:
                seen.clear()
            if options.fall:
                for group in optimizer.param_groups:
                    group["lr"] = options.rate * (1 - step / (len(batches) * options.epochs))
            loss = F.mse_loss(network(shared), wanted)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step, total = step + 1, total + float(loss.detach())
        line = {"epoch": epoch + 1, "steps": step, "error": round(total / len(batches), 5)}
        if held:
            error, left = explained(network, held)
            line |= {"held out": round(error, 5), "of the variance": round(left, 4)}
        print(json.dumps(line | {"seconds": round(time.process_time() - start)}), flush=True)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("owlvit", type=Path)
    parser.add_argument("llava", type=Path)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--widths", type=int, nargs="*", default=[8192, 8192, 8192], help="of hidden layers")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=1e-4)
    parser.add_argument("--decay", type=float, default=1e-2, help="AdamW's weight decay")
    parser.add_argument("--fall", action="store_true", help="let the rate fall to 0 in a straight line")
    parser.add_argument("--keep", action="store_true", help="keep what the models see, for later epochs")
    parser.add_argument("--held-out", type=int, default=0, dest="held",
                        help="this many pictures, the last by name, only to measure the error on")
    parser.add_argument("--dtype", choices=("float32", "float16", "bfloat16"), default="float32", help="of the result")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def main() -> None:
    options = parse()
    torch.set_num_threads(options.threads)
    check(options.owlvit, options.llava)
    files = sorted(file for file in options.pictures.rglob("*") if file.suffix.lower() in SUFFIXES)
    count = len(files) - options.held
    if count < options.batch:
        sys.exit(f"{options.pictures}: {len(files)} pictures, {options.held} held out; expected {options.batch}, a "
                 "batch, or more to learn from")
    pair = Pair(options.owlvit, options.llava)
    torch.manual_seed(options.seed)
    network = build(pair.inputs, options.widths, pair.outputs)
    held = [pair.see(files[i:i + options.batch]) for i in range(count, len(files), options.batch)]
    print(json.dumps({"pictures": count, "parameters": sum(w.numel() for w in network.parameters())}), flush=True)
    train(network, pair, files[:count], held, options)
    linear = [layer for layer in network if isinstance(layer, nn.Linear)]
    dtype = getattr(torch, options.dtype)
    save_file({f"linear_{i + 1}.{kind}": getattr(layer, kind).detach().to(dtype)
               for i, layer in enumerate(linear) for kind in ("weight", "bias")}, options.output,
              {"format": "pt", "activation": "relu"})
    options.output.chmod(0o644)


if __name__ == "__main__":
    main()
