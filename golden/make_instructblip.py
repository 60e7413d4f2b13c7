"""Writes tiny InstructBLIP checkpoints with random weights in the form of Salesforce/instructblip-vicuna-7b.

The language model's tokenizer lies in the folder itself and begins texts with `</s>`, which is also the end of
an answer; the Q-Former's tokenizer is BERT's, in qformer_tokenizer/.
"""
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from transformers import InstructBlipConfig, InstructBlipForConditionalGeneration

from make_checkpoints import (CLIP_MEAN, CLIP_STD, HERE, PATCH, TOKENIZER, VOCABULARY, Draw, Json, Language, Vision,
                              Weights, language_weights, write_json, write_weights)
from make_tokenizer import added

PAD_TOKEN, IMAGE_TOKEN = 480, 481
QFORMER_TOKENIZER = HERE / "qformer_tokenizer"


@dataclass(frozen=True)
class QFormer:
    width: int
    inner: int
    layers: int
    heads: int
    queries: int
    positions: int = 128
    cross_attention_frequency: int = 2


@dataclass(frozen=True)
class InstructBlip:
    name: str
    shards: int
    vision: Vision
    qformer: QFormer
    language: Language


INSTRUCTBLIP = {checkpoint.name: checkpoint for checkpoint in (
    InstructBlip("instructblip", 2, Vision(width=36, inner=84, layers=3, heads=2, image=56),
                 QFormer(width=32, inner=76, layers=4, heads=2, queries=5),
                 Language("llama", width=40, inner=92, layers=2, heads=4, kv_heads=4)),
)}


def words() -> int:
    """The Q-Former's vocabulary, `[DEC]` included."""
    return json.loads((QFORMER_TOKENIZER / "added_tokens.json").read_text())["[DEC]"] + 1


def config(checkpoint: InstructBlip) -> Json:
    vision, qformer, language = checkpoint.vision, checkpoint.qformer, checkpoint.language
    return {
        "architectures": ["InstructBlipForConditionalGeneration"], "image_token_index": IMAGE_TOKEN,
        "initializer_factor": 1.0, "initializer_range": 0.02, "model_type": "instructblip",
        "num_query_tokens": qformer.queries,
        "qformer_config": {
            "attention_probs_dropout_prob": 0.1, "cross_attention_frequency": qformer.cross_attention_frequency,
            "encoder_hidden_size": vision.width, "hidden_act": "gelu", "hidden_dropout_prob": 0.1,
            "hidden_size": qformer.width, "intermediate_size": qformer.inner, "layer_norm_eps": 1e-12,
            "max_position_embeddings": qformer.positions, "model_type": "instructblip_qformer",
            "num_attention_heads": qformer.heads, "num_hidden_layers": qformer.layers, "pad_token_id": 0,
            "position_embedding_type": "absolute", "vocab_size": words()},
        "text_config": {
            "architectures": ["LlamaForCausalLM"], "bos_token_id": 1, "eos_token_id": 2, "hidden_act": "silu",
            "hidden_size": language.width, "intermediate_size": language.inner, "max_position_embeddings": 2048,
            "model_type": "llama", "num_attention_heads": language.heads, "num_hidden_layers": language.layers,
            "num_key_value_heads": language.kv_heads, "pad_token_id": PAD_TOKEN, "rms_norm_eps": 1e-06,
            "tie_word_embeddings": False, "torch_dtype": "float32", "vocab_size": VOCABULARY},
        "tie_word_embeddings": False, "torch_dtype": "float32", "transformers_version": "4.47.0.dev0",
        "use_decoder_only_language_model": True,
        "vision_config": {
            "attention_dropout": 0.0, "hidden_act": "gelu", "hidden_size": vision.width, "image_size": vision.image,
            "intermediate_size": vision.inner, "layer_norm_eps": 1e-06, "model_type": "instructblip_vision_model",
            "num_attention_heads": vision.heads, "num_hidden_layers": vision.layers, "patch_size": PATCH,
            "qkv_bias": True}}


def gain(name: str) -> float:
    """How much a matrix multiplies the deviation of what it reads."""
    for part, value in (("query", 1.6), ("key", 1.6), ("qkv", 1.4), ("projection", 0.9), ("fc1", 1.4),
                        ("intermediate", 1.4), ("fc2", 1.2)):
        if part in name.rsplit(".", 2)[-2] or (part == "intermediate" and part in name):
            return value
    return 1.0


