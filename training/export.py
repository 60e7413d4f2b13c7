#!/usr/bin/env python3
"""Writes a trained state as a published LLaVA-NeXT checkpoint in bf16.

Run as: python3 export.py CACHE FOLDER [--state FILE]
"""
import argparse
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file

from data import Words
from generate import PATCH, TILE
from model import MEAN, PINPOINTS, STD, build

# transformers' names and those of published checkpoints
PREFIXES = (("model.vision_tower.", "vision_tower.vision_model."),
            ("model.multi_modal_projector.", "multi_modal_projector."),
            ("model.language_model.", "language_model.model."),
            ("model.image_newline", "image_newline"), ("lm_head.", "language_model.lm_head."))


def published(name: str) -> str:
    for ours, theirs in PREFIXES:
        if name.startswith(ours):
            return theirs + name[len(ours):]
    raise ValueError(name)


def configs(model, words: Words) -> dict[str, dict]:
    vision, text = model.config.vision_config, model.config.text_config
    pad = words.image + 1
    return {
        "config": {
            "architectures": ["LlavaNextForConditionalGeneration"], "ignore_index": -100,
            "image_grid_pinpoints": PINPOINTS, "image_token_index": words.image,
            "model_type": "llava_next", "pad_token_id": pad, "projector_hidden_act": "gelu",
            "text_config": {
                "architectures": ["LlamaForCausalLM"], "hidden_size": text.hidden_size,
                "intermediate_size": text.intermediate_size, "max_position_embeddings": 4096,
                "model_type": "llama", "num_attention_heads": text.num_attention_heads,
                "num_hidden_layers": text.num_hidden_layers,
                "num_key_value_heads": text.num_key_value_heads, "rms_norm_eps": 1e-05,
                "torch_dtype": "bfloat16", "vocab_size": text.vocab_size},
            "tie_word_embeddings": False, "torch_dtype": "bfloat16",
            "transformers_version": "4.39.0.dev0", "use_image_newline_parameter": True,
            "vision_config": {
                "hidden_size": vision.hidden_size, "image_size": TILE,
                "intermediate_size": vision.intermediate_size, "model_type": "clip_vision_model",
                "num_attention_heads": vision.num_attention_heads,
                "num_hidden_layers": vision.num_hidden_layers, "patch_size": PATCH,
                "projection_dim": vision.projection_dim, "vocab_size": 32000},
            "vision_feature_layer": -2, "vision_feature_select_strategy": "default",
            "vocab_size": text.vocab_size},
        "generation_config": {"_from_model_config": True, "bos_token_id": 1, "eos_token_id": 2,
                              "pad_token_id": pad, "transformers_version": "4.39.0.dev0"},
        "preprocessor_config": {
            "aspect_ratio_setting": "anyres", "crop_size": {"height": TILE, "width": TILE},
            "do_center_crop": True, "do_convert_rgb": True, "do_normalize": True,
            "do_rescale": True, "do_resize": True, "image_grid_pinpoints": PINPOINTS,
            "image_mean": MEAN, "image_processor_type": "LlavaNextImageProcessor",
            "image_std": STD, "processor_class": "LlavaNextProcessor", "resample": 3,
            "rescale_factor": 0.00392156862745098, "size": {"shortest_edge": TILE}},
        "processor_config": {"image_token": "<image>", "num_additional_image_tokens": 1,
                             "patch_size": PATCH, "processor_class": "LlavaNextProcessor",
                             "vision_feature_select_strategy": "default"}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cache", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--state", type=Path)
    arguments = parser.parse_args()
    words = Words(arguments.cache / "tokenizer")
    model = build(words.image, words.vocabulary)
    model.load_state_dict(torch.load(arguments.state or arguments.cache / "state.pt")["model"])
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for name, value in configs(model, words).items():
        (arguments.folder / f"{name}.json").write_text(json.dumps(value, indent=2) + "\n")
    for file in (arguments.cache / "tokenizer").iterdir():
        shutil.copyfile(file, arguments.folder / file.name)
    weights = {published(name): value.to(torch.bfloat16).contiguous()
               for name, value in model.state_dict().items() if "position_ids" not in name}
    save_file(weights, arguments.folder / "model.safetensors", {"format": "pt"})
    (arguments.folder / "model.safetensors").chmod(0o644)


if __name__ == "__main__":
    main()
