#!/usr/bin/env python3
"""Writes checkpoints, pictures, prompts and cases like those of golden/, but others, from a seed.

Nothing of it is committed: it shows that the program was not fitted to the committed cases. Then
`MMN_GOLDEN_DIR=FOLDER tests/model/test --filter 'golden/*'` compares the program with it, and
`--filter 'gradient/*_match_*'` the gradients.

Run as: python3 golden/make_heldout.py SEED FOLDER [MODEL...]   (needs what requirements.txt lists)

Without names, all models. What is drawn for one does not depend on which others are made.
"""
import random
import sys
from dataclasses import replace
from pathlib import Path

import skimage
from PIL import Image

import make_gradients
from make_checkpoints import CHECKPOINTS, Checkpoint
from make_deberta import CASES as DEBERTA_CASES, DEBERTA, Deberta, QUESTION, make_deberta
from make_golden import ALMOST_EVERYTHING, CASES, Case, make, prepare_libraries
from make_instructblip import INSTRUCTBLIP, InstructBlip
from make_original import ORIGINAL, Original
from make_owlvit import CASES as OWLVIT_CASES, OWLVIT, OwlVit, make_owlvit
from make_siglip import SIGLIP, Siglip
from make_text import TEXT_MODELS, TextModel

SOURCES = ("astronaut.png", "brick.png", "camera.png", "cell.png", "chelsea.png", "coffee.png",
           "grass.png", "hubble_deep_field.jpg", "ihc.png", "retina.jpg", "rocket.jpg", "text.png")
WORDS = ("what", "Where", "is", "the", "cat", "how many", "neurons", "?", "!", "\n", "42", "été",
         "日本", "🙂", "\t", "  ", "picture", "USER:", "ASSISTANT:", "[INST]", "</s>", "in front of")
IMAGES = 8
GRADIENTS = 3


def random_picture(draw: random.Random) -> Image.Image:
    """A crop of any shape in any size from 8 to 700 pixels a side, in colour or grey."""
    folder = Path(skimage.__file__).parent / "data"
    image = Image.open(folder / draw.choice(SOURCES))
    width, height = (draw.randint(16, side) for side in image.size)
    left, top = draw.randint(0, image.width - width), draw.randint(0, image.height - height)
    image = image.crop((left, top, left + width, top + height))
    size = (round(8 * 87.5 ** draw.random()), round(8 * 87.5 ** draw.random()))
    image = image.resize(size, Image.Resampling.BICUBIC)
    return image.convert("L") if draw.random() < 0.25 else image


def random_prompt(draw: random.Random, images: int) -> str:
    words = draw.choices(WORDS, k=draw.randint(2, 12))
    for _ in range(images):
        words.insert(draw.randint(0, len(words)), "<image>")
    return draw.choice(("", " ")).join(words)


def random_sizes(draw: random.Random, checkpoint: Checkpoint) -> Checkpoint:
    """The same family and form with other sizes."""
    vision, language = checkpoint.vision, checkpoint.language
    vision_heads = draw.randint(1, 4)
    kv_heads = draw.randint(1, 3)
    heads = kv_heads * (1 if language.kv_heads == language.heads else draw.randint(2, 3))
    return replace(
        checkpoint,
        vision=replace(vision, heads=vision_heads, width=vision_heads * draw.randint(5, 15),
                       inner=draw.randint(20, 310), image=14 * draw.randint(2, 5),
                       layers=draw.randint(3, 4)),
        language=replace(language, heads=heads, kv_heads=kv_heads,
                         width=heads * 2 * draw.randint(3, 12), inner=draw.randint(20, 310),
                         layers=draw.randint(2, 4),
                         window=language.window and draw.randint(2, 40)))


def random_siglip(draw: random.Random, checkpoint: Siglip) -> Siglip:
    """The same form with other sizes, of pictures too, which need not be whole patches."""
    vision_heads, kv_heads = draw.randint(1, 4), draw.randint(1, 3)
    heads = kv_heads * draw.randint(1, 3)
    return replace(
        checkpoint,
        vision=replace(checkpoint.vision, heads=vision_heads, width=vision_heads * draw.randint(5, 15),
                       inner=draw.randint(20, 310), image=draw.randint(28, 75), layers=draw.randint(2, 4)),
        language=replace(checkpoint.language, heads=heads, kv_heads=kv_heads, width=heads * 2 * draw.randint(3, 12),
                         inner=draw.randint(20, 310), layers=draw.randint(2, 4)))


