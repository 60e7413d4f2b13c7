#!/usr/bin/env python3
"""Trains a small LLaMA on the text of all languages, each language as often as the others; can be stopped and
resumed at any time.

Run as: python3 train.py TEXT TOKENIZER STATE.pt --steps 1500 [--minutes 45] [--resume]
Prints the mean negative log likelihood per byte of the validation text now and then.
"""
import argparse
import json
import math
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from transformers import LlamaConfig, LlamaForCausalLM

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from muon import Muon  # noqa: E402

from text import LANGUAGES  # noqa: E402

WINDOW, BATCH = 256, 16


def configuration(vocabulary: int) -> LlamaConfig:
    return LlamaConfig(
        vocab_size=vocabulary, hidden_size=160, intermediate_size=640, num_hidden_layers=5, num_attention_heads=5,
        num_key_value_heads=5, head_dim=32, max_position_embeddings=WINDOW, rms_norm_eps=1e-5, tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        bos_token_id=vocabulary - 4, eos_token_id=vocabulary - 3, pad_token_id=vocabulary - 2, initializer_range=0.05)


class Text:
    """The token streams of a split: paragraphs one behind the other, each ended by a line break."""
    def __init__(self, source: Path, split: str, tokenizer: Tokenizer) -> None:
        self.streams, self.bytes = {}, {}
        for language in LANGUAGES:
            text = (source / split / f"{language}.txt").read_text(encoding="utf-8")
            ids = tokenizer.encode(text, add_special_tokens=False).ids
            self.streams[language], self.bytes[language] = torch.tensor(ids), len(text.encode())

    def batch(self, step: int) -> torch.Tensor:
        """BATCH windows, a function of the step: languages in turn, places at random."""
        generator = torch.Generator().manual_seed(step)
        rows = []
        for row in range(BATCH):
            stream = self.streams[LANGUAGES[(step * BATCH + row) % len(LANGUAGES)]]
            first = int(torch.randint(len(stream) - WINDOW - 1, (1,), generator=generator))
            rows.append(stream[first:first + WINDOW + 1])
        return torch.stack(rows)


@torch.no_grad()
def validate(model: LlamaForCausalLM, text: Text, windows: int = 12) -> dict[str, float]:
    """Nats per byte, of some windows of each language."""
    found = {}
    for language, stream in text.streams.items():
        rows = torch.stack([stream[i * WINDOW:i * WINDOW + WINDOW + 1] for i in range(windows)])
        logits = model(input_ids=rows[:, :-1]).logits
        loss = F.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten()).item()
        found[language] = round(loss * len(stream) / text.bytes[language], 3)
    return found


def rate_at(done: float) -> float:
    """The learning rate's factor when this share of the steps is done: a short rise, then a cosine."""
    return min(1.0, done / 0.02 + 0.01) * (0.02 + 0.98 * (0.5 + 0.5 * math.cos(math.pi * min(done, 1.0))))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("source", type=Path)
    parser.add_argument("tokenizer", type=Path)
    parser.add_argument("state", type=Path)
    parser.add_argument("--steps", type=int, default=1500, help="where the learning rate reaches its end")
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop and save after this long")
    parser.add_argument("--resume", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    tokenizer = Tokenizer.from_file(str(options.tokenizer / "tokenizer.json"))
    learnt, held = (Text(options.source, split, tokenizer) for split in ("train", "validation"))
    model = LlamaForCausalLM(configuration(tokenizer.get_vocab_size()))
    inner = [w for name, w in model.named_parameters() if w.dim() == 2 and ".layers." in name]
    outer = [w for name, w in model.named_parameters() if not (w.dim() == 2 and ".layers." in name)]
    muon, adam = Muon(inner), torch.optim.AdamW(outer, betas=(0.9, 0.98), weight_decay=0.01)
    step, spent = 0, 0.0
    if options.resume:
        state = torch.load(options.state)
        model.load_state_dict(state["model"])
        adam.load_state_dict(state["adam"])
        muon.mean, step, spent = state["muon"], state["step"], state["spent"]
    print(json.dumps({"tokens": {k: len(v) for k, v in learnt.streams.items()},
                      "parameters": sum(w.numel() for w in model.parameters())}), flush=True)
    start = saved = time.monotonic()
    before = spent
    while step < options.steps and time.monotonic() - start < 60 * options.minutes:
        rate = rate_at(step / options.steps)
        rows = learnt.batch(step)
        loss = F.cross_entropy(model(input_ids=rows[:, :-1]).logits.flatten(0, 1), rows[:, 1:].flatten())
        model.zero_grad()
        loss.backward()
        muon.step(0.02 * rate)
        for group in adam.param_groups:
            group["lr"] = 0.004 * rate
        adam.step()
        step += 1
        spent = before + time.monotonic() - start
        if step % 100 == 0:
            print(json.dumps({"step": step, "minutes": round(spent / 60, 1), "loss": round(loss.item(), 3),
                              "validation": validate(model, held)}), flush=True)
        if time.monotonic() - saved > 240:
            saved = time.monotonic()
            save(options.state, model, adam, muon, step, spent)
    save(options.state, model, adam, muon, step, spent)
    print(json.dumps({"step": step, "validation": validate(model, held, 40)}))


def save(path: Path, model: LlamaForCausalLM, adam: torch.optim.Optimizer, muon: Muon, step: int, spent: float) -> None:
    torch.save({"model": model.state_dict(), "adam": adam.state_dict(), "muon": muon.mean, "step": step,
                "spent": spent}, path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)


if __name__ == "__main__":
    main()
