"""Writes configs.json: configurations in the forms that published checkpoints and transformers 5
have, each with what transformers 5.23.0 reads from it. The published ones repeat the keys and
numbers of the llava-hf repositories as far as they describe the architecture. And
text_configs.json: the same for language models alone, with their rotary frequencies or slopes."""

import json
import pathlib

import torch
from transformers import (BloomConfig, LlamaConfig, LlavaConfig, LlavaNextConfig, MistralConfig,
                          Qwen2Config)
from transformers.models.bloom.modeling_bloom import _get_alibi_slopes
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

CLASSES = {"llava": LlavaConfig, "llava_next": LlavaNextConfig}
VISION = {
    "hidden_size": 1024, "image_size": 336, "intermediate_size": 4096,
    "model_type": "clip_vision_model", "num_attention_heads": 16, "num_hidden_layers": 24,
    "patch_size": 14, "projection_dim": 768, "vocab_size": 32000,
}
PINPOINTS = [[336, 672], [672, 336], [672, 672], [1008, 336], [336, 1008]]

published = {
    "llava-1.5-7b-hf": {
        "architectures": ["LlavaForConditionalGeneration"], "ignore_index": -100,
        "image_token_index": 32000, "model_type": "llava", "pad_token_id": 32001,
        "projector_hidden_act": "gelu",
        "text_config": {
            "_name_or_path": "lmsys/vicuna-7b-v1.5", "architectures": ["LlamaForCausalLM"],
            "max_position_embeddings": 4096, "model_type": "llama", "rms_norm_eps": 1e-05,
            "torch_dtype": "float16", "vocab_size": 32064},
        "tie_word_embeddings": False, "torch_dtype": "float16",
        "transformers_version": "4.36.0.dev0", "vision_config": VISION,
        "vision_feature_layer": -2, "vision_feature_select_strategy": "default",
        "vocab_size": 32064},
    "llava-1.5-13b-hf": {
        "architectures": ["LlavaForConditionalGeneration"], "ignore_index": -100,
        "image_token_index": 32000, "model_type": "llava", "pad_token_id": 32001,
        "projector_hidden_act": "gelu",
        "text_config": {
            "_name_or_path": "lmsys/vicuna-13b-v1.5", "hidden_size": 5120,
            "intermediate_size": 13824, "max_position_embeddings": 4096, "model_type": "llama",
            "num_attention_heads": 40, "num_hidden_layers": 40, "num_key_value_heads": 40,
            "rms_norm_eps": 1e-05, "torch_dtype": "float16", "vocab_size": 32064},
        "torch_dtype": "float16", "vision_config": VISION, "vision_feature_layer": -2,
        "vision_feature_select_strategy": "default"},
    "llava-v1.6-vicuna-7b-hf": {
        "architectures": ["LlavaNextForConditionalGeneration"], "ignore_index": -100,
        "image_grid_pinpoints": PINPOINTS, "image_token_index": 32000, "model_type": "llava_next",
        "projector_hidden_act": "gelu",
        "text_config": {
            "_name_or_path": "lmsys/vicuna-7b-v1.5", "architectures": ["LlamaForCausalLM"],
            "max_position_embeddings": 4096, "model_type": "llama", "pad_token_id": 0,
            "rms_norm_eps": 1e-05, "torch_dtype": "float16", "use_cache": False,
            "vocab_size": 32064},
        "torch_dtype": "float16", "transformers_version": "4.39.0.dev0",
        "use_image_newline_parameter": True, "vision_config": VISION,
        "vision_feature_layer": -2, "vision_feature_select_strategy": "default"},
    "llava-v1.6-mistral-7b-hf": {
        "architectures": ["LlavaNextForConditionalGeneration"], "ignore_index": -100,
        "image_grid_pinpoints": PINPOINTS, "image_token_index": 32000, "model_type": "llava_next",
        "projector_hidden_act": "gelu",
        "text_config": {
            "_name_or_path": "mistralai/Mistral-7B-Instruct-v0.2",
            "architectures": ["MistralForCausalLM"], "intermediate_size": 14336,
            "max_position_embeddings": 32768, "model_type": "mistral", "num_key_value_heads": 8,
            "rms_norm_eps": 1e-05, "rope_theta": 1000000.0, "sliding_window": None,
            "torch_dtype": "bfloat16", "vocab_size": 32064},
        "torch_dtype": "bfloat16", "use_image_newline_parameter": True, "vision_config": VISION,
        "vision_feature_layer": -2, "vision_feature_select_strategy": "default"},
    "llava-interleave-qwen-0.5b-hf": {
        "architectures": ["LlavaForConditionalGeneration"], "ignore_index": -100,
        "image_token_index": 151646, "model_type": "llava", "projector_hidden_act": "gelu",
        "text_config": {
            "_name_or_path": "Qwen/Qwen1.5-0.5B-Chat", "architectures": ["Qwen2ForCausalLM"],
            "bos_token_id": 151643, "eos_token_id": 151645, "hidden_size": 1024,
            "intermediate_size": 2816, "max_window_layers": 21, "model_type": "qwen2",
            "num_attention_heads": 16, "num_hidden_layers": 24, "num_key_value_heads": 16,
            "rope_theta": 1000000.0, "sliding_window": 32768, "tie_word_embeddings": True,
            "torch_dtype": "bfloat16", "vocab_size": 152000},
        "torch_dtype": "float16", "transformers_version": "4.43.0.dev0",
        "vision_config": {
            "hidden_size": 1152, "image_size": 384, "intermediate_size": 4304,
            "model_type": "siglip_vision_model", "num_attention_heads": 16,
            "num_hidden_layers": 26, "patch_size": 14, "vision_use_head": False},
        "vision_feature_layer": -1, "vision_feature_select_strategy": "full"},
}

small = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3,
         "num_attention_heads": 4, "vocab_size": 300}
small_vision = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3,
                "num_attention_heads": 4, "image_size": 28, "patch_size": 14}
variants = {
    "nothing but the type": {"model_type": "llava", "text_config": {"vocab_size": 32064}},
    "nothing but the type, next": {"model_type": "llava_next",
                                   "text_config": {"vocab_size": 32064}},
    "mistral's defaults": {"model_type": "llava",
                           "text_config": {"model_type": "mistral", "vocab_size": 32064}},
    "the tower's own defaults": {"model_type": "llava", "vision_config": {"image_size": 64},
                                 "text_config": {"vocab_size": 32064}},
    "null parts": {"model_type": "llava", "image_token_index": 7, "vision_config": None,
                   "text_config": None},
    "small": {"model_type": "llava", "text_config": small, "vision_config": small_vision,
              "image_token_index": 299, "image_seq_length": 4},
    "alias of the placeholder": {"model_type": "llava", "text_config": small, "image_token_id": 17},
    "head_dim apart from hidden_size": {"model_type": "llava", "image_token_index": 5,
        "text_config": small | {"model_type": "mistral", "head_dim": 10, "num_key_value_heads": 2}},
    "small window": {"model_type": "llava_next", "image_token_index": 5,
        "text_config": small | {"model_type": "mistral", "num_key_value_heads": 1,
                                "sliding_window": 5}},
    "rope_parameters": {"model_type": "llava", "image_token_index": 5,
        "text_config": small | {"rope_parameters": {"rope_type": "default", "rope_theta": 123.5}}},
    "rope_parameters before rope_theta": {"model_type": "llava", "image_token_index": 5,
        "text_config": small | {"rope_theta": 7.0, "rope_parameters": {"rope_theta": 50000}}},
    "rope_scaling null": {"model_type": "llava", "image_token_index": 5,
        "text_config": small | {"rope_theta": 500000.0, "rope_scaling": None}},
    "features of several layers": {"model_type": "llava", "image_token_index": 5,
        "text_config": small, "vision_config": small_vision, "vision_feature_layer": [-4, 1, -1],
        "vision_feature_select_strategy": "full", "multimodal_projector_bias": False,
        "projector_hidden_act": "relu"},
    "first hidden state": {"model_type": "llava_next", "image_token_index": 5,
        "text_config": small,
        "vision_config": small_vision | {"hidden_act": "gelu", "layer_norm_eps": 1e-6},
        "vision_feature_layer": 0, "image_grid_pinpoints": [[28, 56], [84, 28]]},
    "tied": {"model_type": "llava", "image_token_index": 5,
        "text_config": small | {"tie_word_embeddings": True, "hidden_act": "gelu_pytorch_tanh"}},
    "SigLIP": {"model_type": "llava", "image_token_index": 5, "text_config": small,
        "vision_config": small_vision | {"model_type": "siglip_vision_model", "image_size": 38,
                                         "vision_use_head": False},
        "vision_feature_layer": -1, "vision_feature_select_strategy": "full"},
    "SigLIP's own defaults": {"model_type": "llava_next", "image_token_index": 5,
        "text_config": small, "vision_config": {"model_type": "siglip_vision_model"},
        "vision_feature_select_strategy": "full", "image_grid_pinpoints": [[224, 448]]},
    "tokens": {"model_type": "llava", "image_token_index": 5,
        "text_config": small | {"eos_token_id": [2, 9], "bos_token_id": 11, "pad_token_id": 0}},
    "no tokens": {"model_type": "llava", "image_token_index": 5,
        "text_config": small | {"eos_token_id": None, "bos_token_id": None}},
}

