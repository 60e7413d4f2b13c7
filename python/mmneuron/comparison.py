"""Comparing forward passes stage by stage: dumps, and transformers' models in this process."""
from __future__ import annotations

import ctypes
import tempfile
from collections.abc import Iterable
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from ._calls import Path, names, path, text
from ._library import Status, VerifyOptions
from .model import Images, Model, Prompt
from .results import Result, made

if TYPE_CHECKING:
    import torch


class Verification(Result):
    """What came of a comparison. Table "stages": for each the relative RMS of the differences, what
    was allowed, and whether it is `outside`. str() is the table that `mmneuron verify` prints."""

    @property
    def different(self) -> bool:
        return self.records("result")[0]["different"]

    @property
    def first_departure(self) -> str | None:
        """The first stage that is outside, in the order of the forward pass."""
        return self.records("result")[0]["first_departure"]


def verify_dumps(dump: Path, reference: Path, *, stages: str | Iterable[str] | None = None,
                 tolerance: float = 0, computed_in: str | None = None, common: bool = False,
                 tile: int | None = None) -> Verification:
    """Compares two dumps, safetensors files.

    tolerance: relative RMS allowed per stage; 0: the reference's own, else by the type that the
    less exact side computed in ("f32" 1e-5, "bf16" 5e-2, "f16" 1e-2), computed_in or what the files
    say. common: pass over stages that only one of them has. tile: compare with this one of several
    tiles.
    """
    options = VerifyOptions(ctypes.sizeof(VerifyOptions), names(stages), tolerance,
                            text(computed_in), common, tile is not None, tile or 0)
    return made("mmn_verify", path(dump), path(reference), options, kind=Verification,
                allowed=(Status.DIFFERENT,))


def verify(torch_model: torch.nn.Module, model: Model, prompt: Prompt, images: Images = (), *,
           stages: str | Iterable[str] = "*", tolerance: float = 0,
           common: bool = False) -> Verification:
    """Runs one prompt through a Hugging Face model and this library, and compares every stage.

    torch_model: of the families that mmneuron runs, on any device and in any type, with any
    attention; nothing in it is changed. It is given the token ids and pixels that the library makes
    of prompt and images, so that what is compared is the forward pass. Stages are on disk
    meanwhile, in the folder of temporary files; patterns choose them. Needs torch and safetensors.
    """
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    from . import transformers_stages
    with tempfile.TemporaryDirectory(prefix="mmneuron-") as folder:
        given, ours, theirs = (FilePath(folder) / name for name in ("given", "ours", "theirs"))
        model.dump(given, prompt, images,
                   stages=("input_ids", "qformer_input_ids", "pixel_values", "image_sizes"))
        model.dump(ours, prompt, images, stages=None if stages == "*" else stages)
        with safe_open(ours, "pt") as dump:
            wanted = ",".join(dump.keys())
        inputs = load_file(given)
        found = transformers_stages.run(torch_model, _as_transformers(torch_model, inputs), wanted)
        found |= {name: value for name, value in inputs.items()
                  if transformers_stages.is_wanted(name, wanted)}
        save_file({name: value.cpu().contiguous() for name, value in found.items()}, theirs,
                  {"format": "mmneuron-dump-1", "dtype": str(torch_model.dtype)})
        return verify_dumps(theirs, ours, tolerance=tolerance, common=common)


def _as_transformers(torch_model: Any,
                     inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The inputs of a dump as transformers takes them, with a batch axis."""
    prepared = {name: value.long()[None] for name, value in inputs.items()
                if name.endswith("input_ids")}
    if "pixel_values" in inputs:
        pixels = inputs["pixel_values"].to(torch_model.dtype)
        if hasattr(torch_model.config, "image_grid_pinpoints"):
            if len(inputs["image_sizes"]) > 1:
                raise ValueError("only one image is compared with LLaVA-NeXT")
            prepared["image_sizes"] = inputs["image_sizes"].long()
            pixels = pixels[None]
        prepared["pixel_values"] = pixels
    return {name: value.to(torch_model.device) for name, value in prepared.items()}
