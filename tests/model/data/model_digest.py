"""Prints a model's digest as doc/formats.md describes it, written from that text and not from the
C code: model_digest.py FOLDER... Needs xxhash. test_weights.c has what it prints of the golden
checkpoints: run it again when these are made anew."""

import glob
import json
import re
import struct
import sys

import xxhash


def converted(folder, config):
    """The original LLaVA's config.json as transformers would have it, and the tower's own weights."""
    tower = folder + "/" + config["mm_vision_tower"].rsplit("/", 1)[-1]
    with open(tower + "/config.json", encoding="utf-8") as file:
        vision = json.load(file)
    return {"model_type": "llava_original", "vision_config": vision.get("vision_config", vision),
            "text_config": config | {"model_type": "llama"}, "image_token_index": 0,
            "vision_feature_layer": config["mm_vision_select_layer"],
            "vision_feature_select_strategy":
                "full" if config.get("mm_vision_select_feature") == "cls_patch" else "default",
            "linear": config.get("mm_projector_type", "linear") == "linear"}, glob.glob(tower + "/*.safetensors")


def model_digest(folder):
    stream = xxhash.xxh3_128()
    number = lambda value: stream.update(struct.pack("<Q", value))
    u32 = lambda value: stream.update(struct.pack("<I", value))
    real = lambda value: stream.update(struct.pack("<d", value))
    single = lambda value: struct.unpack("<f", struct.pack("<f", value))[0]

    def text(value):
        number(len(value.encode()))
        stream.update(value.encode())

    with open(folder + "/config.json", encoding="utf-8") as file:
        config = json.load(file)
    files = glob.glob(folder + "/*.safetensors")
    own = len(files)
    if "mm_vision_tower" in config:
        config, more = converted(folder, config)
        files += more
    text("mmneuron-model-1")
    text(config["model_type"])
    vision, language = config.get("vision_config"), config.get("text_config", config)

    def tower():
        for key in ("hidden_size", "intermediate_size", "num_hidden_layers",
                    "num_attention_heads", "image_size", "patch_size"):
            u32(vision[key])
        is_clip = vision["model_type"] == "clip_vision_model"
        real(single(vision.get("layer_norm_eps", 1e-5 if is_clip else 1e-6)))
        text(vision.get("hidden_act", "quick_gelu" if is_clip else "gelu_tanh"))
        layers = config["vision_feature_layer"]
        layers = layers if isinstance(layers, list) else [layers]
        u32(len(layers))
        for layer in layers:
            u32(range(vision["num_hidden_layers"] + 1)[layer])
        u32(config["vision_feature_select_strategy"] == "full")
        if not is_clip:
            text(vision["model_type"])
        text(config.get("projector_hidden_act", "gelu"))
        u32(config.get("multimodal_projector_bias", True))
        if config.get("linear"):
            text("linear")

    def no_tower():
        for _ in range(6):
            u32(0)
        real(0.0)
        text("silu")
        u32(0)
        u32(0)
        text("silu")
        u32(0)

    tower() if vision else no_tower()

    is_bloom, is_qwen2 = (language["model_type"] == name for name in ("bloom", "qwen2"))
    is_opt, is_phi = (language["model_type"] == name for name in ("opt", "phi"))
    is_biased = is_bloom or is_opt or is_phi
    width, heads = language.get("hidden_size", language.get("n_embed")), language["num_attention_heads"]
    first_window = language["max_window_layers"] if language.get("use_sliding_window") else 0
    window = 0 if is_qwen2 and not language.get("use_sliding_window") else language.get("sliding_window") or 0
    text(language["model_type"])
    for value in (width, language.get("intermediate_size", language.get("ffn_dim", 4 * width)),
                  language.get("num_hidden_layers", language.get("n_layer")), heads,
                  language.get("num_key_value_heads", heads),
                  language.get("head_dim") or width // heads, language["vocab_size"], window):
        u32(value)
    real(single(1e-5 if is_opt else language.get("rms_norm_eps", language.get(
        "layer_norm_epsilon", language.get("layer_norm_eps", 1e-6)))))
    rope = language.get("rope_parameters") or {}
    real(0.0 if is_bloom or is_opt else float(rope.get("rope_theta", language.get("rope_theta", 1e4))))
    text("gelu_tanh" if is_bloom or is_phi else language.get("hidden_act", language.get("activation_function", "silu")))
    u32(config.get("tie_word_embeddings", language.get("tie_word_embeddings", is_bloom or is_opt)))

    # What only models have of which the numbers so far do not say everything.
    scaling = language.get("rope_scaling") or {}
    if is_biased or is_qwen2 or scaling:
        u32({"default": 0, "linear": 1, "llama3": 2}[scaling.get("rope_type", "default")])
        for key in ("factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"):
            real(float(scaling.get(key, 0.0)))
        u32(first_window)
        for switch in (is_biased, is_bloom, is_bloom, is_bloom, is_biased or is_qwen2, is_biased, is_biased,
                       not is_biased):
            u32(switch)
    if is_opt or is_phi:
        rotating = int(width // heads * language["partial_rotary_factor"]) if is_phi else 0
        for value in (rotating, is_opt, 2 if is_opt else 0, is_phi, is_phi):
            u32(value)

    u32(config.get("image_token_index", 2**32 - 1))
    pinpoints = config.get("image_grid_pinpoints", [])
    u32(len(pinpoints))
    for height, width in pinpoints:
        u32(height)
        u32(width)

    tensors = {}
    for path in files:
        with open(path, "rb") as file:
            data = file.read()
        begin = 8 + struct.unpack("<Q", data[:8])[0]
        for name, entry in json.loads(data[8:begin]).items():
            if name != "__metadata__":
                if name.endswith(("rotary_emb.inv_freq", "position_ids")):
                    continue
                if path not in files[:own] and not name.startswith("vision_model."):
                    continue
                if is_bloom:
                    name = re.sub(r"^(transformer\.)?", "language_model.", name)
                    name = name.replace(".word_embeddings.", ".embed_tokens.")
                elif is_opt:
                    name = re.sub(r"^(model\.)?decoder\.", "language_model.", name)
                elif not vision:
                    name = re.sub(r"^model\.", "language_model.", name)
                elif "linear" in config:
                    name = re.sub(r"^model\.(layers|embed_tokens|norm)\.", r"language_model.\1.", name)
                name = re.sub(r"^model\.", "", name)
                name = name.replace("mm_projector.0.", "multi_modal_projector.linear_1.")
                name = name.replace("mm_projector.2.", "multi_modal_projector.linear_2.")
                name = name.replace("mm_projector.", "multi_modal_projector.linear.")
                name = name.replace("vision_tower.vision_tower.", "vision_tower.")
                name = re.sub(r"^vision_model\.", "vision_tower.", name)
                name = name.replace("vision_tower.vision_model.", "vision_tower.")
                name = name.replace("language_model.model.", "language_model.")
                name = name.replace("language_model.lm_head.", "lm_head.")
                first, last = entry["data_offsets"]
                tensors[name] = entry, data[begin + first:begin + last]
    number(len(tensors))
    for name in sorted(tensors, key=str.encode):
        entry, data = tensors[name]
        text(name)
        text(entry["dtype"])
        number(len(entry["shape"]))
        for size in entry["shape"]:
            number(size)
        number(len(data))
        stream.update(data)
    return stream.hexdigest()


for folder in sys.argv[1:]:
    print(model_digest(folder), folder)
