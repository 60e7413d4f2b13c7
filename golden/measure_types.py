#!/usr/bin/env python3
"""Prints how far PyTorch's bfloat16 and float16 are from the golden cases, which are float64.

verify's tolerances for a side that computed in these types (src/model/tolerance.c) are from here: per stage the
relative rms of the differences, of which the largest over all cases is printed, and the largest of single tokens as
a multiple of it.

Run as: python3 golden/measure_types.py   (a few minutes)
"""
from collections import defaultdict
from pathlib import Path

import torch
from safetensors import safe_open

import hooks
import inputs as model_inputs
from capture import inputs_from_file

HERE = Path(__file__).resolve().parent
FAMILIES = ("vision.layers", "vision.out", "projector", "qformer", "query", "language.layers", "language.norm", "language.logits")


def rms(values: torch.Tensor) -> float:
    return float(values.double().pow(2).mean().sqrt())


def main() -> None:
    for dtype in (torch.bfloat16, torch.float16):
        largest: dict[str, float] = defaultdict(float)
        rows: dict[str, float] = defaultdict(float)
        for case in sorted(HERE.glob("cases/*/*.safetensors")):
            folder = HERE / "checkpoints" / case.parent.name
            model = model_inputs.model_class(folder).from_pretrained(folder, dtype=dtype, attn_implementation="eager").eval()
            anyres = hasattr(model.config, "image_grid_pinpoints")
            with safe_open(case, "pt") as golden:
                names = [name for name in golden.keys() if golden.get_tensor(name).is_floating_point()]
                if anyres and "image_sizes" in golden.keys() and len(golden.get_tensor("image_sizes")) > 1:
                    continue
                if "image_sizes" in golden.keys() and "pixel_values" not in golden.keys():
                    continue  # the case does not hold its picture
                prepared, _ = inputs_from_file(case, anyres)
                prepared = {k: v.to(dtype) if v.is_floating_point() else v for k, v in prepared.items()}
                stages = hooks.run(model, prepared, "*")
                for name in names:
                    if name == "pixel_values" or name not in stages:
                        continue
                    truth, found = golden.get_tensor(name).double(), stages[name].double()
                    family = next((f for f in FAMILIES if name.startswith(f)), name)
                    error = rms(found - truth) / rms(truth)
                    largest[family] = max(largest[family], error)
                    width = truth.shape[-1]
                    by_row = (found - truth).reshape(-1, width).pow(2).mean(1).sqrt() / (
                        truth.reshape(-1, width).pow(2).mean(1).sqrt().clamp_min(1e-3 * rms(truth)))
                    rows[family] = max(rows[family], float(by_row.max()))
        for family in largest:
            print(f"{dtype} {family}: {largest[family]:.1e}, one token {rows[family]:.1e}")


if __name__ == "__main__":
    main()
