#!/usr/bin/env python3
"""Makes cases.json and the folders of tokenizers beside it, for tests/text/test_tokenizer.c.

cases.json holds fixed texts and what the `tokenizers` and `sentencepiece` libraries make of them: ids without
special tokens, and the text that decoding gives with special tokens kept. The folders hold variants of
golden/tokenizer. With the 32,000-word model of LLaMA (--model FILE) the ids by that model are stored too, never
the model itself; --json FOLDER also writes its tokenizer.json there, for MMN_LLAMA_TOKENIZER_JSON. Needs
tokenizers 0.23, sentencepiece 0.2.

Run as: make_tokenizer_cases.py --model ../shared/data/tokenizers/llama/tokenizer.model
"""
import argparse
import json
import re
import sys
from pathlib import Path

import sentencepiece
import tokenizers

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(ROOT / "golden"), str(HERE.parent)]
import compare_with_tokenizers  # noqa: E402
import make_tokenizer  # noqa: E402

VARIANTS = ["pairs", "metaspace always True", "metaspace first False", "metaspace never True", "no bytes", "some bytes",
            "NFC", "NFKD", "Lowercase", "strip", "pattern", "added", "added with spaces", "added words",
            "added normalised", "template", "no decoder", "not fused"]

SYSTEM = ("A chat between a curious human and an artificial intelligence assistant. The assistant gives helpful, "
          "detailed, and polite answers to the human's questions. ")


