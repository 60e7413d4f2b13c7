#!/usr/bin/env python3
"""Writes a full-size LLaVA-NeXT checkpoint with random bf16 weights, sharded as published.

    make_checkpoint.py FOLDER [--tokenizer FOLDER] [--language-layers N]

The shapes are those of llava-hf/llava-v1.6-vicuna-7b-hf (13.5 GB in three shards); fewer language
layers make a smaller one of the same kind for benchmarks. Weights are normally distributed with a
standard deviation of 1/sqrt(inputs), so that activations neither die nor explode: each is one of
65536 equally likely quantiles, which is many times faster than computing normal numbers. The same
seed gives the same bytes. Needs numpy. The tokenizer's files are copied from golden/tokenizer unless
another folder is named; its vocabulary may be smaller than the model's. Its "<image>" is the
model's image token.
"""

import argparse
import json
import pathlib
import shutil
import statistics

import numpy

VISION = {
    "hidden_size": 1024, "image_size": 336, "intermediate_size": 4096,
    "model_type": "clip_vision_model", "num_attention_heads": 16, "num_hidden_layers": 24,
    "patch_size": 14, "projection_dim": 768, "vocab_size": 32000,
}
TEXT = {
    "_name_or_path": "lmsys/vicuna-7b-v1.5", "architectures": ["LlamaForCausalLM"],
    "max_position_embeddings": 4096, "model_type": "llama", "pad_token_id": 0,
    "rms_norm_eps": 1e-05, "torch_dtype": "bfloat16", "vocab_size": 32064,
}
HIDDEN, INNER, VOCABULARY = 4096, 11008, 32064
PINPOINTS = [[336, 672], [672, 336], [672, 672], [1008, 336], [336, 1008]]
SHARD_BYTES = 4_990_000_000
CHUNK = 1 << 18  # elements made at a time


