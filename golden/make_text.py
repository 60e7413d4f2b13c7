"""Writes tiny text-only language models with random weights in the forms in which real ones are published.

LLaMA-2, LLaMA-3, Mistral, BLOOM, Qwen2, OPT and Phi-2: files, names of tensors and keys of config.json are those of
meta-llama/Llama-2-7b-hf, meta-llama/Llama-3.1-8B, mistralai/Mistral-7B-v0.1, bigscience/bloom-560m,
Qwen/Qwen2-0.5B, facebook/opt-6.7b and microsoft/phi-2. make_golden.py calls it for all.
"""
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor
from transformers import AutoConfig, AutoModelForCausalLM

from make_checkpoints import DTYPES, HERE, Draw, Json, Weights, write_json, write_weights


@dataclass(frozen=True)
class TextModel:
    name: str
    tokenizer: str  # a folder of golden/
    dtype: str
    config: Json  # as published but for the tokens and what depends on the vocabulary
    shards: int = 1
    special: Json = field(default_factory=dict)  # the tokens' keys, of config.json and generation_config.json
    generation: Json = field(default_factory=dict)  # what else generation_config.json says


LLAMA = {
    "architectures": ["LlamaForCausalLM"], "hidden_act": "silu", "initializer_range": 0.02, "model_type": "llama",
    "pretraining_tp": 1, "rms_norm_eps": 1e-05, "use_cache": True}

