#!/usr/bin/env python3
"""Writes what the tokenizers library makes of texts with a Unigram model that others have trained.

MODEL is a SentencePiece file, as test/botchan_en_unigram_1000.model or test/kyoto_ja_unigram_8000.model of the source
package of sentencepiece 0.2.3 (pip download --no-binary sentencepiece --no-deps --no-build-isolation sentencepiece), and
TEXTS a file of lines, as test/botchan.txt there; 3000 lines of characters that the map changes are added. Then
`MMN_UNIGRAM_DIR=FOLDER tests/text/test` compares the program. How often sentencepiece itself has other ids is printed:
tokenizer.json treats "▁" in a text, and white space at its ends, in another way.

Run as: python3 golden/make_unigram_published.py MODEL TEXTS FOLDER
"""
import random
import sys
from pathlib import Path

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import Tokenizer

from make_unigram import tokenizer_json
from make_tokenizer import write_json

CHARACTERS = "abc ABC  éüßñ日本語京都のはガギ①㌔ﬁ½Å🙂\u3000\u00a0\u0301한국▁"
UNKNOWN = 2  # the type of a piece


def main() -> None:
    model, texts, folder = map(Path, sys.argv[1:])
    message = sentencepiece_model_pb2.ModelProto.FromString(model.read_bytes())
    document = tokenizer_json(message) | {"added_tokens": [], "post_processor": None}
    document["model"]["unk_id"] = next(i for i, piece in enumerate(message.pieces) if piece.type == UNKNOWN)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "tokenizer.json", document)
    draw = random.Random(7)
    lines = [line for line in texts.read_text(encoding="utf-8").split("\n") if line]
    lines += ["".join(draw.choices(CHARACTERS, k=draw.randint(1, 30))) for _ in range(3000)]
    library = Tokenizer.from_file(str(folder / "tokenizer.json"))
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(model))
    ids = [library.encode(line, add_special_tokens=False).ids for line in lines]
    others = sum(found != pieces.encode(line) for line, found in zip(lines, ids))
    write_json(folder / "cases.json", [{"text": line, "ids": found} for line, found in zip(lines, ids)])
    print(f"{model.name}: {len(lines)} texts, {sum(map(len, ids))} tokens; sentencepiece has other ids of {others}")


if __name__ == "__main__":
    main()
