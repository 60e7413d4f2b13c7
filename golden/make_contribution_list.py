#!/usr/bin/env python3
"""Writes golden/contribution_list.json and contribution_list_linear.json: neurons of the words of answers to several
pictures, in float64, the second of the original LLaVA with 256 positions an image.

For each picture the greedy answer, and for each of its words the neurons that add most to it and those that are most
active; the same with the embeddings of the picture's positions permuted before the first layer; ln p of the word with
the most active neurons' activations at 0, and with noise added to the weights that leave neurons. What the neurons of
words have in common is computed from these sets. Permutations and noise are of draws.py's numbers; nothing of mmneuron is
used.

Run as: python3 golden/make_contribution_list.py   (a minute; needs what requirements.txt lists)
"""
import json
import math
import re
from itertools import combinations
from pathlib import Path

import numpy
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoModelForImageTextToText

import inputs as model_inputs
from draws import below, philox
from make_contributions import Watch
from make_original import Processor, is_original, load_model
from truth import float64_arithmetic

HERE = Path(__file__).resolve().parent
MODEL, LINEAR = HERE / "checkpoints" / "llava-1.5", HERE / "checkpoints" / "llava-linear-224"
THIS, NAME, WHO = (f"USER: <image>\n{question} ASSISTANT:" for question in ("What is this?", "Name it.", "Who?"))
ASKED = [("wide.jpg", THIS), ("retina.jpg", THIS), ("retina.jpg", NAME), ("square.jpg", NAME), ("text.png", THIS),
         ("square.jpg", WHO), ("grey.jpg", NAME)]
FEW = "[INST] <image>\nDescribe the image in few words. [/INST]"
LINEAR_ASKED = [("cat.jpg", FEW), ("retina.jpg", FEW), ("tall.jpg", FEW), ("wide.jpg", NAME)]
PLAIN, PLAIN_PROMPT = HERE / "checkpoints" / "bloom", "A cat"
TOKENS, TOP, NAMES, SEEDS, DEVIATION, AT_LEAST = 6, 12, 4, (1, 2), 0.25, 2
ORDERS = ("contribution", "activation")


def normal_pair(seed: int, *place: int) -> tuple[float, float]:
    attempt = 0
    while True:
        x, y = (word / 2 ** 31 - 1 for word in philox([attempt, *place], [seed & 0xFFFFFFFF, seed >> 32])[:2])
        if 0 < x * x + y * y < 1:
            factor = math.sqrt(-2 * math.log(x * x + y * y) / (x * x + y * y))
            return factor * x, factor * y
        attempt += 1


def permutation(count: int, seed: int, line: int) -> list[int]:
    order = list(range(count))
    for i in range(count, 1, -1):
        other = below(i, seed, line, 0, i)
        order[i - 1], order[other] = order[other], order[i - 1]
    return order


def random_neurons(count: int, layers: int, width: int, seed: int) -> list[tuple[int, int]]:
    chosen: list[int] = []
    for i in range(count):
        last = layers * width - (count - i)
        number = below(last + 1, seed, 0xFFFFFFFF, 0, i)
        chosen.append(last if number in chosen else number)
    return [divmod(number, width) for number in chosen]


