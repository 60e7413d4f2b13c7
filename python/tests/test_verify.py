"""Comparing with transformers' models in this process, where torch is there."""
from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import DOMAINS, GOLDEN, LANGUAGES, read_list, read_safetensors

import mmneuron

WIDE = GOLDEN / "images" / "wide.jpg"


def test_dumps(demo: mmneuron.Model, tmp_path: Path, program) -> None:
    prompt, dumps = "USER: <image>\nWhat? ASSISTANT:", [tmp_path / "one", tmp_path / "other"]
    demo.dump(dumps[0], prompt, WIDE)
    demo.dump(dumps[1], prompt, WIDE)
    same = mmneuron.verify_dumps(*dumps)
    assert not same.different and same.first_departure is None
    stages = [row["stage"] for row in same.records("stages")]
    assert stages == list(demo.run(prompt, WIDE, keep="*"))
    with open(dumps[1], "r+b") as file:  # the sign of one element of a layer's output
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        file.seek(file.tell() + header["language.layers.1.out"]["data_offsets"][0] + 3)
        byte = file.read(1)[0]
        file.seek(-1, 1)
        file.write(bytes([byte ^ 0x80]))
    changed = mmneuron.verify_dumps(*dumps)
    assert changed.different and changed.first_departure == "language.layers.1.out"
    assert "OUTSIDE" in str(changed)
    outside = [row["stage"] for row in changed.records("stages") if row["outside"]]
    assert outside == ["language.layers.1.out"]
    one, other = (read_safetensors(dump)[0]["language.layers.1.out"].astype(np.float64)
                  for dump in dumps)
    row = next(row for row in changed.records("stages") if row["outside"])
    assert row["maximum_absolute"] == pytest.approx(np.abs(one - other).max())
    assert row["relative_rms"] == pytest.approx(
        np.sqrt(np.mean((one - other)**2) / np.mean(other**2)), rel=1e-6)


CASES = (("llava-v1.6-vicuna", "USER: <image>\nWhat is this? ASSISTANT:"),
         ("llava-1.5", "USER: <image>\nWhat is this? ASSISTANT:"),
         ("llava-interleave-qwen", "USER: <image>\nWhat is this? ASSISTANT:"),
         ("instructblip", "What is unusual about this image?"),
         ("bloom", "Every neuron"), ("llama-3", "Every neuron"), ("qwen2", "Every neuron"),
         ("opt", "Every neuron"), ("phi", "Every neuron"))


@pytest.fixture(scope="module")
def load():
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")

    def load(folder: Path, dtype: str = "float32"):
        config = transformers.AutoConfig.from_pretrained(folder)
        kind = (transformers.AutoModelForImageTextToText if hasattr(config, "vision_config")
                else transformers.AutoModelForCausalLM)
        return kind.from_pretrained(folder, dtype=getattr(torch, dtype),
                                    attn_implementation="eager").eval()
    return load


@pytest.mark.parametrize("name, prompt", CASES, ids=[name for name, _ in CASES])
def test_families(load, name: str, prompt: str) -> None:
    folder = GOLDEN / "checkpoints" / name
    images = WIDE if "<image>" in prompt or name == "instructblip" else ()
    found = mmneuron.verify(load(folder), mmneuron.Model(folder), prompt, images)
    assert not found.different, str(found)
    stages = [row["stage"] for row in found.records("stages")]
    assert {"input_ids", "language.layers.1.mlp.act", "language.logits"} <= set(stages)
    assert bool(images) == ("vision.layers.0.out" in stages)


def test_bundled_models_and_other_types(load, domains, languages) -> None:
    sample = read_list(DOMAINS / "test.jsonl")[0]
    found = mmneuron.verify(load(DOMAINS / "model"), domains, sample["prompt"],
                            DOMAINS / sample["image"])
    assert not found.different, str(found)
    short = load(LANGUAGES / "model", "bfloat16")
    found = mmneuron.verify(short, languages, "Le chat", stages="language.layers.{i}.out")
    rows = found.records("stages")
    assert len(rows) == languages.info.language_layers
    assert not found.different and {row["tolerance"] for row in rows} == {0.05}
    assert max(row["relative_rms"] for row in rows) > 1e-4  # and it really was bfloat16


def test_a_difference_is_found(load, languages) -> None:
    torch = pytest.importorskip("torch")
    model = load(LANGUAGES / "model")
    with torch.no_grad():
        model.model.layers[2].mlp.down_proj.weight[0] += 0.05
    found = mmneuron.verify(model, languages, "Le chat")
    assert found.different and found.first_departure == "language.layers.2.mlp.out"