def texts():
    found = [
        # Prompts.
        "USER: <image>\nWhat is shown in this image? ASSISTANT:",
        SYSTEM + "USER: <image>\nWhat is shown in this image? ASSISTANT:",
        "[INST] <image>\nWhat is shown in this image? [/INST]",
        "USER: Hello ASSISTANT: Hi there</s>USER: And now? ASSISTANT:",
        "Question: how many cats? Answer:", "What is unusual about this image?\nAnswer briefly.",
        "", "a", "Hello", " Hello", "  Hello", "Hello ", "Hello  ", " ", "  ", "   ", "     ", "                ",
        "Hello world", "Hello  world", "Hello   world", "Hello\nworld", "Hello\n\nworld", "Hello \n world", "\n", "\n\n",
        "\n\n\n", "\r\n", "\r", "\t", "\t\t", " \t ", "a\tb", "a\u000bb\u000cc", "tab\tseparated\tvalues\n1\t2\t3",
        # Punctuation, numbers, code.
        "!", "!!!", "...", "....", "?!", "a.b.c", "e.g., i.e.", "don't", "it's", "\"quoted\"", "'single'", "(a) [b] {c} <d>",
        "0", "1", "12", "123", "1234567890", "3.14159", "1,000,000", "1e-5", "2024-01-31", "50%", "$9.99", "#1", "a@b.example",
        "https://example.org/path?query=1&x=%20#fragment", "for (int i = 0; i < 10; i++) { sum += x[i]; }",
        "def f(x):\n    return x ** 2\n", "if (a && b || !c) {}", "<html><body class=\"x\">&amp;</body></html>",
        "{\"key\": [1, 2.5, null, true]}", "a_b_c __init__ CamelCase snake_case kebab-case", "x = y; // comment", "\\n \\t \\\\",
        "~`^|", "~~~~~~~~", "--------", "========", "********", "________", "/////////",
        # The character that stands for a space, bytes' names, special tokens inside text.
        "▁", "▁▁", "▁a", "a▁b", " ▁ ", "▁Hello▁world", "<0x0A>", "<0xE2><0x96><0x81>", "<0x", "<unk>", "a<unk>b", "<s>", "</s>",
        "<s>Hello</s>", "<s> Hello </s>", "Hello</s> world", "Hello </s>world", "<s><s></s></s>", "<pad>", "<pad><pad>",
        "<image>", "<image><image>", "<image> <image>", "<image>\n<image>", "a<image>b", "a <image> b", " <image>", "<image> ",
        "<image>" * 8, "<image>" * 100, "<<image>>", "<image", "image>", "<Image>", "<IMAGE>", "< image >", "<imag<image>e>",
        "</image>", "<s", "</s", "<\u200bs>", "<s>\u00a0</s>", "[INST]", "[/INST]", "<|im_start|>", "<mask>",
        # Western European, Greek, Cyrillic, Armenian, Georgian.
        "Straße", "niño", "café", "cafe\u0301", "naïve façade", "Übermäßig schöne Größe", "Ça va où?", "Ångström", "smørrebrød",
        "žluťoučký kůň", "Zażółć gęślą jaźń", "ğüşıöç İI", "Þórr ð", "œuvre Œ æ", "¿Qué? ¡Sí!", "«guillemets»", "„Gänsefüßchen“",
        "“curly” ‘quotes’", "em—dash en–dash hyphen‐", "…", "€100 £5 ¥7 ₿", "½ ¼ ²³ №", "Ελληνικά", "Σίσυφος ΣΙΣΥΦΟΣ", "ἀρχή",
        "Привет, мир!", "Что изображено на картинке?", "Ёжик", "й и\u0306", "Հայերեն", "ქართული",
        # Right to left, and scripts of Asia and Africa.
        "שלום עולם", "שָׁלוֹם", "مرحبا بالعالم", "مَرْحَبًا", "العدد ١٢٣", "سلام دنیا", "mixed עברית and English", "\u202bRTL\u202c",
        "नमस्ते दुनिया", "क्षत्रिय", "বাংলা", "ਪੰਜਾਬੀ", "தமிழ்", "తెలుగు", "ಕನ್ನಡ", "മലയാളം", "සිංහල", "ไทยภาษา", "ພາສາລາວ", "မြန်မာ",
        "ភាសាខ្មែរ", "བོད་ཡིག", "አማርኛ", "ᏣᎳᎩ", "ᐃᓄᒃᑎᑐᑦ", "𐎠𐎼𐎹", "𓀀𓂀",
        # Chinese, Japanese, Korean.
        "图片里有什么？", "你好，世界！", "中文和English混合", "繁體中文", "日本語の文章です。", "カタカナ ｶﾀｶﾅ ひらがな", "한국어 문장입니다.",
        "한국어", "㍿ ㈱ ①②③", "ＡＢＣ１２３", "𠮷野家", "々〆〇", "　全角　空白　",
        # Emoji, joiners, combining characters.
        "🙂", "🙂🙂", "a🙂b", "😀😃😄", "👍🏽", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪🇫🇷", "1️⃣", "❤️", "☺", "☺️", "🧑🏿‍🚀", "e\u0301\u0302\u0303", "a\u0300" * 5,
        "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘!͖̬̰̙̗̿̋ͥͥ̂ͣ̐́́͜͞", "ﬁ ﬂ ﬃ", "ﷺ", "℃ Å Ω", "ẛ̣", "각", "\u1100\u1161\u11a8", "\u0958", "\u2126",
        "𝔘𝔫𝔦𝔠𝔬𝔡𝔢", "𝒜𝓫𝕔", "ⓐⓑⓒ", "ǅ ǆ Ǆ", "ẞ ß ſ", "İstanbul ISPARTA ıi",
        # Spaces and invisible characters of all kinds.
        "a\u00a0b", "a\u1680b", "a\u2000b\u2001c\u2002d\u2003e", "a\u2009b\u200ac", "a\u2028b\u2029c", "a\u202fb", "a\u205fb", "a\u3000b",
        "a\u200bb", "a\u200cb\u200dc", "a\u2060b", "\ufeffBOM", "soft\u00adhyphen", "a\u0085b", "\u200e\u200f", "\u2066x\u2069",
        # Control characters, private use, noncharacters, the ends of the range.
        "\u0001\u0002\u0003", "\u0007bell", "\u001b[31mred\u001b[0m", "\u007f", "\u0080\u009f", "\ue000\uf8ff", "\ufffd", "\ufffe\uffff",
        "\U0010ffff", "\U000e0001\U000e0041", "\ud7ff\ue000", "\U00010000", "\u07ff\u0800",
        # Words for added tokens, and repetitions that merge in several ways.
        "foo bar foobar barfoo", "Foo BAR", "xfoo foox foo,foo", "  foo  ", "the foo the", "What is it? what is it?", "é E\u0301", "foo" * 9,
        "aaaaaaaaaaaaaaaa", "abababababab", "ererererer", "the the the", "thethethe", "inininin", "SSISTSSIST", "ASSISTANTASSISTANT",
        "▁the▁the", "heheheheheh", "ininingggg", "ll" * 20, " l" * 20, "antidisestablishmentarianism",
        "Donaudampfschifffahrtsgesellschaftskapitän", "supercalifragilisticexpialidocious pneumonoultramicroscopicsilicovolcanoconiosis",
        "The quick brown fox jumps over the lazy dog. " * 4, "Lorem ipsum dolor sit amet, consectetur adipiscing elit.",
        "The total is 1,024.50 and it is due on 30 June 2019.", "line one\nline two\n\nline four\n", "trailing newline\n",
        "\n leading newline", "a  b   c    d     e", " a  b ", "end with spaces   ",
    ]
    return found


