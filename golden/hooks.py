"""Names the tensors of a forward pass in transformers as mmneuron names them, for all its families.

`recorded` hooks a model and collects the stages that doc/golden.md lists. It works on transformers 4
and 5, on any device and in any floating-point type, and changes nothing in the model's results.
"""
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase

import torch
from torch import Tensor, nn

Stages = dict[str, Tensor]

# The stages of one forward pass in its order, `*` standing for a layer's number.
ORDER = (
    "input_ids", "qformer_input_ids", "pixel_values", "image_sizes", "vision.embeddings", "vision.layers.*.mlp.act",
    "vision.layers.*.out", "vision.out", "qformer.layers.*.mlp.act", "query.layers.*.mlp.act",
    "qformer.layers.*.out", "qformer.out", "projector.act", "projector.out", "projector.merged",
    "language.embeddings", "language.layers.*.attn.out", "language.layers.*.mlp.gate",
    "language.layers.*.mlp.act", "language.layers.*.mlp.up", "language.layers.*.mlp.product",
    "language.layers.*.mlp.out", "language.layers.*.out",
    "language.norm", "language.logits", "generated_ids",
)

# The stages whose gradients are stages too, called grad.*, in the order of the reverse pass.
REVERSED = (
    "language.norm", "language.layers.*.out", "language.layers.*.mlp.product", "language.layers.*.mlp.up",
    "language.layers.*.mlp.act", "language.layers.*.mlp.gate", "language.layers.*.attn.out", "language.embeddings",
    "projector.merged", "projector.out", "projector.act", "qformer.out", "qformer.layers.*.out",
    "query.layers.*.mlp.act", "qformer.layers.*.mlp.act", "vision.out", "vision.layers.*.out",
    "vision.layers.*.mlp.act", "vision.embeddings",
)

# "*" alone leaves these out, and their gradients
BY_NAME = ("*language.layers.*.mlp.up", "*language.layers.*.mlp.product")


def is_wanted(name: str, patterns: str) -> bool:
    """Whether one of the glob patterns, separated by commas, matches the stage's name."""
    if patterns == "*":
        return not any(fnmatchcase(name, pattern) for pattern in BY_NAME)
    return any(fnmatchcase(name, pattern.strip()) for pattern in patterns.split(","))


@dataclass
class Parts:
    """Where a model of any family keeps its parts, in any version of transformers."""
    vision: nn.Module | None  # has encoder.layers; None where there is only text
    embeddings: nn.Module | None  # gives what the first of these reads
    qformer: nn.Module | None  # has encoder.layer
    projector: nn.Module | None  # has act, unless there is a Q-Former
    language: nn.Module   # has layers and norm, or what else Decoder knows
    head: nn.Module

    @classmethod
    def of(cls, model: nn.Module) -> "Parts":
        if not hasattr(model.config, "vision_config"):
            return cls(None, None, None, None, model.base_model, model.get_output_embeddings())
        if hasattr(model, "qformer"):
            return cls(model.vision_model, model.vision_model.embeddings, model.qformer, model.language_projection,
                       model.language_model.model, model.get_output_embeddings())
        base = model if hasattr(model, "vision_tower") else model.model
        vision = getattr(base.vision_tower, "vision_model", base.vision_tower)
        language = getattr(base.language_model, "model", base.language_model)
        embeddings = getattr(vision, "pre_layrnorm", vision.embeddings)  # SigLIP has no norm there
        return cls(vision, embeddings, None, base.multi_modal_projector, language,
                   model.get_output_embeddings())


@dataclass
class Decoder:
    """Where a language model keeps its layers and final norm."""
    layers: nn.ModuleList
    norm: nn.Module

    @classmethod
    def of(cls, language: nn.Module) -> "Decoder":
        if hasattr(language, "h"):  # BLOOM
            return cls(language.h, language.ln_f)
        if hasattr(language, "decoder"):  # OPT
            return cls(language.decoder.layers, language.decoder.final_layer_norm)
        if hasattr(language, "final_layernorm"):  # Phi
            return cls(language.layers, language.final_layernorm)
        return cls(language.layers, language.norm)


