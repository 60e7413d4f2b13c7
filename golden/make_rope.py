#!/usr/bin/env python3
"""Writes golden/rope.safetensors: what a tiny LLaMA computes with each form of the rotary embedding.

The weights are those of golden/checkpoints/llama-3; each variant changes config.json. Kept are the hidden states
after the final norm in float64, the error that float32 has against them, and tokens generated greedily, one by one
with a cache, so that "dynamic" and "longrope" pass their limits where the variant's name says so. Ids are chosen
such that the two largest logits are at least 0.02 apart at every token.

Run as: python3 golden/make_rope.py
"""
import json
import tempfile
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import AutoModelForCausalLM

from truth import float64_arithmetic

HERE = Path(__file__).resolve().parent
BASE = HERE / "checkpoints" / "llama-3"
LENGTH, TOKENS, MARGIN, VOCABULARY = 40, 6, 0.02, 250
SHORT = [1.0, 1.05, 1.1, 1.3, 1.7, 2.0, 2.5, 3.0]
LONG = [1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 13.0, 21.0]


def longrope(original: int, **more: float) -> dict:
    return {"rope_type": "longrope", "short_factor": SHORT, "long_factor": LONG,
            "original_max_position_embeddings": original} | more


def variant(scaling: dict, positions: int = 512, theta: float = 10000.0, key: str = "rope_scaling") -> dict:
    return {"max_position_embeddings": positions, "rope_theta": theta, "rope_scaling": None, key: scaling}


VARIANTS = {
    "linear": variant({"type": "linear", "factor": 3.0}),
    "yarn": variant({"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64}),
    "yarn-whole": variant({"type": "yarn", "factor": 2.5, "beta_fast": 16, "beta_slow": 2, "attention_factor": 1.3},
                          96, 500000.0),
    "yarn-mscale": variant({"rope_type": "yarn", "rope_theta": 10000.0, "factor": 40.0, "mscale": 0.707,
                            "mscale_all_dim": 1.0, "truncate": False, "original_max_position_embeddings": 24},
                           key="rope_parameters"),
    "dynamic-within": variant({"type": "dynamic", "factor": 2.3}, 64),
    "dynamic-beyond": variant({"type": "dynamic", "factor": 2.3}, 24),
    "dynamic-crossing": variant({"rope_type": "dynamic", "factor": 4.0}, LENGTH + 2),
    "longrope-within": variant(longrope(64), 128),
    "longrope-beyond": variant(longrope(24, factor=8.0), 128),
    "longrope-crossing": variant(longrope(LENGTH + 2, attention_factor=1.1), 128),
}


def run(model, ids: Tensor) -> tuple[Tensor, list[int], float]:
    """The states after the final norm, the tokens that follow, and the least margin between two."""
    states: list[Tensor] = []
    hook = model.model.norm.register_forward_hook(lambda module, inputs, output: states.append(output[0]))
    generated, margin, cache = [], float("inf"), None
    part = ids[None]
    for _ in range(TOKENS):
        result = model(input_ids=part, past_key_values=cache, use_cache=True)
        cache = result.past_key_values
        best = result.logits[0, -1].topk(2)
        margin = min(margin, float(best.values[0] - best.values[1]))
        generated.append(int(best.indices[0]))
        part = best.indices[:1][None]
    hook.remove()
    return states[0], generated, margin


def load(changes: dict):
    with tempfile.TemporaryDirectory() as folder:
        config = json.loads((BASE / "config.json").read_text()) | changes
        (Path(folder) / "config.json").write_text(json.dumps({k: v for k, v in config.items() if v is not None}))
        (Path(folder) / "model.safetensors").symlink_to(BASE / "model.safetensors")
        return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


@torch.no_grad()
def main() -> None:
    tensors: dict[str, Tensor] = {}
    metadata: dict[str, str] = {}
    for number, (name, changes) in enumerate(VARIANTS.items()):
        for attempt in range(100):
            draw = torch.Generator().manual_seed(1000 * number + attempt)
            ids = torch.randint(VOCABULARY, (LENGTH,), generator=draw)
            model = load(changes).double()
            with float64_arithmetic():
                truth, generated, margin = run(model, ids)
            if margin >= MARGIN:
                break
        else:
            raise SystemExit(f"{name}: no ids with that margin")
        short, same, _ = run(load(changes), ids)
        if same != generated:
            raise SystemExit(f"{name}: float32 generates other tokens")
        error = float(((short.double() - truth).pow(2).mean() / truth.pow(2).mean()).sqrt())
        tensors |= {f"{name}.input_ids": ids.int(), f"{name}.norm": truth.float(),
                    f"{name}.generated_ids": torch.tensor(generated, dtype=torch.int32)}
        metadata |= {f"{name}.config": json.dumps(changes), f"{name}.error": f"{error:.3g}"}
        print(f"{name}: margin {margin:.3f}, error of float32 {error:.2e}")
    save_file(tensors, HERE / "rope.safetensors", metadata)


if __name__ == "__main__":
    main()
