#!/usr/bin/env python3
"""Writes golden/joint/: alignments of a golden detector with a golden LLaVA that have as many patches, and what the
joint model (Giulivi and Boracchi, arXiv 2405.14612) makes of pictures through them.

PyTorch computes all of it in float64 by autograd, one gradient of the whole embedding for each box and each of its
numbers, with the error of a float32 run in the metadata, as for the stages of the forward pass (make_golden.py).

Run as: python3 golden/make_locate.py   (half a minute)
"""
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import CLIPTokenizer
from transformers.image_utils import load_image
from transformers.models.owlvit.image_processing_pil_owlvit import OwlViTImageProcessorPil

import inputs as model_inputs
import make_owlvit
from make_checkpoints import DTYPES, Draw
from make_golden import HERE, as_float64, error_against, load, prepare_libraries
from truth import float64_arithmetic

DETECTOR, LANGUAGE = HERE / "checkpoints" / "owlvit-bf16", HERE / "checkpoints" / "llava-1.5"
WIDTH, READ = 40, 64  # of the detector's embedding, and of the language model
TOKENS = 8
MARGIN = 1e-3  # of an answer's tokens before all others


@dataclass(frozen=True)
class Joint:
    name: str
    widths: tuple[int, ...]  # of the alignment's layers
    activation: str
    dtype: str
    image: str
    prompt: str
    word: str
    others: tuple[str, str]  # seen before the perturbation, and after it
    epsilon: float


JOINTS = (
    Joint("relu", (24, 24, 28, READ), "relu", "float32", "images/cat.jpg",
          "<image>\nUSER: What's in the image?\nASSISTANT: The image shows a", "camera", ("cat", "dog"), 1.0),
    Joint("gelu", (20, READ), "gelu", "bfloat16", "images/wide.jpg", "<image>\nUSER: Who?\nASSISTANT:", "cat", ("red ball", "cup"), 0.25),
)


class Alignment(nn.Module):
    def __init__(self, joint: Joint) -> None:
        super().__init__()
        self.activation = {"relu": nn.functional.relu, "gelu": nn.functional.gelu}[joint.activation]
        sizes = (WIDTH, *joint.widths)
        self.names = [f"linear_{i + 1}" for i in range(len(joint.widths))]
        for name, inputs, outputs in zip(self.names, sizes, sizes[1:]):
            self.add_module(name, nn.Linear(inputs, outputs))

    def forward(self, x: Tensor) -> Tensor:
        for name in self.names[:-1]:
            x = self.activation(getattr(self, name)(x))
        return getattr(self, self.names[-1])(x)


def write_alignment(joint: Joint, file: Path) -> Alignment:
    """With weights that the file's type has."""
    draw = Draw(7, DTYPES[joint.dtype])
    alignment = Alignment(joint)
    weights = {name: draw.matrix(*value.shape, 1.4) if value.dim() == 2 else draw.normal(*value.shape, deviation=0.3)
               for name, value in alignment.state_dict().items()}
    alignment.load_state_dict({name: value.float() for name, value in weights.items()})
    save_file(weights, file, {"activation": joint.activation})
    file.chmod(0o644)
    return alignment


# ---- The joint model ------------------------------------------------------------------------------------------------

def see(detector: nn.Module, pixels: Tensor) -> Tensor:
    """What enters the last layer of the tower [1 + patches, width]."""
    output = detector.owlvit.vision_model(pixels, output_hidden_states=True)
    return output.hidden_states[-2][0]


def heads(detector: nn.Module, embedding: Tensor, queries: Tensor) -> tuple[Tensor, Tensor]:
    """Logits [patches, queries] and boxes [patches, 4] of an embedding: the last layer and the heads, as
    OwlViTForObjectDetection has them."""
    tower = detector.owlvit.vision_model
    out = tower.encoder.layers[-1](embedding[None], attention_mask=None)
    out = out[0] if isinstance(out, tuple) else out
    tokens = tower.post_layernorm(out)
    features = detector.layer_norm(tokens[:, 1:] * tokens[:, :1])
    logits, _ = detector.class_predictor(features, queries[None], None)
    side = int(features.shape[1] ** 0.5)
    boxes = detector.box_predictor(features, features.reshape(1, side, side, -1))
    return logits[0], boxes[0]


