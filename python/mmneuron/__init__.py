"""mmneuron: domain neurons of vision-language models, and every stage of their forward pass.

    model = mmneuron.Model("llava-v1.6-vicuna-7b-hf")
    run = model.run("USER: <image>\\nWhat is this? ASSISTANT:", "cat.jpg",
                    keep=["language.layers.*.out"])
    run["language.layers.3.out"]          # [T, 4096] float32

    counts = mmneuron.count(model, "data.jsonl", "counts.safetensors", progress=True)
    neurons = mmneuron.rank(counts)
    mmneuron.eval(model, "data.jsonl", neurons)["summary"]   # a DataFrame, where there is pandas

The library is C and works without Python's lock. Ctrl-C ends what it does with KeyboardInterrupt,
and what it refuses is a mmneuron.Error, with the file and the place. Its numbers are the same bits
on every machine.
"""
from ._calls import Error, Progress
from ._library import Status, functions as _functions
from .comparison import Verification, verify, verify_dumps
from .model import Generation, Hook, Model, ModelInfo, Module, Run, Session, Stage
from .neurons import Counts, Mask, Neurons, count, count_plan, merge, rank
from .pages import Figure, figures, report
from .results import Result
from .studies import (bias, contrib, contrib_list, detect, edit, edits, encode, eval, features, hallucinations,
                      judge_file, lens, locate, perplexity, perturb, study, write_names)

__version__ = _functions["mmn_version"]().decode()

__all__ = [
    "Counts", "Error", "Figure", "Generation", "Hook", "Mask", "Model", "ModelInfo", "Module",
    "Neurons", "Progress", "Result", "Run", "Session", "Stage", "Status", "Verification", "bias", "contrib",
    "contrib_list", "count", "count_plan", "detect", "edit", "edits", "encode", "eval", "features",
    "figures", "hallucinations", "judge_file", "lens", "locate", "merge", "perplexity", "perturb", "rank", "report",
    "study", "verify", "verify_dumps",
    "write_names",
]
