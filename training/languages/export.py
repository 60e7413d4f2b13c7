#!/usr/bin/env python3
"""Writes the trained model as a published LLaMA checkpoint in bf16.

Run as: python3 export.py TOKENIZER STATE.pt FOLDER
"""
import shutil
import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import LlamaForCausalLM

from train import configuration


def main() -> None:
    tokenizer, state, folder = (Path(argument) for argument in sys.argv[1:4])
    vocabulary = Tokenizer.from_file(str(tokenizer / "tokenizer.json")).get_vocab_size()
    model = LlamaForCausalLM(configuration(vocabulary))
    model.load_state_dict(torch.load(state)["model"])
    model.to(torch.bfloat16).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tokenizer / name, folder)


if __name__ == "__main__":
    main()
