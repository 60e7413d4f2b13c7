#!/usr/bin/env python3
"""Makes step_cases.json beside it, for tests/text/test_folders.c: what the `tokenizers` library makes of texts with
golden/tokenizer when a step of its tokenizer.json is another one. Needs tokenizers 0.23.

Run as: make_step_cases.py
"""
import json
import sys
from pathlib import Path

import tokenizers

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(HERE.parent))
import compare_with_tokenizers as compare  # noqa: E402

TEXTS = ["", "hello", " a  b ", "I have 12 cats, 3.14 of them.", "x1y22z333", "٣٤٥ ½Ⅷ 3", "a,,b!? (c) <d>", "can't... we'll", "eee", "e ee e",
         "aeiou beautiful", "xxaxx", "tab\tnew\nline\r\n", "a\u00a0b\u3000c", "naïve cafe\u0301 Ångström", "図書館へ行く。", "नमस्ते दुनिया", "👍🏽 ok",
         "a_b __c__", "<s>the <image> 5", "\u200d\u200b\u0001\ufeff", "USER: What is 1 + 1? ASSISTANT: 2</s>"]


def main():
    base = json.loads((ROOT / "golden" / "tokenizer" / "tokenizer.json").read_text(encoding="utf-8"))
    cases = []
    variants = dict(compare.pre_tokenizer_variants(base))
    variants["added white space"] = base | {"added_tokens": base["added_tokens"] + [
        compare.added(" ", lstrip=True, rstrip=True) | {"id": len(base["model"]["vocab"]) + 2}]}
    for name, document in variants.items():
        tokenizer = tokenizers.Tokenizer.from_str(json.dumps(document))
        results = []
        for text in TEXTS:
            ids = tokenizer.encode(text).ids
            results.append({"ids": ids, "decoded": tokenizer.decode(ids, skip_special_tokens=True)})
        change = {key: value for key, value in document.items() if value != base[key]}
        cases.append({"name": name, "links": {}, "write": {}, "change": change, "results": results})
    (HERE / "step_cases.json").write_text(
        json.dumps({"texts": TEXTS, "cases": cases}, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{len(cases)} tokenizers, {len(TEXTS)} texts")


if __name__ == "__main__":
    main()
