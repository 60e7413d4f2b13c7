#!/usr/bin/env python3
"""Writes tests/mask/data/language*.json: what transformers in float64 makes of texts with language neurons off,
and of a prompt with neurons off or set to a language's mean.

The neurons are drawn by Python's generator; they are switched off and set by hooks on transformers' activation
functions, and texts are tokenised by the tokenizers library: nothing of mmneuron is used. Needs xxhash besides
requirements.txt.

Run as: python3 golden/make_language_neurons.py
"""
import json
import random
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import AutoModelForCausalLM

import hooks
from make_golden import greedy
from make_masked import digest
from truth import float64_arithmetic

HERE = Path(__file__).resolve().parent
DATA = HERE.parent / "tests" / "mask" / "data"
CHECKPOINTS = ("llama-3", "bloom")
SHARE, WINDOW, TOKENS, MARGIN = 0.25, 12, 8, 0.02
TEXTS = {"de": ["Jedes Neuron einer Schicht liest dieselben Zahlen, und keines liest sie so wie die anderen."],
         "en": ["Every neuron of a layer reads the same numbers, and none reads them as the others do.",
                "A second text goes on where the first one ends."]}
PROMPT = "How many neurons are there?"


def activations(model: nn.Module) -> list[nn.Module]:
    """The activation function of each layer."""
    layers = hooks.Decoder.of(hooks.Parts.of(model).language).layers
    return [layer.mlp.act_fn if hasattr(layer.mlp, "act_fn") else layer.mlp.gelu_impl for layer in layers]


def set_values(model: nn.Module, values: list[dict[int, float]]) -> list:
    """Hooks that set neurons of each layer to values."""
    def hook_of(chosen: dict[int, float]):
        def hook(_module: nn.Module, _input: tuple, output: Tensor) -> Tensor:
            output = output.clone()
            output[..., list(chosen)] = torch.tensor(list(chosen.values()), dtype=output.dtype)
            return output
        return hook
    return [function.register_forward_hook(hook_of(chosen))
            for function, chosen in zip(activations(model), values) if chosen]


def windows(model: nn.Module, tokenizer: Tokenizer, texts: list[str]) -> list[Tensor]:
    ids = [number for text in texts for number in tokenizer.encode(text, add_special_tokens=False).ids]
    return [torch.tensor([ids[at:at + WINDOW]]) for at in range(0, len(ids), WINDOW)]


def likelihood(model: nn.Module, pieces: list[Tensor]) -> float:
    """Mean negative log likelihood of all tokens but the first of each window."""
    sums, tokens = 0.0, 0
    for piece in pieces:
        with torch.no_grad():
            logits = model(input_ids=piece, use_cache=False).logits[0, :-1]
        logarithms = torch.log_softmax(logits, dim=-1)
        sums -= logarithms.gather(1, piece[0, 1:, None]).sum().item()
        tokens += piece.shape[1] - 1
    return sums / tokens


def means(model: nn.Module, pieces: list[Tensor]) -> list[Tensor]:
    """Of every neuron's activation over all positions, layer by layer."""
    sums: list[Tensor] = [torch.zeros(1, dtype=torch.float64) for _ in activations(model)]
    handles = []
    for layer, function in enumerate(activations(model)):
        def hook(_module: nn.Module, _input: tuple, output: Tensor, layer: int = layer) -> None:
            values = output.reshape(-1, output.shape[-1])
            sums[layer] = sums[layer] + (torch.round(values * 2 ** 20) / 2 ** 20).sum(0)
        handles.append(function.register_forward_hook(hook))
    for piece in pieces:
        with torch.no_grad():
            model(input_ids=piece, use_cache=False)
    for handle in handles:
        handle.remove()
    positions = sum(piece.shape[1] for piece in pieces)
    return [each / positions for each in sums]


def steer(neurons: dict, off: list[str], on: list[str], means_of: dict, counted: dict, layers: int) -> list[dict]:
    """The value of each neuron: 0, or the mean over the positions of the languages of `on` that it belongs to."""
    values: list[dict[int, float]] = [{} for _ in range(layers)]
    for language in off:
        for layer, neuron in neurons[language]:
            values[layer][neuron] = 0.0
    for layer in range(layers):
        for neuron in {at for language in on for place, at in neurons[language] if place == layer}:
            owners = [language for language in on if [layer, neuron] in neurons[language]]
            total = sum(means_of[each][layer][neuron].item() * counted[each] for each in owners)
            values[layer][neuron] = total / sum(counted[each] for each in owners)
    return values


def make(name: str) -> None:
    model = AutoModelForCausalLM.from_pretrained(HERE / "checkpoints" / name, dtype=torch.float32,
                                                 attn_implementation="eager").eval().double()
    tokenizer = Tokenizer.from_file(str(HERE / "checkpoints" / name / "tokenizer.json"))
    layers = len(activations(model))
    width = {"llama": lambda c: c.intermediate_size, "bloom": lambda c: 4 * c.hidden_size}[model.config.model_type](
        model.config)
    generator = random.Random(6)
    neurons = {language: [[layer, neuron] for layer in range(layers) for neuron in range(width)
                          if generator.random() < SHARE] for language in TEXTS}
    document = {"format": "mmneuron-neurons-1",
                "modules": {"language": {"layers": layers, "neurons": width, "domains": neurons}},
                "digest": digest({"language": (layers, width)}, {"language": neurons})}
    (DATA / f"language-{name}-neurons.json").write_text(json.dumps(document) + "\n")

    pieces = {language: windows(model, tokenizer, texts) for language, texts in TEXTS.items()}
    counted = {language: sum(piece.shape[1] for piece in each) for language, each in pieces.items()}
    prompt = {"input_ids": torch.tensor([tokenizer.encode(PROMPT).ids])}
    with float64_arithmetic():
        result = {"window": WINDOW, "texts": TEXTS, "prompt": PROMPT,
                  "tokens": {language: counted[language] - len(pieces[language]) for language in TEXTS},
                  "plain": {language: likelihood(model, each) for language, each in pieces.items()}, "off": {}}
        for owner in TEXTS:
            handles = set_values(model, steer(neurons, [owner], [], {}, counted, layers))
            result["off"][owner] = {language: likelihood(model, each) for language, each in pieces.items()}
            for handle in handles:
                handle.remove()
        means_of = {language: means(model, each) for language, each in pieces.items()}
        result["steered"] = []
        for off, on in ((["en"], ["de"]), ([], ["en"]), (["de"], ["de", "en"])):
            handles = set_values(model, steer(neurons, off, on, means_of, counted, layers))
            ids, margin = greedy(model, prompt, TOKENS)
            with torch.no_grad():
                logits = model(**prompt, use_cache=False).logits[0, -1]
            for handle in handles:
                handle.remove()
            assert margin > MARGIN, margin
            result["steered"].append({"off": off, "on": on, "ids": ids, "logits": logits.tolist()[:64]})
            print(f"{name}: off {off}, on {on}: {ids}, margin {margin:.4g}")
    (DATA / f"language-{name}.json").write_text(json.dumps(result, ensure_ascii=False) + "\n")
    print(name, result["tokens"], result["plain"], result["off"])


def main() -> None:
    torch.set_num_threads(1)
    for name in CHECKPOINTS:
        make(name)


if __name__ == "__main__":
    main()
