#!/usr/bin/env python3
"""Writes golden/contributions.json: what the neurons of a tiny model add to an answer, in float64.

The answer is greedy; for each of its tokens the contributions of all neurons are computed from whole
matrices, as their definition has it, and the largest are kept, with the words that they stand for; the
largest of what autograd attributes to neurons: activations at the image's positions times the derivatives
of the token's logit by them, summed; and the token's log probability, with all neurons on and with the
largest ten of `gate` off.

Run as: python3 golden/make_contributions.py   (seconds; needs what requirements.txt lists)
"""
import json
from pathlib import Path

import torch
from torch import Tensor
from transformers import AutoModelForImageTextToText

import inputs as model_inputs
from truth import float64_arithmetic

HERE = Path(__file__).resolve().parent
MODEL = HERE / "checkpoints" / "llava-1.5"
IMAGE = "golden/images/wide.jpg"
PROMPT = "USER: <image>\nWhat is this? ASSISTANT:"
TOKENS, KEPT, OFF, NAMES = 6, 16, 10, 3


class Watch:
    """Keeps activations and products of every layer, and switches neurons off."""

    def __init__(self, layers):
        self.gate, self.product = [None] * len(layers), [None] * len(layers)
        self.whole = {"gate": [None] * len(layers), "product": [None] * len(layers)}  # as the pass goes on from them
        self.off: list[tuple[int, int]] = []
        for number, layer in enumerate(layers):
            layer.mlp.act_fn.register_forward_hook(self.see_gate(number))
            layer.mlp.down_proj.register_forward_pre_hook(self.see_product(number))

    def see_gate(self, number):
        def see(_module, _arguments, output: Tensor) -> Tensor:
            output = output.clone()
            for layer, neuron in self.off:
                if layer == number:
                    output[..., neuron] = 0
            self.gate[number] = output[0]
            self.whole["gate"][number] = output
            return output
        return see

    def see_product(self, number):
        def see(_module, arguments):
            self.product[number] = arguments[0][0]
            self.whole["product"][number] = arguments[0]
        return see


def largest(activations: list[Tensor], position: int, scores: Tensor, names) -> list[dict]:
    """The KEPT largest contributions; scores: [layers, neurons]."""
    active = torch.stack([layer[position] for layer in activations])
    contributions = active * scores
    order = torch.argsort(contributions.flatten(), descending=True)[:KEPT]
    made = []
    for flat in order.tolist():
        layer, neuron = divmod(flat, scores.shape[1])
        made.append({"layer": layer, "neuron": neuron,
                     "contribution": contributions[layer, neuron].item(),
                     "activation": active[layer, neuron].item(),
                     "score": scores[layer, neuron].item(), "names": names(layer, neuron)})
    return made


def attributed(activations: list[Tensor], logit: Tensor, image: Tensor) -> list[dict]:
    """The KEPT largest attributions; image: its positions."""
    gradients = torch.autograd.grad(logit, activations, retain_graph=True)
    sums = torch.stack([(a * g)[0, image].sum(0) for a, g in zip(activations, gradients)]).detach()
    order = torch.argsort(sums.flatten(), descending=True)[:KEPT]
    return [{"layer": layer, "neuron": neuron, "attribution": sums[layer, neuron].item()}
            for layer, neuron in (divmod(flat, sums.shape[1]) for flat in order.tolist())]


def main() -> None:
    torch.set_num_threads(1)
    model = AutoModelForImageTextToText.from_pretrained(
        MODEL, dtype=torch.float32, attn_implementation="eager").eval().double()
    prepared = model_inputs.prepare(model_inputs.load_processor(MODEL), PROMPT, [HERE.parent / IMAGE])
    pixels = prepared["pixel_values"].double()
    layers = model.model.language_model.layers
    head = model.lm_head.weight
    watch = Watch(layers)

    def names(layer: int, neuron: int) -> list[dict]:
        values = head @ layers[layer].mlp.down_proj.weight[:, neuron]
        top = torch.topk(values, NAMES)
        return [{"id": i, "value": v} for i, v in zip(top.indices.tolist(), top.values.tolist())]

    with torch.no_grad(), float64_arithmetic():
        ids = prepared["input_ids"]
        length = ids.shape[1]
        for _ in range(TOKENS):
            logits = model(input_ids=ids, pixel_values=pixels).logits[0]
            ids = torch.cat((ids, logits[-1:].argmax(-1, keepdim=True)), dim=1)
        answer = ids[0, length:].tolist()
        logits = model(input_ids=ids[:, :-1], pixel_values=pixels).logits[0]
        gate, product = list(watch.gate), list(watch.product)
        targets = []
        for index, token in enumerate(answer):
            position = length - 1 + index
            scores = torch.stack([layer.mlp.down_proj.weight.T @ head[token] for layer in layers])
            target = {"token": index, "id": token, "position": position,
                      "log_probability": logits[position].log_softmax(-1)[token].item(),
                      "gate": largest(gate, position, scores, names),
                      "product": largest(product, position, scores, names)}
            watch.off = [(n["layer"], n["neuron"]) for n in target["gate"][:OFF]]
            disturbed = model(input_ids=ids[:, :-1], pixel_values=pixels).logits[0]
            watch.off = []
            target["off"] = disturbed[position].log_softmax(-1)[token].item()
            with torch.enable_grad():
                logit = model(input_ids=ids[:, :-1], pixel_values=pixels).logits[0, position, token]
                image = (ids[0] == model.config.image_token_id).nonzero().flatten()
                target["attributed"] = {kind: attributed(whole, logit, image) for kind, whole in watch.whole.items()}
            targets.append(target)
    made = {"image": IMAGE, "prompt": PROMPT, "length": length, "ids": answer, "targets": targets}
    (HERE / "contributions.json").write_text(json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    main()
