#!/usr/bin/env python3
"""Writes tests/model/data/generation.json: what transformers' generate answers in folders with generation_config.json.

Each case is a checkpoint whose generation_config.json, or where it is null whose config.json, says something of decoding.
Tokens are compared exactly: as in make_beams.py an answer is kept only if float32, float64 and disturbed scores agree
on it. What was left out for that is printed.

Run as: python3 golden/make_generation.py
"""
import json
import tempfile
from pathlib import Path

import torch
from transformers import AutoTokenizer, LogitsProcessorList

from capture import inputs_from_file
from inputs import model_class
from make_beams import Disturbed

HERE = Path(__file__).resolve().parent
OUTPUT = HERE.parent / "tests" / "model" / "data" / "generation.json"
INPUTS = [("llama-2", "sentence"), ("llava-1.5", "wide"), ("llava-v1.6-mistral", "tiny"), ("qwen2", "sentence"),
          ("instructblip", "wide")]
TOKENS = 12


def settings(plain: list[int], words: list[str]) -> list[dict]:
    """What generation_config.json says besides tokens; `plain` is the answer without, `words` its tokens' texts."""
    a, b, c, d = plain[0], plain[2], plain[4], plain[6]
    long = max(words[2:], key=len)
    found = [
        {"repetition_penalty": 1.3}, {"repetition_penalty": 0.8, "no_repeat_ngram_size": 2}, {"no_repeat_ngram_size": 1},
        {"no_repeat_ngram_size": 3}, {"suppress_tokens": [a, b, -1, 100000]}, {"begin_suppress_tokens": [a, b]},
        {"bad_words_ids": [[a], [b, plain[3]], [plain[3], c, plain[5]], [2]]}, {"forced_eos_token_id": 2},
        {"forced_eos_token_id": [d, a]}, {"forced_bos_token_id": 44}, {"eos_token_id": c}, {"eos_token_id": [d, c]},
        {"eos_token_id": c, "min_new_tokens": 7}, {"eos_token_id": c, "min_new_tokens": 3, "min_length": 1000},
        {"eos_token_id": c, "min_new_tokens": 0, "min_length": 1000}, {"eos_token_id": c, "min_length": 1000},
        {"eos_token_id": None}, {"eos_token_id": -1, "min_new_tokens": 5},
        {"remove_invalid_values": True, "suppress_tokens": [a], "repetition_penalty": 1.1},
        {"num_beams": 3}, {"num_beams": 4, "length_penalty": 2.0, "early_stopping": True, "eos_token_id": [c, d]},
        {"num_beams": 2, "early_stopping": "never", "eos_token_id": c},
        {"num_beams": 3, "no_repeat_ngram_size": 2, "repetition_penalty": 1.2, "suppress_tokens": [a]},
        {"num_beams": 3, "eos_token_id": c, "min_new_tokens": 6, "bad_words_ids": [[5, 6], [b]]},
        {"num_beams": 2, "forced_eos_token_id": d}, {"num_beams": 2, "begin_suppress_tokens": [a]},
        {"stop_strings": long[1:]}, {"stop_strings": [words[4] + words[5], "xyz"]}, {"stop_strings": [long], "num_beams": 3},
        {"do_sample": True, "temperature": 0.3, "top_k": 5, "top_p": 0.7, "max_length": 30, "unknown": [1]},
    ]
    return found


def old_settings(plain: list[int]) -> list[dict]:
    """What config.json says where there is no generation_config.json: at its root, or in text_config."""
    return [{}, {"repetition_penalty": 1.4, "no_repeat_ngram_size": 2}, {"num_beams": 3, "length_penalty": 0.5},
            {"eos_token_id": plain[4]}, {"text_config": {"eos_token_id": plain[6], "suppress_tokens": [plain[0]]}}]


def folder_with(checkpoint: str, generation: dict | None, old: dict, parent: str) -> Path:
    source, folder = HERE / "checkpoints" / checkpoint, Path(tempfile.mkdtemp(dir=parent))
    for file in source.iterdir():
        if file.name not in ("generation_config.json", "config.json"):
            (folder / file.name).symlink_to(file)
    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    inner = old.get("text_config", {})
    config.update({key: value for key, value in old.items() if key != "text_config"})
    if inner:
        config["text_config"].update(inner)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    if generation is not None:
        (folder / "generation_config.json").write_text(json.dumps(generation), encoding="utf-8")
    return folder


def answer(model, tokenizer, inputs: dict, noise: int | None = None) -> list[int]:
    options = {"do_sample": False, "max_new_tokens": TOKENS, "logits_processor": LogitsProcessorList([Disturbed(noise)])}
    inner = getattr(model, "language_model", None)
    rules = inner.generation_config if model.config.model_type == "instructblip" else model.generation_config
    made = model.generate(**inputs, tokenizer=tokenizer, **options)
    ids = made[0, inputs["input_ids"].shape[1]:].tolist()
    stop = rules.eos_token_id if isinstance(rules.eos_token_id, list) else [rules.eos_token_id]
    for i, token in enumerate(ids):
        if token in stop:  # what follows pads
            return ids[:i + 1]
    return ids


def main() -> None:
    cases, left_out = [], 0
    with tempfile.TemporaryDirectory() as parent, torch.no_grad():
        for checkpoint, case in INPUTS:
            original = HERE / "checkpoints" / checkpoint
            base = json.loads((original / "generation_config.json").read_text(encoding="utf-8"))
            base = {key: value for key, value in base.items() if key.endswith("_token_id")}
            tokenizer = AutoTokenizer.from_pretrained(original)
            inputs, _ = inputs_from_file(HERE / "cases" / checkpoint / f"{case}.safetensors", "v1.6" in checkpoint)
            exact = {name: value.double() if value.is_floating_point() else value for name, value in inputs.items()}

            def load(folder: Path) -> torch.nn.Module:
                return model_class(folder).from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")

            plain = answer(load(folder_with(checkpoint, {**base, "eos_token_id": None}, {}, parent)), tokenizer, inputs)
            words = [tokenizer.decode([plain[i]]) for i in range(len(plain))]
            wanted = [({**base, **one}, {}) for one in settings(plain, words)]
            wanted += [(None, one) for one in old_settings(plain) if "text_config" not in one or "llava" in checkpoint]
            for generation, old in wanted:
                folder = folder_with(checkpoint, generation, old, parent)
                single, double = load(folder), load(folder).double()
                ids = answer(double, tokenizer, exact)
                same = all(answer(double, tokenizer, exact, seed) == ids for seed in range(3))
                if not same or answer(single, tokenizer, inputs) != ids:
                    left_out += 1
                    continue
                cases.append({"checkpoint": checkpoint, "case": case, "tokens": TOKENS, "generation_config": generation,
                              "config": old, "ids": ids})
    lines = ",\n".join(json.dumps(case) for case in cases)
    OUTPUT.write_text(f'{{"cases": [\n{lines}\n]}}\n', encoding="utf-8")
    print(f"{len(cases)} answers; {left_out} left out, whose tokens noise can change")


if __name__ == "__main__":
    main()
