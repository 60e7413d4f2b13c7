#!/usr/bin/env python3
"""Writes tests/study/data/similarity.json: how alike the mean states of sentences in two languages are, by transformers
in float64, with nothing off and with each language's neurons off (those of make_language_neurons.py).

The states are those that enter the first layer and leave each one, caught by hooks; the token that begins texts, where
the tokenizer puts one, is left out of the mean. All pairs of sentences are compared one by one. Texts are tokenised by
the tokenizers library: nothing of mmneuron is used.

Run as: python3 golden/make_similarity.py, after make_language_neurons.py
"""
import json

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import AutoModelForCausalLM

import hooks
from make_language_neurons import CHECKPOINTS, DATA, HERE, set_values
from truth import float64_arithmetic

FILE = HERE.parent / "tests" / "study" / "data" / "similarity.json"
# In the order of the list that they make; the last has no counterpart.
SENTENCES = [("a", "de", "Jedes Neuron liest dieselben Zahlen."), ("b", "en", "The last layer says the word."),
             ("a", "en", "Every neuron reads the same numbers."), ("c", "de", "Heute regnet es."),
             ("b", "de", "Die letzte Schicht sagt das Wort."), ("c", "en", "It rains today."),
             ("d", "en", "Nobody has translated this one.")]


def pooled(model: nn.Module, tokenizer: Tokenizer, text: str) -> Tensor:
    """[states, width]: the mean over the text's tokens."""
    seen: list[Tensor] = []
    layers = hooks.Decoder.of(hooks.Parts.of(model).language).layers
    handles = [layers[0].register_forward_pre_hook(lambda _module, given: seen.append(given[0][0]))]
    handles += [layer.register_forward_hook(
        lambda _module, _given, output: seen.append(output[0] if isinstance(output, Tensor) else output[0][0]))
        for layer in layers]
    with torch.no_grad():
        model(input_ids=torch.tensor([tokenizer.encode(text).ids]), use_cache=False)
    for handle in handles:
        handle.remove()
    return torch.stack([states[len(tokenizer.encode("").ids):].mean(0) for states in seen])


def compare(means: dict[tuple[str, str], Tensor]) -> dict[str, list[float]]:
    """Means over the pairs of a German sentence and an English one, of one id or of two."""
    found: dict[bool, list[Tensor]] = {True: [], False: []}
    for (left, first), a in means.items():
        for (right, second), b in means.items():
            if (first, second) == ("de", "en"):
                found[left == right].append(torch.nn.functional.cosine_similarity(a, b, dim=-1))
    assert (len(found[True]), len(found[False])) == (3, 9)
    return {name: torch.stack(found[same]).mean(0).tolist() for name, same in (("parallel", True), ("other", False))}


def make(name: str) -> dict:
    folder = HERE / "checkpoints" / name
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval().double()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    module = json.loads((DATA / f"language-{name}-neurons.json").read_text())["modules"]["language"]
    plain, masked = {}, {}
    with float64_arithmetic():
        for sentence, language, text in SENTENCES:
            plain[sentence, language] = pooled(model, tokenizer, text)
            off = [{at: 0.0 for place, at in module["domains"][language] if place == layer}
                   for layer in range(module["layers"])]
            handles = set_values(model, off)
            masked[sentence, language] = pooled(model, tokenizer, text)
            for handle in handles:
                handle.remove()
        return {"nothing": compare(plain), "domain": compare(masked),
                "neurons": {language: [sum(place == layer for place, _ in own) for layer in range(module["layers"])]
                            for language, own in module["domains"].items()}}


def main() -> None:
    document = {"sentences": SENTENCES, "checkpoints": {name: make(name) for name in CHECKPOINTS}}
    FILE.write_text(json.dumps(document, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
