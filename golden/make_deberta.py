#!/usr/bin/env python3
"""Writes tiny judges of answers with random weights, in the form in which DeBERTa-v3 models with one output are
published, and cases of them as make_golden.py does for the other models.

Files, names of tensors and keys of config.json are those of microsoft/deberta-v3-base after fine-tuning. The truth
is transformers' DebertaV2ForSequenceClassification in float64; buckets of distances are the integers that it
computes in float32, and the scores' divisor, sqrt(3 d), is taken in float64.

Run as: python3 golden/make_deberta.py   (needs what requirements.txt lists)
"""
import json
import math
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import DebertaV2Config, DebertaV2ForSequenceClassification, PreTrainedTokenizerFast
from transformers.models.deberta_v2 import modeling_deberta_v2 as modeling

from make_checkpoints import DTYPES, Draw, Json, Weights, write_json, write_weights
from make_golden import Case, error_against
from hooks import is_wanted
from truth import float64_arithmetic

HERE = Path(__file__).resolve().parent
TOKENIZER = HERE / "unigram_tokenizer"


@dataclass(frozen=True)
class Deberta:
    name: str
    dtype: str
    width: int
    inner: int
    heads: int
    layers: int
    buckets: int
    positions: int
    labels: int
    with_map: bool  # of characters, in the tokenizer
    shards: int = 1


DEBERTA = {model.name: model for model in (
    Deberta("deberta-v3", "float32", width=36, inner=76, heads=3, layers=2, buckets=256, positions=512, labels=1,
            with_map=True),
    # Few buckets, which share distances from 9 on; a head's width is no multiple of 8.
    Deberta("deberta-v3-few-buckets", "bfloat16", width=60, inner=84, heads=4, layers=2, buckets=16, positions=64,
            labels=3, with_map=False, shards=2),
)}

QUESTION = "[CLS]\nQuestion: Are there any traffic lights present? If yes, what is their color?\nAnswer: {}\nStudent: {}"
OUTLINE = "input_ids, judge.layers.1.attn.out, judge.pooled, judge.logits"
LONG = " ".join(f"{i} cars wait at the traffic light, and a cyclist passes them on the left." for i in range(14))
CASES = {name: (
    Case("judged", QUESTION.format("yes, green.", "no.")),
    Case("short", "no"),
    Case("long", QUESTION.format(LONG, "there are some, ½ of them ﬁne."), (), OUTLINE),
) for name in DEBERTA}


def words(model: Deberta) -> int:
    document = json.loads((TOKENIZER / "tokenizer.json").read_text(encoding="utf-8"))
    return len(document["model"]["vocab"]) + len(document["added_tokens"][4:])


