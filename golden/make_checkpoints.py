#!/usr/bin/env python3
"""Writes tiny LLaVA checkpoints with random weights in the form in which real ones are published.

Files, keys and what config.json leaves to its classes' defaults are those of llava-hf's repositories; the
sizes, which differ from the defaults, are added. Weights are drawn so that activations have both signs,
attention looks at some positions much more than at others, and logits are far apart.

Run as: python3 golden/make_checkpoints.py NAME SEED FOLDER   (make_golden.py calls it for all)
"""
import json
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import AutoModelForImageTextToText, AutoProcessor

HERE = Path(__file__).resolve().parent
TOKENIZER = HERE / "tokenizer"
CLIP_MEAN = [0.48145466, 0.4578275, 0.40821073]
CLIP_STD = [0.26862954, 0.26130258, 0.27577711]
IMAGE_TOKEN, PAD_TOKEN = 480, 481
WORDS, VOCABULARY = 482, 512  # the second is padded to a multiple of 64, as published
PATCH = 14
DTYPES = {"float16": torch.float16, "bfloat16": torch.bfloat16, "float32": torch.float32}

Json = dict[str, Any]
Weights = dict[str, Tensor]


@dataclass(frozen=True)
class Vision:
    width: int
    inner: int
    layers: int
    heads: int
    image: int  # pixels along a side
    # Published models read the last layer but one, without its class token.
    feature_layers: int | tuple[int, ...] = -2
    strategy: str = "default"

    @property
    def features(self) -> int:
        """The length of what the projector reads."""
        layers = self.feature_layers
        return self.width * (1 if isinstance(layers, int) else len(layers))


@dataclass(frozen=True)
class Language:
    type: str  # "llama" or "mistral"
    width: int
    inner: int
    layers: int
    heads: int
    kv_heads: int
    window: int | None = None
    theta: float = 10000.0


@dataclass(frozen=True)
class Checkpoint:
    name: str
    family: str  # "llava" or "llava_next"
    dtype: str
    shards: int
    vision: Vision
    language: Language
    eos: int | tuple[int, ...] = 2
    native: bool = False  # saved by transformers 5 with its own names


CHECKPOINTS = {checkpoint.name: checkpoint for checkpoint in (
    Checkpoint("llava-1.5", "llava", "float16", 3,
               Vision(width=48, inner=100, layers=3, heads=4, image=56),
               Language("llama", width=64, inner=116, layers=3, heads=4, kv_heads=4)),
    # 257 positions in the vision tower and more in the language model; 300 neurons a layer: sums that
    # are longer than a panel of the matrix product.
    Checkpoint("llava-1.5-large-image", "llava", "bfloat16", 1,
               Vision(width=32, inner=300, layers=2, heads=2, image=224),
               Language("llama", width=32, inner=300, layers=2, heads=2, kv_heads=2)),
    Checkpoint("llava-v1.6-vicuna", "llava_next", "bfloat16", 2,
               Vision(width=32, inner=72, layers=3, heads=2, image=42),
               Language("llama", width=48, inner=100, layers=2, heads=4, kv_heads=4)),
    Checkpoint("llava-v1.6-mistral", "llava_next", "float32", 1,
               Vision(width=40, inner=88, layers=3, heads=2, image=42),
               Language("mistral", width=48, inner=76, layers=2, heads=4, kv_heads=2, window=24,
                        theta=1000000.0)),
    Checkpoint("llava-native", "llava", "float32", 1,
               Vision(width=24, inner=40, layers=3, heads=2, image=56, feature_layers=(-3, 2),
                      strategy="full"),
               Language("llama", width=32, inner=52, layers=2, heads=4, kv_heads=2),
               eos=(2, 326), native=True),
    Checkpoint("demo", "llava_next", "float16", 2,
               Vision(width=32, inner=128, layers=4, heads=2, image=42),
               Language("llama", width=64, inner=172, layers=4, heads=4, kv_heads=4)),
)}


