"""Writes instructblip_configs.json: InstructBLIP's configurations as published and with keys left out,
each with what transformers 5.23.0 reads from it."""

import json
import pathlib

from transformers import InstructBlipConfig

TEXT = {"architectures": ["LlamaForCausalLM"], "max_position_embeddings": 2048, "model_type": "llama",
        "pad_token_id": 0, "rms_norm_eps": 1e-06, "torch_dtype": "float32", "vocab_size": 32064}
small = {"vision_config": {"hidden_size": 48, "num_attention_heads": 3, "num_hidden_layers": 2, "image_size": 42,
                           "layer_norm_eps": 1e-5, "qkv_bias": False, "hidden_act": "quick_gelu"},
         "qformer_config": {"hidden_size": 24, "num_attention_heads": 3, "num_hidden_layers": 5,
                            "intermediate_size": 40, "cross_attention_frequency": 3, "vocab_size": 99,
                            "max_position_embeddings": 17, "layer_norm_eps": 1e-6, "hidden_act": "relu",
                            "encoder_hidden_size": 1408},
         "num_query_tokens": 7}
variants = {
    "instructblip-vicuna-7b": {
        "architectures": ["InstructBlipForConditionalGeneration"], "image_token_index": 32000,
        "initializer_factor": 1.0, "initializer_range": 0.02, "num_query_tokens": 32,
        "qformer_config": {"model_type": "instructblip_qformer", "vocab_size": 30523}, "text_config": TEXT,
        "tie_word_embeddings": False, "torch_dtype": "float32", "use_decoder_only_language_model": True,
        "vision_config": {"model_type": "instructblip_vision_model"}},
    "defaults": {"image_token_index": 5, "text_config": TEXT},
    "alias of the placeholder": {"image_token_id": 7, "text_config": TEXT},
    "small": {"image_token_index": 31999, "text_config": TEXT | {"num_hidden_layers": 3}} | small,
}


def expected(config):
    vision, qformer, text = config.vision_config, config.qformer_config, config.text_config
    return {
        "vision": [vision.hidden_size, vision.intermediate_size, vision.num_hidden_layers,
                   vision.num_attention_heads, vision.image_size, vision.patch_size, int(vision.qkv_bias)],
        "vision_eps": vision.layer_norm_eps, "vision_activation": vision.hidden_act,
        "qformer": [config.num_query_tokens, qformer.hidden_size, qformer.intermediate_size,
                    qformer.num_hidden_layers, qformer.num_attention_heads, qformer.cross_attention_frequency,
                    qformer.vocab_size, qformer.max_position_embeddings],
        "qformer_eps": qformer.layer_norm_eps, "qformer_activation": qformer.hidden_act,
        "encoder_hidden_size": qformer.encoder_hidden_size,
        "language": [text.hidden_size, text.num_hidden_layers, text.vocab_size],
        "image_token": config.image_token_id}


folder = pathlib.Path(__file__).parent
cases = [{"name": name, "config": {"model_type": "instructblip"} | variant,
          "expected": expected(InstructBlipConfig(**variant))} for name, variant in variants.items()]
(folder / "instructblip_configs.json").write_text(json.dumps(cases, indent=1) + "\n")