def add_noise(weight: Tensor, seed: int, layer: int, neuron: int) -> None:
    """To all weights that leave the neuron: its column of the output matrix."""
    row = [normal_pair(seed, layer, neuron, 0x80000000 | i) for i in range((len(weight) + 1) // 2)]
    weight[:, neuron] += DEVIATION * torch.tensor(row, dtype=torch.float64).flatten()[:len(weight)]


def words_of(tokenizer, ids: list[int]) -> tuple[str, list[tuple[str, int]]]:
    """The answer's text, and its words with the numbers of the tokens that begin them."""
    answer = tokenizer.decode(ids, skip_special_tokens=True)
    ends, reached = [], 0
    for i in range(len(ids)):
        text = tokenizer.decode(ids[:i + 1], skip_special_tokens=True)
        same = next((k for k, (a, b) in enumerate(zip(text, answer)) if a != b), min(len(text), len(answer)))
        reached = max(reached, same)
        ends.append(reached)
    words: dict[str, tuple[str, int]] = {}
    for match in re.finditer(r"[A-Za-z0-9\u0080-\U0010ffff]+(?:'+[A-Za-z0-9\u0080-\U0010ffff]+)*", answer):
        token = next(i for i, end in enumerate(ends) if end > match.start())
        words.setdefault(match.group().lower(), (match.group(), token))
    return answer, list(words.values())


class Model:
    def __init__(self, folder: Path, asked: list[tuple[str, str]]):
        self.asked = asked
        if is_original(folder):
            self.model, self.processor = load_model(folder).double(), Processor(folder)
        else:
            self.model = AutoModelForImageTextToText.from_pretrained(
                folder, dtype=torch.float32, attn_implementation="eager").eval().double()
            self.processor = model_inputs.load_processor(folder)
        self.language = self.model.model.language_model
        self.layers = self.language.layers
        self.head = self.model.lm_head.weight
        self.watch = Watch(self.layers)
        self.order: Tensor | None = None
        self.language.register_forward_pre_hook(self.shuffle, with_kwargs=True)
        stop = self.model.generation_config.eos_token_id
        self.stop = stop if isinstance(stop, list) else [stop]
        self.prepared = []
        for image, prompt in asked:
            made = model_inputs.prepare(self.processor, prompt, [HERE / "images" / image])
            self.prepared.append((made["pixel_values"].double(), made["input_ids"]))
        self.scores = [layer.mlp.down_proj.weight.T @ self.head.T for layer in self.layers]

    def shuffle(self, _module, arguments, keywords):
        if self.order is not None:
            embeddings = keywords["inputs_embeds"].clone()
            embeddings[0, self.image] = embeddings[0, self.image[self.order]]
            keywords["inputs_embeds"] = embeddings
        return arguments, keywords

    def show(self, number: int) -> None:
        self.pixels, self.prompt = self.prepared[number]
        self.image = (self.prompt[0] == self.model.config.image_token_id).nonzero().flatten()

    def logits(self, answer: list[int]) -> Tensor:
        ids = torch.cat((self.prompt, torch.tensor([answer], dtype=torch.long)), dim=1)
        return self.model(input_ids=ids, pixel_values=self.pixels).logits[0]

    def answer(self) -> list[int]:
        answer: list[int] = []
        while len(answer) < TOKENS and (not answer or answer[-1] not in self.stop):
            answer.append(self.logits(answer)[-1].argmax().item())
        return answer

    def neurons(self, position: int, token: int) -> dict[str, list[list]]:
        """Of each order the first [layer, neuron, activation, score], of the pass that was run last."""
        active = torch.stack([layer[position] for layer in self.watch.gate])
        scores = torch.stack([layer[:, token] for layer in self.scores])
        found = {}
        for order, keys in zip(ORDERS, (active * scores, active)):
            flat = torch.argsort(keys.flatten(), descending=True)[:TOP].tolist()
            pairs = [divmod(each, scores.shape[1]) for each in flat]
            found[order] = [[l, k, active[l, k].item(), scores[l, k].item()] for l, k in pairs]
        return found

    def log_probability(self, answer: list[int], position: int, token: int) -> float:
        return self.logits(answer[:-1])[position].log_softmax(-1)[token].item()

    def with_noise(self, neurons: list[tuple[int, int]], seed: int, *target) -> float:
        kept = [layer.mlp.down_proj.weight.clone() for layer in self.layers]
        for layer, neuron in neurons:
            add_noise(self.layers[layer].mlp.down_proj.weight, seed, layer, neuron)
        found = self.log_probability(*target)
        for layer, weight in zip(self.layers, kept):
            layer.mlp.down_proj.weight.copy_(weight)
        return found


def pairs_of(neurons: list[list]) -> set[tuple[int, int]]:
    return {(each[0], each[1]) for each in neurons}


def share(a: list[list], b: list[list]) -> float:
    return len(pairs_of(a) & pairs_of(b)) / TOP


def mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def find(model: Model) -> tuple[list[int], str, dict[str, dict]]:
    """The answer, and by its lower case each word with its token, position and neurons."""
    ids = model.answer()
    answer, words = words_of(model.processor.tokenizer, ids)
    model.logits(ids[:-1])
    length = model.prompt.shape[1]
    return ids, answer, {text.lower(): {"text": text, "token": token, "id": ids[token],
                                        "neurons": model.neurons(length - 1 + token, ids[token])}
                         for text, token in words}


def measure(model: Model, words: dict[str, dict], shuffled: list[dict[str, dict]]) -> None:
    """Adds to each word what is measured of it within its answer."""
    for folded, word in words.items():
        word["measures"] = {}
        for order in ORDERS:
            neurons = word["neurons"][order]
            names = [torch.topk(model.scores[l][k], NAMES).indices.tolist() for l, k, _, _ in neurons]
            averages = [model.scores[l][k].mean().item() for l, k, _, _ in neurons]
            word["measures"][order] = {
                "region": mean([share(neurons, other[folded]["neurons"][order])
                                for other in shuffled if folded in other]),
                "shared": mean([share(neurons, other["neurons"][order])
                                for key, other in words.items() if key != folded]),
                "own": mean([a * s for _, _, a, s in neurons]),
                "any": mean([each[2] * average for each, average in zip(neurons, averages)]),
                "named": mean([float(word["id"] in each) for each in names])}


def disturb(model: Model, ids: list[int], word: dict) -> None:
    target = ids, model.prompt.shape[1] - 1 + word["token"], word["id"]
    layers, width = len(model.layers), model.scores[0].shape[0]
    word["named_random"] = mean([float(word["id"] in torch.topk(model.scores[l][k], NAMES).indices)
                                 for seed in SEEDS for l, k in random_neurons(TOP, layers, width, seed)])
    top = [(l, k) for l, k, _, _ in word["neurons"]["contribution"]]
    word["log_probability"] = model.log_probability(*target)
    model.watch.off = [(l, k) for l, k, _, _ in word["neurons"]["activation"]]
    word["active_off"] = model.log_probability(*target)
    model.watch.off = []
    word["weights"] = {
        "top": [model.with_noise(top, seed, *target) for seed in SEEDS],
        "random": [model.with_noise(random_neurons(TOP, layers, width, seed), seed, *target) for seed in SEEDS]}


def look(model: Model, number: int) -> dict:
    model.show(number)
    shuffled = []
    for seed in SEEDS:
        model.order = torch.tensor(permutation(len(model.image), seed, number + 1))
        shuffled.append(find(model)[2])
    model.order = None
    ids, answer, words = find(model)
    measure(model, words, shuffled)
    for word in words.values():
        disturb(model, ids, word)
    image, prompt = model.asked[number]
    return {"image": image, "prompt": prompt, "ids": ids, "answer": answer, "words": list(words.values())}


def across(samples: list[dict]) -> dict[str, dict]:
    said: dict[str, list[dict]] = {}
    for sample in samples:
        for word in sample["words"]:
            said.setdefault(word["text"].lower(), []).append(word)
    return {text: {"said": len(words),
                   **{order: mean([share(a["neurons"][order], b["neurons"][order])
                                   for a, b in combinations(words, 2)]) for order in ORDERS}}
            for text, words in said.items() if len(words) >= AT_LEAST}


def enlarged_bar(values: numpy.ndarray, size: int) -> float:
    """The 95th percentile of a map enlarged as the published code enlarges it, coordinate by coordinate."""
    side, out = values.shape[0], numpy.zeros((size, size))
    for i in range(size):
        for j in range(size):
            x, y = min(math.floor(j * side / size), side - 2), min(math.floor(i * side / size), side - 2)
            u, v = j * side / size - x, i * side / size - y
            out[i, j] = ((1 - u) * (1 - v) * values[y, x] + u * (1 - v) * values[y, x + 1]
                         + (1 - u) * v * values[y + 1, x] + u * v * values[y + 1, x + 1])
    return float(numpy.percentile(out, 95))


def bars(model: Model, sample: dict) -> list[dict]:
    """Of the first neurons of the first sample's first word, the bar of the map as it is and enlarged."""
    model.show(0)
    model.logits(sample["ids"][:-1])
    found, size = [], model.model.config.vision_config.image_size
    for layer, neuron, _, _ in sample["words"][0]["neurons"]["contribution"]:
        values = model.watch.gate[layer][model.image, neuron].numpy()
        side = math.isqrt(len(values))
        found.append({"layer": layer, "neuron": neuron, "patches": float(numpy.percentile(values, 95)),
                      "enlarged": enlarged_bar(values.reshape(side, side), size)})
    return found


def without_gate() -> dict:
    """ln p of tokens of a model whose MLP has no gate, without and with noise in weights of random neurons."""
    with torch.no_grad():
        model = AutoModelForCausalLM.from_pretrained(
            PLAIN, dtype=torch.float32, attn_implementation="eager").eval().double()
    ids = model_inputs.prepare(model_inputs.load_processor(PLAIN), PLAIN_PROMPT, [])["input_ids"]
    outputs = [layer.mlp.dense_4h_to_h.weight for layer in model.transformer.h]
    with torch.no_grad(), float64_arithmetic():
        before = model(input_ids=ids).logits[0, -1].log_softmax(-1)
        for layer, neuron in random_neurons(TOP, len(outputs), outputs[0].shape[1], SEEDS[0]):
            add_noise(outputs[layer], SEEDS[0], layer, neuron)
        after = model(input_ids=ids).logits[0, -1].log_softmax(-1)
    return {"checkpoint": PLAIN.name, "prompt": PLAIN_PROMPT,
            "before": before[:64].tolist(), "after": after[:64].tolist()}


def study(folder: Path, asked: list[tuple[str, str]]) -> dict:
    with torch.no_grad():
        model = Model(folder, asked)
    with torch.no_grad(), float64_arithmetic():
        samples = [look(model, number) for number in range(len(asked))]
        return {"tokens": TOKENS, "top": TOP, "names": NAMES, "seeds": list(SEEDS),
                "deviation": DEVIATION, "at_least": AT_LEAST, "samples": samples, "across": across(samples),
                "bars": bars(model, samples[0])}


def write(name: str, made: dict) -> None:
    (HERE / name).write_text(json.dumps(made, indent=1) + "\n")


def main() -> None:
    torch.set_num_threads(1)
    plain = without_gate()
    write("contribution_list.json", study(MODEL, ASKED) | {"without_gate": plain})
    write("contribution_list_linear.json", study(LINEAR, LINEAR_ASKED))


if __name__ == "__main__":
    main()
