#!/usr/bin/env python3
"""Makes bert_cases.json and the bert-* folders beside it, for tests/text/test_tokenizer.c.

The file has the form of cases.json (make_tokenizer_cases.py): texts, and what the `tokenizers` library makes of
them with golden/qformer_tokenizer and with variants of it that use the other options. Needs tokenizers 0.23, and
transformers 5 to check that vocab.txt alone means the same.

Run as: make_bert_cases.py
"""
import copy
import json
import shutil
import tempfile
from pathlib import Path

from transformers import BertTokenizerFast

from make_tokenizer_cases import HERE, ROOT, evaluate_folder, long_texts, texts

GOLDEN = ROOT / "golden" / "qformer_tokenizer"


def bert_texts():
    """What BERT treats in a way of its own: classes of characters, long words, contractions, its tokens."""
    return [
        "What is shown in this image?", "WHAT IS IT", "[CLS] a [SEP]", "[cls]", "[DEC]the[DEC]", "[MASK].", "[ MASK ]",
        "[unused0]", "##a", "a##b", "# # a", "a" * 99, "a" * 100, "a" * 101, "é" * 100, "e\u0301" * 100, "日" * 101, "." * 101,
        "x" * 100 + " " + "x" * 101, "do not", "I'm, you've; they're. he's don't isn't ' a '", "a , b . c ? d ! e ' f",
        "the ' s n't 'm 've 're", "naïve ÀÉÎÕÜ Åse ÇA", "ΆΈΉ ά", "İ ı I", "ẞ ß SS", "각 각", "\u1100\u1161\u11a8", "日本図the中한",
        "\u3400\u4dbf\u9fff\uf900\ufaff", "\U00020000\U0002a6df", "\U0002a700\U0002b81f", "a\U0002b820b\U0002b91fc",
        "a\U0002b920b", "\U0002ceafa", "\U0002f800a", "a\u0000b".replace("\u0000", "\u0001"), "a\u00adb\u200bc\ufeffd", "a\ue000b",
        "a\ufffdb", "a\u0085b\u000bc\u000cd", "a\u2028b\u3000c", "$a+b=c<d>e^f`g|h~i", "a¿b¡c§d¶e·f", "a“b”c‘d’e—f…g", "a。b、c「d」",
        "a€b°c±d×e", "a\u2e43b", "a\u166db", "a\u0b55b", "a\u1734b", "a\u08e2b", "a\U00011938b", "a\u0e33b\u0e38", "नमस्ते क्ष",
        "שָׁלוֹם", "a\U0001f3fdb", "Ǆ ǅ ǆ", "ΣΑΣ ς", "ﬁ", "½", "Ⅷ ⅷ", "Ⓐ", "\U00010400", "Ꭰ ꭰ", "Ა",
    ]


def variants(base):
    def vary(name, change):
        found[name] = copy.deepcopy(base)
        change(found[name])

    def normalize(**options):
        return lambda document: document["normalizer"].update(options)

    def short_words(document):
        document["model"].update(max_input_chars_per_word=4, unk_token="[MASK]")
        document["decoder"]["cleanup"] = False
        ids = document["model"]["vocab"]
        document["post_processor"] = {"type": "BertProcessing", "sep": ["[SEP]", ids["[SEP]"]],
                                      "cls": ["[CLS]", ids["[CLS]"]]}

    def other_prefix(document):
        document["model"]["continuing_subword_prefix"] = document["decoder"]["prefix"] = "th"
        document["normalizer"] = {"type": "Sequence", "normalizers": [{"type": "Lowercase"}, document["normalizer"]]}

    found = {}
    vary("bert-cased", normalize(lowercase=False))
    vary("bert-accents-kept", normalize(strip_accents=False))
    vary("bert-accents-stripped", normalize(lowercase=False, strip_accents=True))
    vary("bert-not-cleaned", normalize(clean_text=False, handle_chinese_chars=False))
    vary("bert-short-words", short_words)
    vary("bert-other-prefix", other_prefix)
    return found


def check_vocabulary_alone(strings, expected):
    with tempfile.TemporaryDirectory() as folder:
        for name in ("vocab.txt", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"):
            shutil.copy(GOLDEN / name, folder)
        tokenizer = BertTokenizerFast.from_pretrained(folder)
        for text, result in zip(strings, expected["results"]):
            assert tokenizer.encode(text, add_special_tokens=False) == result["ids"], text
            decoded = tokenizer.backend_tokenizer.decode(result["ids"], skip_special_tokens=False)
            assert decoded == result.get("decoded", text), text
        assert tokenizer.encode("") == expected["special"]


def main():
    strings = list(dict.fromkeys([*texts(), *bert_texts(), *long_texts()]))
    cases = {"texts": strings, "golden": evaluate_folder(GOLDEN, strings), "variants": {}}
    check_vocabulary_alone(strings, cases["golden"])
    for name, document in variants(json.loads((GOLDEN / "tokenizer.json").read_text(encoding="utf-8"))).items():
        folder = HERE / name
        folder.mkdir(exist_ok=True)
        (folder / "tokenizer.json").write_text(
            json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
        cases["variants"][name] = evaluate_folder(folder, strings)
    (HERE / "bert_cases.json").write_text(
        json.dumps(cases, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{len(strings)} texts, {1 + len(cases['variants'])} tokenizers")


if __name__ == "__main__":
    main()