ACTIVATIONS = {"gelu_pytorch_tanh": "gelu_tanh", "gelu_new": "gelu_tanh"}


def expect(config):
    """The fields of mmn_config."""
    vision, text = config.vision_config, config.text_config
    layers = config.vision_feature_layer
    layers = layers if isinstance(layers, list) else [layers]
    states = list(range(vision.num_hidden_layers + 1))
    eos = text.eos_token_id
    activation = lambda name: ACTIVATIONS.get(name, name)
    return {
        "family": config.model_type,
        "vision": [vision.hidden_size, vision.intermediate_size, vision.num_hidden_layers,
                   vision.num_attention_heads, vision.image_size, vision.patch_size,
                   vision.num_channels],
        "class_token": vision.model_type == "clip_vision_model",
        "layer_norm_eps": vision.layer_norm_eps,
        "vision_activation": activation(vision.hidden_act),
        "feature_layers": [states[layer] for layer in layers],
        "keeps_class_token": config.vision_feature_select_strategy == "full",
        "projector_activation": activation(config.projector_hidden_act),
        "projector_bias": config.multimodal_projector_bias,
        "language_type": text.model_type,
        "language": [text.hidden_size, text.intermediate_size, text.num_hidden_layers,
                     text.num_attention_heads, text.num_key_value_heads,
                     getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads,
                     text.vocab_size, text.max_position_embeddings,
                     getattr(text, "sliding_window", None) or 0],
        "rms_norm_eps": text.rms_norm_eps,
        "rope_theta": text.rope_parameters["rope_theta"],
        "language_activation": activation(text.hidden_act),
        "tied_head": config.tie_word_embeddings,
        "image_token_id": config.image_token_index,
        "image_seq_length": config.image_seq_length,
        "pinpoints": getattr(config, "image_grid_pinpoints", []),
        "eos": [] if eos is None else eos if isinstance(eos, list) else [eos],
        "bos": -1 if text.bos_token_id is None else text.bos_token_id,
        # transformers reads the padding token from the text model; published LLaVA-1.5 has it
        # at the top, where we find it too.
        "pad": next((p for p in (getattr(config, "pad_token_id", None), text.pad_token_id)
                     if p is not None), -1),
    }


cases = []
for name, given in (published | variants).items():
    config = CLASSES[given["model_type"]](**{k: v for k, v in json.loads(json.dumps(given)).items()
                                             if k != "model_type"})
    cases.append({"name": name, "config": given, "expected": expect(config)})
    saved = json.loads(config.to_json_string())
    cases.append({"name": name + ", saved by transformers 5", "config": saved,
                  "expected": expect(config)})

with open(pathlib.Path(__file__).parent / "configs.json", "w", encoding="utf-8") as file:
    file.write("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")


LLAMA_3 = {"architectures": ["LlamaForCausalLM"], "attention_bias": False, "bos_token_id": 128000,
           "eos_token_id": 128001, "hidden_act": "silu", "hidden_size": 4096,
           "intermediate_size": 14336, "max_position_embeddings": 8192, "model_type": "llama",
           "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 8,
           "pretraining_tp": 1, "rms_norm_eps": 1e-05, "rope_scaling": None,
           "rope_theta": 500000.0, "tie_word_embeddings": False, "vocab_size": 128256}