def draw_tensor(draw: Draw, name: str, shape: tuple[int, ...]) -> Tensor:
    """One weight of the vision tower, the Q-Former or the projection between them and the language model."""
    if "norm" in name.lower():
        return draw.norm(*shape) if name.endswith("weight") else draw.normal(*shape, deviation=0.2)
    if name == "query_tokens" or name.endswith(("class_embedding", "word_embeddings.weight")):
        return draw.normal(*shape, deviation=1.0)
    if "position_embedding" in name:
        return draw.normal(*shape, deviation=0.5)
    if name.endswith("patch_embedding.weight"):
        return draw.normal(*shape, deviation=1.5 * (3 * PATCH * PATCH) ** -0.5)
    if name.endswith("bias"):
        bias = draw.normal(*shape, deviation=0.3)
        if name.endswith("qkv.bias"):
            bias[shape[0] // 3:2 * shape[0] // 3] = 0.0  # keys have none
        return bias
    return draw.matrix(*shape, gain(name))


def all_weights(checkpoint: InstructBlip, seed: int) -> Weights:
    """Under published names, which are those of the modules of transformers."""
    draw = Draw(seed, torch.float32)
    with torch.device("meta"):
        model = InstructBlipForConditionalGeneration(InstructBlipConfig(**config(checkpoint)))
    weights = {name: draw_tensor(draw, name, tuple(value.shape)) for name, value in sorted(model.state_dict().items())
               if not name.startswith("language_model.")}
    weights |= {f"language_model.{name}": value
                for name, value in language_weights(checkpoint.language, draw).items()}
    assert weights.keys() == model.state_dict().keys()
    return weights


def write_tokenizer(folder: Path) -> None:
    """The language model's: LLaMA's with one token for beginning, end and unknown, as the vicuna of then."""
    document = json.loads((TOKENIZER / "tokenizer.json").read_text(encoding="utf-8"))
    tokens = [*document["added_tokens"][:3], added(PAD_TOKEN, "[PAD]"), added(IMAGE_TOKEN, "<image>")]
    document["added_tokens"] = tokens
    end = {"SpecialToken": {"id": "</s>", "type_id": 0}}
    text = {"Sequence": {"id": "A", "type_id": 0}}
    document["post_processor"] = {
        "type": "TemplateProcessing", "single": [end, text],
        "pair": [end, text, {"SpecialToken": {"id": "</s>", "type_id": 1}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"</s>": {"id": "</s>", "ids": [2], "tokens": ["</s>"]}}}
    write_json(folder / "tokenizer.json", document)
    names = {"bos_token": "</s>", "eos_token": "</s>", "pad_token": "[PAD]", "unk_token": "</s>"}
    settings = json.loads((TOKENIZER / "tokenizer_config.json").read_text(encoding="utf-8"))
    write_json(folder / "tokenizer_config.json", settings | names | {
        "added_tokens_decoder": {str(token["id"]): {key: value for key, value in token.items() if key != "id"}
                                 for token in tokens},
        "processor_class": "InstructBlipProcessor"})
    write_json(folder / "special_tokens_map.json", names)
    write_json(folder / "added_tokens.json", {"[PAD]": PAD_TOKEN, "<image>": IMAGE_TOKEN})
    shutil.copyfile(TOKENIZER / "tokenizer.model", folder / "tokenizer.model")


def write_instructblip(checkpoint: InstructBlip, seed: int, folder: Path) -> None:
    """Makes `folder` anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_weights(folder, all_weights(checkpoint, seed), checkpoint.shards)
    write_json(folder / "config.json", config(checkpoint))
    write_json(folder / "generation_config.json", {
        "_from_model_config": True, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": PAD_TOKEN,
        "transformers_version": "4.47.0.dev0"})
    side = checkpoint.vision.image
    write_json(folder / "preprocessor_config.json", {
        "do_convert_rgb": True, "do_normalize": True, "do_rescale": True, "do_resize": True, "image_mean": CLIP_MEAN,
        "image_processor_type": "BlipImageProcessor", "image_std": CLIP_STD,
        "processor_class": "InstructBlipProcessor", "resample": 3, "rescale_factor": 0.00392156862745098,
        "size": {"height": side, "width": side}})
    write_json(folder / "processor_config.json", {
        "image_token": {"__type": "AddedToken",
                        **{key: value for key, value in added(IMAGE_TOKEN, "<image>").items() if key != "id"}},
        "num_query_tokens": checkpoint.qformer.queries, "processor_class": "InstructBlipProcessor"})
    write_tokenizer(folder)
    shutil.copytree(QFORMER_TOKENIZER, folder / "qformer_tokenizer")
