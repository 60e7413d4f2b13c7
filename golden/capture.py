#!/usr/bin/env python3
"""Writes the stages of a forward pass in transformers as a dump of mmneuron has them.

For validating another backend, or another number format or attention of this one: capture here what the
model does there, then compare with `mmneuron verify D.safetensors G.safetensors`. Where it runs, in
which floating-point type and with which attention is free; dumps keep the type.

Run as: python3 golden/capture.py MODEL --image F --prompt P -o D.safetensors
"""
import argparse
import sys
from pathlib import Path

import PIL
import torch
import transformers
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

import hooks
import inputs as model_inputs
from truth import float64_arithmetic

DTYPES = {"float64": torch.float64, "float32": torch.float32, "float16": torch.float16,
          "bfloat16": torch.bfloat16}


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="a Hugging Face folder")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="D.safetensors")
    parser.add_argument("--prompt", help="raw text, with <image> where an image goes")
    parser.add_argument("--image", type=Path, action="append", default=[], metavar="F",
                        help="JPEG or PNG; several at a single <image> are joined side by side")
    parser.add_argument("--inputs", type=Path, metavar="G.safetensors",
                        help="take input_ids, pixel_values and image_sizes from a dump instead")
    parser.add_argument("--stages", default="*", metavar="GLOB",
                        help="patterns separated by commas (all)")
    parser.add_argument("--generate", type=int, default=0, metavar="N",
                        help="tokens to generate greedily")
    parser.add_argument("--gradient-of", metavar="WORD",
                        help="also the gradients of ln p of WORD's first token behind the prompt")
    parser.add_argument("--logit", action="store_true", help="gradients of the token's logit instead")
    parser.add_argument("--before", type=int, default=0, metavar="N",
                        help="gradients at the position N before the last one (0)")
    parser.add_argument("--dtype", choices=DTYPES, default="float32")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, mps, ...")
    parser.add_argument("--attention", default="eager", help="eager, sdpa, flash_attention_2, ...")
    arguments = parser.parse_args()
    if (arguments.prompt is None) == (arguments.inputs is None):
        parser.error("give either --prompt or --inputs")
    return arguments


def inputs_from_prompt(arguments: argparse.Namespace) -> tuple[dict[str, Tensor], hooks.Stages]:
    """What the model takes, and the same as stages."""
    if not model_inputs.horizontal_first():
        print(f"Pillow {PIL.__version__} resizes images that shrink mostly in height in another "
              "order than mmneuron does by default; their pixel_values will differ",
              file=sys.stderr)
    processor = model_inputs.load_processor(arguments.model)
    prepared = model_inputs.prepare(processor, arguments.prompt, arguments.image)
    images = model_inputs.load_images(arguments.prompt, arguments.image)
    sizes = [(image.height, image.width) for image in images]
    return prepared, model_inputs.as_stages(prepared, sizes)


def inputs_from_file(file: Path, is_anyres: bool) -> tuple[dict[str, Tensor], hooks.Stages]:
    names = ("input_ids", "qformer_input_ids", "pixel_values", "image_sizes")
    with safe_open(file, "pt") as dump:
        stages = {name: dump.get_tensor(name) for name in names if name in dump.keys()}
    prepared = {"input_ids": stages["input_ids"].long()[None]}
    if "qformer_input_ids" in stages:
        prepared["qformer_input_ids"] = stages["qformer_input_ids"].long()[None]
    if "pixel_values" in stages:
        pixels = stages["pixel_values"]
        if is_anyres:
            if len(stages["image_sizes"]) > 1:
                raise SystemExit("--inputs: only one image is supported for LLaVA-NeXT")
            prepared["image_sizes"] = stages["image_sizes"].long()
            pixels = pixels[None]
        prepared["pixel_values"] = pixels
    return prepared, stages


def generate(model: torch.nn.Module, prompt: dict[str, Tensor], limit: int) -> Tensor:
    with torch.no_grad():
        ids = model.generate(**prompt, attention_mask=torch.ones_like(prompt["input_ids"]),
                             max_new_tokens=limit, do_sample=False)
    return ids[0, prompt["input_ids"].shape[1]:].to(torch.int32)


def record(model: torch.nn.Module, prepared: dict[str, Tensor], arguments: argparse.Namespace) -> hooks.Stages:
    """The stages of the forward pass, and of the way back where gradients are wanted."""
    stages = hooks.run(model, prepared, arguments.stages)
    if arguments.gradient_of is not None:
        tokenizer = model_inputs.tokenizer_of(model_inputs.load_processor(arguments.model))
        token = tokenizer(arguments.gradient_of, add_special_tokens=False).input_ids[0]
        found, _ = hooks.gradients(model, prepared, token, -1 - arguments.before, arguments.logit, arguments.stages)
        stages |= found
    return stages


def main() -> None:
    arguments = parse_arguments()
    dtype = DTYPES[arguments.dtype]
    # float64 starts from float32, so that constants that the model makes are the float32 ones.
    loaded = torch.float32 if dtype == torch.float64 else dtype
    model = model_inputs.model_class(arguments.model).from_pretrained(
        arguments.model, dtype=loaded, attn_implementation=arguments.attention)
    model = model.eval().to(arguments.device)
    if arguments.inputs:
        is_anyres = hasattr(model.config, "image_grid_pinpoints")
        prepared, stages = inputs_from_file(arguments.inputs, is_anyres)
    else:
        prepared, stages = inputs_from_prompt(arguments)

    prepared = {name: value.to(arguments.device, dtype if value.is_floating_point() else None)
                for name, value in prepared.items()}
    if arguments.generate:
        stages["generated_ids"] = generate(model, prepared, arguments.generate)
    if dtype == torch.float64:
        model = model.double()
        with float64_arithmetic():
            stages |= record(model, prepared, arguments)
    else:
        stages |= record(model, prepared, arguments)
    stages = {name: value.cpu().contiguous() for name, value in stages.items()
              if hooks.is_wanted(name, arguments.stages)}
    save_file(stages, arguments.output, {
        "format": "mmneuron-dump-1", "dtype": arguments.dtype, "device": arguments.device,
        "attention": arguments.attention, "torch": torch.__version__,
        "transformers": transformers.__version__, "Pillow": PIL.__version__})
    print(f"{arguments.output}: {len(stages)} stages")


if __name__ == "__main__":
    main()