LLAMA_31_ROPE = {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                 "original_max_position_embeddings": 8192, "rope_type": "llama3"}
QWEN2 = {"architectures": ["Qwen2ForCausalLM"], "bos_token_id": 151643, "eos_token_id": 151643,
         "hidden_act": "silu", "hidden_size": 896, "intermediate_size": 4864,
         "max_position_embeddings": 131072, "max_window_layers": 24, "model_type": "qwen2",
         "num_attention_heads": 14, "num_hidden_layers": 24, "num_key_value_heads": 2,
         "rms_norm_eps": 1e-06, "rope_theta": 1000000.0, "sliding_window": 131072,
         "tie_word_embeddings": True, "use_sliding_window": False, "vocab_size": 151936}
BLOOM = {"apply_residual_connection_post_layernorm": False, "attention_dropout": 0.0,
         "attention_softmax_in_fp32": True, "bias_dropout_fusion": True, "bos_token_id": 1,
         "eos_token_id": 2, "pad_token_id": 3, "unk_token_id": 0, "hidden_dropout": 0.0,
         "initializer_range": 0.02, "layer_norm_epsilon": 1e-05, "masked_softmax_fusion": True,
         "model_type": "bloom", "n_embed": 1024, "n_inner": None, "n_layer": 24,
         "num_attention_heads": 16, "offset_alibi": 100, "pretraining_tp": 1,
         "skip_bias_add": True, "skip_bias_add_qkv": False, "slow_but_exact": False,
         "use_cache": True, "vocab_size": 250880}
