#!/usr/bin/env python3
"""What the exported detector finds, and what the language model says with its own eyes, through the detector's, and of
grey pictures, in percent over held-out pictures.

Run as: python3 evaluate.py OWLVIT LLAVA W.safetensors TEST.npz
"""
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import OwlViTForObjectDetection

import train_detector
from cache import Cache
from train_alignment import build
from train_language import Answering, validate
from model import pixels_of


class Grey(Answering):
    """Sees nothing."""
    def project(self, images: np.ndarray) -> Tensor:
        return super().project(np.full_like(images, 127))


class Joint(Answering):
    """Sees through the detector and the alignment."""
    def __init__(self, folder: Path, detector: nn.Module, alignment: Path) -> None:
        super().__init__(folder, trained=True)
        self.tower = detector.owlvit.vision_model
        tensors = load_file(alignment)
        layers = [tensors[f"linear_{i}.weight"] for i in range(1, len(tensors) // 2 + 1)]
        self.network = build(layers[0].shape[1], [layer.shape[0] for layer in layers[:-1]], layers[-1].shape[0])
        for parameter, value in zip(self.network.parameters(), (tensors[f"linear_{i + 1}.{kind}"] for i in
                                    range(len(layers)) for kind in ("weight", "bias"))):
            parameter.data.copy_(value)

    def project(self, images: np.ndarray) -> Tensor:
        pixels = pixels_of(torch.from_numpy(images))
        return self.network(self.tower(pixels, output_hidden_states=True).hidden_states[-2][:, 1:])


def main() -> None:
    detector_folder, language, alignment, file = (Path(argument) for argument in sys.argv[1:])
    torch.set_num_threads(1)
    held = Cache(file)
    detector = OwlViTForObjectDetection.from_pretrained(detector_folder, dtype=torch.float32).eval()
    print("detector:", train_detector.validate(detector, train_detector.encode(detector_folder), held))
    for name, answering in (("language model", Answering(language, trained=True)),
                            ("joint model", Joint(language, detector, alignment)),
                            ("grey pictures", Grey(language, trained=True))):
        print(f"{name}:", validate(answering, held))


if __name__ == "__main__":
    main()
