"""The model, in the published LLaVA-NeXT form, and how many questions about one picture share a sequence.

In training a sequence holds a picture and several questions, each of which sees the picture and itself
alone, at the positions that it would have if it were the only one. So the picture is paid for once.
"""
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import LlavaNextConfig, LlavaNextForConditionalGeneration

from generate import PATCH, TILE

GRID = TILE // PATCH
PINPOINTS = [[TILE, TILE], [TILE, 2 * TILE], [2 * TILE, TILE]]
MEAN = [0.48145466, 0.4578275, 0.40821073]
STD = [0.26862954, 0.26130258, 0.27577711]


def config(image_token: int, vocabulary: int) -> LlavaNextConfig:
    return LlavaNextConfig(
        vision_config={"model_type": "clip_vision_model", "hidden_size": 128, "projection_dim": 128,
                       "intermediate_size": 512, "num_hidden_layers": 5, "num_attention_heads": 4,
                       "image_size": TILE, "patch_size": PATCH},
        text_config={"model_type": "llama", "hidden_size": 128, "intermediate_size": 352,
                     "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 4,
                     "max_position_embeddings": 4096, "vocab_size": vocabulary,
                     "rms_norm_eps": 1e-5, "bos_token_id": 1, "eos_token_id": 2,
                     "pad_token_id": image_token + 1},
        image_token_index=image_token, image_grid_pinpoints=PINPOINTS, vision_feature_layer=-2,
        vision_feature_select_strategy="default", projector_hidden_act="gelu",
        tie_word_embeddings=False)


def initialise(model: nn.Module, seed: int) -> None:
    """Normal weights by fan-in; what a block adds begins small, norms begin as the identity."""
    torch.manual_seed(seed)
    for name, weight in model.named_parameters():
        if weight.dim() < 2:
            nn.init.constant_(weight, float("norm" in name and name.endswith("weight")))
        elif "embed_tokens" in name or "token_embedding" in name:
            nn.init.normal_(weight, std=0.5)
        elif "position_embedding" in name:
            nn.init.normal_(weight, std=0.3)
        elif "lm_head" in name:
            nn.init.normal_(weight, std=0.02)
        else:
            small = ("out_proj", "fc2", "o_proj", "down_proj", "dense2")
            gain = 0.3 if name.split(".")[-2] in small else 1.0
            nn.init.normal_(weight, std=gain * weight[0].numel() ** -0.5)
    for name, weight in model.named_parameters():
        if name.endswith("class_embedding"):
            nn.init.normal_(weight, std=0.3)


def build(image_token: int, vocabulary: int, seed: int = 1) -> LlavaNextForConditionalGeneration:
    model = LlavaNextForConditionalGeneration(config(image_token, vocabulary))
    initialise(model, seed)
    nn.init.normal_(model.model.image_newline, std=0.5)
    return model


def pixels_of(tiles: Tensor) -> Tensor:
    """[..., side, side, 3] u8 to normalised [n, 3, side, side]."""
    values = tiles.reshape(-1, *tiles.shape[-3:]).float() / 255
    return ((values - torch.tensor(MEAN)) / torch.tensor(STD)).permute(0, 3, 1, 2).contiguous()


def features_of(tower, pixels: Tensor) -> Tensor:
    """What a projector reads of [n, 3, side, side]: [n, patches, width] of the last layer but one."""
    hidden = tower.pre_layrnorm(tower.embeddings(pixels))
    for layer in tower.encoder.layers[:-1]:
        out = layer(hidden, None)
        hidden = out if isinstance(out, Tensor) else out[0]
    return hidden[:, 1:]


def see(model, tiles: Tensor) -> tuple[Tensor, Tensor]:
    """What the projector reads, [images, tiles, patches, width], and what it says."""
    features = features_of(model.model.vision_tower, pixels_of(tiles))
    features = features.reshape(*tiles.shape[:2], GRID * GRID, -1)
    return features, model.model.multi_modal_projector(features)


def lay_out(model, projected: Tensor) -> Tensor:
    """The picture's positions in the language model: the whole, then the rows of the joined tiles."""
    images, count, _, width = projected.shape
    tiles = projected if count == 1 else projected[:, 1:]
    columns = tiles.shape[1]
    rows = tiles.reshape(images, columns, GRID, GRID, width).permute(0, 2, 1, 3, 4)
    rows = rows.reshape(images, GRID, columns * GRID, width)
    newline = model.model.image_newline.expand(images, GRID, 1, width)
    return torch.cat((projected[:, 0], torch.cat((rows, newline), 2).flatten(1, 2)), 1)


@dataclass
class Batch:
    """Sequences of a prefix, a picture and several questions.

    tiles [B, tiles, 72, 72, 3]; prefix [B, P] and words [B, W] ids, padded; positions [B, T] and mask
    [B, 1, T, T] over prefix, picture and words; targets [B, W]: what follows each word, -100: not asked;
    owner [B, W]: the question a word belongs to; marks: (image, tile, patch, label); used [B, T]: no padding.
    """
    tiles: Tensor
    prefix: Tensor
    words: Tensor
    positions: Tensor
    mask: Tensor
    targets: Tensor
    owner: Tensor
    marks: Tensor
    used: Tensor


def read(model, batch: Batch, picture: Tensor) -> tuple[Tensor, Tensor]:
    """The logits where an answer's token is to be said, and those tokens; `picture`: its positions, laid out."""
    embed = model.model.language_model.embed_tokens
    hidden = torch.cat((embed(batch.prefix), picture, embed(batch.words)), 1)
    language = model.model.language_model
    rotary = language.rotary_emb(hidden, position_ids=batch.positions)
    for layer in language.layers:
        out = layer(hidden, attention_mask=batch.mask, position_embeddings=rotary)
        hidden = out if isinstance(out, Tensor) else out[0]
    said = batch.targets != -100
    hidden = language.norm(hidden[:, -batch.words.shape[1]:][said])
    return model.lm_head(hidden), batch.targets[said]