class Draw:
    """Random tensors, one after the other from one seed."""

    def __init__(self, seed: int, dtype: torch.dtype) -> None:
        self.generator = torch.Generator().manual_seed(seed)
        self.dtype = dtype

    def normal(self, *shape: int, deviation: float, mean: float = 0.0) -> Tensor:
        values = torch.randn(shape, generator=self.generator) * deviation + mean
        return values.to(self.dtype)

    def matrix(self, outputs: int, inputs: int, gain: float) -> Tensor:
        """Makes of inputs with variance 1 outputs with variance gain * gain."""
        return self.normal(outputs, inputs, deviation=gain * inputs ** -0.5)

    def norm(self, width: int) -> Tensor:
        return self.normal(width, deviation=0.2, mean=1.0)


def vision_weights(vision: Vision, draw: Draw) -> Weights:
    width, inner = vision.width, vision.inner
    patches = (vision.image // PATCH) ** 2
    weights = {
        "embeddings.class_embedding": draw.normal(width, deviation=1.0),
        "embeddings.patch_embedding.weight":
            draw.normal(width, 3, PATCH, PATCH, deviation=1.5 * (3 * PATCH * PATCH) ** -0.5),
        "embeddings.position_embedding.weight":
            draw.normal(patches + 1, width, deviation=0.5),
    }
    for norm in ("pre_layrnorm", "post_layernorm"):
        weights[f"{norm}.weight"] = draw.norm(width)
        weights[f"{norm}.bias"] = draw.normal(width, deviation=0.2)
    gains = {"self_attn.q_proj": 1.6, "self_attn.k_proj": 1.6, "self_attn.v_proj": 1.0,
             "self_attn.out_proj": 0.8, "mlp.fc1": 1.4, "mlp.fc2": 1.2}
    for i in range(vision.layers):
        layer = f"encoder.layers.{i}"
        for module, gain in gains.items():
            outputs = inner if module == "mlp.fc1" else width
            inputs = inner if module == "mlp.fc2" else width
            weights[f"{layer}.{module}.weight"] = draw.matrix(outputs, inputs, gain)
            weights[f"{layer}.{module}.bias"] = draw.normal(outputs, deviation=0.3)
        for norm in ("layer_norm1", "layer_norm2"):
            weights[f"{layer}.{norm}.weight"] = draw.norm(width)
            weights[f"{layer}.{norm}.bias"] = draw.normal(width, deviation=0.2)
    return weights


def language_weights(language: Language, draw: Draw) -> Weights:
    width, inner = language.width, language.inner
    keys = width // language.heads * language.kv_heads
    head = draw.matrix(VOCABULARY, width, 2.5)
    # Neither placeholders nor the padding of the vocabulary are ever generated.
    head[IMAGE_TOKEN:] *= 0.01
    weights = {"model.embed_tokens.weight": draw.normal(VOCABULARY, width, deviation=1.0),
               "model.norm.weight": draw.norm(width), "lm_head.weight": head}
    for i in range(language.layers):
        layer = f"model.layers.{i}"
        for module, outputs, inputs, gain in (
                ("self_attn.q_proj", width, width, 1.6), ("self_attn.k_proj", keys, width, 1.6),
                ("self_attn.v_proj", keys, width, 1.0), ("self_attn.o_proj", width, width, 0.8),
                ("mlp.gate_proj", inner, width, 1.5), ("mlp.up_proj", inner, width, 1.2),
                ("mlp.down_proj", width, inner, 1.2)):
            weights[f"{layer}.{module}.weight"] = draw.matrix(outputs, inputs, gain)
        for norm in ("input_layernorm", "post_attention_layernorm"):
            weights[f"{layer}.{norm}.weight"] = draw.norm(width)
    return weights


def all_weights(checkpoint: Checkpoint, seed: int) -> Weights:
    """Under published names."""
    draw = Draw(seed, DTYPES[checkpoint.dtype])
    width = checkpoint.language.width
    weights = {f"vision_tower.vision_model.{name}": value
               for name, value in vision_weights(checkpoint.vision, draw).items()}
    for linear, inputs in (("linear_1", checkpoint.vision.features), ("linear_2", width)):
        weights[f"multi_modal_projector.{linear}.weight"] = draw.matrix(width, inputs, 1.2)
        weights[f"multi_modal_projector.{linear}.bias"] = draw.normal(width, deviation=0.3)
    weights |= {f"language_model.{name}": value
                for name, value in language_weights(checkpoint.language, draw).items()}
    if checkpoint.family == "llava_next":
        weights["image_newline"] = draw.normal(width, deviation=1.0)
    return weights


def grid_pinpoints(image: int) -> list[list[int]]:
    """The published resolutions, in units of the tile."""
    return [[image * height, image * width]
            for height, width in ((1, 2), (2, 1), (2, 2), (3, 1), (1, 3))]


def config(checkpoint: Checkpoint) -> Json:
    """What the published config.json says, and the sizes, which it leaves to the defaults."""
    vision, language = checkpoint.vision, checkpoint.language
    text: Json = {
        "_name_or_path": "lmsys/vicuna-7b-v1.5", "architectures": ["LlamaForCausalLM"],
        "hidden_size": language.width, "intermediate_size": language.inner,
        "max_position_embeddings": 4096, "model_type": "llama",
        "num_attention_heads": language.heads, "num_hidden_layers": language.layers,
        "rms_norm_eps": 1e-05, "torch_dtype": checkpoint.dtype, "vocab_size": VOCABULARY}
    # LLaMA's default is as many as there are heads, whose number we must give; Mistral's is 8.
    if language.kv_heads != language.heads:
        text["num_key_value_heads"] = language.kv_heads
    if language.type == "mistral":
        text |= {"_name_or_path": "mistralai/Mistral-7B-Instruct-v0.2",
                 "architectures": ["MistralForCausalLM"], "max_position_embeddings": 32768,
                 "model_type": "mistral", "rope_theta": language.theta,
                 "sliding_window": language.window}
    if checkpoint.name == "llava-v1.6-vicuna":
        del text["rms_norm_eps"]  # an older vicuna's: the class default, 1e-6
        text["pad_token_id"] = 0
    layers = vision.feature_layers
    whole: Json = {
        "architectures": ["LlavaForConditionalGeneration"], "ignore_index": -100,
        "image_token_index": IMAGE_TOKEN, "model_type": checkpoint.family,
        "pad_token_id": PAD_TOKEN, "projector_hidden_act": "gelu", "text_config": text,
        "tie_word_embeddings": False, "torch_dtype": checkpoint.dtype,
        "transformers_version": "4.36.0.dev0",
        "vision_config": {
            "hidden_size": vision.width, "image_size": vision.image,
            "intermediate_size": vision.inner, "model_type": "clip_vision_model",
            "num_attention_heads": vision.heads, "num_hidden_layers": vision.layers,
            "patch_size": PATCH, "projection_dim": 768, "vocab_size": 32000},
        "vision_feature_layer": layers if isinstance(layers, int) else list(layers),
        "vision_feature_select_strategy": vision.strategy, "vocab_size": VOCABULARY}
    if checkpoint.family == "llava_next":
        del whole["pad_token_id"]
        whole |= {"architectures": ["LlavaNextForConditionalGeneration"],
                  "image_grid_pinpoints": grid_pinpoints(vision.image),
                  "transformers_version": "4.39.0.dev0", "use_image_newline_parameter": True}
    return dict(sorted(whole.items()))


def generation_config(checkpoint: Checkpoint) -> Json:
    eos = checkpoint.eos
    return {"_from_model_config": True, "bos_token_id": 1,
            "eos_token_id": eos if isinstance(eos, int) else list(eos),
            "pad_token_id": PAD_TOKEN, "transformers_version": "4.36.0.dev0"}


def preprocessor_config(checkpoint: Checkpoint) -> Json:
    image = checkpoint.vision.image
    settings: Json = {
        "crop_size": {"height": image, "width": image}, "do_center_crop": True,
        "do_convert_rgb": True, "do_normalize": True, "do_rescale": True, "do_resize": True,
        "image_mean": CLIP_MEAN, "image_processor_type": "CLIPImageProcessor",
        "image_std": CLIP_STD, "processor_class": "LlavaProcessor", "resample": 3,
        "rescale_factor": 0.00392156862745098, "size": {"shortest_edge": image}}
    if checkpoint.family == "llava_next":
        settings |= {"aspect_ratio_setting": "anyres",
                     "image_grid_pinpoints": grid_pinpoints(image),
                     "image_processor_type": "LlavaNextImageProcessor",
                     "processor_class": "LlavaNextProcessor"}
    return dict(sorted(settings.items()))


def processor_config(checkpoint: Checkpoint) -> Json:
    processor = "LlavaNextProcessor" if checkpoint.family == "llava_next" else "LlavaProcessor"
    return {"image_token": "<image>", "num_additional_image_tokens": 1, "patch_size": PATCH,
            "processor_class": processor,
            "vision_feature_select_strategy": checkpoint.vision.strategy}


def write_json(path: Path, value: Json) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def save_tensors(file: Path, tensors: Weights) -> None:
    save_file(tensors, file, {"format": "pt"})
    file.chmod(0o644)


def write_weights(folder: Path, weights: Weights, shards: int) -> None:
    """model.safetensors, or shards of about the same size and their index, named as published."""
    if shards == 1:
        save_tensors(folder / "model.safetensors", weights)
        return
    total = sum(value.nbytes for value in weights.values())
    files: list[Weights] = [{} for _ in range(shards)]
    done = 0
    for name, value in sorted(weights.items()):
        files[done * shards // total][name] = value
        done += value.nbytes
    where = {}
    for i, shard in enumerate(files):
        file = f"model-{i + 1:05}-of-{shards:05}.safetensors"
        save_tensors(folder / file, shard)
        where |= {name: file for name in shard}
    write_json(folder / "model.safetensors.index.json",
               {"metadata": {"total_size": total}, "weight_map": dict(sorted(where.items()))})


def write_published(checkpoint: Checkpoint, seed: int, folder: Path) -> None:
    folder.mkdir(parents=True)
    write_weights(folder, all_weights(checkpoint, seed), checkpoint.shards)
    for name, make in (("config", config), ("generation_config", generation_config),
                       ("preprocessor_config", preprocessor_config),
                       ("processor_config", processor_config)):
        write_json(folder / f"{name}.json", make(checkpoint))
    write_json(folder / "added_tokens.json", {"<image>": IMAGE_TOKEN, "<pad>": PAD_TOKEN})
    for name in ("tokenizer.json", "tokenizer.model", "tokenizer_config.json",
                 "special_tokens_map.json"):
        shutil.copyfile(TOKENIZER / name, folder / name)


def write_native(checkpoint: Checkpoint, seed: int, folder: Path) -> None:
    """Everything as transformers 5 writes it, with the names of its own modules."""
    with tempfile.TemporaryDirectory() as temporary:
        published = Path(temporary) / "published"
        write_published(checkpoint, seed, published)
        model = AutoModelForImageTextToText.from_pretrained(published, dtype="auto")
        model.save_pretrained(folder, save_original_format=False)
        (folder / "model.safetensors").chmod(0o644)
        AutoProcessor.from_pretrained(published).save_pretrained(folder)


def write_checkpoint(checkpoint: Checkpoint, seed: int, folder: Path) -> None:
    """Makes `folder` anew."""
    shutil.rmtree(folder, ignore_errors=True)
    if checkpoint.native:
        write_native(checkpoint, seed, folder)
    else:
        write_published(checkpoint, seed, folder)


def main() -> None:
    name, seed, folder = sys.argv[1:]
    write_checkpoint(CHECKPOINTS[name], int(seed), Path(folder))


if __name__ == "__main__":
    main()
