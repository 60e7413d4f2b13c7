"""Writes every_type.safetensors with the Python library: small tensors of every type, with values
that test_safetensors.c repeats. Needs torch and safetensors 0.8."""

import pathlib

import torch
from safetensors.torch import save_file

here = pathlib.Path(__file__).parent

tensors = {
    "bool": torch.tensor([True, False, True]),
    "u8": torch.tensor([[0, 1], [2, 255]], dtype=torch.uint8),
    "i8": torch.tensor([-128, 127, -1], dtype=torch.int8),
    "f8_e5m2": torch.tensor([1.0, -2.0], dtype=torch.float8_e5m2),
    "f8_e4m3": torch.tensor([1.0, -2.0], dtype=torch.float8_e4m3fn),
    "i16": torch.tensor([-32768, 258], dtype=torch.int16),
    "u16": torch.tensor([65535, 258], dtype=torch.uint16),
    "f16": torch.tensor([[1.0, -0.5, 65504.0]], dtype=torch.float16),
    "bf16": torch.tensor([1.0, -0.5, 3.0e38], dtype=torch.bfloat16),
    "i32": torch.tensor([-2147483648, 16909060], dtype=torch.int32),
    "u32": torch.tensor([4294967295, 16909060], dtype=torch.uint32),
    "f32": torch.tensor([[[0.1], [-0.0]]], dtype=torch.float32),
    "f64": torch.tensor([0.1, -1e300], dtype=torch.float64),
    "i64": torch.tensor([-9223372036854775808, 72623859790382856], dtype=torch.int64),
    "u64": torch.tensor([18446744073709551615, 72623859790382856], dtype=torch.uint64),
    "scalar": torch.tensor(2.5, dtype=torch.float32),
    "empty": torch.zeros((0, 5), dtype=torch.float32),
    'name "é/\n': torch.tensor([7], dtype=torch.uint8),
}
save_file(tensors, here / "every_type.safetensors", metadata={"key é": 'value "quoted"\n'})