def config(model: Deberta) -> Json:
    """As published, with what fine-tuning adds."""
    labels = {"id2label": {str(i): f"LABEL_{i}" for i in range(model.labels)},
              "label2id": {f"LABEL_{i}": i for i in range(model.labels)}}
    return {
        "_name_or_path": "microsoft/deberta-v3-base", "architectures": ["DebertaV2ForSequenceClassification"],
        "attention_probs_dropout_prob": 0.1, "hidden_act": "gelu", "hidden_dropout_prob": 0.1,
        "hidden_size": model.width, **labels, "initializer_range": 0.02, "intermediate_size": model.inner,
        "layer_norm_eps": 1e-07, "max_position_embeddings": model.positions, "max_relative_positions": -1,
        "model_type": "deberta-v2", "norm_rel_ebd": "layer_norm", "num_attention_heads": model.heads,
        "num_hidden_layers": model.layers, "pad_token_id": 0, "pooler_dropout": 0, "pooler_hidden_act": "gelu",
        "pooler_hidden_size": model.width, "pos_att_type": ["p2c", "c2p"], "position_biased_input": False,
        "position_buckets": model.buckets, "relative_attention": True, "share_att_key": True,
        "torch_dtype": model.dtype, "transformers_version": "4.36.2", "type_vocab_size": 0,
        "vocab_size": (words(model) + 31) // 32 * 32}


def draw_tensor(draw: Draw, name: str, shape: tuple[int, ...]) -> Tensor:
    if "LayerNorm" in name:
        return draw.norm(*shape) if name.endswith("weight") else draw.normal(*shape, deviation=0.2)
    if name.endswith("bias"):
        return draw.normal(*shape, deviation=0.3, mean=-1.5 if "classifier" in name else 0.0)
    if "embeddings" in name:
        return draw.normal(*shape, deviation=1.0)
    gain = next((value for part, value in (("query_proj", 1.6), ("key_proj", 1.6), ("classifier", 2.5)) if part in name), 1.2)
    return draw.matrix(*shape, gain)


def weights(model: Deberta, folder: Path, seed: int) -> Weights:
    draw = Draw(seed, DTYPES[model.dtype])
    with torch.device("meta"):
        empty = DebertaV2ForSequenceClassification(DebertaV2Config.from_pretrained(folder))
    return {name: draw_tensor(draw, name, tuple(value.shape)) for name, value in sorted(empty.state_dict().items())}


def write_tokenizer(model: Deberta, folder: Path) -> None:
    for file in TOKENIZER.iterdir():
        shutil.copyfile(file, folder / file.name)
    if not model.with_map:
        document = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
        document["normalizer"]["normalizers"].pop(1)
        write_json(folder / "tokenizer.json", document)


def write_deberta(model: Deberta, seed: int, folder: Path) -> None:
    """Makes `folder` anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_json(folder / "config.json", config(model))
    write_weights(folder, weights(model, folder, seed), model.shards)
    write_tokenizer(model, folder)


# ---- What it says of answers ----------------------------------------------------------------------------------------

# Questions with right answers and another one: some longer than the benchmark's 128 tokens, so that the answer, or
# the right one, is cut off; white space and capitals at the ends, which the benchmark's form does away with.
ANSWERS = (
    ("Are there any traffic lights present? If yes, what is their color?", ["Yes, green."], "No."),
    ("What should the driver do?", ["Wait at the light.", "STOP", "He should stop."], "  Stop and WAIT \n"),
    ("What is on the left?", [f"  {LONG}", "A cyclist. "], "a cyclist"),
    ("Why?", ["Because the light is red."], LONG.upper()),
    ("Is the road wet?", ["Ｎｏ", "no ½", "été"], ""),
)


def benchmark(text: str) -> str:
    return text.lower().strip()


def judge(model: nn.Module, tokenizer: PreTrainedTokenizerFast, answer: tuple[str, list[str], str], form: str) -> list[float]:
    """The logits of one answer by each of the right ones."""
    question, references, prediction = answer
    change = benchmark if form == "benchmark" else str
    limit = {"truncation": True, "max_length": 128} if form == "benchmark" else {}
    logits = []
    for reference in references:
        text = f"[CLS]\nQuestion: {question}\nAnswer: {change(reference)}\nStudent: {change(prediction)}"
        ids = torch.tensor(tokenizer(text, **limit)["input_ids"])
        logits.append(record(model, ids)["judge.logits"].item())
    return logits


def write_judgements(file: Path, tokenizer: PreTrainedTokenizerFast, single: nn.Module, double: nn.Module) -> None:
    """What a judge with one output says of ANSWERS, for tests/study/test_judge.c."""
    judged, error = [], 0.0
    for answer in ANSWERS:
        entry: Json = dict(zip(("question", "answers", "prediction"), answer))
        for form in ("benchmark", "demo"):
            with float64_arithmetic(), exact_distances():
                truth = judge(double, tokenizer, answer, form)
            error = max([error, *(abs(a - b) for a, b in zip(truth, judge(single, tokenizer, answer, form)))])
            entry[form] = {"logit": max(truth), "reference": truth.index(max(truth))}
        judged.append(entry)
    write_json(file, {"torch": torch.__version__, "transformers": transformers.__version__, "largest_error": error,
                      "judged": judged})


def write_distances(file: Path) -> None:
    """At which distance each bucket begins, for tests/model/test_judge.c."""
    found = []
    for buckets, farthest in ((256, 512), (16, 64), (8, 1024), (64, 100), (33, 200), (2, 512)):
        places = modeling.make_log_bucket_position(torch.arange(2001), buckets, farthest).long().tolist()
        begins = [i for i in range(2001) if i == 0 or places[i] != places[i - 1]]
        found.append({"buckets": buckets, "farthest": farthest, "begins": begins,
                      "places": [places[i] for i in begins]})
    file.write_text(json.dumps(found) + "\n", encoding="utf-8")


# ---- Running it -----------------------------------------------------------------------------------------------------

@contextmanager
def exact_distances() -> Iterator[None]:
    """The two places of the model's code that compute in float32 whatever its type."""
    originals = modeling.build_relative_position, modeling.scaled_size_sqrt

    def build(*arguments: object, **keywords: object) -> Tensor:
        with torch.utils._python_dispatch._disable_current_modes():
            return originals[0](*arguments, **keywords)

    def divisor(layer: Tensor, factor: int) -> Tensor:
        return torch.tensor(math.sqrt(layer.size(-1) * factor), dtype=torch.float64)

    modeling.build_relative_position, modeling.scaled_size_sqrt = build, divisor
    try:
        yield
    finally:
        modeling.build_relative_position, modeling.scaled_size_sqrt = originals


def record(model: nn.Module, ids: Tensor) -> dict[str, Tensor]:
    """The stages of one pass over ids [T]."""
    stages: dict[str, Tensor] = {}

    def keep(module: nn.Module, name: str) -> None:
        module.register_forward_hook(lambda _module, _input, output: stages.__setitem__(
            name, (output[0] if isinstance(output, tuple) else output).detach()[0].clone()))

    keep(model.deberta.embeddings, "judge.embeddings")
    for i, layer in enumerate(model.deberta.encoder.layer):
        keep(layer.attention.output.dense, f"judge.layers.{i}.attn.out")
        keep(layer.intermediate, f"judge.layers.{i}.mlp.act")
        keep(layer, f"judge.layers.{i}.out")
    keep(model.pooler, "judge.pooled")
    keep(model.classifier, "judge.logits")
    with torch.no_grad():
        model(input_ids=ids[None], attention_mask=torch.ones_like(ids[None]))
    return {name: value[None] if value.dim() == 1 else value for name, value in stages.items()}


def error_of_logits(model: nn.Module, truth: dict[str, Tensor], rounded: dict[str, Tensor]) -> tuple[float, float]:
    """The most that the classifier can make of an error as large as torch's in what it reads: one number may be as
    good as exact in float32 by chance, which says nothing of another computation."""
    read = (rounded["judge.pooled"].double() - truth["judge.pooled"]).norm()
    most = model.classifier.weight.double().norm(dim=1) * read
    return (most.norm() / truth["judge.logits"].norm()).item(), most.max().item()


def run_case(case: Case, tokenizer: PreTrainedTokenizerFast, single: nn.Module,
             double: nn.Module) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a case's file."""
    ids = torch.tensor(tokenizer(case.prompt)["input_ids"])
    with float64_arithmetic(), exact_distances():
        truth = record(double, ids)
    rounded = record(single, ids)
    tensors = {"input_ids": ids.int()} | truth
    tensors = {name: value.contiguous() for name, value in tensors.items() if is_wanted(name, case.stages)}
    metadata = {"format": "mmneuron-golden-1", "prompt": case.prompt, "images": "[]", "generate": "0",
                "torch": torch.__version__, "transformers": transformers.__version__}
    for name in sorted(tensors.keys() & truth.keys()):
        relative, largest = (error_of_logits(double, truth, rounded) if name == "judge.logits" else
                             error_against(truth[name], rounded[name]))
        metadata[f"error.{name}"] = f"{relative:.6e} {largest:.6e}"
    return tensors, metadata


def make_deberta(model: Deberta, cases: Sequence[Case], seed: int, root: Path) -> None:
    folder, output = root / "checkpoints" / model.name, root / "cases" / model.name
    write_deberta(model, seed, folder)
    load = DebertaV2ForSequenceClassification.from_pretrained
    single = load(folder, dtype=torch.float32).eval()
    double = load(folder, dtype=torch.float32).eval().double()
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"))
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    if model.labels == 1:
        write_judgements(output / "judgements.json", tokenizer, single, double)
    for case in cases:
        tensors, metadata = run_case(case, tokenizer, single, double)
        file = output / f"{case.name}.safetensors"
        save_file(tensors, file, metadata | {"checkpoint": model.name, "seed": str(seed)})
        file.chmod(0o644)
        print(f"{model.name}/{case.name}: {file.stat().st_size} bytes, {len(tensors['input_ids'])} ids, "
              f"logits {tensors['judge.logits'].tolist()}")


def main() -> None:
    torch.set_num_threads(1)  # its sums may depend on their number
    transformers.logging.set_verbosity_error()
    write_distances(HERE / "distances.json")
    for name, model in DEBERTA.items():
        make_deberta(model, CASES[name], 1, HERE)


if __name__ == "__main__":
    main()
