#!/usr/bin/env python3
"""Makes golden/qformer_tokenizer/: a small BERT tokenizer in the form in which InstructBLIP publishes its own.

The vocabulary is BERT's special tokens, the letters of tokenizer/corpus.txt with and without `##`, and its
commonest words, beginnings and ends of words; `[DEC]` is added behind it, as it is 30522 in InstructBLIP.

Run as: python3 golden/make_bert_tokenizer.py [FOLDER]   (tokenizers 0.23; the result is stable)
"""
import collections
import sys
from pathlib import Path

from tokenizers import normalizers, pre_tokenizers

from make_tokenizer import added, write_json

HERE = Path(__file__).resolve().parent
SPECIAL = {"unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]",
           "mask_token": "[MASK]"}
BEYOND_THE_CORPUS = "!\"#$%&'()*+,-./0123456789:;<=>?@[]{}éßαβγжии日本図中한🙂▁"


def commonest(counted, count):
    ordered = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    return [text for text, _ in ordered[:count]]


def vocabulary(corpus):
    normal = normalizers.BertNormalizer().normalize_str(corpus)
    words = collections.Counter(word for word, _ in pre_tokenizers.BertPreTokenizer().pre_tokenize_str(normal))
    starts, ends = collections.Counter(), collections.Counter()
    for word, count in words.items():
        for cut in range(2, len(word)):
            starts[word[:cut]] += count
            ends[f"##{word[-cut:]}"] += count
    letters = sorted(set("".join(words)) | set(BEYOND_THE_CORPUS))
    tokens = ["[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{c}" for c in letters),
              *commonest(words, 120), *commonest(starts, 60), *commonest(ends, 120)]
    return list(dict.fromkeys(tokens))


def tokenizer_json(tokens):
    """As transformers 4 converts BERT's vocab.txt, with the special tokens that the published folder adds."""
    ids = {token: i for i, token in enumerate(tokens)}
    special = sorted(SPECIAL.values(), key=ids.get)
    cls, sep = ({"SpecialToken": {"id": SPECIAL[f"{name}_token"], "type_id": 0}} for name in ("cls", "sep"))
    text = {"Sequence": {"id": "A", "type_id": 0}}
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [*(added(ids[token], token) for token in special), added(len(tokens), "[DEC]")],
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                       "strip_accents": None, "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing", "single": [cls, text, sep],
            "pair": [cls, text, sep, {"Sequence": {"id": "B", "type_id": 1}},
                     {"SpecialToken": {"id": "[SEP]", "type_id": 1}}],
            "special_tokens": {token: {"id": token, "ids": [ids[token]], "tokens": [token]}
                               for token in ("[CLS]", "[SEP]")}},
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": ids},
    }


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "qformer_tokenizer"
    folder.mkdir(parents=True, exist_ok=True)
    tokens = vocabulary((HERE / "tokenizer" / "corpus.txt").read_text(encoding="utf-8"))
    (folder / "vocab.txt").write_text("".join(f"{token}\n" for token in tokens), encoding="utf-8")
    write_json(folder / "tokenizer.json", tokenizer_json(tokens))
    write_json(folder / "added_tokens.json", {"[DEC]": len(tokens)})
    write_json(folder / "special_tokens_map.json", {"bos_token": "[DEC]", **SPECIAL})
    write_json(folder / "tokenizer_config.json", {
        "bos_token": "[DEC]", "clean_up_tokenization_spaces": True, "do_basic_tokenize": True, "do_lower_case": True,
        "model_max_length": 512, "never_split": None, "strip_accents": None, "tokenize_chinese_chars": True,
        "tokenizer_class": "BertTokenizer", "truncation_side": "left", **SPECIAL})


if __name__ == "__main__":
    main()