TEXT_MODELS = {model.name: model for model in (
    TextModel("llama-2", "tokenizer", "float16", LLAMA | {
        "_name_or_path": "meta-llama/Llama-2-7b-hf", "hidden_size": 32, "intermediate_size": 68,
        "max_position_embeddings": 4096, "num_attention_heads": 4, "num_hidden_layers": 2, "num_key_value_heads": 4,
        "rope_scaling": None, "tie_word_embeddings": False, "torch_dtype": "float16",
        "transformers_version": "4.31.0.dev0"}, shards=2,
        special={"bos_token_id": 1, "eos_token_id": 2},
        generation={"do_sample": True, "pad_token_id": 0, "temperature": 0.6, "top_p": 0.9}),
    # More in all heads than the model is wide. Of a head's 8 frequencies one is fast, one between and six
    # slow, within reach of a short prompt.
    TextModel("llama-3", "llama3_tokenizer", "bfloat16", LLAMA | {
        "attention_bias": False, "attention_dropout": 0.0, "head_dim": 16, "hidden_size": 32,
        "intermediate_size": 68, "max_position_embeddings": 512, "mlp_bias": False, "num_attention_heads": 4,
        "num_hidden_layers": 2, "num_key_value_heads": 2,
        "rope_scaling": {"factor": 8.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0,
                         "original_max_position_embeddings": 64, "rope_type": "llama3"},
        "rope_theta": 500000.0, "tie_word_embeddings": False, "torch_dtype": "bfloat16",
        "transformers_version": "4.43.0.dev0"},
        special={"bos_token_id": "<|begin_of_text|>", "eos_token_id": ["<|end_of_text|>", "<|eot_id|>"]},
        generation={"do_sample": True, "temperature": 0.6, "top_p": 0.9}),
    TextModel("mistral", "tokenizer", "bfloat16", {
        "architectures": ["MistralForCausalLM"], "hidden_act": "silu", "hidden_size": 36, "initializer_range": 0.02,
        "intermediate_size": 76, "max_position_embeddings": 32768, "model_type": "mistral",
        "num_attention_heads": 6, "num_hidden_layers": 2, "num_key_value_heads": 2, "rms_norm_eps": 1e-05,
        "rope_theta": 10000.0, "sliding_window": 5, "tie_word_embeddings": False, "torch_dtype": "bfloat16",
        "transformers_version": "4.34.0.dev0", "use_cache": True},
        special={"bos_token_id": 1, "eos_token_id": 2}),
    # Heads that are no power of two: four slopes of one sequence, and two of another.
    TextModel("bloom", "bloom_tokenizer", "float16", {
        "apply_residual_connection_post_layernorm": False, "architectures": ["BloomForCausalLM"],
        "attention_dropout": 0.0, "attention_softmax_in_fp32": True, "bias_dropout_fusion": True,
        "hidden_dropout": 0.0, "initializer_range": 0.02, "layer_norm_epsilon": 1e-05,
        "masked_softmax_fusion": True, "model_type": "bloom", "n_embed": 36, "n_inner": None, "n_layer": 2,
        "num_attention_heads": 6, "offset_alibi": 100, "pretraining_tp": 1, "seq_length": 2048,
        "skip_bias_add": True, "skip_bias_add_qkv": False, "slow_but_exact": False,
        "transformers_version": "4.20.0", "use_cache": True},
        special={"bos_token_id": "<s>", "eos_token_id": "</s>", "pad_token_id": "<pad>", "unk_token_id": "<unk>"}),
    # The published models have use_sliding_window false; here the last layer has a window.
    TextModel("qwen2", "qwen2_tokenizer", "bfloat16", {
        "architectures": ["Qwen2ForCausalLM"], "attention_dropout": 0.0, "hidden_act": "silu", "hidden_size": 40,
        "initializer_range": 0.02, "intermediate_size": 84, "max_position_embeddings": 131072,
        "max_window_layers": 1, "model_type": "qwen2", "num_attention_heads": 4, "num_hidden_layers": 2,
        "num_key_value_heads": 2, "rms_norm_eps": 1e-06, "rope_theta": 1000000.0, "sliding_window": 4,
        "tie_word_embeddings": True, "torch_dtype": "bfloat16", "transformers_version": "4.40.1", "use_cache": True,
        "use_sliding_window": True},
        special={"bos_token_id": "<|endoftext|>", "eos_token_id": "<|endoftext|>"},
        generation={"do_sample": False, "max_new_tokens": 2048}),
    # Its prompts fill all positions but those that are generated.
    TextModel("opt", "opt_tokenizer", "float16", {
        "_remove_final_layer_norm": False, "activation_dropout": 0.0, "activation_function": "relu",
        "architectures": ["OPTForCausalLM"], "attention_dropout": 0.0, "do_layer_norm_before": True, "dropout": 0.1,
        "ffn_dim": 68, "hidden_size": 36, "init_std": 0.02, "layerdrop": 0.0, "max_position_embeddings": 128,
        "model_type": "opt", "num_attention_heads": 4, "num_hidden_layers": 2, "prefix": "</s>",
        "torch_dtype": "float16", "transformers_version": "4.21.0.dev0", "use_cache": True,
        "word_embed_proj_dim": 36},
        special={"bos_token_id": "</s>", "eos_token_id": "</s>", "pad_token_id": "<pad>"}),
    # Of a head's 10 dimensions 4 rotate; the published model's are 32 of 80.
    TextModel("phi", "phi_tokenizer", "float16", {
        "architectures": ["PhiForCausalLM"], "attention_dropout": 0.0, "embd_pdrop": 0.0, "hidden_act": "gelu_new",
        "hidden_size": 40, "initializer_range": 0.02, "intermediate_size": 68, "layer_norm_eps": 1e-05,
        "max_position_embeddings": 2048, "model_type": "phi", "num_attention_heads": 4, "num_hidden_layers": 2,
        "num_key_value_heads": 4, "partial_rotary_factor": 0.4, "qk_layernorm": False, "resid_pdrop": 0.1,
        "rope_scaling": None, "rope_theta": 10000.0, "tie_word_embeddings": False, "torch_dtype": "float16",
        "transformers_version": "4.37.0", "use_cache": True},
        special={"bos_token_id": "<|endoftext|>", "eos_token_id": "<|endoftext|>"}),
)}


def words(model: TextModel) -> dict[str, int]:
    """The tokenizer's vocabulary, added tokens included."""
    document = json.loads((HERE / model.tokenizer / "tokenizer.json").read_text(encoding="utf-8"))
    return document["model"]["vocab"] | {token["content"]: token["id"] for token in document["added_tokens"]}