def long_texts():
    """Long words: one letter, a period of letters, a mixture."""
    return ["a" * 10000, "the" * 1000, "inthe▁ erassist図ñ " * 150, "🙂" * 300]


def evaluate(tokenizer, strings):
    """What an empty text becomes with special tokens; for each text its ids without, and the text that these
    give again unless it is the same."""
    results = []
    for text in strings:
        result = {"ids": tokenizer.encode(text, add_special_tokens=False).ids}
        decoded = tokenizer.decode(result["ids"], skip_special_tokens=False)
        if decoded != text:
            result["decoded"] = decoded
        results.append(result)
    return {"special": tokenizer.encode("", add_special_tokens=True).ids, "results": results}


def evaluate_folder(folder, strings):
    return evaluate(tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json")), strings)


def check_against_sentencepiece(model, strings, results):
    """The two libraries agree wherever no special token stands in the text."""
    processor = sentencepiece.SentencePieceProcessor(model_file=str(model))
    compared = 0
    for text, result in zip(strings, results):
        if not re.search("<(s|/s|unk|image|pad)>", text):
            assert processor.encode(text) == result["ids"], text
            compared += 1
    return compared


def llama_document(model, added):
    """The json form of a model; with the two tokens that LLaVA adds, or without."""
    document = make_tokenizer.tokenizer_json(model.read_bytes())
    if not added:
        document["added_tokens"] = document["added_tokens"][:3]
    return document


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    golden = ROOT / "golden" / "tokenizer"
    strings = texts()
    assert len(set(strings)) == len(strings), [s for s in strings if strings.count(s) > 1]
    everything = strings + long_texts()
    path = HERE / "cases.json"
    old = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    cases = {"texts": everything, "golden": evaluate_folder(golden, everything), "variants": {}}
    compared = check_against_sentencepiece(golden / "tokenizer.model", everything, cases["golden"]["results"])
    print(f"{len(everything)} texts, {compared} of them as sentencepiece has them")
    documents = compare_with_tokenizers.variants(json.loads((golden / "tokenizer.json").read_text(encoding="utf-8")))
    for name in VARIANTS:
        folder = HERE / re.sub("[^a-z0-9]+", "-", name.lower())
        folder.mkdir(exist_ok=True)
        (folder / "tokenizer.json").write_text(json.dumps(documents[name], ensure_ascii=False, separators=(",", ":")) + "\n",
                                               encoding="utf-8")
        cases["variants"][folder.name] = evaluate_folder(folder, strings)
    if arguments.model:
        folder = arguments.json or Path("/nonexistent")
        for key, with_added in (("llama_model", False), ("llama_json", True)):
            document = llama_document(arguments.model, with_added)
            tokenizer_file = json.dumps(document, ensure_ascii=False)
            cases[key] = evaluate(tokenizers.Tokenizer.from_str(tokenizer_file), everything)
            compared = check_against_sentencepiece(arguments.model, everything, cases[key]["results"])
            print(f"{key}: {compared} of them as sentencepiece has them")
            if arguments.json and with_added:
                folder.mkdir(parents=True, exist_ok=True)
                (folder / "tokenizer.json").write_text(tokenizer_file, encoding="utf-8")
    else:
        cases.update({key: old[key] for key in ("llama_model", "llama_json") if key in old})
    path.write_text(json.dumps(cases, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
