"""Writes tiny LLaVA checkpoints in the layout of its authors, and runs them.

config.json is the language model's with LLaVA's keys, the tower a published CLIP in a folder of its own, the
projector one linear layer or two; so were LLaVA-7b-v0 to LLaVA-1.5 published. transformers has no class for
it: its own LLaVA is given that projector. Texts around an image are tokenised each by itself, by SentencePiece.
"""
import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import sentencepiece
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import (AutoImageProcessor, LlavaConfig, LlavaForConditionalGeneration,
                          PreTrainedTokenizerFast)

from make_checkpoints import (CLIP_MEAN, CLIP_STD, DTYPES, PATCH, TOKENIZER, VOCABULARY, Draw, Json, Language, Vision,
                              Weights, language_weights, vision_weights, write_json, write_weights)
from make_tokenizer import added

PLACEHOLDER, UNKNOWN, BEGIN = "<image>", 0, 1
MARKS = {"<im_patch>": 480, "<im_start>": 481, "<im_end>": 482}
TEXT_WIDTH = 12  # of the half of CLIP that LLaVA does not read


@dataclass(frozen=True)
class Original:
    name: str
    dtype: str
    shards: int
    tower: str  # as mm_vision_tower has it
    vision: Vision
    language: Language
    projector: str = "linear"
    aspect: str | None = None
    feature: str = "patch"
    marks: bool = False
    tower_within: bool = False  # the tower's tensors are among the checkpoint's, as when it was trained too
    whole_clip: bool = False


ORIGINAL = {checkpoint.name: checkpoint for checkpoint in (
    # 256 positions, as Pan et al.'s.
    Original("llava-linear-224", "float16", 2, "openai/clip-vit-large-patch14",
             Vision(width=24, inner=52, layers=3, heads=2, image=224),
             Language("llama", width=32, inner=76, layers=2, heads=4, kv_heads=4), whole_clip=True),
    Original("llava-linear-marks", "bfloat16", 1, "/data/towers/clip-vit-large-patch14",
             Vision(width=40, inner=84, layers=3, heads=4, image=56, feature_layers=-1),
             Language("llama", width=48, inner=100, layers=3, heads=4, kv_heads=2), aspect="pad", feature="cls_patch",
             marks=True),
    Original("llava-mlp-336", "float32", 1, "openai/clip-vit-large-patch14-336",
             Vision(width=16, inner=36, layers=3, heads=2, image=336),
             Language("llama", width=24, inner=52, layers=2, heads=2, kv_heads=2), projector="mlp2x_gelu",
             aspect="pad", tower_within=True),
)}


# ---- Writing ---------------------------------------------------------------------------------------------------

def tower_folder(folder: Path, tower: str) -> Path:
    return folder / tower.rsplit("/", 1)[-1]


def config(checkpoint: Original) -> Json:
    """What the published config.json says, and the sizes."""
    language = checkpoint.language
    whole: Json = {
        "_name_or_path": checkpoint.name, "architectures": ["LlavaLlamaForCausalLM"], "bos_token_id": 1,
        "eos_token_id": 2, "freeze_mm_mlp_adapter": False, "hidden_act": "silu", "hidden_size": language.width,
        "image_aspect_ratio": checkpoint.aspect, "image_grid_pinpoints": None, "initializer_range": 0.02,
        "intermediate_size": language.inner, "max_length": 4096, "max_position_embeddings": 4096,
        "mm_hidden_size": checkpoint.vision.width, "mm_use_im_patch_token": checkpoint.marks,
        "mm_use_im_start_end": checkpoint.marks, "mm_vision_select_feature": checkpoint.feature,
        "mm_vision_select_layer": checkpoint.vision.feature_layers, "mm_vision_tower": checkpoint.tower,
        "model_type": "llava", "num_attention_heads": language.heads, "num_hidden_layers": language.layers,
        "num_key_value_heads": language.kv_heads, "pad_token_id": 0, "pretraining_tp": 1, "rms_norm_eps": 1e-05,
        "rope_scaling": None, "tie_word_embeddings": False, "torch_dtype": checkpoint.dtype,
        "transformers_version": "4.31.0", "tune_mm_mlp_adapter": False, "use_cache": True, "use_mm_proj": True,
        "vocab_size": VOCABULARY}
    if checkpoint.projector != "linear":  # which was there before the key was
        whole["mm_projector_type"] = checkpoint.projector
    return dict(sorted(whole.items()))


