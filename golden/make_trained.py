#!/usr/bin/env python3
"""Writes what PyTorch makes of the trained model: cases/, stage by stage, and answers.jsonl.

BUNDLE holds model/ (training/export.py), test.jsonl and images/ (training/generate.py list). The
cases are as make_golden.py's, the answers are to 500 questions; doc/golden.md describes both. Needs
what requirements.txt lists.

Run as: python3 golden/make_trained.py BUNDLE   (2 minutes)
"""
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import PIL
import torch
import transformers
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import AutoModelForImageTextToText

import inputs as model_inputs
from make_golden import ENDS, INPUTS, MARGIN, Case, as_float64, prepare_libraries, run_case
from truth import float64_arithmetic

sys.path.append(str(Path(__file__).resolve().parent.parent / "training"))
from domains import DOMAINS
from generate import PROMPT, scene_of
from scene import PRACTICE

QUESTIONS, TOKENS = 5, 16  # about a picture; of an answer, at most
DOMAIN_QUESTIONS = 100

# The case of each domain: what it is called, and its stages, which together are of every kind but
# logits. (Those of the answers are compared by answers.jsonl.)
CASES = {
    "everyday": ("square", f"{INPUTS}, vision.embeddings, vision.layers.3.*, vision.out"),
    "documents": ("wide", f"{INPUTS}, projector.*, language.layers.1.out, language.norm"),
    "driving": ("joined", ENDS),
    "medical": ("neurons", "input_ids, image_sizes, generated_ids, language.embeddings, "
                           "language.layers.2.mlp.*"),
}


def samples_of(bundle: Path, domain: str) -> Iterator[tuple[list[str], list[str]]]:
    """A domain's test pictures in the list's order: image files, and all that is asked of them."""
    for line in (bundle / "test.jsonl").read_text(encoding="utf-8").splitlines():
        sample = json.loads(line)
        if sample["domain"] != domain:
            continue
        images = sample["image"] if isinstance(sample["image"], list) else [sample["image"]]
        scene = scene_of("test", domain, int(sample["id"].split("-")[-1]))
        asked = [question.text for question in scene.questions if question.metric != PRACTICE]
        assert sample["question"] in asked, f"{sample['id']} is not what is drawn now"
        yield images, asked


def write_case(bundle: Path, domain: str, processor: object, single: nn.Module,
               double: nn.Module) -> None:
    """A case of the first sample whose generated tokens are all at least MARGIN ahead."""
    name, stages = CASES[domain]
    for images, asked in samples_of(bundle, domain):
        case = Case(name, PROMPT.format(asked[0]), images, stages)
        tensors, metadata, margin = run_case(case, bundle, processor, single, double)
        if margin >= MARGIN:
            break
    else:
        raise RuntimeError(f"{domain}: no sample has a margin of {MARGIN}")
    file = bundle / "cases" / f"{name}.safetensors"
    save_file(tensors, file, metadata | {
        "checkpoint": "model", "chosen": f"the first sample of {domain} with a margin of {MARGIN}"})
    file.chmod(0o644)
    print(f"{file.name}: {file.stat().st_size} bytes, margin {metadata['margin']}")


def chosen_questions(bundle: Path, domain: str) -> Iterator[tuple[list[str], str]]:
    """Up to QUESTIONS about each picture, DOMAIN_QUESTIONS in all; some pictures have fewer."""
    left = DOMAIN_QUESTIONS
    for number, (images, asked) in enumerate(samples_of(bundle, domain)):
        first = number % len(asked)  # so that not only the first kinds are asked
        for question in (asked[first:] + asked[:first])[:min(QUESTIONS, left)]:
            left -= 1
            yield images, question
    if left:
        raise RuntimeError(f"{domain}: {left} questions too few")


def generate_with_logits(model: nn.Module, prepared: dict[str, Tensor]) -> tuple[list[int], Tensor]:
    """transformers' own greedy generation, with its cache: ids, and the logits of each [n, V]."""
    length = prepared["input_ids"].shape[1]
    with torch.no_grad():
        result = model.generate(**prepared, attention_mask=torch.ones_like(prepared["input_ids"]),
                                max_new_tokens=TOKENS, do_sample=False, output_logits=True,
                                return_dict_in_generate=True)
    return result.sequences[0, length:].tolist(), torch.cat(result.logits)


def true_logits(model: nn.Module, prepared: dict[str, Tensor], ids: list[int]) -> Tensor:
    """The float64 logits at each of `ids` [n, V], by one pass over all of them."""
    length = prepared["input_ids"].shape[1]
    answered = torch.tensor([ids[:-1]], dtype=torch.int64)
    sequence = dict(prepared, input_ids=torch.cat([prepared["input_ids"], answered], dim=1))
    with torch.no_grad(), float64_arithmetic():
        return model(**as_float64(sequence), use_cache=False).logits[0, length - 1:]


def write_answers(bundle: Path, processor: object, single: nn.Module, double: nn.Module) -> None:
    lines, largest, nearest = [], 0.0, float("inf")
    for domain in DOMAINS:
        for images, question in chosen_questions(bundle, domain):
            prompt = PROMPT.format(question)
            prepared = model_inputs.prepare(processor, prompt, [bundle / file for file in images])
            ids, logits = generate_with_logits(single, prepared)
            truth = true_logits(double, prepared, ids)
            largest = max(largest, (logits.double() - truth).abs().max().item())
            best = truth.topk(2).values
            gaps = (best[:, 0] - best[:, 1]).tolist()
            nearest = min(nearest, *gaps)
            lines.append({"images": images, "prompt": prompt, "ids": ids,
                          "answer": processor.tokenizer.decode(ids, skip_special_tokens=True),
                          "gaps": [round(gap, 6) for gap in gaps]})
    head = {"format": "mmneuron-answers-1", "questions": len(lines), "tokens": TOKENS,
            "largest_error": float(f"{largest:.4g}"), "torch": torch.__version__,
            "transformers": transformers.__version__, "Pillow": PIL.__version__}
    file = bundle / "answers.jsonl"
    file.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n"
                            for line in [head] + lines), encoding="utf-8")
    print(f"{file.name}: {file.stat().st_size} bytes, {len(lines)} questions; torch's largest "
          f"error in a logit {largest:.4g}, nearest two logits {nearest:.4g}")


def main() -> None:
    prepare_libraries()
    bundle = Path(sys.argv[1])
    single, double = (AutoModelForImageTextToText.from_pretrained(
        bundle / "model", dtype=torch.float32, attn_implementation="eager").eval() for _ in range(2))
    double = double.double()
    processor = model_inputs.load_processor(bundle / "model")
    shutil.rmtree(bundle / "cases", ignore_errors=True)
    (bundle / "cases").mkdir()
    for domain in CASES:
        write_case(bundle, domain, processor, single, double)
    write_answers(bundle, processor, single, double)


if __name__ == "__main__":
    main()
