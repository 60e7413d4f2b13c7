"""What the tests share: the repository's models, its program, and a reader of its files."""
from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mmneuron

REPOSITORY = Path(__file__).resolve().parents[2]
GOLDEN = REPOSITORY / "golden"
DOMAINS = REPOSITORY / "models" / "five-domains"
LANGUAGES = REPOSITORY / "models" / "five-languages"

NUMPY = {"F64": np.float64, "F32": np.float32, "I32": np.int32, "I64": np.int64}


def read_safetensors(file: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Tensors and metadata, by the format's description."""
    content = file.read_bytes()
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8:8 + size])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + size + offset for offset in entry["data_offsets"])
        values = np.frombuffer(content[begin:end], NUMPY[entry["dtype"]])
        tensors[name] = values.reshape(entry["shape"])
    return tensors, metadata


def read_list(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line]


def write_list(file: Path, samples: list[dict[str, Any]]) -> Path:
    file.write_text("".join(json.dumps(sample) + "\n" for sample in samples), encoding="utf-8")
    return file


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """Takes Ctrl-C as from a terminal, also where whoever runs the tests has it ignored, as a shell has for
    what it starts in the background."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def program():
    """Runs the program: `program("rank", file, ...)` is the JSON that it prints."""
    found = os.environ.get("MMNEURON") or shutil.which("mmneuron")
    if not found:
        pytest.skip("the program is not there: MMNEURON names it")

    def run(*arguments: object, text: bool = False) -> Any:
        words = [str(argument) for argument in arguments]
        output = subprocess.run([found, *words, *([] if text else ["--json"])], check=True,
                                capture_output=True).stdout.decode()
        return output if text else json.loads(output)
    return run


@pytest.fixture(scope="session")
def demo() -> mmneuron.Model:
    return mmneuron.Model(GOLDEN / "demo" / "model")


@pytest.fixture(scope="session")
def domains() -> mmneuron.Model:
    return mmneuron.Model(DOMAINS / "model")


@pytest.fixture(scope="session")
def languages() -> mmneuron.Model:
    return mmneuron.Model(LANGUAGES / "model")


@pytest.fixture(scope="session")
def counts(domains: mmneuron.Model, tmp_path_factory: pytest.TempPathFactory) -> mmneuron.Counts:
    """Of the trained model's list, whose ranking has a published digest."""
    file = tmp_path_factory.mktemp("counts") / "counts.safetensors"
    counted = mmneuron.count(domains, DOMAINS / "train.jsonl", file)
    counted.file = file
    return counted


@pytest.fixture(scope="session")
def neurons(counts: mmneuron.Counts, tmp_path_factory: pytest.TempPathFactory) -> mmneuron.Neurons:
    published = (REPOSITORY / "tests" / "cross" / "trained.sh").read_text()
    ranked = mmneuron.rank(counts, rate=float(re.search(r"^rate=([0-9.]+)", published, re.M)[1]))
    ranked.rate = ranked.result.records("result")[0]["rate"]
    ranked.file = tmp_path_factory.mktemp("neurons") / "neurons.json"
    ranked.write(ranked.file)
    return ranked


@pytest.fixture(scope="session")
def short_list(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three test questions of each domain, with absolute paths."""
    samples, seen = [], {}
    for sample in read_list(DOMAINS / "test.jsonl"):
        seen[sample["domain"]] = seen.get(sample["domain"], 0) + 1
        if seen[sample["domain"]] <= 3:
            images = sample["image"] if isinstance(sample["image"], list) else [sample["image"]]
            samples.append({**sample, "image": [str(DOMAINS / image) for image in images]})
    return write_list(tmp_path_factory.mktemp("list") / "short.jsonl", samples)