def special_ids(model: TextModel) -> Json:
    ids = words(model)

    def number(token: int | str | list[str]) -> int | list[int]:
        if isinstance(token, list):
            return [ids[each] for each in token]
        return token if isinstance(token, int) else ids[token]
    return {key: number(token) for key, token in model.special.items()}


def config(model: TextModel) -> Json:
    rows = (max(words(model).values()) + 1 + 31) // 32 * 32
    return dict(sorted((model.config | special_ids(model) | {"vocab_size": rows}).items()))


def gain(name: str) -> float:
    """How much a matrix multiplies the deviation of what it reads."""
    for part, value in (("q_proj", 1.6), ("k_proj", 1.6), ("query_key_value", 2.4), ("o_proj", 0.8),
                        ("self_attention.dense", 0.6), ("self_attn.dense", 0.8), ("out_proj", 0.8), ("gate_proj", 1.5), ("h_to_4h", 1.5),
                        ("fc1", 1.5), ("fc2", 1.0), ("up_proj", 1.2),
                        ("down_proj", 1.2), ("4h_to_h", 1.0), ("lm_head", 2.5)):
        if part in name:
            return value
    return 1.0


def draw_tensor(draw: Draw, name: str, shape: tuple[int, ...], used: int, tied: bool) -> Tensor:
    """One weight; of the vocabulary's rows, `used` have a token."""
    if name.endswith("word_embeddings_layernorm.weight"):
        return draw.normal(*shape, deviation=0.05, mean=0.2)  # else a tied head would repeat the last token
    if "norm" in name or "ln_f" in name:
        return draw.norm(*shape) if name.endswith("weight") else draw.normal(*shape, deviation=0.2)
    if name.endswith("bias"):
        return draw.normal(*shape, deviation=0.3 if name.endswith("proj.bias") else 0.1)
    if "embed_positions" in name:
        return draw.normal(*shape, deviation=0.5)
    if "embed" in name and not tied:
        return draw.normal(*shape, deviation=1.0)
    weight = draw.matrix(*shape, 2.5 if "embed" in name else gain(name))
    if "embed" in name or "lm_head" in name:
        weight[used:] *= 0.01  # never generated
    if "4h_to_h" in name or "fc2" in name:  # else the mean of the activations would be the same push at all positions
        weight = (weight.float() - weight.float().mean(dim=1, keepdim=True)).to(weight.dtype)
    return weight


def all_weights(model: TextModel, folder: Path, seed: int) -> Weights:
    """Under published names, which are those of the modules of transformers but for BLOOM's."""
    draw = Draw(seed, DTYPES[model.dtype])
    used = max(words(model).values()) + 1
    with torch.device("meta"):
        empty = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder))
    tied = empty.config.tie_word_embeddings
    weights = {name: draw_tensor(draw, name, tuple(value.shape), used, tied)
               for name, value in sorted(empty.state_dict().items()) if not (tied and name == "lm_head.weight")}
    if model.name == "llama-2":  # computed, but published
        for i in range(empty.config.num_hidden_layers):
            half = torch.arange(0, empty.config.head_dim, 2) / empty.config.head_dim
            weights[f"model.layers.{i}.self_attn.rotary_emb.inv_freq"] = (1.0 / 10000.0 ** half).half()
    return {name.removeprefix("transformer."): value for name, value in weights.items()}


def write_text_model(model: TextModel, seed: int, folder: Path) -> None:
    """Makes `folder` anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_json(folder / "config.json", config(model))
    write_json(folder / "generation_config.json", special_ids(model) | model.generation | {
        "_from_model_config": True, "transformers_version": config(model)["transformers_version"]})
    write_weights(folder, all_weights(model, folder, seed), model.shards)
    for name in ("tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json"):
        if (HERE / model.tokenizer / name).is_file():
            shutil.copyfile(HERE / model.tokenizer / name, folder / name)