@dataclass
class DecoderLayer:
    """The modules of a language model's layer whose outputs are stages."""
    attention: nn.Module
    gate: nn.Module
    activation: nn.Module
    mlp: nn.Module

    @classmethod
    def of(cls, layer: nn.Module) -> "DecoderLayer":
        if hasattr(layer, "self_attention"):  # BLOOM, whose attention and mlp add the residual themselves
            return cls(layer.self_attention.dense, layer.mlp.dense_h_to_4h, layer.mlp.gelu_impl,
                       layer.mlp.dense_4h_to_h)
        if hasattr(layer, "fc1"):  # OPT, whose layer is its MLP too
            return cls(layer.self_attn, layer.fc1, layer.activation_fn, layer.fc2)
        if hasattr(layer.mlp, "fc1"):  # Phi
            return cls(layer.self_attn, layer.mlp.fc1, layer.mlp.activation_fn, layer.mlp)
        return cls(layer.self_attn, layer.mlp.gate_proj, layer.mlp.act_fn, layer.mlp)


def image_token(model: nn.Module) -> int:
    """The id of the placeholder whose embeddings the image features replace."""
    config = model.config
    return getattr(config, "image_token_id", None) or config.image_token_index


def first(value: Tensor | tuple) -> Tensor:
    """The hidden states of a module that may return attention weights too."""
    return value[0] if isinstance(value, tuple) else value


def without_batch(hidden: Tensor) -> Tensor:
    """[1, T, D] -> [T, D]."""
    if hidden.dim() == 3:
        assert hidden.shape[0] == 1, "one sequence at a time"
        return hidden[0]
    return hidden


def rows(hidden: Tensor) -> Tensor:
    """[tiles, P, D] -> [tiles * P, D]."""
    return hidden.reshape(-1, hidden.shape[-1])


def copy_of(value: Tensor, shape: Callable[[Tensor], Tensor]) -> Tensor:
    return shape(value).detach().clone()


@contextmanager
def recorded(model: nn.Module, input_ids: Tensor, wanted: str | Callable[[str], bool] = "*",
             taken: Callable = copy_of) -> Iterator[dict]:
    """Collects the wanted stages of the one forward pass over input_ids [T] that is run inside: what `taken` makes
    of each."""
    stages: dict = {}
    parts = Parts.of(model)
    handles = []

    def keep(name: str, value: Tensor, shape: Callable[[Tensor], Tensor]) -> None:
        if wanted(name) if callable(wanted) else is_wanted(name, wanted):
            assert name not in stages, f"{name} was computed twice"
            stages[name] = taken(value, shape)

    def output_of(module: nn.Module, name: str,
                  shape: Callable[[Tensor], Tensor] = lambda hidden: hidden) -> None:
        handles.append(module.register_forward_hook(
            lambda _module, _input, output: keep(name, first(output), shape)))

    def input_of(module: nn.Module, name: str,
                 shape: Callable[[Tensor], Tensor] = lambda hidden: hidden,
                 keyword: str = "hidden_states") -> None:
        def hook(_module: nn.Module, arguments: tuple, keywords: dict) -> None:
            keep(name, arguments[0] if arguments else keywords[keyword], shape)
        handles.append(module.register_forward_pre_hook(hook, with_kwargs=True))

    if parts.vision:
        output_of(parts.embeddings, "vision.embeddings")
        for i, layer in enumerate(parts.vision.encoder.layers):
            output_of(layer.mlp.activation_fn, f"vision.layers.{i}.mlp.act")
            output_of(layer, f"vision.layers.{i}.out")

    if parts.qformer:
        input_of(parts.qformer, "vision.out", keyword="encoder_hidden_states")
        for i, layer in enumerate(parts.qformer.encoder.layer):
            output_of(layer.intermediate, f"qformer.layers.{i}.mlp.act", without_batch)
            output_of(layer.intermediate_query, f"query.layers.{i}.mlp.act", without_batch)
            output_of(layer, f"qformer.layers.{i}.out", without_batch)
        input_of(parts.projector, "qformer.out", rows)
    elif parts.projector:
        input_of(parts.projector, "vision.out")
        if hasattr(parts.projector, "act"):  # the original LLaVA's is one linear layer
            output_of(parts.projector.act, "projector.act", rows)
    if parts.projector:
        output_of(parts.projector, "projector.out", rows)

    decoder = Decoder.of(parts.language)
    is_image = torch.zeros_like(input_ids, dtype=torch.bool)
    if parts.vision:
        is_image = input_ids == image_token(model)
    if is_image.any():
        input_of(decoder.layers[0], "projector.merged",
                 lambda hidden: without_batch(hidden)[is_image.to(hidden.device)])
    input_of(decoder.layers[0], "language.embeddings", without_batch)
    for i, layer in enumerate(decoder.layers):
        name, modules = f"language.layers.{i}", DecoderLayer.of(layer)
        output_of(modules.attention, f"{name}.attn.out", without_batch)
        output_of(modules.gate, f"{name}.mlp.gate", without_batch)
        output_of(modules.activation, f"{name}.mlp.act", without_batch)
        if hasattr(modules.mlp, "up_proj"):
            output_of(modules.mlp.up_proj, f"{name}.mlp.up", without_batch)
            input_of(modules.mlp.down_proj, f"{name}.mlp.product", without_batch)
        output_of(modules.mlp, f"{name}.mlp.out", without_batch)
        output_of(layer, f"{name}.out", without_batch)
    output_of(decoder.norm, "language.norm", without_batch)
    output_of(parts.head, "language.logits", without_batch)
    try:
        yield stages
    finally:
        for handle in handles:
            handle.remove()


