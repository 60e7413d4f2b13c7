"""Writes tiny LLaVA checkpoints with SigLIP's vision tower and Qwen2, as llava-hf/llava-interleave-qwen-0.5b-hf.

The pictures' sides are no whole number of patches, as published, and the language model's head is its
embedding. The tokenizer is Qwen2's with `<image>` as its last token.
"""
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from transformers import LlavaConfig, LlavaForConditionalGeneration

from make_checkpoints import (DTYPES, HERE, PATCH, VOCABULARY, Draw, Json, Language, Vision, Weights, write_json,
                              write_weights)
from make_tokenizer import added

TOKENIZER = HERE / "qwen2_tokenizer"
# Its own added tokens and, next to them, the placeholder, in the order of their published ids.
TOKENS = {"<|endoftext|>": 480, "<|im_start|>": 481, "<|im_end|>": 482, "<image>": 483}


@dataclass(frozen=True)
class Siglip:
    name: str
    dtype: str
    shards: int
    vision: Vision
    language: Language


SIGLIP = {checkpoint.name: checkpoint for checkpoint in (
    Siglip("llava-interleave-qwen", "bfloat16", 1,
           Vision(width=36, inner=76, layers=3, heads=2, image=48, feature_layers=-1, strategy="full"),
           Language("qwen2", width=40, inner=84, layers=2, heads=4, kv_heads=2, theta=1000000.0)),
)}


def config(checkpoint: Siglip) -> Json:
    """What the published config.json says."""
    vision, language = checkpoint.vision, checkpoint.language
    return {
        "architectures": ["LlavaForConditionalGeneration"], "ignore_index": -100,
        "image_token_index": TOKENS["<image>"], "model_type": "llava", "projector_hidden_act": "gelu",
        "text_config": {
            "_name_or_path": "Qwen/Qwen1.5-0.5B-Chat", "architectures": ["Qwen2ForCausalLM"],
            "bos_token_id": TOKENS["<|endoftext|>"], "eos_token_id": TOKENS["<|im_end|>"],
            "hidden_size": language.width, "intermediate_size": language.inner, "max_position_embeddings": 32768,
            "max_window_layers": 21, "model_type": "qwen2", "num_attention_heads": language.heads,
            "num_hidden_layers": language.layers, "num_key_value_heads": language.kv_heads,
            "rope_theta": language.theta, "sliding_window": 32768, "tie_word_embeddings": True,
            "torch_dtype": checkpoint.dtype, "vocab_size": VOCABULARY},
        "torch_dtype": checkpoint.dtype, "transformers_version": "4.43.0.dev0",
        "vision_config": {
            "hidden_size": vision.width, "image_size": vision.image, "intermediate_size": vision.inner,
            "model_type": "siglip_vision_model", "num_attention_heads": vision.heads,
            "num_hidden_layers": vision.layers, "patch_size": PATCH, "vision_use_head": False},
        "vision_feature_layer": vision.feature_layers, "vision_feature_select_strategy": vision.strategy}


def published(name: str) -> str:
    """The name in published files of a tensor that transformers 5 gives this one."""
    for ours, theirs in (("model.vision_tower.", "vision_tower.vision_model."),
                         ("model.language_model.", "language_model.model."), ("model.", "")):
        if name.startswith(ours):
            return theirs + name.removeprefix(ours)
    return name


def gain(name: str) -> float:
    """How much a matrix multiplies the deviation of what it reads."""
    for part, value in (("q_proj", 1.6), ("k_proj", 1.6), ("out_proj", 0.8), ("o_proj", 0.8), ("fc1", 1.4),
                        ("fc2", 1.2), ("gate_proj", 1.5), ("up_proj", 1.2), ("down_proj", 1.2), ("linear", 1.2)):
        if part in name:
            return value
    return 1.0


def draw_tensor(draw: Draw, name: str, shape: tuple[int, ...]) -> Tensor:
    if "norm" in name:
        return draw.norm(*shape) if name.endswith("weight") else draw.normal(*shape, deviation=0.2)
    if name.endswith("bias"):
        return draw.normal(*shape, deviation=0.3)
    if name.endswith("embed_tokens.weight"):
        # Also the head, which makes logits that are far apart of a norm's output. Neither the placeholder nor
        # the padding is ever generated.
        embedding = draw.normal(*shape, deviation=0.3)
        embedding[TOKENS["<image>"]:] *= 0.01
        return embedding
    if "position_embedding" in name:
        return draw.normal(*shape, deviation=0.5)
    if name.endswith("patch_embedding.weight"):
        return draw.normal(*shape, deviation=1.5 * (3 * PATCH * PATCH) ** -0.5)
    return draw.matrix(*shape, gain(name))


def all_weights(checkpoint: Siglip, seed: int) -> Weights:
    draw = Draw(seed, DTYPES[checkpoint.dtype])
    with torch.device("meta"):
        settings = {key: value for key, value in config(checkpoint).items() if key != "model_type"}
        model = LlavaForConditionalGeneration(LlavaConfig(**settings))
    return {published(name): draw_tensor(draw, name, tuple(value.shape))
            for name, value in sorted(model.state_dict().items()) if name != "lm_head.weight"}


def write_tokenizer(folder: Path) -> None:
    """Qwen2's, whose texts end as answers do in a conversation."""
    shutil.copyfile(TOKENIZER / "tokenizer.json", folder / "tokenizer.json")
    settings = json.loads((TOKENIZER / "tokenizer_config.json").read_text(encoding="utf-8"))
    write_json(folder / "tokenizer_config.json", settings | {
        "added_tokens_decoder": {
            str(number): {key: value for key, value in added(number, token).items() if key != "id"}
            for token, number in TOKENS.items()},
        "eos_token": "<|im_end|>", "processor_class": "LlavaProcessor"})
    write_json(folder / "added_tokens.json", TOKENS)


def write_siglip(checkpoint: Siglip, seed: int, folder: Path) -> None:
    """Makes `folder` anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    side = checkpoint.vision.image
    write_weights(folder, all_weights(checkpoint, seed), checkpoint.shards)
    write_json(folder / "config.json", config(checkpoint))
    write_json(folder / "generation_config.json", {
        "_from_model_config": True, "bos_token_id": TOKENS["<|endoftext|>"], "eos_token_id": TOKENS["<|im_end|>"],
        "transformers_version": "4.43.0.dev0"})
    write_json(folder / "preprocessor_config.json", {
        "do_convert_rgb": None, "do_normalize": True, "do_rescale": True, "do_resize": True,
        "image_mean": [0.5, 0.5, 0.5], "image_processor_type": "SiglipImageProcessor", "image_std": [0.5, 0.5, 0.5],
        "processor_class": "LlavaProcessor", "resample": 3, "rescale_factor": 0.00392156862745098,
        "size": {"height": side, "width": side}})
    write_json(folder / "processor_config.json", {
        "image_token": "<image>", "num_additional_image_tokens": 0, "patch_size": PATCH,
        "processor_class": "LlavaProcessor", "vision_feature_select_strategy": checkpoint.vision.strategy})
    write_tokenizer(folder)