def query(detector: nn.Module, text: str) -> Tensor:
    ids = torch.tensor(CLIPTokenizer.from_pretrained(DETECTOR)(text)["input_ids"])[None]
    made = detector.owlvit.text_projection(detector.owlvit.text_model(ids).pooler_output)
    return (made / made.norm(dim=-1, keepdim=True))[0]


def speak(language: nn.Module, ids: Tensor, features: Tensor) -> Tensor:
    """Logits [T, V] of ids [T] whose image positions read the features."""
    embedded = language.get_input_embeddings()(ids)
    image = ids == language.config.image_token_id
    embedded = embedded.masked_scatter(image[:, None].expand_as(embedded), features)
    hidden = language.model.language_model(inputs_embeds=embedded[None], use_cache=False).last_hidden_state
    return language.lm_head(hidden)[0]


def answer(language: nn.Module, ids: Tensor, features: Tensor) -> tuple[list[int], float]:
    """Greedy, and the smallest margin."""
    said, margin = [], float("inf")
    for _ in range(TOKENS):
        logits = speak(language, torch.cat((ids, torch.tensor(said, dtype=ids.dtype))), features)[-1]
        best = logits.topk(2)
        margin = min(margin, (best.values[0] - best.values[1]).item())
        said.append(best.indices[0].item())
        if said[-1] == language.generation_config.eos_token_id:
            break
    return said, margin


# ---- A word's saliency ----------------------------------------------------------------------------------------------

def of_boxes(detector: nn.Module, embedding: Tensor, queries: Tensor) -> Tensor:
    """The derivatives [patches, 5, 1 + patches, width] of each box's logit and coordinates."""
    logits, boxes = heads(detector, embedding, queries)
    numbers = torch.cat((logits, boxes), dim=1)
    return torch.stack([torch.stack([torch.autograd.grad(number, embedding, retain_graph=True)[0] for number in box])
                        for box in numbers])