def random_original(draw: random.Random, checkpoint: Original) -> Original:
    """Other sizes, and any projector, padding, layer (but 0, which transformers cannot read) and place of the tower.

    A tower is at least 16 wide: a LayerNorm over five numbers magnifies whatever rounding meets it, and torch's own error
    is no measure of it."""
    vision_heads, kv_heads = draw.randint(2, 4), draw.randint(1, 3)
    heads, layers = kv_heads * draw.randint(1, 3), draw.randint(2, 4)
    within = draw.random() < 0.3
    return replace(
        checkpoint, aspect=draw.choice((None, "square", "pad")), projector=draw.choice(("linear", "linear", "mlp2x_gelu")),
        feature=draw.choice(("patch", "cls_patch")), marks=draw.random() < 0.4, tower_within=within,
        whole_clip=not within and draw.random() < 0.5,
        vision=replace(checkpoint.vision, heads=vision_heads, width=vision_heads * draw.randint(8, 15),
                       inner=draw.randint(20, 310), image=14 * draw.randint(2, 5), layers=layers,
                       feature_layers=draw.choice((-1, 1)) * draw.randint(1, layers)),
        language=replace(checkpoint.language, heads=heads, kv_heads=kv_heads, width=heads * 2 * draw.randint(3, 12),
                         inner=draw.randint(20, 310), layers=draw.randint(2, 4)))


def random_instructblip(draw: random.Random, checkpoint: InstructBlip) -> InstructBlip:
    """The same form with other sizes, numbers of queries and layers with cross-attention."""
    vision_heads, qformer_heads, heads = (draw.randint(1, 4) for _ in range(3))
    return replace(
        checkpoint,
        vision=replace(checkpoint.vision, heads=vision_heads, width=vision_heads * draw.randint(5, 15),
                       inner=draw.randint(20, 310), image=14 * draw.randint(2, 5), layers=draw.randint(2, 4)),
        qformer=replace(checkpoint.qformer, heads=qformer_heads, width=qformer_heads * draw.randint(5, 20),
                        inner=draw.randint(20, 310), layers=draw.randint(2, 5), queries=draw.randint(1, 19),
                        cross_attention_frequency=draw.randint(1, 3)),
        language=replace(checkpoint.language, heads=heads, kv_heads=heads, width=heads * 2 * draw.randint(3, 12),
                         inner=draw.randint(20, 310), layers=draw.randint(2, 4)))


def random_text_model(draw: random.Random, model: TextModel) -> TextModel:
    """The same form with other sizes, windows and frequencies."""
    config, layers = dict(model.config), draw.randint(2, 4)
    if model.name == "bloom":
        heads = draw.randint(1, 11)
        config |= {"n_embed": heads * draw.randint(2, 12), "n_layer": layers, "num_attention_heads": heads}
        return replace(model, config=config)
    if model.name == "opt":  # at least 16 wide, for the reason that random_original gives
        heads = draw.randint(2, 6)
        width = heads * draw.randint(8, 15)
        config |= {"hidden_size": width, "word_embed_proj_dim": width, "num_hidden_layers": layers,
                   "num_attention_heads": heads, "ffn_dim": draw.randint(20, 310)}
        return replace(model, config=config)
    kv_heads, head_dim = draw.randint(1, 3), 2 * draw.randint(2, 12)
    heads = kv_heads * draw.randint(1, 3)
    config |= {"num_attention_heads": heads, "num_key_value_heads": kv_heads, "num_hidden_layers": layers,
               "hidden_size": heads * head_dim, "intermediate_size": draw.randint(20, 310)}
    if "partial_rotary_factor" in config:  # exact, so that it is an even number of dimensions
        config |= {"num_key_value_heads": draw.choice((kv_heads, heads)),
                   "hidden_size": heads * 16, "partial_rotary_factor": draw.randint(1, 8) / 8}
    if "head_dim" in config:
        config |= {"head_dim": head_dim, "hidden_size": heads * draw.randint(5, 25)}
    if config.get("rope_scaling"):
        config["rope_scaling"] = config["rope_scaling"] | {
            "factor": draw.uniform(1.5, 32.0), "low_freq_factor": draw.uniform(0.5, 2.0),
            "high_freq_factor": draw.uniform(2.5, 6.0), "original_max_position_embeddings": draw.randint(16, 200)}
    if "sliding_window" in config:
        config["sliding_window"] = draw.randint(1, 30)
    if "max_window_layers" in config:
        config |= {"max_window_layers": draw.randint(0, layers), "use_sliding_window": draw.random() < 0.75}
    return replace(model, config=config)


def random_deberta(draw: random.Random, model: Deberta) -> Deberta:
    """The same form with other sizes, buckets and numbers of distances that are told apart."""
    heads = draw.randint(1, 5)
    buckets = draw.choice((8, 16, 32, 64, 256))
    return replace(model, heads=heads, width=heads * draw.randint(4, 30), inner=draw.randint(20, 310),
                   layers=draw.randint(1, 4), buckets=buckets, positions=draw.randint(buckets, 1024))


