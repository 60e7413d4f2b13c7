#!/usr/bin/env python3
"""Makes golden/unigram_tokenizer/: a small SentencePiece Unigram tokenizer in the form in which DeBERTa-v3 is
published.

It is trained by sentencepiece on tokenizer/corpus.txt and the lines of make_byte_tokenizers.py, with the
normalisation nmt_nfkc, whose map of characters (Unicode's NFKC and some rules for white space and controls) is
part of the file. `[PAD]`, `[CLS]`, `[SEP]` and `[UNK]` are 0 to 3, and `[MASK]` is added behind the vocabulary, as
it is 128000 in DeBERTa-v3. tokenizer.json has the steps into which transformers 4 converts an spm.model.

Run as: python3 golden/make_unigram.py [FOLDER]   (sentencepiece 0.2.3, protobuf; the result is stable)
"""
import base64
import copy
import io
import sys
from pathlib import Path

import sentencepiece
from sentencepiece import sentencepiece_model_pb2

from make_byte_tokenizers import LINES
from make_tokenizer import added, write_json

HERE = Path(__file__).resolve().parent
PIECES = 560
SPECIAL = {"bos_token": "[CLS]", "cls_token": "[CLS]", "eos_token": "[SEP]", "mask_token": "[MASK]",
           "pad_token": "[PAD]", "sep_token": "[SEP]", "unk_token": "[UNK]"}


def train():
    """Returns the model's message."""
    model = io.BytesIO()
    corpus = (HERE / "tokenizer" / "corpus.txt").read_text(encoding="utf-8").splitlines()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([*corpus, *LINES.splitlines()]), model_writer=model, vocab_size=PIECES,
        model_type="unigram", character_coverage=0.995, normalization_rule_name="nmt_nfkc", num_threads=1,
        pad_id=0, bos_id=1, eos_id=2, unk_id=3, pad_piece="[PAD]", bos_piece="[CLS]", eos_piece="[SEP]",
        unk_piece="[UNK]", minloglevel=1)
    return sentencepiece_model_pb2.ModelProto.FromString(model.getvalue())


def metaspace(split=True):
    return {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": split}


def tokenizer_json(model):
    """As transformers 4.36 converts DeBERTa-v3's spm.model."""
    vocabulary = [[piece.piece, piece.score] for piece in model.pieces]
    tokens = [*enumerate(["[PAD]", "[CLS]", "[SEP]", "[UNK]"]), (len(vocabulary), "[MASK]")]
    cls, sep = ({"SpecialToken": {"id": token, "type_id": 0}} for token in ("[CLS]", "[SEP]"))
    text = {"Sequence": {"id": "A", "type_id": 0}}
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [added(*token) for token in tokens],
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Strip", "strip_left": True, "strip_right": True},
            {"type": "Precompiled",
             "precompiled_charsmap": base64.b64encode(model.normalizer_spec.precompiled_charsmap).decode()},
            {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}]},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [metaspace()]},
        "post_processor": {
            "type": "TemplateProcessing", "single": [cls, text, sep],
            "pair": [cls, text, sep, {"Sequence": {"id": "B", "type_id": 1}},
                     {"SpecialToken": {"id": "[SEP]", "type_id": 1}}],
            "special_tokens": {token: {"id": token, "ids": [identifier], "tokens": [token]}
                               for token, identifier in (("[CLS]", 1), ("[SEP]", 2))}},
        "decoder": metaspace(),
        "model": {"type": "Unigram", "unk_id": 3, "vocab": vocabulary, "byte_fallback": False}}


def variants(base):
    """The same with other options and without the map of characters, by name."""
    def vary(name, change):
        document = copy.deepcopy(base)
        document["normalizer"] = None
        change(document)
        found[name] = document

    def score(change):
        def apply(document):
            document["model"]["vocab"] = [[piece, change(value)] for piece, value in document["model"]["vocab"]]
            document["pre_tokenizer"] = metaspace(split=False)
        return apply

    def bytes_too(missing):
        def apply(document):
            names = [f"<0x{byte:02X}>" for byte in range(256) if byte not in missing]
            size = len(document["model"]["vocab"])
            document["model"]["vocab"] += [[name, 0.0] for name in names]
            document["model"]["byte_fallback"] = True
            document["added_tokens"][-1]["id"] = size + len(names)
        return apply

    found = {}
    vary("unigram-bytes", bytes_too(()))
    vary("unigram-some-bytes", bytes_too((0xc3, 0xe4, 0xf0)))
    vary("unigram-equal", score(lambda value: float(round(value / 4))))
    vary("unigram-positive", score(lambda value: value + 30.0))
    return found


def write(folder):
    folder.mkdir(parents=True, exist_ok=True)
    document = tokenizer_json(train())
    write_json(folder / "tokenizer.json", document)
    write_json(folder / "tokenizer_config.json", {
        **SPECIAL, "clean_up_tokenization_spaces": True, "do_lower_case": False, "model_max_length": 512,
        "sp_model_kwargs": {}, "split_by_punct": False, "tokenizer_class": "DebertaV2Tokenizer", "vocab_type": "spm"})
    write_json(folder / "special_tokens_map.json", SPECIAL)
    write_json(folder / "added_tokens.json", {"[CLS]": 1, "[MASK]": len(document["model"]["vocab"]), "[PAD]": 0,
                                              "[SEP]": 2, "[UNK]": 3})


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "unigram_tokenizer")
