"""Runs a transformers model in float64 with the definitions that it has in float32.

The code of LLaMA, Mistral, Qwen2, BLOOM, Phi and CLIP converts to float32 in four places whatever the model's
type is: RMSNorm, softmax, the rotary embedding and ALiBi's slopes. Inside `float64_arithmetic` the first two
stay in float64. In the third the angle (position times inverse frequency) is still the float32 number, since
that is the model's definition; its cosine and sine are taken in float64. The slopes are the float32 numbers,
and their products with positions float64. OPT counts positions in numbers of torch's default type, which is float64
meanwhile. Any other operation that would give a
float32 tensor raises an error, so nothing is rounded unnoticed.
"""
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from transformers.modeling_rope_utils import dynamic_rope_update
from transformers.models.bloom import modeling_bloom
from transformers.models.llama.modeling_llama import LlamaRMSNorm, LlamaRotaryEmbedding
from transformers.models.mistral.modeling_mistral import MistralRMSNorm, MistralRotaryEmbedding
from transformers.models.phi.modeling_phi import PhiRotaryEmbedding
from transformers.models.qwen2.modeling_qwen2 import Qwen2RMSNorm, Qwen2RotaryEmbedding

SHORT_TYPES = (torch.float32, torch.float16, torch.bfloat16)
original_softmax = nn.functional.softmax
original_slopes = modeling_bloom._get_alibi_slopes


class NoShortFloats(TorchDispatchMode):
    """Refuses operations whose results are floating-point numbers shorter than float64."""

    def __torch_dispatch__(self, function, types, arguments=(), keywords=None):
        result = function(*arguments, **(keywords or {}))
        for value in tree_leaves(result):
            if isinstance(value, Tensor) and value.dtype in SHORT_TYPES:
                raise TypeError(f"{function} gave {value.dtype} in a float64 run")
        return result


def rms_norm(self: nn.Module, hidden_states: Tensor) -> Tensor:
    variance = hidden_states.pow(2).mean(-1, keepdim=True)
    return self.weight * (hidden_states * torch.rsqrt(variance + self.variance_epsilon))


def softmax(values: Tensor, dim: int, dtype: torch.dtype | None = None) -> Tensor:
    return original_softmax(values, dim=dim)


@dynamic_rope_update
def rotary_angle(self: nn.Module, x: Tensor, position_ids: Tensor) -> Tensor:
    angle = position_ids[..., None].float() * self.inv_freq.float()
    return torch.cat((angle, angle), dim=-1).double()


def rotary_embedding(self: nn.Module, x: Tensor, position_ids: Tensor) -> tuple[Tensor, Tensor]:
    with torch.utils._python_dispatch._disable_current_modes():
        angle = rotary_angle(self, x, position_ids)
    return angle.cos() * self.attention_scaling, angle.sin() * self.attention_scaling


def alibi_slopes(num_heads: int, device: torch.device) -> Tensor:
    with torch.utils._python_dispatch._disable_current_modes():
        return original_slopes(num_heads, device).double()


@contextmanager
def float64_arithmetic() -> Iterator[None]:
    replacements = (
        (LlamaRMSNorm, "forward", rms_norm), (MistralRMSNorm, "forward", rms_norm),
        (LlamaRotaryEmbedding, "forward", rotary_embedding),
        (MistralRotaryEmbedding, "forward", rotary_embedding),
        (PhiRotaryEmbedding, "forward", rotary_embedding),
        (Qwen2RMSNorm, "forward", rms_norm), (Qwen2RotaryEmbedding, "forward", rotary_embedding),
        (modeling_bloom, "_get_alibi_slopes", alibi_slopes),
        (nn.functional, "softmax", softmax),
    )
    originals = [(owner, name, getattr(owner, name)) for owner, name, _ in replacements]
    usual = torch.get_default_dtype()
    for owner, name, replacement in replacements:
        setattr(owner, name, replacement)
    torch.set_default_dtype(torch.float64)
    try:
        with NoShortFloats():
            yield
    finally:
        torch.set_default_dtype(usual)
        for owner, name, original in originals:
            setattr(owner, name, original)
