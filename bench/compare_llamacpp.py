#!/usr/bin/env python3
"""Compares mmneuron with llama.cpp's llama-bench on the same language model, in turn.

    compare_llamacpp.py MODEL LLAMA_BENCH GGUF... [--program bench/end_to_end] [--rounds N]
                        [--threads N] [--jobs prefill:600,decode:32]

MODEL is the checkpoint's folder, LLAMA_BENCH the program, and each GGUF a file that llama.cpp's
convert_hf_to_gguf.py made of it (doc/benchmarks.md). In every round mmneuron and then llama-bench
with each file do the job once, on the processor (-ngl 0), after warming up. Tokens are decoded
after a prompt of 600 (-d 600, which llama-bench has since April 2025).
"""

import argparse
import json
import os
import pathlib
import subprocess

from contestants import EndToEnd, print_header, print_row


def llama_bench(program, gguf, job, threads):
    """Seconds of one repetition, the type of the model as llama-bench names it, and its commit."""
    kind, _, tokens = job.partition(":")
    prompt, generated = (tokens, "0") if kind == "prefill" else ("0", tokens)
    depth = "600" if kind == "decode" else "0"
    output = subprocess.run([program, "-m", gguf, "-p", prompt, "-n", generated, "-d", depth,
                             "-r", "1", "-t", str(threads), "-ngl", "0", "-o", "json"],
                            stdout=subprocess.PIPE, check=True, text=True).stdout
    tests = [test for test in json.loads(output)
             if (test["n_prompt"], test["n_gen"]) == (int(prompt), int(generated))]
    if len(tests) != 1:
        raise SystemExit(f"{program} answered with {len(tests)} tests instead of one of {job}")
    return tests[0]["samples_ns"][0] * 1e-9, tests[0]["model_type"], tests[0]["build_commit"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model")
    parser.add_argument("llama_bench")
    parser.add_argument("gguf", nargs="+")
    parser.add_argument("--program", default="bench/end_to_end")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--jobs", default="prefill:600,decode:32")
    arguments = parser.parse_args()

    ours = EndToEnd(arguments.program, arguments.model, ["--threads", str(arguments.threads)])
    print_header("llama.cpp with", arguments.rounds)
    commits = set()
    for job in arguments.jobs.split(","):
        own, theirs, names = [], {gguf: [] for gguf in arguments.gguf}, {}
        ours.seconds(job)
        for _ in range(arguments.rounds):
            own.append(ours.seconds(job))
            for gguf in arguments.gguf:
                seconds, kind, commit = llama_bench(arguments.llama_bench, gguf, job,
                                                    arguments.threads)
                theirs[gguf].append(seconds)
                names[gguf] = f"{pathlib.Path(gguf).name} ({kind})"
                commits.add(commit)
        for gguf in arguments.gguf:
            print_row(job, names[gguf], theirs[gguf], own)
    ours.close()
    print(f"\nllama.cpp {', '.join(sorted(commits))}, {arguments.threads} threads.")


if __name__ == "__main__":
    main()
