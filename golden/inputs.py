"""Makes a model's inputs from a prompt and image files as mmneuron does."""
from collections.abc import Sequence
from pathlib import Path

import PIL
import torch
from PIL import Image
from torch import Tensor
from transformers import (AutoConfig, AutoImageProcessor, AutoModelForCausalLM, AutoModelForImageTextToText,
                          AutoProcessor, LlamaTokenizer, PreTrainedTokenizerFast)
from transformers.image_utils import load_image

import hooks

PLACEHOLDER = "<image>"


def horizontal_first() -> bool:
    """Whether Pillow resizes rows before columns: always up to version 12, not always since 13."""
    return int(PIL.__version__.split(".")[0]) <= 12


def join(images: Sequence[Image.Image]) -> Image.Image:
    """Side by side, tops aligned, on black."""
    joined = Image.new("RGB", (sum(i.width for i in images), max(i.height for i in images)))
    left = 0
    for image in images:
        joined.paste(image, (left, 0))
        left += image.width
    return joined


def load_images(prompt: str, files: Sequence[Path]) -> list[Image.Image]:
    """One image for each placeholder; several files at a single placeholder are joined.

    A prompt without any takes one image, as InstructBLIP does."""
    images = [load_image(str(file)) for file in files]
    placeholders = prompt.count(PLACEHOLDER) or min(len(images), 1)
    if placeholders == 1 and len(images) > 1:
        images = [join(images)]
    if len(images) != placeholders:
        raise ValueError(f"{placeholders} times {PLACEHOLDER}, but {len(images)} images")
    return images


def is_text_only(model: str | Path) -> bool:
    return not hasattr(AutoConfig.from_pretrained(model), "vision_config")


def model_class(model: str | Path) -> type:
    """The class of transformers that loads the model with its head."""
    return AutoModelForCausalLM if is_text_only(model) else AutoModelForImageTextToText


def load_processor(model: str | Path) -> AutoProcessor | PreTrainedTokenizerFast:
    """The model's processor with the image processor that works by Pillow and NumPy, or where there is only text its
    tokenizer.

    It obeys tokenizer.json: transformers 5 replaces parts of it in LLaMA's (doc/differences.md)."""
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(Path(model) / "tokenizer.json"))
    if is_text_only(model):
        return tokenizer
    processor = AutoProcessor.from_pretrained(model)
    if isinstance(processor.tokenizer, LlamaTokenizer):
        processor.tokenizer._tokenizer = tokenizer._tokenizer
    processor.image_processor = AutoImageProcessor.from_pretrained(model, backend="pil")
    return processor


def tokenizer_of(processor: AutoProcessor | PreTrainedTokenizerFast) -> PreTrainedTokenizerFast:
    return getattr(processor, "tokenizer", processor)


def prepare(processor: AutoProcessor | PreTrainedTokenizerFast, prompt: str, files: Sequence[Path]) -> dict[str, Tensor]:
    """input_ids [1, T]; with images pixel_values, in f32, and image_sizes; InstructBLIP: qformer_input_ids."""
    images = load_images(prompt, files)
    if isinstance(processor, PreTrainedTokenizerFast):
        made = processor(prompt, return_tensors="pt")
    else:
        made = processor(images=images or None, text=prompt, return_tensors="pt")
    kept = ("input_ids", "qformer_input_ids", "pixel_values", "image_sizes")
    return {name: made[name] for name in kept if name in made}


def as_stages(inputs: dict[str, Tensor], sizes: Sequence[tuple[int, int]]) -> dict[str, Tensor]:
    """The inputs as dumps hold them: no batch axis, tile after tile, ids as 32-bit integers.

    `sizes` are the images' (height, width). Tiles that only fill up a batch are left out.
    """
    stages = {"input_ids": inputs["input_ids"][0].to(torch.int32)}
    if "qformer_input_ids" in inputs:
        stages["qformer_input_ids"] = inputs["qformer_input_ids"][0].to(torch.int32)
    if "pixel_values" not in inputs:
        return stages
    pixels = inputs["pixel_values"]
    if pixels.dim() == 5:
        pixels = pixels[hooks.is_tile(pixels)]
    stages["pixel_values"] = pixels
    stages["image_sizes"] = torch.tensor(sizes, dtype=torch.int32)
    return stages
