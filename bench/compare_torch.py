#!/usr/bin/env python3
"""Compares mmneuron with PyTorch and transformers on one checkpoint, in turn on one machine.

    compare_torch.py MODEL [--program bench/end_to_end] [--rounds N] [--threads N]
                     [--jobs vision,prefill:600] [--types f32,bf16]

MODEL is a folder of make_checkpoint.py. In every round each contestant does the job once: the
vision tower on one tile up to the layer that the projector reads (PyTorch's layers above it are
taken out), or prefill:N, N token ids through the language model without its head. Both get the
same pixels and ids. mmneuron computes in f32 with the checkpoint's bf16 weights; PyTorch with
weights and activations in f32, then in bf16. Needs torch and transformers.
"""

import argparse
import os
import time

import torch
import transformers

from contestants import EndToEnd, print_header, print_row

PAUSE = 0.3  # seconds in which the other contestant's threads go to sleep


class PyTorch:
    def __init__(self, folder, dtype):
        model = transformers.LlavaNextForConditionalGeneration.from_pretrained(folder, dtype=dtype)
        self.config, self.dtype = model.config, dtype
        self.language = model.model.language_model.eval()
        self.tower = model.model.vision_tower.eval()
        tower = getattr(self.tower, "vision_model", self.tower)
        layers = tower.encoder.layers
        wanted = len(layers) + 1 + model.config.vision_feature_layer
        tower.encoder.layers = layers[:wanted]

    def vision(self):
        size = self.config.vision_config.image_size
        pixels = torch.arange(3 * size * size) * 7919 % 2001 / 1000 - 1
        return self.tower, {"pixel_values": pixels.reshape(1, 3, size, size).to(self.dtype)}

    def prefill(self, tokens):
        ids = 3 + torch.arange(tokens) * 7919 % (self.config.text_config.vocab_size - 4)
        ids[ids == self.config.image_token_id] += 1
        return self.language, {"input_ids": ids.reshape(1, tokens), "use_cache": True}

    def seconds(self, job):
        kind, _, tokens = job.partition(":")
        module, inputs = self.prefill(int(tokens)) if kind == "prefill" else self.vision()
        with torch.inference_mode():
            start = time.perf_counter()
            module(**inputs)
            return time.perf_counter() - start


def compare(ours, theirs, job, rounds):
    """Seconds of theirs and ours; the first round is not counted."""
    seconds = []
    for _ in range(rounds + 1):
        time.sleep(PAUSE)
        their = theirs.seconds(job)
        time.sleep(PAUSE)
        seconds.append((their, ours.seconds(job)))
    return zip(*seconds[1:])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model")
    parser.add_argument("--program", default="bench/end_to_end")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--jobs", default="vision,prefill:600")
    parser.add_argument("--types", default="f32,bf16")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()

    print(f"torch {torch.__version__}, transformers {transformers.__version__}, "
          f"{arguments.threads} threads.\n")
    print_header("PyTorch with", arguments.rounds)
    ours = EndToEnd(arguments.program, arguments.model, ["--threads", str(arguments.threads)])
    for name in arguments.types.split(","):
        theirs = PyTorch(arguments.model, {"f32": torch.float32, "bf16": torch.bfloat16}[name])
        for job in arguments.jobs.split(","):
            print_row(job, name, *compare(ours, theirs, job, arguments.rounds))
        del theirs
    ours.close()
    if "bf16" in arguments.types.split(","):
        print("\nHow many other neurons PyTorch finds in bf16, and with another instruction set, compare_neurons.py says.")


if __name__ == "__main__":
    main()
