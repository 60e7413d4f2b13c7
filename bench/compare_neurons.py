#!/usr/bin/env python3
"""Says what PyTorch's arithmetic makes of a ranking: how many neurons it finds that mmneuron does not.

    compare_neurons.py PROGRAM MODEL DATA.jsonl [--rate R] [--threads N] [--settings f32,bf16,bf16/avx2]

The list is counted by PROGRAM, whose counts are the same on every machine, and by PyTorch and transformers in each
setting: a type, and behind a slash the instruction set that PyTorch's libraries are held to, as another processor or
build would hold them (avx2: no AMX, no AVX512_BF16). `PROGRAM rank` chooses neurons from either's counts. A count that
differs is of a neuron that was active at another number of a domain's positions. What one instruction set makes of a type
is compared with the other's, too.
Needs torch, transformers, Pillow below 13.
"""

import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

HERE = pathlib.Path(__file__).resolve().parent
STAGES = {"vision": "vision.layers.*.mlp.act", "projector": "projector.act", "qformer": "qformer.layers.*.mlp.act",
          "query": "query.layers.*.mlp.act", "language": "language.layers.*.mlp.act"}


def count_with_torch(model_folder, data, dtype, file):
    """Writes counts [layers, neurons] and tokens [1], named as mmneuron names them (doc/formats.md)."""
    sys.path.append(str(HERE.parent / "golden"))
    import torch
    import transformers

    import hooks
    import inputs as model_inputs

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    dtype = {"f32": torch.float32, "bf16": torch.bfloat16}[dtype]
    model = model_inputs.model_class(model_folder).from_pretrained(model_folder, dtype=dtype).eval()
    processor = model_inputs.load_processor(model_folder)
    counts, tokens = collections.defaultdict(lambda: 0), collections.Counter()
    for line in pathlib.Path(data).read_text(encoding="utf-8").splitlines():
        sample = json.loads(line)
        images = sample["image"] if isinstance(sample["image"], list) else [sample["image"]]
        prompt = sample.get("prompt", f"<image>\n{sample['question']}")
        prepared = model_inputs.prepare(processor, prompt, [pathlib.Path(data).parent / image for image in images])
        prepared = {name: value.to(dtype) if value.is_floating_point() else value for name, value in prepared.items()}
        stages = hooks.run(model, prepared, ",".join(STAGES.values()))
        for module, pattern in STAGES.items():
            layers = [values.reshape(-1, values.shape[-1]) for name, values in stages.items()
                      if hooks.is_wanted(name, pattern)]
            if not layers:
                continue
            active, key = torch.stack(layers) > 0, f"{sample['domain']}/{module}"
            counts[key] = counts[key] + active.sum(1).numpy()
            tokens[key] += active.shape[1]
            if module == "language":
                image = prepared["input_ids"][0] == hooks.image_token(model)
                counts[f"{key}.image"] = counts[f"{key}.image"] + active[:, image].sum(1).numpy()
                tokens[f"{key}.image"] += int(image.sum())
    tensors = {f"{key}.count": value.astype(np.int64) for key, value in counts.items()}
    tensors |= {f"{key}.tokens": np.array([value], dtype=np.int64) for key, value in tokens.items()}
    save_file(tensors, file)


def run_setting(arguments, setting, file):
    dtype, _, simd = setting.partition("/")
    environment = dict(os.environ, OMP_NUM_THREADS=str(arguments.threads))
    if simd:
        environment |= {"ATEN_CPU_CAPABILITY": simd, "ONEDNN_MAX_CPU_ISA": simd.upper(), "MKL_ENABLE_INSTRUCTIONS": simd.upper()}
    command = [sys.executable, __file__, "--count", dtype, str(file), arguments.model, arguments.data]
    subprocess.run(command, env=environment, check=True)


def rank(arguments, file):
    """The neurons that PROGRAM chooses from a file of counts: of each module, of each domain, (layer, neuron)."""
    ranked = file.with_suffix(".json")
    subprocess.run([arguments.program, "rank", "-q", "--rate", str(arguments.rate), file, "-o", ranked],
                   stdout=subprocess.DEVNULL, check=True)
    modules = json.loads(ranked.read_text(encoding="utf-8"))["modules"]
    return {module: {domain: set(map(tuple, pairs)) for domain, pairs in chosen["domains"].items()}
            for module, chosen in modules.items()}


def differences(here, there, module):
    """What differs, as cells of a table: counts, neurons chosen there, of these not here, of both in other domains."""
    counts, neurons = zip(here, there)
    ours, theirs = (chosen[module] for chosen in neurons)
    share = np.mean([counts[0][f"{domain}/{module}.count"] != counts[1][f"{domain}/{module}.count"] for domain in ours])
    all_ours, all_theirs = set().union(*ours.values()), set().union(*theirs.values())
    moved = sum(any((neuron in ours[domain]) != (neuron in theirs[domain]) for domain in ours)
                for neuron in all_ours & all_theirs)
    return f"{100 * share:.2f} % | {len(all_theirs)} | {len(all_theirs - all_ours)} | {moved}"


def main():
    if sys.argv[1:2] == ["--count"]:
        dtype, file, model, data = sys.argv[2:]
        count_with_torch(model, data, dtype, file)
        return
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("--rate", type=float, default=0.01)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--settings", default="f32,f32/avx2,bf16,bf16/avx2")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        own, other = folder / "own.safetensors", folder / "torch.safetensors"
        subprocess.run([arguments.program, "count", "-q", "--threads", str(arguments.threads), arguments.model,
                        arguments.data, "-o", own], stdout=subprocess.DEVNULL, check=True)
        counts = load_file(own)
        with safe_open(own, "np") as file:
            metadata = file.metadata()
        del metadata["checksum"]
        metadata["format"] = "mmneuron-counts-1"  # which has none: rank takes it, and says so
        made = {"mmneuron": (counts, rank(arguments, own))}
        print("| PyTorch in | compared with | module | counts that differ | neurons chosen | of these not by the other "
              "| in other domains |\n| --- | --- | --- | --- | --- | --- | --- |")
        for setting in arguments.settings.split(","):
            run_setting(arguments, setting, other)
            theirs = counts | load_file(other)
            save_file(theirs, other, metadata)
            made[setting] = theirs, rank(arguments, other)
            for name in made:
                if name != setting and name.split("/")[0] in ("mmneuron", setting.split("/")[0]):
                    for module in made[name][1]:
                        cells = differences(made[name], made[setting], module)
                        print(f"| {setting} | {name} | {module} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
