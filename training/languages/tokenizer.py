#!/usr/bin/env python3
"""Trains a byte-level tokenizer in the form of LLaMA-3's on the training text of all languages, each as much of it
in bytes.

Run as: python3 tokenizer.py TEXT FOLDER
"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "golden"))
from make_byte_tokenizers import LLAMA3, llama3_documents, train_on, write  # noqa: E402

from text import LANGUAGES  # noqa: E402

VOCABULARY = 3068  # and four special tokens
NAMES = ["<|begin_of_text|>", "<|end_of_text|>", "<|finetune_right_pad_id|>", "<|eot_id|>"]


def main() -> None:
    source, folder = Path(sys.argv[1]), Path(sys.argv[2])
    texts = {language: (source / "train" / f"{language}.txt").read_text(encoding="utf-8") for language in LANGUAGES}
    size = min(len(text.encode()) for text in texts.values())
    lines = [line for text in texts.values() for line in text.encode()[:size].decode(errors="ignore").splitlines()]
    vocabulary, merges = train_on(lines, LLAMA3, VOCABULARY)
    write(folder, *llama3_documents(vocabulary, merges, NAMES))


if __name__ == "__main__":
    main()
