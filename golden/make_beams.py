#!/usr/bin/env python3
"""Writes tests/model/data/beams.json: what transformers' generate answers with beams and repetition penalties.

The inputs are those of golden cases. Each answer is made by a model in float64 (transformers takes logits as float32);
it is kept only if float32 gives the same
tokens, and float64 too when every log probability is disturbed by up to 1e-4, a hundred times float32's error, four
times over: so that tokens can be compared exactly. What was left out for that is printed.

Run as: python3 golden/make_beams.py
"""
import json
from pathlib import Path

import torch
from transformers import LogitsProcessor, LogitsProcessorList

from capture import inputs_from_file
from inputs import model_class
from make_masked import DATA, switch_off

HERE = Path(__file__).resolve().parent
OUTPUT = HERE.parent / "tests" / "model" / "data" / "beams.json"
# Checkpoint, case, and a file of neurons that are off (make_masked.py).
INPUTS = [("llava-1.5", "wide", None), ("llava-1.5", "text-only", None), ("llava-v1.6-mistral", "tiny", None),
          ("llava-native", "tall", None), ("instructblip", "wide", None), ("bloom", "sentence", None),
          ("qwen2", "sentence", None), ("llava-1.5", "wide", "masked"), ("instructblip", "tall", "masked-instructblip")]
TOKENS = 12


class Disturbed(LogitsProcessor):
    """Adds noise to all scores. Without a seed it adds none."""
    def __init__(self, seed: int | None) -> None:
        self.generator = None if seed is None else torch.Generator().manual_seed(seed)

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        if self.generator is None:
            return scores
        return scores + 1e-4 * (2 * torch.rand(scores.shape, generator=self.generator, dtype=scores.dtype) - 1)


def settings(masked: bool) -> list[dict]:
    if masked:
        return [{"num_beams": 3}, {"num_beams": 5, "repetition_penalty": 1.5}]
    found = [{"repetition_penalty": 1.5}, {"repetition_penalty": 0.7}]
    found += [{"num_beams": beams} for beams in (2, 3, 5)]
    found += [{"num_beams": 5, "repetition_penalty": 1.5}]
    found += [{"num_beams": 3, "length_penalty": penalty} for penalty in (-1.0, 0.0, 0.5, 2.0)]
    found += [{"num_beams": beams, "early_stopping": early, "length_penalty": penalty}
              for beams, penalty in ((2, 1.0), (2, 1.3), (4, 1.5)) for early in (False, True, "never")]
    return found


def answer(model, inputs: dict, options: dict, stop: list[int], noise: int | None = None) -> tuple[list[int], float | None]:
    made = model.generate(
        **inputs, do_sample=False, max_new_tokens=TOKENS, eos_token_id=stop, pad_token_id=0, return_dict_in_generate=True,
        output_scores=True, logits_processor=LogitsProcessorList([Disturbed(noise)]), **options)
    ids = made.sequences[0, inputs["input_ids"].shape[1]:].tolist()
    for i, token in enumerate(ids):
        if token in stop:  # what follows pads
            ids = ids[:i + 1]
            break
    return ids, float(made.sequences_scores[0]) if options.get("num_beams", 1) > 1 else None


def load(checkpoint: str, masked: str | None) -> torch.nn.Module:
    folder = HERE / "checkpoints" / checkpoint
    model = model_class(folder).from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    if masked:
        document = json.loads((DATA / f"{masked}.json").read_text(encoding="utf-8"))
        switch_off(model, {name: module["domains"] for name, module in document["modules"].items()})
    return model


def main() -> None:
    cases, left_out = [], 0
    for checkpoint, case, masked in INPUTS:
        single, double = load(checkpoint, masked), load(checkpoint, masked).double()
        inputs, _ = inputs_from_file(HERE / "cases" / checkpoint / f"{case}.safetensors", "v1.6" in checkpoint)
        exact = {name: value.double() if value.is_floating_point() else value for name, value in inputs.items()}
        with torch.no_grad():
            plain, _ = answer(single, inputs, {}, [2])
            for number, options in enumerate(settings(masked is not None)):
                # Tokens that the greedy answer has: so that some answers end early.
                stop = [2, plain[5]] if number % 2 else [2]
                if "early_stopping" in options:
                    stop = sorted({2, plain[1], plain[4], plain[6], plain[9]})
                ids, score = answer(double, exact, options, stop)
                same = all(answer(double, exact, options, stop, seed)[0] == ids for seed in range(4))
                found, rounded = answer(single, inputs, options, stop)
                if not same or found != ids:
                    left_out += 1
                    continue
                cases.append({"checkpoint": checkpoint, "case": case, "masked": masked, "tokens": TOKENS, "stop": stop,
                              "options": options, "ids": ids, "score": score, "float32": rounded})
    lines = ",\n".join(json.dumps(case) for case in cases)
    OUTPUT.write_text(f'{{"cases": [\n{lines}\n]}}\n', encoding="utf-8")
    print(f"{len(cases)} answers; {left_out} left out, whose tokens noise can change")


if __name__ == "__main__":
    main()