def tower_config(checkpoint: Original) -> Json:
    vision = checkpoint.vision
    tower: Json = {
        "hidden_act": "quick_gelu", "hidden_size": vision.width, "image_size": vision.image,
        "intermediate_size": vision.inner, "layer_norm_eps": 1e-05, "model_type": "clip_vision_model",
        "num_attention_heads": vision.heads, "num_hidden_layers": vision.layers, "patch_size": PATCH,
        "projection_dim": TEXT_WIDTH}
    if not checkpoint.whole_clip:
        return tower | {"architectures": ["CLIPVisionModel"], "torch_dtype": checkpoint.dtype}
    return {"architectures": ["CLIPModel"], "logit_scale_init_value": 2.6592, "model_type": "clip",
            "projection_dim": TEXT_WIDTH, "text_config": {"hidden_size": TEXT_WIDTH, "model_type": "clip_text_model"},
            "torch_dtype": checkpoint.dtype, "transformers_version": None, "vision_config": tower}


def preprocessor_config(checkpoint: Original) -> Json:
    """In the short form of those years."""
    image = checkpoint.vision.image
    return {"crop_size": image, "do_center_crop": True, "do_normalize": True, "do_resize": True,
            "feature_extractor_type": "CLIPFeatureExtractor", "image_mean": CLIP_MEAN, "image_std": CLIP_STD,
            "resample": 3, "size": image}


