#!/usr/bin/env python3
"""Compares the program's errors with those of torch's float32, both against float64, on folders of make_heldout.py.

The golden test allows a case four times torch's error. torch multiplies few rows by a weight with another kernel than
many, which sums in another order and errs less; so its error is taken a second time, with each linear layer's rows
repeated until the kernel is the one of long prompts. Printed are, for each model and number of positions, the errors of
a stage in units of 2^-24 of its norm, as the mean square over all stages has them, and how many stages are beyond four
times the other's, by the largest error or the relative one: the program's beyond torch's, torch's beyond the program's,
and the program's beyond that of torch with many rows.

Run as: python3 golden/measure_heldout.py MMNEURON FOLDER...
"""
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from math import sqrt
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor, nn

import hooks
import inputs as model_inputs
from capture import inputs_from_file
from make_golden import error_against, prepare_libraries
from make_original import is_original, load_model

BOUND = 4.0  # of tests/model/test_golden.c
POSITIONS = (4, 8, 16, 10**9)  # at most, of the rows of the table
ROWS = 64  # so many take the kernel of long prompts
Error = tuple[float, float]  # relative, largest


@dataclass
class Tally:
    """Of the stages of one row of the table: by the program, by torch, and by torch with many rows."""
    stages: int = 0
    squares: list[float] = field(default_factory=lambda: [0.0] * 3)
    beyond: list[int] = field(default_factory=lambda: [0] * 3)

    def add(self, ours: Error, torchs: Error, many: Error) -> None:
        self.stages += 1
        for i, error in enumerate((ours, torchs, many)):
            self.squares[i] += error[0] ** 2
        for i, (left, right) in enumerate(((ours, torchs), (torchs, ours), (ours, many))):
            self.beyond[i] += any(a > BOUND * b for a, b in zip(left, right))


def with_many_rows(linear: nn.Linear, arguments: tuple[Tensor], output: Tensor) -> Tensor:
    rows = arguments[0].reshape(-1, linear.in_features)
    repeated = rows.repeat(-(-ROWS // len(rows)), 1)
    return nn.functional.linear(repeated, linear.weight, linear.bias)[:len(rows)].reshape(output.shape)


def load_with_many_rows(folder: Path) -> nn.Module:
    if is_original(folder):
        model = load_model(folder)
    else:
        model = model_inputs.model_class(folder).from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager").eval()
    for module in model.modules():
        if isinstance(module, nn.Linear):
            module.register_forward_hook(with_many_rows)
    return model


def measure(program: str, checkpoint: Path, model: nn.Module, case: Path,
            tallies: dict[tuple[str, int], Tally]) -> None:
    many = hooks.run(model, inputs_from_file(case, False)[0])
    with tempfile.TemporaryDirectory() as folder:
        dump = Path(folder) / "dump.safetensors"
        subprocess.run([program, "dump", "--inputs", case, "-o", dump, "--quiet", checkpoint], check=True,
                       stdout=subprocess.DEVNULL)
        with safe_open(case, "pt") as golden, safe_open(dump, "pt") as found:
            positions = golden.get_tensor("input_ids").numel()
            row = next(limit for limit in POSITIONS if positions <= limit)
            for name in golden.keys():
                if f"error.{name}" not in golden.metadata():
                    continue
                truth = golden.get_tensor(name)
                relative, largest = map(float, golden.metadata()[f"error.{name}"].split())
                tallies[checkpoint.name, row].add(error_against(truth, found.get_tensor(name)), (relative, largest),
                                                  error_against(truth, many[name]))


def main() -> None:
    program, folders = sys.argv[1], map(Path, sys.argv[2:])
    tallies: dict[tuple[str, int], Tally] = defaultdict(Tally)
    prepare_libraries()
    for checkpoint in sorted(path for folder in folders for path in folder.glob("checkpoints/*")):
        model = load_with_many_rows(checkpoint)
        for case in sorted((checkpoint.parent.parent / "cases" / checkpoint.name).glob("*.safetensors")):
            measure(program, checkpoint, model, case, tallies)
    print(f"{'model':20}positions  stages   ours  torch's  of many rows   ours beyond  torch's beyond  beyond many rows")
    for (model, limit), tally in sorted(tallies.items()):
        errors = [2**24 * sqrt(square / tally.stages) for square in tally.squares]
        up_to = "more" if limit == POSITIONS[-1] else f"to {limit}"
        print(f"{model:20}{up_to:>9}{tally.stages:8}{errors[0]:7.2f}{errors[1]:9.2f}{errors[2]:14.2f}"
              f"{tally.beyond[0]:14}{tally.beyond[1]:16}{tally.beyond[2]:18}")


if __name__ == "__main__":
    main()