def tensors(language_layers):
    """Yields (name, shape, kind) in the order in which published shards have them."""
    yield "image_newline", (HIDDEN,), "matrix"
    yield "language_model.lm_head.weight", (VOCABULARY, HIDDEN), "matrix"
    yield "language_model.model.embed_tokens.weight", (VOCABULARY, HIDDEN), "embedding"
    for layer in range(language_layers):
        prefix = f"language_model.model.layers.{layer}."
        yield prefix + "input_layernorm.weight", (HIDDEN,), "ones"
        yield prefix + "mlp.down_proj.weight", (HIDDEN, INNER), "matrix"
        yield prefix + "mlp.gate_proj.weight", (INNER, HIDDEN), "matrix"
        yield prefix + "mlp.up_proj.weight", (INNER, HIDDEN), "matrix"
        yield prefix + "post_attention_layernorm.weight", (HIDDEN,), "ones"
        for part in "k", "o", "q", "v":
            yield f"{prefix}self_attn.{part}_proj.weight", (HIDDEN, HIDDEN), "matrix"
    yield "language_model.model.norm.weight", (HIDDEN,), "ones"
    width, inner = VISION["hidden_size"], VISION["intermediate_size"]
    for name, inputs in ("linear_1", width), ("linear_2", HIDDEN):
        yield f"multi_modal_projector.{name}.bias", (HIDDEN,), "zeros"
        yield f"multi_modal_projector.{name}.weight", (HIDDEN, inputs), "matrix"
    tower = "vision_tower.vision_model."
    patch = VISION["patch_size"]
    positions = (VISION["image_size"] // patch) ** 2 + 1
    yield tower + "embeddings.class_embedding", (width,), "embedding"
    yield tower + "embeddings.patch_embedding.weight", (width, 3, patch, patch), "matrix"
    yield tower + "embeddings.position_embedding.weight", (positions, width), "embedding"
    for layer in range(VISION["num_hidden_layers"]):
        prefix = f"{tower}encoder.layers.{layer}."
        for norm in "layer_norm1", "layer_norm2":
            yield f"{prefix}{norm}.bias", (width,), "zeros"
            yield f"{prefix}{norm}.weight", (width,), "ones"
        for name, shape in ("fc1", (inner, width)), ("fc2", (width, inner)):
            yield f"{prefix}mlp.{name}.bias", shape[:1], "zeros"
            yield f"{prefix}mlp.{name}.weight", shape, "matrix"
        for part in "k_proj", "out_proj", "q_proj", "v_proj":
            yield f"{prefix}self_attn.{part}.bias", (width,), "zeros"
            yield f"{prefix}self_attn.{part}.weight", (width, width), "matrix"
    for norm in "post_layernorm", "pre_layrnorm":
        yield f"{tower}{norm}.bias", (width,), "zeros"
        yield f"{tower}{norm}.weight", (width,), "ones"


def bf16(values):
    """The bits of f32 values rounded to the nearest bf16, ties to even."""
    bits = values.view(numpy.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2")


def normal_quantiles():
    """The 65536 quantiles (i + 1/2) / 65536 of the normal distribution."""
    normal = statistics.NormalDist()
    return numpy.array([normal.inv_cdf((i + 0.5) / 65536) for i in range(65536)], numpy.float32)


def write_values(file, shape, kind, random, quantiles):
    """Writes one tensor's values, a chunk at a time."""
    count = int(numpy.prod(shape))
    if kind in ("ones", "zeros"):
        file.write(bf16(numpy.full(count, kind == "ones", dtype=numpy.float32)).tobytes())
        return
    inputs = int(numpy.prod(shape[1:])) if len(shape) > 1 else shape[0]
    deviation = 1.0 if kind == "embedding" else inputs ** -0.5
    table = bf16(quantiles * numpy.float32(deviation))
    for first in range(0, count, CHUNK):
        size = min(CHUNK, count - first)
        indices = numpy.frombuffer(random.bytes(2 * size), "<u2")
        file.write(table.take(indices))


def write_shard(path, members, random, quantiles):
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, shape, _ in members:
        size = 2 * int(numpy.prod(shape))
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little"))
        file.write(text)
        for _, shape, kind in members:
            write_values(file, shape, kind, random, quantiles)


def image_token(folder):
    """The id of "<image>" in the tokenizer of the folder, or the published one."""
    added = json.loads((folder / "tokenizer.json").read_text())["added_tokens"]
    return next((token["id"] for token in added if token["content"] == "<image>"), 32000)


def write_configurations(folder, language_layers):
    text = dict(TEXT)
    if language_layers != 32:
        text["num_hidden_layers"] = language_layers
    config = {
        "architectures": ["LlavaNextForConditionalGeneration"], "ignore_index": -100,
        "image_grid_pinpoints": PINPOINTS, "image_token_index": image_token(folder),
        "model_type": "llava_next", "projector_hidden_act": "gelu", "text_config": text,
        "tie_word_embeddings": False, "torch_dtype": "bfloat16",
        "use_image_newline_parameter": True, "vision_config": VISION,
        "vision_feature_layer": -2, "vision_feature_select_strategy": "default",
        "vocab_size": 32064,
    }
    generation = {"_from_model_config": True, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    preprocessor = {
        "aspect_ratio_setting": "anyres", "crop_size": {"height": 336, "width": 336},
        "do_center_crop": True, "do_convert_rgb": True, "do_normalize": True, "do_rescale": True,
        "do_resize": True, "image_grid_pinpoints": PINPOINTS,
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_processor_type": "LlavaNextImageProcessor",
        "image_std": [0.26862954, 0.26130258, 0.27577711], "resample": 3,
        "rescale_factor": 0.00392156862745098, "size": {"shortest_edge": 336},
    }
    for name, value in (("config", config), ("generation_config", generation),
                        ("preprocessor_config", preprocessor)):
        (folder / f"{name}.json").write_text(json.dumps(value, indent=2) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--tokenizer", type=pathlib.Path,
                        default=pathlib.Path(__file__).parents[1] / "golden" / "tokenizer")
    parser.add_argument("--language-layers", type=int, default=32)
    arguments = parser.parse_args()
    folder = arguments.folder
    folder.mkdir(parents=True)
    for source in arguments.tokenizer.iterdir():
        if source.is_file() and "token" in source.name and source.suffix in (".json", ".model"):
            shutil.copy(source, folder)
    write_configurations(folder, arguments.language_layers)

    shards, size = [[]], 0
    for member in tensors(arguments.language_layers):
        size += 2 * int(numpy.prod(member[1]))
        if size > SHARD_BYTES:
            shards.append([])
            size = 2 * int(numpy.prod(member[1]))
        shards[-1].append(member)
    random = numpy.random.Generator(numpy.random.PCG64(20240611))
    quantiles = normal_quantiles()
    weight_map, total = {}, 0
    for number, members in enumerate(shards, 1):
        name = f"model-{number:05}-of-{len(shards):05}.safetensors"
        write_shard(folder / name, members, random, quantiles)
        weight_map |= {member[0]: name for member in members}
        total += sum(2 * int(numpy.prod(member[1])) for member in members)
        print(f"{name}: {len(members)} tensors")
    index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(weight_map.items()))}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")


if __name__ == "__main__":
    main()
