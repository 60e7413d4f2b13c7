#!/usr/bin/env python3
"""Makes byte_cases.json and the byte-* folders beside it, for tests/text/test_tokenizer.c.

The file has the form of cases.json (make_tokenizer_cases.py): texts, and what the `tokenizers` library makes of
them with golden/llama3_tokenizer, bloom_, opt_, phi_ and qwen2_tokenizer, and with variants that use other options.
Needs tokenizers 0.23.

Run as: make_byte_cases.py
"""
import copy
import json

from make_tokenizer_cases import HERE, ROOT, evaluate_folder, long_texts, texts

GOLDEN = {name: ROOT / "golden" / f"{name}_tokenizer" for name in ("llama3", "qwen2", "bloom", "opt", "phi")}


def byte_texts():
    """What byte-level tokenizers treat in a way of their own: contractions, digits, runs of white space, bytes."""
    return [
        "I'm you're he'LL they'D we'VE 'S'T", "it\u017fs 'ſ 'K", "1234567890", "12 345 6789 0", "½ Ⅷ ² ٣٤٥ ๑๒๓", "a1b22c333d4444",
        "  two", "   three", "a  b   c    d", "a \n b", "a\n\n\nb", "a\r\nb\r\n\r\nc", "\n", "\n\n  \n", "tab\tand\t\ttabs\t ", "end   ",
        "a\u00a0b\u2003c\u3000d\u180ee\u200bf\u0085g", "(a|b)[c]{d}", "a.b,c!d?e…f。g，h、i।j۔k،l", "http://a.b/c?d=e&f#g", "a_b __c__",
        "Straße läuft über", "naïve café", "cafe\u0301", "\u1100\u1161\u11a8 각", "\u0958 \u0915\u093c", "日本語の文", "中文，测试。",
        "Кошка спит", "سلام، دنیا", "नमस्ते।", "🙂👍🏽❤️👨‍👩‍👧", "\ufffd\ufeff", "a\u0301\u0302b", "x\u0000y".replace("\u0000", "\u0001"),
        "<|begin_of_text|>a<|eot_id|>", "<|im_start|>user\nHi<|im_end|>\n", " <image> ", "</s><pad>", "Ġthe", "Ā", "Ã©",
        "def f(x):\n    return x  # ok\n", "e.g. U.S.A.", "--- *** ...", "''''", "'", "' s",
    ]


def variants(documents):
    def vary(name, base, change):
        found[name] = copy.deepcopy(documents[base])
        change(found[name])

    def pre_tokenizer(value):
        return lambda document: document.update(pre_tokenizer=value)

    found = {}
    level = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}
    vary("byte-gpt2", "llama3", pre_tokenizer(level))
    vary("byte-merged", "llama3", lambda document: document["model"].update(ignore_merges=False))
    vary("byte-removed", "qwen2", pre_tokenizer({"type": "Sequence", "pretokenizers": [
        {"type": "Split", "pattern": {"String": "a."}, "behavior": "Removed", "invert": False},
        {"type": "Split", "pattern": {"Regex": r"\p{L}+|[\d[_ \t]]+"}, "behavior": "Removed", "invert": True},
        level | {"use_regex": False}]}))
    return found


def main():
    strings = list(dict.fromkeys([*texts(), *byte_texts(), *long_texts()]))
    cases = {"texts": strings, "golden": {name: evaluate_folder(folder, strings) for name, folder in GOLDEN.items()},
             "variants": {}}
    documents = {name: json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
                 for name, folder in GOLDEN.items()}
    for name, document in variants(documents).items():
        folder = HERE / name
        folder.mkdir(exist_ok=True)
        (folder / "tokenizer.json").write_text(
            json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
        cases["variants"][name] = evaluate_folder(folder, strings)
    (HERE / "byte_cases.json").write_text(
        json.dumps(cases, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{len(strings)} texts, {len(GOLDEN) + len(cases['variants'])} tokenizers")


if __name__ == "__main__":
    main()