def perturb(joint: Joint, detector: nn.Module, embedding: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The derivatives of the difference of the logits, summed over patches; the embedding after the step, by the
    published loss; and how large the difference is before and after, the mean over patches."""
    queries = torch.stack([query(detector, f"a photo of a {other}") for other in joint.others])
    embedding = embedding.detach().requires_grad_()
    logits, _ = heads(detector, embedding, queries)
    before = logits[:, 1] - logits[:, 0]
    gradient = torch.autograd.grad(before.sum(), embedding, retain_graph=True)[0]
    target = torch.full_like(logits, -1e6)
    target[:, -1] = 1e6
    loss = nn.functional.mse_loss(logits, target)
    after = embedding.detach() - joint.epsilon * torch.autograd.grad(loss, embedding)[0].sign()
    moved, _ = heads(detector, after, queries)
    return gradient, after, torch.stack((before.mean(), (moved[:, 1] - moved[:, 0]).mean()))


def from_0_to_1(values: Tensor) -> Tensor:
    return (values - values.min()) / (values.max() - values.min())


def measure(joint: Joint, token: int, ids: Tensor, pixels: Tensor, detector: nn.Module, language: nn.Module,
            alignment: nn.Module) -> dict[str, Tensor]:
    for model in (detector, language, alignment):
        model.requires_grad_(False)
    embedding = see(detector, pixels).clone().requires_grad_()
    features = alignment(embedding)[1:]
    logit = speak(language, ids, features)[-1, token]
    gradient = torch.autograd.grad(logit, embedding, retain_graph=True)[0]
    queries = query(detector, f"a photo of a {joint.word}")[None]
    logits, boxes = heads(detector, embedding, queries)
    every = of_boxes(detector, embedding, queries)
    lengths = every.flatten(2).norm(dim=2)
    cosines = (every * gradient).sum(dim=(2, 3)) / (lengths * gradient.norm())
    weights = torch.cat((from_0_to_1(cosines[:, :1]), from_0_to_1(cosines[:, 1:])), dim=1)
    difference, perturbed, differences = perturb(joint, detector, embedding)
    return {"difference": difference, "perturbed": perturbed, "differences": differences, "embedding": embedding, "features": features, "logit": logit[None], "gradient": gradient,
            "scores": logits[:, 0].sigmoid(), "boxes": boxes, "lengths": lengths, "cosines": cosines,
            "weights": weights}


def draw_map(boxes: Tensor, weights: Tensor, height: int, width: int, side: int) -> Tensor:
    """The largest of each cell of a grid in the map, pixel by pixel, as published."""
    pixels = torch.zeros(height, width, dtype=torch.float64)
    for (x, y, w, h), weight in zip(boxes.tolist(), weights.tolist()):
        left, right = (min(max(int(width * edge), 0), width) for edge in (x - w / 2, x + w / 2))
        top, bottom = (min(max(int(height * edge), 0), height) for edge in (y - h / 2, y + h / 2))
        part = pixels[top:bottom, left:right]
        part.clamp_(min=weight)
    edges = [[size * i // side for i in range(side + 1)] for size in (height, width)]
    return torch.tensor([[pixels[edges[0][i]:edges[0][i + 1], edges[1][j]:edges[1][j + 1]].max().item()
                          for j in range(side)] for i in range(side)], dtype=torch.float64)


def make(joint: Joint, output: Path) -> None:
    alignment = write_alignment(joint, output / f"{joint.name}.safetensors")
    single, double, processor = load(LANGUAGE)
    detector = make_owlvit.load(DETECTOR), make_owlvit.load(DETECTOR).double()
    image = load_image(str(HERE / joint.image))
    pixels = OwlViTImageProcessorPil.from_pretrained(DETECTOR)(image, return_tensors="pt")["pixel_values"]
    prepared = model_inputs.prepare(processor, joint.prompt, [HERE / joint.image])
    ids = prepared["input_ids"][0]
    token = model_inputs.tokenizer_of(processor)(joint.word, add_special_tokens=False).input_ids[-1]
    rounded = measure(joint, token, ids, pixels, detector[0], single, alignment)
    alignment = alignment.double()
    with float64_arithmetic():
        truth = measure(joint, token, ids, pixels.double(), detector[1], double, alignment)
        said, margin = answer(double, ids, truth["features"])
        said_after, margin_after = answer(double, ids, alignment(truth["perturbed"])[1:])
    assert min(margin, margin_after) > MARGIN, (margin, margin_after)
    steps = truth["difference"].abs()
    assert steps.min() > 1e-5 * steps.max(), "the step has a number that might go either way"
    metadata = {"format": "mmneuron-golden-1", "prompt": joint.prompt, "image": joint.image, "word": joint.word,
                "token": str(token), "size": json.dumps([image.height, image.width]),
                "answer": model_inputs.tokenizer_of(processor).decode(said, skip_special_tokens=True),
                "answer_after": model_inputs.tokenizer_of(processor).decode(said_after, skip_special_tokens=True),
                "from": joint.others[0], "to": joint.others[1], "epsilon": str(joint.epsilon),
                "torch": torch.__version__, "transformers": transformers.__version__}
    for name in truth:
        relative, largest = error_against(truth[name].detach(), rounded[name].detach())
        metadata[f"error.{name}"] = f"{relative:.6e} {largest:.6e}"
    weights, side = truth["weights"].detach(), int(truth["boxes"].shape[0] ** 0.5)
    kinds = (weights[:, 0], weights[:, 1:].amax(dim=1), weights.amax(dim=1))
    truth["map"] = torch.stack([draw_map(truth["boxes"].detach(), kind, image.height, image.width, side)
                                for kind in kinds])
    metadata["error.map"] = metadata["error.weights"]
    file = output / f"{joint.name}_case.safetensors"
    save_file({name: value.detach().contiguous() for name, value in truth.items()}, file, metadata)
    file.chmod(0o644)
    print(f"{joint.name}: {file.stat().st_size} bytes, answer {metadata['answer']!r}, margin {margin:.4f}")


def main() -> None:
    prepare_libraries()
    output = HERE / "joint"
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir()
    for joint in JOINTS:
        make(joint, output)


if __name__ == "__main__":
    main()