text_only = {
    "Llama-2-7b-hf": {
        "architectures": ["LlamaForCausalLM"], "bos_token_id": 1, "eos_token_id": 2,
        "hidden_act": "silu", "hidden_size": 4096, "intermediate_size": 11008,
        "max_position_embeddings": 4096, "model_type": "llama", "num_attention_heads": 32,
        "num_hidden_layers": 32, "num_key_value_heads": 32, "pretraining_tp": 1,
        "rms_norm_eps": 1e-05, "rope_scaling": None, "tie_word_embeddings": False,
        "vocab_size": 32000},
    "Meta-Llama-3-8B": LLAMA_3,
    "Llama-3.1-8B-Instruct": LLAMA_3 | {
        "eos_token_id": [128001, 128008, 128009], "max_position_embeddings": 131072,
        "mlp_bias": False, "rope_scaling": LLAMA_31_ROPE},
    "Llama-3.2-1B": LLAMA_3 | {
        "head_dim": 64, "hidden_size": 2048, "intermediate_size": 8192,
        "max_position_embeddings": 131072, "mlp_bias": False, "num_hidden_layers": 16,
        "rope_scaling": LLAMA_31_ROPE | {"factor": 32.0}, "tie_word_embeddings": True},
    "linear scaling": LLAMA_3 | {"rope_scaling": {"type": "linear", "factor": 4.0}},
    "both forms of rotary parameters": LLAMA_3 | {
        "rope_scaling": {"type": "linear", "factor": 4.0},
        "rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 100.0}},
    "an empty older form": LLAMA_3 | {
        "rope_scaling": {}, "rope_parameters": {"rope_type": "linear", "factor": 2.0,
                                                "rope_theta": 100.0}},
    "llama3 from the length now": LLAMA_3 | {
        "rope_scaling": {k: v for k, v in LLAMA_31_ROPE.items()
                         if k != "original_max_position_embeddings"}},
    "the length before beside": LLAMA_3 | {
        "rope_scaling": LLAMA_31_ROPE, "original_max_position_embeddings": 2048},
    "biases everywhere": LLAMA_3 | {"attention_bias": True, "mlp_bias": True},
    "Mistral-7B-v0.1": {
        "architectures": ["MistralForCausalLM"], "bos_token_id": 1, "eos_token_id": 2,
        "hidden_act": "silu", "hidden_size": 4096, "intermediate_size": 14336,
        "max_position_embeddings": 32768, "model_type": "mistral", "num_attention_heads": 32,
        "num_hidden_layers": 32, "num_key_value_heads": 8, "rms_norm_eps": 1e-05,
        "rope_theta": 10000.0, "sliding_window": 4096, "tie_word_embeddings": False,
        "vocab_size": 32000},
    "bloom-560m": BLOOM,
    "bloom-7b1": BLOOM | {"n_embed": 4096, "n_layer": 30, "num_attention_heads": 32},
    "bloom": BLOOM | {"n_embed": 14336, "n_layer": 70, "num_attention_heads": 112},
    "names of the class": {"model_type": "bloom", "hidden_size": 72, "n_layer": 3, "n_head": 6,
                           "vocab_size": 99, "layer_norm_epsilon": 1e-6},
    "Qwen2-0.5B": QWEN2,
    "Qwen2-7B": QWEN2 | {
        "hidden_size": 3584, "intermediate_size": 18944, "max_window_layers": 28,
        "num_attention_heads": 28, "num_hidden_layers": 28, "num_key_value_heads": 4,
        "tie_word_embeddings": False, "vocab_size": 152064},
    "a window behind layer 21": QWEN2 | {
        "max_window_layers": 21, "sliding_window": 4096, "use_sliding_window": True},
    "a window behind the last layer": QWEN2 | {"use_sliding_window": True},
    "a window everywhere": QWEN2 | {"max_window_layers": 0, "use_sliding_window": True},
    "no window": QWEN2 | {"sliding_window": None, "use_sliding_window": True},
    "LLaMA's defaults": {"model_type": "llama"},
    "Mistral's defaults": {"model_type": "mistral"},
    "BLOOM's defaults": {"model_type": "bloom"},
    "Qwen2's defaults": {"model_type": "qwen2"},
}
TEXT_CLASSES = {"llama": LlamaConfig, "mistral": MistralConfig, "bloom": BloomConfig,
                "qwen2": Qwen2Config}


def windows(config):
    """The window of each layer, 0 where there is none."""
    window = getattr(config, "sliding_window", None) or 0
    types = getattr(config, "layer_types", None) or ["sliding_attention"] * config.num_hidden_layers
    return [window if kind == "sliding_attention" else 0 for kind in types]


def biases(config):
    """Whether query, key and value have biases, the attention's output, and the feed-forward."""
    if config.model_type == "bloom":
        return [True, True, True]
    attention = getattr(config, "attention_bias", False)
    return [config.model_type == "qwen2" or attention, attention, getattr(config, "mlp_bias", False)]


def expect_text(config):
    """The fields of mmn_language_config and mmn_generation_config."""
    is_bloom = config.model_type == "bloom"
    heads, eos = config.num_attention_heads, config.eos_token_id
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // heads
    device = torch.device("cpu")
    return {
        "family": config.model_type,
        "language": [config.hidden_size,
                     4 * config.hidden_size if is_bloom else config.intermediate_size,
                     config.num_hidden_layers, heads,
                     heads if is_bloom else config.num_key_value_heads, head_dim,
                     config.vocab_size,
                     2048 if is_bloom else config.max_position_embeddings],
        "windows": windows(config), "biases": biases(config), "alibi": is_bloom,
        "norm_eps": config.layer_norm_epsilon if is_bloom else config.rms_norm_eps,
        "activation": "gelu_tanh" if is_bloom else config.hidden_act,
        "tied_head": config.tie_word_embeddings,
        "positions": (_get_alibi_slopes(heads, device) if is_bloom
                      else LlamaRotaryEmbedding(config).inv_freq).tolist(),
        "eos": [] if eos is None else eos if isinstance(eos, list) else [eos],
        "bos": -1 if config.bos_token_id is None else config.bos_token_id,
        "pad": -1 if config.pad_token_id is None else config.pad_token_id,
    }


text_cases = []
for name, given in text_only.items():
    # A copy: some classes write into what they are given.
    config = TEXT_CLASSES[given["model_type"]](
        **{k: v for k, v in json.loads(json.dumps(given)).items() if k != "model_type"})
    expected = expect_text(config)
    text_cases.append({"name": name, "config": given, "expected": expected})
    text_cases.append({"name": name + ", saved by transformers 5",
                       "config": json.loads(config.to_json_string()),
                       "expected": {k: v for k, v in expected.items() if k != "positions"}})

with open(pathlib.Path(__file__).parent / "text_configs.json", "w", encoding="utf-8") as file:
    file.write("[\n" + ",\n".join(json.dumps(case) for case in text_cases) + "\n]\n")
