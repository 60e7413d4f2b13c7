#!/usr/bin/env python3
"""Makes golden/tokenizer/: a small LLaMA tokenizer in the form in which LLaVA checkpoints are published.

480 pieces (3 control tokens, 256 bytes, BPE) trained by sentencepiece on corpus.txt, with the options of
LLaMA's own tokenizer; `<image>` is 480 and `<pad>` 481, as they are 32000 and 32001 in LLaVA. The
checkpoints pad their embeddings to 512 rows. corpus.txt was written for this purpose and is under the
licence of the project.

Run as: python3 golden/make_tokenizer.py [FOLDER]   (sentencepiece 0.2.3, protobuf; the result is stable)
"""
import io
import json
import sys
from pathlib import Path

import sentencepiece
from sentencepiece import sentencepiece_model_pb2

HERE = Path(__file__).resolve().parent
PIECES = 480


def train(corpus):
    """Returns the bytes of a tokenizer.model."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(corpus.splitlines()), model_writer=model, vocab_size=PIECES,
        model_type="bpe", byte_fallback=True, normalization_rule_name="identity",
        add_dummy_prefix=True, remove_extra_whitespaces=False, split_digits=True,
        allow_whitespace_only_pieces=True, max_sentencepiece_length=16, character_coverage=0.995,
        num_threads=1, minloglevel=1)
    return model.getvalue()


def merges_of(vocabulary, scores):
    """All pairs of pieces that make a piece, in the order of the pieces' scores."""
    merges = []
    for piece, score in scores.items():
        pairs = [(piece[:i], piece[i:]) for i in range(1, len(piece))
                 if piece[:i] in vocabulary and piece[i:] in vocabulary]
        pairs.sort(key=lambda pair: (vocabulary[pair[0]], vocabulary[pair[1]]))
        merges += [(pair, score) for pair in pairs]
    merges.sort(key=lambda merge: (merge[1], len(merge[0][0]), len(merge[0][1])), reverse=True)
    return [pair for pair, score in merges]


def added(identifier, content):
    return {"id": identifier, "content": content, "single_word": False, "lstrip": False,
            "rstrip": False, "normalized": False, "special": True}


def tokenizer_json(model):
    """tokenizer.json as it accompanies LLaVA checkpoints, made from a tokenizer.model."""
    pieces = sentencepiece_model_pb2.ModelProto.FromString(model).pieces
    vocabulary = {piece.piece: i for i, piece in enumerate(pieces)}
    normal = sentencepiece_model_pb2.ModelProto.SentencePiece.NORMAL
    scores = {piece.piece: piece.score for piece in pieces if piece.type == normal}
    count = len(pieces)
    tokens = [(0, "<unk>"), (1, "<s>"), (2, "</s>"), (count, "<image>"), (count + 1, "<pad>")]
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [added(*token) for token in tokens],
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": "▁"},
            {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
        "pre_tokenizer": None,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
                       {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
                     {"Sequence": {"id": "A", "type_id": 0}},
                     {"SpecialToken": {"id": "<s>", "type_id": 1}},
                     {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}},
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
            {"type": "ByteFallback"}, {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
        "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>",
                  "continuing_subword_prefix": None, "end_of_word_suffix": None,
                  "fuse_unk": True, "byte_fallback": True, "vocab": vocabulary,
                  "merges": [f"{left} {right}" for left, right in merges_of(vocabulary, scores)]},
    }


def tokenizer_config(json_form):
    tokens = {str(token["id"]): {key: value for key, value in token.items() if key != "id"}
              for token in json_form["added_tokens"]}
    return {"add_bos_token": True, "add_eos_token": False, "added_tokens_decoder": tokens,
            "bos_token": "<s>", "clean_up_tokenization_spaces": False, "eos_token": "</s>",
            "legacy": True, "model_max_length": 4096, "pad_token": "<pad>", "padding_side": "left",
            "processor_class": "LlavaProcessor", "sp_model_kwargs": {},
            "tokenizer_class": "LlamaTokenizer", "unk_token": "<unk>",
            "use_default_system_prompt": False}


def special_tokens_map():
    def token(content):
        return {"content": content, "lstrip": False, "normalized": False, "rstrip": False,
                "single_word": False}
    return {"bos_token": token("<s>"), "eos_token": token("</s>"), "pad_token": token("<pad>"),
            "unk_token": token("<unk>")}


def write_json(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def main():
    source = HERE / "tokenizer"
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else source
    folder.mkdir(parents=True, exist_ok=True)
    model = train((source / "corpus.txt").read_text(encoding="utf-8"))
    (folder / "tokenizer.model").write_bytes(model)
    json_form = tokenizer_json(model)
    write_json(folder / "tokenizer.json", json_form)
    write_json(folder / "tokenizer_config.json", tokenizer_config(json_form))
    write_json(folder / "special_tokens_map.json", special_tokens_map())


if __name__ == "__main__":
    main()