def judge_cases(draw: random.Random) -> list[Case]:
    """Texts of up to some hundreds of tokens."""
    def text() -> str:
        return " ".join(random_prompt(draw, 0) for _ in range(draw.choice((1, 1, 3, 30))))
    return [Case(f"text-{i}", draw.choice((QUESTION.format(text(), text()), text()))) for i in range(IMAGES)]


def random_owlvit(draw: random.Random, model: OwlVit) -> OwlVit:
    """The same form with other sizes."""
    heads, text_heads, patch = draw.randint(1, 4), draw.randint(1, 4), draw.randint(4, 20)
    return replace(model, patch=patch, image=patch * draw.randint(1, 6) + draw.randint(0, patch - 1), heads=heads,
                   width=heads * draw.randint(4, 20), inner=draw.randint(20, 310), layers=draw.randint(1, 4),
                   text_heads=text_heads, text_width=text_heads * draw.randint(4, 20),
                   text_inner=draw.randint(20, 310), text_layers=draw.randint(1, 4))


def query_cases(draw: random.Random, pictures: list[str]) -> list[Case]:
    """Queries that its text's tower has positions for."""
    return [Case(f"query-{i}", " ".join(draw.choices(("a photo of a", "cat", "Red", "cup!", "7", "été"), k=2)),
                 (pictures[i],)) for i in range(IMAGES)]


def text_cases(draw: random.Random) -> list[Case]:
    return [Case(f"text-{i}", random_prompt(draw, 0), (), ALMOST_EVERYTHING, 3) for i in range(IMAGES)]


def picture_cases(draw: random.Random, pictures: list[str]) -> list[Case]:
    cases = [Case(f"one-{i}", random_prompt(draw, 1), (pictures[i],), ALMOST_EVERYTHING, 3)
             for i in range(IMAGES)]
    cases.append(Case("joined", random_prompt(draw, 1), draw.sample(pictures, 3), generate=3))
    cases.append(Case("two-images", random_prompt(draw, 2), draw.sample(pictures, 2), generate=3))
    cases.append(Case("text-only", random_prompt(draw, 0), generate=3))
    return cases


def instructblip_cases(draw: random.Random, pictures: list[str]) -> list[Case]:
    """Its prompts have no placeholder, and every one has a picture."""
    cases = [Case(f"one-{i}", random_prompt(draw, 0), (pictures[i],), ALMOST_EVERYTHING, 3)
             for i in range(IMAGES)]
    cases.append(Case("joined", random_prompt(draw, 0), draw.sample(pictures, 3), generate=3))
    return cases


def make_gradients_of(model: str, cases: list[Case], draw: random.Random, root: Path) -> None:
    """Of some of the model's cases, by every stage."""
    for case in draw.sample(cases, GRADIENTS):
        make_gradients.make(make_gradients.Case(
            model, case.prompt, draw.choice(("cat", " the", "neurons", "é")), tuple(case.images), draw.randint(0, 1),
            draw.random() < 0.5, "grad.*", case.name,
            make_gradients.QFORMER_RUNS if model in INSTRUCTBLIP else 1), root)


def make_model(name: str, seed: int, pictures: list[str], root: Path) -> None:
    draw = random.Random(f"{seed} {name}")
    if name in DEBERTA:
        make_deberta(random_deberta(draw, DEBERTA[name]), judge_cases(draw), 1000 * seed, root)
        return
    if name in OWLVIT:
        make_owlvit(random_owlvit(draw, OWLVIT[name]), query_cases(draw, pictures), 1000 * seed, root, searches=False)
        return
    if name in TEXT_MODELS:
        checkpoint, cases = random_text_model(draw, TEXT_MODELS[name]), text_cases(draw)
    elif name in INSTRUCTBLIP:
        checkpoint, cases = random_instructblip(draw, INSTRUCTBLIP[name]), instructblip_cases(draw, pictures)
    elif name in ORIGINAL:
        checkpoint, cases = random_original(draw, ORIGINAL[name]), picture_cases(draw, pictures)
    elif name in SIGLIP:
        checkpoint, cases = random_siglip(draw, SIGLIP[name]), picture_cases(draw, pictures)
    else:
        checkpoint, cases = random_sizes(draw, CHECKPOINTS[name]), picture_cases(draw, pictures)
    make(checkpoint, cases, 1000 * seed, root)
    make_gradients_of(name, cases, random.Random(f"{seed} {name} gradients"), root)


def main() -> None:
    seed, root = int(sys.argv[1]), Path(sys.argv[2])
    prepare_libraries()
    draw = random.Random(seed)
    (root / "images").mkdir(parents=True, exist_ok=True)
    pictures = []
    for i in range(IMAGES):
        pictures.append(f"images/{i}{draw.choice(('.png', '.jpg'))}")
        random_picture(draw).save(root / pictures[-1])
    for name in sys.argv[3:] or (CASES | DEBERTA_CASES | OWLVIT_CASES):
        make_model(name, seed, pictures, root)


if __name__ == "__main__":
    main()
