#!/usr/bin/env python3
"""Makes unigram_cases.json and the unigram-* folders beside it, for tests/text/test_tokenizer.c.

The file has the form of cases.json (make_tokenizer_cases.py): texts, and what the `tokenizers` library makes of
them with golden/unigram_tokenizer and with variants that use other options. Needs tokenizers 0.23.

Run as: make_unigram_cases.py
"""
import json

from make_byte_cases import byte_texts
from make_tokenizer_cases import HERE, ROOT, evaluate_folder, long_texts, texts
import make_unigram

GOLDEN = ROOT / "golden" / "unigram_tokenizer"


def unigram_texts():
    """What a map of characters treats in a way of its own: clusters of few bytes, forms of compatibility."""
    return [
        "[CLS]\nQuestion: Are there any traffic lights present?\nAnswer: yes, green.\nStudent: no", "[CLS]\nStudent: ",
        "[CLS][SEP][MASK] [PAD][UNK]", "[CLS] a [SEP]", "[cls]", "a[MASK]b", "\r\n", "a\r\nb", "\u0000".replace("\u0000", "\u0001"),
        "e\u0301", "e\u0301\u0302", "\ufb01\u0301", "\ufb01\u0301x", "\u00bd\u0301", "\u00b2\u0300", "\uff21\u0301", "\u0600a", "\u0600\u00b2",
        "\u2460\u0301", "\u00a9\u200d\u00ae", "a\u200d", "a\ufe0f", "\u00a0\u0301", "\u0301", " \u0301", "x\u200bx", "\ufdfa", "\u3300\u3301",
        "\u1e9b\u0323", "\uff76\uff9e", "\u30ab\u3099", "\u0e33", "\u0eb3", "\uac00\u11a8", "\u1100\u1161", "\u0915\u094d\u0937",
        "\U0001f1e9\U0001f1ea", "\U0001f44d\U0001f3fd", "\U0001d400\u0301", "①②③", "ｆｕｌｌ　ｗｉｄｔｈ", "½ kg", "x²", "™ ℠", "∭", "…", "‼ ⁇",
        "  two   spaces  ", "\t\ttabs\t", "a\u2028b\u2029c", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "ththththththth", "the the the the",
    ]


def main():
    strings = list(dict.fromkeys([*texts(), *byte_texts(), *unigram_texts(), *long_texts()]))
    cases = {"texts": strings, "golden": evaluate_folder(GOLDEN, strings), "variants": {}}
    base = json.loads((GOLDEN / "tokenizer.json").read_text(encoding="utf-8"))
    for name, document in make_unigram.variants(base).items():
        folder = HERE / name
        folder.mkdir(exist_ok=True)
        (folder / "tokenizer.json").write_text(
            json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
        cases["variants"][name] = evaluate_folder(folder, strings)
    (HERE / "unigram_cases.json").write_text(
        json.dumps(cases, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{len(strings)} texts, {1 + len(cases['variants'])} tokenizers")


if __name__ == "__main__":
    main()
