#!/usr/bin/env python3
"""Writes a full-size checkpoint with random bf16 weights, sharded as published.

    make_checkpoint.py FOLDER [--model NAME] [--language-layers N]

The models are llava-next (the shapes of llava-hf/llava-v1.6-vicuna-7b-hf, 14.1 GB), llava-1.5
(llava-hf/llava-1.5-7b-hf), instructblip (Salesforce/instructblip-vicuna-7b) and llava-interleave
(llava-hf/llava-interleave-qwen-0.5b-hf, 1.7 GB); fewer language layers than published make a smaller one of the same
kind for benchmarks. Each is a tiny checkpoint of golden/checkpoints with all sizes
enlarged: names, configuration and tokenizer are that one's. Weights are normally distributed with a standard deviation
of 1/sqrt(inputs), so that activations neither die nor explode: each is one of 65536 equally likely quantiles,
which is many times faster than computing normal numbers. The same seed gives the same bytes. Needs numpy.
"""
import argparse
import dataclasses
import json
import pathlib
import re
import shutil
import statistics

import numpy

GOLDEN = pathlib.Path(__file__).parents[1] / "golden" / "checkpoints"
SHARD_BYTES = 4_990_000_000
CHUNK = 1 << 18  # elements made at a time


@dataclasses.dataclass
class Model:
    """A golden checkpoint, how its sizes are enlarged, and the layers and heads of each part."""
    golden: str
    sizes: dict   # of tensors and configurations: each size there is unlike the others
    images: dict  # of pictures, in configurations
    layers: dict  # of each part's prefix: of the names of its layers
    heads: dict   # of each part's configuration


LLAMA = {"language_model.model.layers.": 32}
CLIP = {"vision_tower.vision_model.encoder.layers.": 24}
MODELS = {
    "llava-next": Model(
        "llava-v1.6-vicuna", {48: 4096, 100: 11008, 512: 32064, 32: 1024, 72: 4096, 10: 577},
        {42: 336, 84: 672, 126: 1008}, LLAMA | CLIP, {"text_config": 32, "vision_config": 16}),
    "llava-1.5": Model(
        "llava-1.5", {64: 4096, 116: 11008, 512: 32064, 48: 1024, 100: 4096, 17: 577},
        {56: 336}, LLAMA | CLIP, {"text_config": 32, "vision_config": 16}),
    "instructblip": Model(
        "instructblip", {40: 4096, 92: 11008, 512: 32001, 36: 1408, 84: 6144, 108: 4224, 32: 768, 76: 3072,
                         128: 512, 497: 30523, 5: 32, 17: 257},
        {56: 224}, LLAMA | {"vision_model.encoder.layers.": 39, "qformer.encoder.layer.": 12},
        {"text_config": 32, "vision_config": 16, "qformer_config": 12}),
    "llava-interleave": Model(
        "llava-interleave-qwen", {40: 1024, 84: 2816, 512: 152000, 20: 1024, 36: 1152, 76: 4304, 9: 729},
        {48: 384}, {"language_model.model.layers.": 24, "vision_tower.vision_model.encoder.layers.": 26},
        {"text_config": 16, "vision_config": 16}),
}
SIZE_KEYS = {"hidden_size", "intermediate_size", "vocab_size", "num_query_tokens", "encoder_hidden_size",
             "max_position_embeddings"}
IMAGE_KEYS = {"image_size", "height", "width", "shortest_edge", "image_grid_pinpoints"}


