#!/usr/bin/env python3
"""Writes golden/edit.json: additions to weights that make a tiny model say another token, by the direct way of
doc/method.md, in float64, with the weights themselves changed, and by autograd with torch's Adam, for the same neurons
and for all of the middle layer; and what the direct edit does to the answers to other pictures.

Run as: python3 golden/make_edit.py   (a minute; needs what requirements.txt lists)
"""
import json
import math
from pathlib import Path

import torch
from transformers import AutoModelForImageTextToText

import inputs as model_inputs
from make_contributions import IMAGE, MODEL, PROMPT, TOKENS, Watch
from truth import float64_arithmetic

HERE = Path(__file__).resolve().parent
FROM, TO, INDEX = "shal", "in", 2
OTHERS = ("golden/images/tall.jpg", "golden/images/square.jpg")
TOP, PROBABILITY, FIRST, STEPS, RATE, LEARNING_STEPS = 10, 0.9, 0.0625, 10, 5e-3, 50


def optimise(model, layers, ids: torch.Tensor, pixels: torch.Tensor, chosen: list[tuple[int, int]], position: int,
             source: int, target: int) -> dict:
    """The other way: autograd and torch's Adam. ids end with the target."""
    added = torch.zeros(len(chosen), layers[0].mlp.down_proj.out_features, dtype=torch.float64, requires_grad=True)

    def add_to(number: int):
        mine = [i for i, (layer, _) in enumerate(chosen) if layer == number]
        neurons = [chosen[i][1] for i in mine]
        return lambda _module, arguments, output: output + arguments[0][..., neurons] @ added[mine]

    hooks = [layer.mlp.down_proj.register_forward_hook(add_to(number)) for number, layer in enumerate(layers)]
    adam = torch.optim.Adam([added], lr=RATE)
    original, course = None, []
    for _ in range(LEARNING_STEPS + 1):
        found = model(input_ids=ids, pixel_values=pixels).logits[0].log_softmax(-1)
        if original is None:
            original = found[:position].detach()
        course.append(found[position, target].item())
        if found[position].argmax().item() == target and course[-1] >= math.log(PROBABILITY):
            break
        moved = (original.exp() * (original - found[:position])).sum(-1).mean()
        repeated = -torch.log(1 - found[-1, target].exp())
        loss = -found[position, target] + moved + 10 * repeated + 0.1 * torch.linalg.vector_norm(added)
        adam.zero_grad()
        loss.backward()
        adam.step()
    for hook in hooks:
        hook.remove()
    return {"course": course, "from_after": found[position, source].item()}


def look_at(model, prepared: dict, outputs: list, kept: list, edit) -> dict:
    """By how much ln p per token of the greedy answer falls with the edit, and whether all of them stay the likeliest."""
    pixels, ids = prepared["pixel_values"].double(), prepared["input_ids"]
    length = ids.shape[1]
    for _ in range(TOKENS):
        logits = model(input_ids=ids, pixel_values=pixels).logits[0]
        ids = torch.cat((ids, logits[-1:].argmax(-1, keepdim=True)), dim=1)

    def read() -> tuple[float, list[int]]:
        found = model(input_ids=ids[:, :-1], pixel_values=pixels).logits[0, length - 1:].log_softmax(-1)
        return found.gather(1, ids[0, length:, None]).mean().item(), found.argmax(-1).tolist()

    before, likely = read()
    edit()
    after, likely_then = read()
    for weight, original in zip(outputs, kept):
        weight.copy_(original)
    return {"fall": before - after, "same": likely == likely_then}


def main() -> None:
    torch.set_num_threads(1)
    model = AutoModelForImageTextToText.from_pretrained(
        MODEL, dtype=torch.float32, attn_implementation="eager").eval().double()
    processor = model_inputs.load_processor(MODEL)
    prepared = model_inputs.prepare(processor, PROMPT, [HERE.parent / IMAGE])
    pixels, ids = prepared["pixel_values"].double(), prepared["input_ids"]
    prepared_others = [model_inputs.prepare(processor, PROMPT, [HERE.parent / image]) for image in OTHERS]
    outputs = [layer.mlp.down_proj.weight for layer in model.model.language_model.layers]
    watch = Watch(model.model.language_model.layers)
    with torch.no_grad(), float64_arithmetic():
        length = ids.shape[1]
        for _ in range(TOKENS):
            logits = model(input_ids=ids, pixel_values=pixels).logits[0]
            ids = torch.cat((ids, logits[-1:].argmax(-1, keepdim=True)), dim=1)
        answer, position = ids[0, length:].tolist(), length - 1 + INDEX
        source = answer[INDEX]
        target = processor.tokenizer(TO, add_special_tokens=False)["input_ids"][0]

        def odds() -> tuple[int, float, float]:
            after = model(input_ids=ids[:, :-1], pixel_values=pixels).logits[0, position].log_softmax(-1)
            return after.argmax().item(), after[source].item(), after[target].item()

        _, from_before, to_before = odds()
        score = torch.stack([gate[position] * (weight.T @ model.lm_head.weight[source])
                             for gate, weight in zip(watch.gate, outputs)])
        chosen = sorted(divmod(flat, score.shape[1]) for flat in score.flatten().topk(TOP).indices.tolist())
        given = [watch.product[layer][position, neuron].item() for layer, neuron in chosen]
        direction = model.lm_head.weight[target] - model.lm_head.weight[source]
        kept = [weight.clone() for weight in outputs]

        def attempt(strength: float) -> bool:
            nonlocal found
            for weight, before in zip(outputs, kept):
                weight.copy_(before)
            for (layer, neuron), z in zip(chosen, given):
                outputs[layer][:, neuron] += strength * z / sum(z * z for z in given) * direction
            likeliest, from_after, to_after = odds()
            will_do = likeliest == target and to_after >= math.log(PROBABILITY)
            if will_do:
                found = {"strength": strength, "from_after": from_after, "to_after": to_after}
            return will_do

        found: dict = {}
        strength = FIRST
        while not attempt(strength):
            strength *= 2
        fails = strength / 2 if strength > FIRST else 0.0
        for _ in range(STEPS):
            between = (fails + found["strength"]) / 2
            if not attempt(between):
                fails = between
        for weight, before in zip(outputs, kept):
            weight.copy_(before)
        others = [look_at(model, other, outputs, kept, lambda: attempt(found["strength"])) for other in prepared_others]
        asked = torch.cat((ids[:, :length + INDEX], torch.tensor([[target]])), dim=1)
    with float64_arithmetic():
        optimised = optimise(model, model.model.language_model.layers, asked, pixels, chosen, position, source, target)
        middle = len(outputs) // 2
        layer = optimise(model, model.model.language_model.layers, asked, pixels,
                         [(middle, neuron) for neuron in range(outputs[middle].shape[1])], position, source, target)
    made = {"image": IMAGE, "prompt": PROMPT, "ids": answer, "from": FROM, "to": TO, "from_id": source, "to_id": target,
            "from_before": from_before, "to_before": to_before, **found,
            "neurons": [{"layer": layer, "neuron": neuron, "given": z} for (layer, neuron), z in zip(chosen, given)],
            "optimised": optimised, "others": others,
            "layer": {"number": middle, "passes": len(layer["course"]), "after": layer["course"][-1]}}
    (HERE / "edit.json").write_text(json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    main()
