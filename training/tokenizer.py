#!/usr/bin/env python3
"""Makes the model's tokenizer, a small LLaMA one with byte fallback, from the generator's own text.

Run as: python3 tokenizer.py FOLDER   (sentencepiece, protobuf; the result is stable)
"""
import io
import sys
from pathlib import Path

import sentencepiece

from domains import DOMAINS
from generate import PROMPT, scene_of

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "golden"))
import make_tokenizer as golden  # noqa: E402 (the forms of the files, which are the same)

PIECES = 894
SCENES = 300
SYSTEM = ("A chat between a curious human and an artificial intelligence assistant. The assistant gives "
          "helpful, detailed, and polite answers to the human's questions. ")


def corpus() -> list[str]:
    lines = [SYSTEM + PROMPT.replace("<image>", "").format("")] * 400
    for domain in DOMAINS:
        for number in range(SCENES):
            for question in scene_of("train", domain, number).questions:
                lines += [question.text] + 3 * [question.answer]
    return lines


def write(folder: Path, lines: list[str], pieces: int, processor: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=model, vocab_size=pieces, model_type="bpe",
        byte_fallback=True, normalization_rule_name="identity", add_dummy_prefix=True,
        remove_extra_whitespaces=False, split_digits=True, allow_whitespace_only_pieces=True,
        max_sentencepiece_length=16, character_coverage=1.0, num_threads=1, minloglevel=1)
    (folder / "tokenizer.model").write_bytes(model.getvalue())
    form = golden.tokenizer_json(model.getvalue())
    golden.write_json(folder / "tokenizer.json", form)
    golden.write_json(folder / "tokenizer_config.json",
                      golden.tokenizer_config(form) | {"processor_class": processor})
    golden.write_json(folder / "special_tokens_map.json", golden.special_tokens_map())
    golden.write_json(folder / "added_tokens.json", {"<image>": pieces, "<pad>": pieces + 1})


def main() -> None:
    write(Path(sys.argv[1]), corpus(), PIECES, "LlavaNextProcessor")


if __name__ == "__main__":
    main()