def golden_shapes(folder):
    """The shapes of a checkpoint's tensors, by name."""
    shapes = {}
    for path in sorted(folder.glob("*.safetensors")):
        with open(path, "rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        header.pop("__metadata__", None)
        shapes |= {name: tensor["shape"] for name, tensor in header.items()}
    return shapes


def tensors(model, layers):
    """Yields (name, shape) of all tensors; layers that the golden checkpoint lacks are like those that it has."""
    shapes = golden_shapes(GOLDEN / model.golden)
    for name, shape in sorted(shapes.items()):
        full = tuple(model.sizes.get(size, size) for size in shape)
        part = next((prefix for prefix in layers if name.startswith(prefix)), None)
        if part is None:
            yield name, full
            continue
        number, rest = re.match(r"(\d+)\.(.*)", name[len(part):]).groups()
        known = {int(other[len(part):].split(".")[0]) for other in shapes if other.startswith(part)}
        for layer in range(int(number), layers[part], len(known)):
            yield f"{part}{layer}.{rest}", full


def kind(name):
    if name.endswith("bias"):
        return "zeros"
    if re.search(r"norm\d?\.weight$|layrnorm\.weight$", name, re.IGNORECASE):
        return "ones"
    return "embedding" if re.search(r"embed|query_tokens", name) and "patch" not in name else "matrix"


def bf16(values):
    """The bits of f32 values rounded to the nearest bf16, ties to even."""
    bits = values.view(numpy.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2")


def normal_quantiles():
    """The 65536 quantiles (i + 1/2) / 65536 of the normal distribution."""
    normal = statistics.NormalDist()
    return numpy.array([normal.inv_cdf((i + 0.5) / 65536) for i in range(65536)], numpy.float32)


def write_values(file, name, shape, random, quantiles):
    """Writes one tensor's values, a chunk at a time."""
    count = int(numpy.prod(shape))
    if kind(name) in ("ones", "zeros"):
        file.write(bf16(numpy.full(count, kind(name) == "ones", dtype=numpy.float32)).tobytes())
        return
    inputs = int(numpy.prod(shape[1:])) if len(shape) > 1 else shape[0]
    deviation = 1.0 if kind(name) == "embedding" else inputs ** -0.5
    table = bf16(quantiles * numpy.float32(deviation))
    for first in range(0, count, CHUNK):
        size = min(CHUNK, count - first)
        indices = numpy.frombuffer(random.bytes(2 * size), "<u2")
        file.write(table.take(indices))


def write_shard(path, members, random, quantiles):
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, shape in members:
        size = 2 * int(numpy.prod(shape))
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little"))
        file.write(text)
        for name, shape in members:
            write_values(file, name, shape, random, quantiles)


def enlarged(model, layers, value, key=""):
    """A configuration with full sizes; `key` is that of the value."""
    if isinstance(value, dict):
        full = {name: enlarged(model, layers, inner, name) for name, inner in value.items()}
        part = {"text_config": "language_model.", "vision_config": "vision_", "qformer_config": "qformer."}.get(key)
        if part:
            full["num_hidden_layers"] = next(layers[prefix] for prefix in layers if prefix.startswith(part))
            full["num_attention_heads"] = model.heads[key]
            if "num_key_value_heads" in full:
                full["num_key_value_heads"] = model.heads[key]
        return full
    if isinstance(value, list):
        return [enlarged(model, layers, inner, key) for inner in value]
    if key == "torch_dtype":
        return "bfloat16"
    sizes = model.sizes if key in SIZE_KEYS else model.images if key in IMAGE_KEYS else {}
    return sizes.get(value, value) if isinstance(value, int) else value


def copy_files(folder, model, layers):
    """Everything but the weights."""
    for source in (GOLDEN / model.golden).iterdir():
        if source.is_dir():
            shutil.copytree(source, folder / source.name)
        elif source.name.endswith("config.json") and source.name != "tokenizer_config.json":
            full = enlarged(model, layers, json.loads(source.read_text()))
            (folder / source.name).write_text(json.dumps(full, indent=2) + "\n")
        elif "safetensors" not in source.name:
            shutil.copy(source, folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--model", choices=MODELS, default="llava-next")
    parser.add_argument("--language-layers", type=int, help="fewer than published")
    arguments = parser.parse_args()
    folder, model = arguments.folder, MODELS[arguments.model]
    language = "language_model.model.layers."
    layers = model.layers | {language: arguments.language_layers or model.layers[language]}
    folder.mkdir(parents=True)
    copy_files(folder, model, layers)

    shards, size = [[]], 0
    for member in tensors(model, layers):
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