def run(model: nn.Module, inputs: dict[str, Tensor], wanted: str = "*") -> Stages:
    """One forward pass over what inputs.prepare made, recorded."""
    with torch.no_grad(), recorded(model, inputs["input_ids"][0], wanted) as stages:
        model(**inputs, use_cache=False)
    return stages


def is_tile(pixels: Tensor) -> Tensor:
    """Which of [images, tiles, 3, H, W] are tiles and not what fills up a batch: [images, tiles]."""
    return pixels.detach().flatten(2).any(dim=2)


def embeddings(model: nn.Module) -> list[nn.Module]:
    """The modules that make embeddings of words."""
    return [model.get_input_embeddings(), *([model.qformer.embeddings] if hasattr(model, "qformer") else [])]


def gradients(model: nn.Module, inputs: dict[str, Tensor], token: int, position: int = -1, logit: bool = False,
              wanted: str = "*") -> tuple[Stages, float]:
    """The gradients of ln p of `token` as the one behind `position`, or of its logit, by the stages of one forward
    pass over what inputs.prepare made, and that number itself. Weights have no gradients."""
    def has_gradient(name: str) -> bool:
        # That by mlp.out is that by out.
        return (any(fnmatchcase(name, pattern) for pattern in REVERSED) and not name.endswith(".mlp.out")
                and is_wanted(f"grad.{name}", wanted))

    model.requires_grad_(False)
    inputs = {name: value.clone().requires_grad_(value.is_floating_point()) for name, value in inputs.items()}
    # What depends on words alone has gradients too.
    handles = [module.register_forward_hook(
        lambda _module, _input, output: output if output.requires_grad else output.requires_grad_())
        for module in embeddings(model)]
    try:
        with recorded(model, inputs["input_ids"][0], has_gradient, lambda *stage: stage) as stages:
            logits = model(**inputs, use_cache=False).logits[0, position]
    finally:
        for handle in handles:
            handle.remove()
    number = logits[token] if logit else torch.log_softmax(logits, dim=0)[token]
    if "pixel_values" in inputs and is_wanted("grad.pixel_values", wanted):
        pixels = inputs["pixel_values"]
        stages["pixel_values"] = pixels, lambda value: value[is_tile(pixels)] if value.dim() == 5 else value
    of_stages = torch.autograd.grad(number, [value for value, _ in stages.values()], allow_unused=True)
    return ({f"grad.{name}": shape(gradient).clone()
             for (name, (_, shape)), gradient in zip(stages.items(), of_stages) if gradient is not None},
            number.item())
