#!/usr/bin/env python3
"""Says what PyTorch's arithmetic makes of a ranking: how many neurons it finds that mmneuron does not.

    compare_neurons.py PROGRAM MODEL DATA.jsonl [--rate R] [--threads N] [--settings f32,bf16,bf16/avx2]

The list is counted by PROGRAM, whose counts are the same on every machine, and by PyTorch and transformers in each
setting: a type, and behind a slash the instruction set that PyTorch's libraries are held to, as another processor or
build would hold them (avx2: no AMX, no AVX512_BF16). Neurons are chosen from either's counts by the same rule, entropy,
and those of PROGRAM's counts must be the ones that `PROGRAM rank` chooses. A count that differs is of a neuron that was
active at another number of a domain's positions. What one instruction set makes of a type is compared with the other's, too.
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
from safetensors.numpy import load_file, save_file

HERE = pathlib.Path(__file__).resolve().parent
STAGES = {"vision": "vision.layers.{}.mlp.act", "projector": "projector.act", "language": "language.layers.{}.mlp.act"}
BAR = 0.95


def count_with_torch(model_folder, data, dtype, file):
    """Writes counts [layers, neurons] and tokens [1], named as mmneuron names them."""
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
        stages = hooks.run(model, prepared, "*.mlp.act,projector.act")
        for module, pattern in STAGES.items():
            names = [pattern.format(layer) for layer in range(len(stages)) if pattern.format(layer) in stages]
            layers = [stages[name].reshape(-1, stages[name].shape[-1]) for name in dict.fromkeys(names)]
            if layers:
                key = f"{sample['domain']}/{module}"
                counts[key] = counts[key] + torch.stack([(layer > 0).sum(0) for layer in layers]).numpy()
                tokens[key] += len(layers[0])
    tensors = {f"{key}.count": value.astype(np.int64) for key, value in counts.items()}
    tensors |= {f"{key}.tokens": np.array([value], dtype=np.int64) for key, value in tokens.items()}
    save_file(tensors, file)


def select(counts, module, domains, rate):
    """The neurons of each domain, as sets of (layer, neuron): doc/method.md, in binary64."""
    p = np.stack([counts[f"{domain}/{module}.count"] / counts[f"{domain}/{module}.tokens"][0] for domain in domains])
    total = p.sum(0)
    q = np.divide(p, total, out=np.zeros_like(p), where=total > 0)
    entropy = -(q * np.log(np.where(q > 0, q, 1.0))).sum(0)
    bar = np.sort(p, axis=None)[round(BAR * p.size) - 1]
    entropy[~(p > bar).any(0)] = np.inf
    chosen = np.argsort(entropy, axis=None, kind="stable")[:round(rate * entropy.size)]
    chosen = [np.unravel_index(n, entropy.shape) for n in chosen if entropy.flat[n] < np.inf]
    return {domain: {(int(l), int(n)) for l, n in chosen if p[d, l, n] > bar} for d, domain in enumerate(domains)}


def run_setting(arguments, setting, file):
    dtype, _, simd = setting.partition("/")
    environment = dict(os.environ, OMP_NUM_THREADS=str(arguments.threads))
    if simd:
        environment |= {"ATEN_CPU_CAPABILITY": simd, "ONEDNN_MAX_CPU_ISA": simd.upper(), "MKL_ENABLE_INSTRUCTIONS": simd.upper()}
    command = [sys.executable, __file__, "--count", dtype, str(file), arguments.model, arguments.data]
    subprocess.run(command, env=environment, check=True)


def differences(ours, theirs, module, domains, rate):
    """What differs, as cells of a table: counts, neurons chosen there, of these not here, of both in other domains."""
    keys = [f"{domain}/{module}.count" for domain in domains]
    counts = np.mean([ours[key] != theirs[key] for key in keys])
    here, there = select(ours, module, domains, rate), select(theirs, module, domains, rate)
    all_here, all_there = set().union(*here.values()), set().union(*there.values())
    moved = sum(any((neuron in here[domain]) != (neuron in there[domain]) for domain in domains)
                for neuron in all_here & all_there)
    return f"{100 * counts:.2f} % | {len(all_there)} | {len(all_there - all_here)} | {moved}"


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
        own, ranked = folder / "counts.safetensors", folder / "neurons.json"
        subprocess.run([arguments.program, "count", "-q", "--threads", str(arguments.threads), arguments.model,
                        arguments.data, "-o", own], stdout=subprocess.DEVNULL, check=True)
        subprocess.run([arguments.program, "rank", "-q", "--rate", str(arguments.rate), own, "-o", ranked],
                       stdout=subprocess.DEVNULL, check=True)
        counts, modules = load_file(own), json.loads(ranked.read_text(encoding="utf-8"))["modules"]
        for module, chosen in modules.items():
            ours = select(counts, module, sorted(chosen["domains"]), arguments.rate)
            if any(ours[domain] != set(map(tuple, pairs)) for domain, pairs in chosen["domains"].items()):
                raise SystemExit(f"{module}: the rule here chooses other neurons than {arguments.program} does")
        print("| PyTorch in | compared with | module | counts that differ | neurons chosen | of these not by the other "
              "| in other domains |\n| --- | --- | --- | --- | --- | --- | --- |")
        made = {}
        for setting in arguments.settings.split(","):
            file = folder / "torch.safetensors"
            run_setting(arguments, setting, file)
            made[setting] = load_file(file)
            others = {"mmneuron": counts} | {other: made[other] for other in made
                                             if other != setting and other.split("/")[0] == setting.split("/")[0]}
            for other, theirs in others.items():
                for module, chosen in modules.items():
                    cells = differences(theirs, made[setting], module, sorted(chosen["domains"]), arguments.rate)
                    print(f"| {setting} | {other} | {module} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
