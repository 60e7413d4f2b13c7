#!/usr/bin/env python3
"""Writes tiny detectors with random weights, in the form in which OWL-ViT is published, cases of them as
make_golden.py does for the other models, and what they find in pictures.

Files, names of tensors and keys of config.json are those of google/owlvit-base-patch32. The truth is transformers'
OwlViTForObjectDetection in float64; the bias of boxes is the one that it computes in float32.

Run as: python3 golden/make_owlvit.py   (needs what requirements.txt lists)
"""
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import PIL
import torch
import transformers
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import CLIPTokenizer, OwlViTConfig, OwlViTForObjectDetection
from transformers.image_utils import load_image
from transformers.models.owlvit.image_processing_pil_owlvit import OwlViTImageProcessorPil

from hooks import is_wanted
from make_checkpoints import CLIP_MEAN, CLIP_STD, DTYPES, Draw, Json, Weights, write_json, write_weights
from make_golden import Case, error_against
from ordered import order_metadata
from truth import float64_arithmetic

HERE = Path(__file__).resolve().parent
TOKENIZER = HERE / "clip_tokenizer"


@dataclass(frozen=True)
class OwlVit:
    name: str
    dtype: str
    image: int
    patch: int
    width: int
    inner: int
    heads: int
    layers: int
    text_width: int
    text_inner: int
    text_heads: int
    text_layers: int
    shards: int = 1
    old: bool = False  # whether the image processor's file is an early one


OWLVIT = {model.name: model for model in (
    OwlVit("owlvit", "float32", image=80, patch=16, width=36, inner=76, heads=3, layers=2, text_width=32,
           text_inner=68, text_heads=4, text_layers=2),
    # Pictures' sides are no whole number of patches, and a head's width is no multiple of 8.
    OwlVit("owlvit-bf16", "bfloat16", image=58, patch=14, width=40, inner=84, heads=2, layers=2, text_width=44,
           text_inner=60, text_heads=2, text_layers=3, shards=2, old=True),
)}

OUTLINE = "input_ids, image_sizes, vision.out, language.norm, detector.*"
CASES = {name: (
    Case("cat", "a photo of a cat", ("images/cat.jpg",)),
    Case("wide", "A photo of a red ball!", ("images/wide.jpg",), OUTLINE),
    Case("tall", "Straße, 日本 <|endoftext|> cup", ("images/tall.jpg",), OUTLINE),
    Case("text-only", "a photo of a person"),
) for name in OWLVIT}


