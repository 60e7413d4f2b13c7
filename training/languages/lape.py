#!/usr/bin/env python3
"""Finds a bundle's language neurons in PyTorch, as LAPE does (arXiv 2402.16438; doc/method.md), and prints what
switching them off does to every language's perplexity, next to as many random neurons of each layer.

A text is cut into windows of WINDOW tokens, without a token before the first; what is left at its end is a
shorter window. Within a window, every token but the first is predicted. None of this is shared with the program.

Run as: python3 lape.py BUNDLE [--rates 0.01,0.05] [--seeds 5]
"""
import argparse
import json
import math
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import Tensor
from transformers import LlamaForCausalLM

BAR, WINDOW, BATCH = 0.95, 256, 8
Neurons = list[tuple[int, int]]  # layer, neuron


class Model:
    """The bundle's model, with a hook on each layer's activations."""
    def __init__(self, bundle: Path, dtype: torch.dtype) -> None:
        self.tokenizer = Tokenizer.from_file(str(bundle / "model" / "tokenizer.json"))
        self.llama = LlamaForCausalLM.from_pretrained(bundle / "model", dtype=dtype,
                                                      attn_implementation="eager").eval()
        config = self.llama.config
        self.layers, self.neurons = config.num_hidden_layers, config.intermediate_size
        self.begin = config.bos_token_id
        self.hook: Callable[[int, Tensor], Tensor | None] = lambda layer, values: None
        for number, layer in enumerate(self.llama.model.layers):
            layer.mlp.act_fn.register_forward_hook(
                lambda module, given, values, number=number: self.hook(number, values))

    def windows(self, text: str) -> list[Tensor]:
        ids = torch.tensor(self.tokenizer.encode(text, add_special_tokens=False).ids)
        return list(ids.split(WINDOW))

    @torch.no_grad()
    def losses(self, windows: list[Tensor]) -> list[float]:
        """The summed negative log likelihood of each window, in nats; sums are in double."""
        found = []
        whole = [window for window in windows if len(window) == WINDOW]
        groups = [torch.stack(whole[i:i + BATCH]) for i in range(0, len(whole), BATCH)]
        groups += [window[None] for window in windows if len(window) < WINDOW]
        for rows in groups:
            logits = self.llama(input_ids=rows).logits[:, :-1]
            loss = F.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten(), reduction="none")
            found += loss.view(len(rows), -1).double().sum(1).tolist()
        return found

    def loss(self, windows: list[Tensor], off: Neurons) -> float:
        """The summed negative log likelihood of a text, with the neurons `off` set to 0."""
        keep = torch.ones(self.layers, self.neurons, dtype=self.llama.dtype)
        for layer, neuron in off:
            keep[layer, neuron] = 0
        self.hook = lambda layer, values: values * keep[layer]
        total = sum(self.losses(windows))
        self.hook = lambda layer, values: None
        return total

    def mean_loss(self, windows: list[Tensor], off: Neurons = ()) -> float:
        """Nats per predicted token."""
        return self.loss(windows, off) / sum(len(window) - 1 for window in windows)

    def count(self, windows: list[Tensor]) -> Tensor:
        """At how many positions each neuron is above 0."""
        active = torch.zeros(self.layers, self.neurons, dtype=torch.int64)

        def add(layer: int, values: Tensor) -> None:
            active[layer] += (values > 0).sum((0, 1))

        self.hook = add
        self.losses(windows)
        self.hook = lambda layer, values: None
        return active


def texts(bundle: Path, name: str) -> dict[str, str]:
    """Each language's text of a list."""
    samples = [json.loads(line) for line in (bundle / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
    return {sample["domain"]: (bundle / sample["text_file"]).read_text(encoding="utf-8") for sample in samples}


def rank(active: dict[str, Tensor], positions: dict[str, int], rate: float) -> dict[str, Neurons]:
    """Each language's neurons: the lowest entropies of those that are often enough active in some language."""
    shares = torch.stack([active[name].double() / positions[name] for name in active])  # language, layer, neuron
    bar = shares.flatten().kthvalue(round(BAR * shares.numel())).values
    total = shares.sum(0)
    relative = torch.where(total > 0, shares / total, 0)
    entropy = -torch.where(relative > 0, relative * relative.log(), 0).sum(0)
    entropy[~(shares > bar).any(0)] = math.inf
    wanted = round(rate * entropy.numel())
    order = entropy.flatten().sort(stable=True)
    chosen = [divmod(int(i), entropy.shape[1]) for i in order.indices[:wanted] if entropy.flatten()[i] < math.inf]
    return {name: sorted(place for place in chosen if shares[d][place] > bar) for d, name in enumerate(active)}


def at_random(neurons: Neurons, width: int, seed: int) -> Neurons:
    """As many of each layer, none of them `neurons`."""
    generator = torch.Generator().manual_seed(seed)
    found = []
    for layer in sorted({layer for layer, _ in neurons}):
        taken = {neuron for at, neuron in neurons if at == layer}
        others = [i for i in torch.randperm(width, generator=generator).tolist() if i not in taken]
        found += [(layer, i) for i in others[:len(taken)]]
    return found


def print_table(title: str, rows: dict[str, dict[str, float]], form: str) -> None:
    names = list(next(iter(rows.values())))
    print(f"\n| {title} | " + " | ".join(names) + " |\n| --- |" + " --- |" * len(names))
    for row, values in rows.items():
        print(f"| {row} | " + " | ".join(format(values[name], form) for name in names) + " |")


def worse(model: Model, tested: dict[str, list[Tensor]], plain: dict[str, float], off: Neurons) -> dict[str, float]:
    """How many times as large each perplexity becomes."""
    return {name: math.exp(model.mean_loss(windows, off) - plain[name]) for name, windows in tested.items()}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--rates", default="0.01")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = Model(options.bundle, torch.float32)
    counted = {name: model.windows(text) for name, text in texts(options.bundle, "count").items()}
    tested = {name: model.windows(text) for name, text in texts(options.bundle, "test").items()}
    positions = {name: sum(map(len, windows)) for name, windows in counted.items()}
    active = {name: model.count(windows) for name, windows in counted.items()}
    plain = {name: model.mean_loss(windows) for name, windows in tested.items()}
    print("positions counted:", positions)
    print("tokens tested:", {name: sum(map(len, windows)) for name, windows in tested.items()})
    print_table("nothing off", {"nats per token": plain,
                                "perplexity": {name: math.exp(loss) for name, loss in plain.items()}}, ".3f")
    for rate in map(float, options.rates.split(",")):
        selected = rank(active, positions, rate)
        union = {place for places in selected.values() for place in places}
        print(f"\nRate {rate}: {len(union)} neurons;", ", ".join(
            f"{name} {len(places)} (by layer {[sum(at == i for at, _ in places) for i in range(model.layers)]})"
            for name, places in selected.items()))
        ratios, randomly, highest = {}, {}, {}
        for owner, places in selected.items():
            if not places:
                continue
            ratios[owner] = worse(model, tested, plain, places)
            several = [worse(model, tested, plain, at_random(places, model.neurons, seed))
                       for seed in range(1, options.seeds + 1)]
            for rows, join in ((randomly, lambda found: sum(found) / len(found)), (highest, max)):
                rows[owner] = {name: join([row[name] for row in several]) for name in tested}
        print_table("perplexity, times plain; off: neurons of", ratios, ".3f")
        print_table(f"as many random neurons, mean of {options.seeds} seeds", randomly, ".3f")
        print_table("the highest of these", highest, ".3f")


if __name__ == "__main__":
    main()