def other_half(checkpoint: Original, draw: Draw) -> Weights:
    """Some tensors of CLIP's that LLaVA does not read."""
    width = checkpoint.vision.width
    return {"logit_scale": torch.tensor(4.6, dtype=draw.dtype),
            "text_model.embeddings.position_ids": torch.arange(77)[None],
            "text_model.embeddings.token_embedding.weight": draw.normal(20, TEXT_WIDTH, deviation=1.0),
            "text_model.final_layer_norm.weight": draw.norm(TEXT_WIDTH),
            "text_projection.weight": draw.matrix(TEXT_WIDTH, TEXT_WIDTH, 1.0),
            "vision_model.embeddings.position_ids": torch.arange((checkpoint.vision.image // PATCH) ** 2 + 1)[None],
            "visual_projection.weight": draw.matrix(TEXT_WIDTH, width, 1.0)}


def write_tower(checkpoint: Original, weights: Weights, folder: Path) -> None:
    folder.mkdir()
    write_json(folder / "config.json", tower_config(checkpoint))
    write_json(folder / "preprocessor_config.json", preprocessor_config(checkpoint))
    if not checkpoint.tower_within:
        write_weights(folder, weights, 1)


def write_original(checkpoint: Original, seed: int, folder: Path) -> None:
    """Makes `folder` anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    draw = Draw(seed, DTYPES[checkpoint.dtype])
    width = checkpoint.language.width
    tower = {f"vision_model.{name}": value for name, value in vision_weights(checkpoint.vision, draw).items()}
    weights = language_weights(checkpoint.language, draw)
    weights["lm_head.weight"][UNKNOWN] *= 0.01
    linear = {"linear": (("", checkpoint.vision.width),),
              "mlp2x_gelu": ((".0", checkpoint.vision.width), (".2", width))}[checkpoint.projector]
    for name, inputs in linear:
        weights[f"model.mm_projector{name}.weight"] = draw.matrix(width, inputs, 1.2)
        weights[f"model.mm_projector{name}.bias"] = draw.normal(width, deviation=0.3)
    if checkpoint.tower_within:
        weights |= {f"model.vision_tower.vision_tower.{name}": value for name, value in tower.items()}
    if checkpoint.whole_clip:
        tower |= other_half(checkpoint, draw)
    write_weights(folder, weights, checkpoint.shards)
    write_tower(checkpoint, tower, tower_folder(folder, checkpoint.tower))
    write_json(folder / "config.json", config(checkpoint))
    write_json(folder / "generation_config.json", {
        "_from_model_config": True, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0,
        "transformers_version": "4.31.0"})
    shutil.copyfile(TOKENIZER / "tokenizer.model", folder / "tokenizer.model")
    settings: Json = {
        "add_bos_token": True, "add_eos_token": False, "bos_token": "<s>", "clean_up_tokenization_spaces": False,
        "eos_token": "</s>", "legacy": True, "model_max_length": 2048, "padding_side": "right", "sp_model_kwargs": {},
        "tokenizer_class": "LlamaTokenizer", "unk_token": "<unk>"}
    if checkpoint.marks:
        write_json(folder / "added_tokens.json", MARKS)
        settings["added_tokens_decoder"] = {
            str(number): {key: value for key, value in added(number, token).items() if key != "id"}
            for token, number in ({"<unk>": 0, "<s>": 1, "</s>": 2} | MARKS).items()}
    write_json(folder / "tokenizer_config.json", settings)


# ---- Running ---------------------------------------------------------------------------------------------------

def read_json(file: Path) -> Json:
    return json.loads(file.read_text(encoding="utf-8"))


def is_original(folder: Path) -> bool:
    return "mm_vision_tower" in read_json(folder / "config.json")


def converted_name(name: str) -> str:
    """The name that transformers 5 gives a tensor of the authors'."""
    for theirs, ours in (("model.vision_tower.vision_tower.vision_model.", "model.vision_tower."),
                         ("vision_model.", "model.vision_tower."),
                         ("model.mm_projector.0.", "model.multi_modal_projector.linear_1."),
                         ("model.mm_projector.2.", "model.multi_modal_projector.linear_2."),
                         ("model.mm_projector.", "model.multi_modal_projector."),
                         ("model.", "model.language_model.")):
        if name.startswith(theirs):
            return ours + name.removeprefix(theirs)
    return name


def load_weights(folder: Path, tower: Path) -> Weights:
    """All that the model reads, in float32."""
    weights: Weights = {}
    for file in sorted(folder.glob("*.safetensors")):
        weights |= load_file(file)
    if not any(name.startswith("model.vision_tower.") for name in weights):
        for file in sorted(tower.glob("*.safetensors")):
            weights |= {name: value for name, value in load_file(file).items()
                        if name.startswith("vision_model.") and not name.endswith("position_ids")}
    return {converted_name(name): value.float() for name, value in weights.items()}


def load_model(folder: Path) -> LlavaForConditionalGeneration:
    said = read_json(folder / "config.json")
    tower = tower_folder(folder, said["mm_vision_tower"])
    vision = read_json(tower / "config.json")
    vision = vision.get("vision_config", vision)
    model = LlavaForConditionalGeneration(LlavaConfig(
        vision_config=vision, text_config=said | {"model_type": "llama"}, image_token_index=UNKNOWN,
        projector_hidden_act="gelu", vision_feature_layer=said["mm_vision_select_layer"],
        vision_feature_select_strategy="full" if said["mm_vision_select_feature"] == "cls_patch" else "default",
        tie_word_embeddings=False, attn_implementation="eager"))
    if said.get("mm_projector_type", "linear") == "linear":
        model.model.multi_modal_projector = nn.Linear(said["mm_hidden_size"], said["hidden_size"])
    weights = load_weights(folder, tower)
    wanted = {name for name, _ in model.named_parameters() if "post_layernorm" not in name}
    assert wanted <= set(weights), sorted(wanted - set(weights))
    missing, surplus = model.load_state_dict(weights, strict=False)
    assert not surplus and all("position_ids" in name or "inv_freq" in name for name in missing), (missing, surplus)
    generation = read_json(folder / "generation_config.json")
    model.generation_config.eos_token_id = generation["eos_token_id"]
    model.generation_config.pad_token_id = generation["pad_token_id"]
    return model.float().eval()


def expand_to_square(image: Image.Image) -> Image.Image:
    """In the middle of a square of the mean colour."""
    side = max(image.size)
    square = Image.new("RGB", (side, side), tuple(int(mean * 255) for mean in CLIP_MEAN))
    square.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return square


class Processor:
    """Makes inputs as the authors' code does, <unk> standing for each position of an image."""

    def __init__(self, folder: Path) -> None:
        said = read_json(folder / "config.json")
        tower = tower_folder(folder, said["mm_vision_tower"])
        vision = read_json(tower / "config.json")
        vision = vision.get("vision_config", vision)
        self.pads, self.marks = said["image_aspect_ratio"] == "pad", said["mm_use_im_start_end"]
        self.positions = ((vision["image_size"] // vision["patch_size"]) ** 2
                          + (said["mm_vision_select_feature"] == "cls_patch"))
        self.image_processor = AutoImageProcessor.from_pretrained(tower, backend="pil")
        # The same tokenizer in another form, for decoding.
        self.tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(TOKENIZER / "tokenizer.json"))
        self.pieces = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
        self.tokens = {"<s>": 1, "</s>": 2} | (MARKS if self.marks else {})

    def encode(self, text: str) -> list[int]:
        parts = re.split("(" + "|".join(map(re.escape, self.tokens)) + ")", text)
        return [number for part in parts if part
                for number in ([self.tokens[part]] if part in self.tokens else self.pieces.encode(part))]

    def __call__(self, images: Sequence[Image.Image] | None, text: str, return_tensors: str) -> dict[str, Tensor]:
        if self.marks:
            text = text.replace(PLACEHOLDER, f"<im_start>{PLACEHOLDER}<im_end>")
        ids = [BEGIN]
        for i, piece in enumerate(text.split(PLACEHOLDER)):
            ids += ([UNKNOWN] * self.positions if i > 0 else []) + self.encode(piece)
        prepared = {"input_ids": torch.tensor([ids])}
        if images:
            squares = [expand_to_square(image) for image in images] if self.pads else list(images)
            prepared["pixel_values"] = self.image_processor(squares, return_tensors="pt")["pixel_values"]
        return prepared