def words() -> int:
    return len(json.loads((TOKENIZER / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"])


def config(model: OwlVit) -> Json:
    """As published, with the sizes, which it leaves to the defaults."""
    return {
        "architectures": ["OwlViTForObjectDetection"], "initializer_factor": 1.0, "logit_scale_init_value": 2.6592,
        "model_type": "owlvit", "projection_dim": model.text_width,
        "text_config": {
            "bos_token_id": 0, "dropout": 0.0, "eos_token_id": 2, "hidden_size": model.text_width,
            "intermediate_size": model.text_inner, "max_length": 16, "model_type": "owlvit_text_model",
            "num_attention_heads": model.text_heads, "num_hidden_layers": model.text_layers, "pad_token_id": 1,
            "vocab_size": (words() + 31) // 32 * 32},
        "text_config_dict": None, "torch_dtype": model.dtype, "transformers_version": "4.21.0.dev0",
        "vision_config": {
            "dropout": 0.0, "hidden_size": model.width, "image_size": model.image, "intermediate_size": model.inner,
            "model_type": "owlvit_vision_model", "num_attention_heads": model.heads,
            "num_hidden_layers": model.layers, "patch_size": model.patch},
        "vision_config_dict": None}


def preprocessor_config(model: OwlVit) -> Json:
    size = [model.image] * 2 if model.old else {"height": model.image, "width": model.image}
    name = {"feature_extractor_type": "OwlViTFeatureExtractor"} if model.old else {
        "image_processor_type": "OwlViTImageProcessor", "do_rescale": True, "rescale_factor": 1 / 255}
    return {"crop_size": model.image if model.old else size, "do_center_crop": False, "do_convert_rgb": True,
            "do_normalize": True, "do_resize": True, "image_mean": CLIP_MEAN, "image_std": CLIP_STD,
            "processor_class": "OwlViTProcessor", "resample": 3, "size": size} | name


def gain(name: str) -> float:
    """How much a matrix multiplies the deviation of what it reads."""
    for part, value in (("q_proj", 1.6), ("k_proj", 1.6), ("out_proj", 0.8), ("fc1", 1.4), ("box_head", 1.6)):
        if part in name:
            return value
    return 1.2


def draw_tensor(draw: Draw, name: str, shape: tuple[int, ...]) -> Tensor:
    if not shape:
        return draw.normal(deviation=0.0, mean=2.6592)
    if "norm" in name:
        return draw.norm(*shape) if name.endswith("weight") else draw.normal(*shape, deviation=0.2)
    if name.endswith("bias"):
        return draw.normal(*shape, deviation=0.3)
    if "class_embedding" in name or "token_embedding" in name:
        return draw.normal(*shape, deviation=1.0)
    if "position_embedding" in name:
        return draw.normal(*shape, deviation=0.5)
    if "patch_embedding" in name:
        return draw.normal(*shape, deviation=1.5 * (shape[1] * shape[2] * shape[3]) ** -0.5)
    return draw.matrix(*shape, gain(name))


def weights(model: OwlVit, folder: Path, seed: int) -> Weights:
    draw = Draw(seed, DTYPES[model.dtype])
    with torch.device("meta"):
        empty = OwlViTForObjectDetection(OwlViTConfig.from_pretrained(folder))
    return {name: draw_tensor(draw, name, tuple(value.shape)) for name, value in sorted(empty.state_dict().items())}


def write_owlvit(model: OwlVit, seed: int, folder: Path) -> None:
    """Makes `folder` anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_json(folder / "config.json", config(model))
    write_json(folder / "preprocessor_config.json", preprocessor_config(model))
    write_weights(folder, weights(model, folder, seed), model.shards)
    for file in TOKENIZER.iterdir():
        shutil.copyfile(file, folder / file.name)


# ---- Running it -----------------------------------------------------------------------------------------------------

def load(folder: Path) -> nn.Module:
    """Without its mask of queries that are padding: there are none, and it would round to float32."""
    model = OwlViTForObjectDetection.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    predict = model.class_predictor
    model.class_predictor = lambda features, queries, _mask: predict(features, queries)
    return model


def record(model: nn.Module, ids: Tensor, pixels: Tensor | None) -> dict[str, Tensor]:
    """The stages of one pass over ids [T] and pixels [1, 3, H, W]."""
    stages: dict[str, Tensor] = {}
    handles = []

    def keep(module: nn.Module, name: str, batch: bool = True) -> None:
        def hook(_module: nn.Module, _input: tuple, output: Tensor | tuple) -> None:
            value = (output[0] if isinstance(output, tuple) else output).detach()
            if value.dim() == 3:  # else it is the norm of the class token alone, which detectors do not read
                stages[name] = (value[0] if batch else value).clone()
        handles.append(module.register_forward_hook(hook))

    vision, text = model.owlvit.vision_model, model.owlvit.text_model
    keep(vision.pre_layernorm, "vision.embeddings", False)
    for i, layer in enumerate(vision.encoder.layers):
        keep(layer.mlp.activation_fn, f"vision.layers.{i}.mlp.act", False)
        keep(layer, f"vision.layers.{i}.out", False)
    keep(vision.post_layernorm, "vision.out", False)
    keep(text.embeddings, "language.embeddings")
    for i, layer in enumerate(text.encoder.layers):
        for module, name in ((layer.self_attn, "attn.out"), (layer.mlp.fc1, "mlp.gate"),
                             (layer.mlp.activation_fn, "mlp.act"), (layer.mlp, "mlp.out"), (layer, "out")):
            keep(module, f"language.layers.{i}.{name}")
    keep(text.final_layer_norm, "language.norm")
    keep(model.layer_norm, "detector.features")
    keep(model.sigmoid, "detector.boxes")
    keep(model.class_head.dense0, "detector.classes")
    with torch.no_grad():
        if pixels is None:
            query = model.owlvit.text_projection(text(ids[None]).pooler_output)
            stages["detector.query"] = query / query.norm(dim=-1, keepdim=True)
        else:
            output = model(input_ids=ids[None], pixel_values=pixels, attention_mask=torch.ones_like(ids[None]))
            stages |= {"detector.query": output.text_embeds[0], "detector.logits": output.logits[0]}
    for handle in handles:
        handle.remove()
    return stages


def run_case(case: Case, root: Path, folder: Path, single: nn.Module,
             double: nn.Module) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a case's file."""
    ids = torch.tensor(CLIPTokenizer.from_pretrained(folder)(case.prompt)["input_ids"])
    tensors, pixels = {"input_ids": ids.int()}, None
    if case.images:
        image = load_image(str(root / case.images[0]))
        pixels = OwlViTImageProcessorPil.from_pretrained(folder)(image, return_tensors="pt")["pixel_values"]
        tensors |= {"pixel_values": pixels, "image_sizes": torch.tensor([[image.height, image.width]]).int()}
    with float64_arithmetic():
        truth = record(double, ids, None if pixels is None else pixels.double())
    rounded = record(single, ids, pixels)
    tensors = {name: value.contiguous() for name, value in (tensors | truth).items() if is_wanted(name, case.stages)}
    metadata = {"format": "mmneuron-golden-1", "prompt": case.prompt, "images": json.dumps(list(case.images)),
                "generate": "0", "torch": torch.__version__, "transformers": transformers.__version__,
                "Pillow": PIL.__version__}
    for name in sorted(tensors.keys() & truth.keys()):
        relative, largest = error_against(truth[name], rounded[name])
        metadata[f"error.{name}"] = f"{relative:.6e} {largest:.6e}"
    return tensors, metadata


# ---- What it finds --------------------------------------------------------------------------------------------------

SEARCHES = (
    ("images/cat.jpg", ["a photo of a cat", "a photo of a dog", "a cup"], 0.25),
    ("images/wide.jpg", ["a photo of a red ball"], 0.1),
    ("images/tall.jpg", ["cup", "person", "a photo of a person", "table"], 0.2),
    ("images/grey.jpg", ["car", ""], 0.9),
)
MARGIN = 1e-5  # of scores from the threshold, and between the two best queries of what is found


def find(model: nn.Module, folder: Path, root: Path, search: tuple[str, list[str], float], dtype: torch.dtype) -> Json:
    """What transformers' post-processing makes of the queries' logits."""
    file, queries, threshold = search
    image = load_image(str(root / file))
    processor, tokenizer = OwlViTImageProcessorPil.from_pretrained(folder), CLIPTokenizer.from_pretrained(folder)
    with torch.utils._python_dispatch._disable_current_modes():
        pixels = processor(image, return_tensors="pt")["pixel_values"].to(dtype)
    # As OwlViTProcessor pads: to the model's positions, with the token "!".
    padded = tokenizer(queries, padding="max_length", max_length=16, return_tensors="pt")
    with torch.no_grad():
        output = model(input_ids=padded["input_ids"], pixel_values=pixels, attention_mask=padded["attention_mask"])
    sizes = torch.tensor([[image.height, image.width]])
    found, = processor.post_process_object_detection(output, threshold=threshold, target_sizes=sizes)
    scores = output.logits[0].sigmoid()
    best = scores.sort(dim=1, descending=True).values
    assert (best[:, 0] - threshold).abs().min() > MARGIN
    for row in best[best[:, 0] > threshold]:
        assert len(queries) == 1 or row[0] - row[1] > MARGIN
    return {"image": file, "queries": queries, "threshold": threshold, "size": sizes[0].tolist(),
            "patches": (best[:, 0] > threshold).nonzero()[:, 0].tolist(),
            "scores": found["scores"].tolist(), "labels": found["labels"].tolist(), "boxes": found["boxes"].tolist()}


def write_detections(file: Path, folder: Path, root: Path, single: nn.Module, double: nn.Module) -> None:
    """For tests/study/test_detect.c."""
    found, errors = [], {"scores": 0.0, "boxes": 0.0}
    for search in SEARCHES:
        with float64_arithmetic():
            truth = find(double, folder, root, search, torch.float64)
        rounded = find(single, folder, root, search, torch.float32)
        for key in errors:
            pairs = zip(torch.tensor(truth[key]).flatten().tolist(), torch.tensor(rounded[key]).flatten().tolist())
            errors[key] = max([errors[key], *(abs(a - b) for a, b in pairs)])
        found.append(truth)
    write_json(file, {"torch": torch.__version__, "transformers": transformers.__version__, "largest_error": errors,
                      "found": found})
    print(f"{file.parent.name}: {[len(entry['scores']) for entry in found]} found, errors {errors}")


def make_owlvit(model: OwlVit, cases: Sequence[Case], seed: int, root: Path, searches: bool = True) -> None:
    folder, output = root / "checkpoints" / model.name, root / "cases" / model.name
    write_owlvit(model, seed, folder)
    single, double = load(folder), load(folder).double()
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    if searches:
        write_detections(output / "detections.json", folder, root, single, double)
    for case in cases:
        tensors, metadata = run_case(case, root, folder, single, double)
        file = output / f"{case.name}.safetensors"
        save_file(tensors, file, metadata | {"checkpoint": model.name, "seed": str(seed)})
        order_metadata(file)
        file.chmod(0o644)
        print(f"{model.name}/{case.name}: {file.stat().st_size} bytes, {len(tensors['input_ids'])} ids")


def main() -> None:
    torch.set_num_threads(1)  # its sums may depend on their number
    transformers.logging.set_verbosity_error()
    for name, model in OWLVIT.items():
        make_owlvit(model, CASES[name], 1, HERE)


if __name__ == "__main__":
    main()
