#!/usr/bin/env python3
"""Makes src/text/bert_ranges.h: the characters that BERT's normaliser and pre-tokeniser single out.

The `tokenizers` library looks them up in tables of Unicode 8, which do not grow with those of later versions, so
that neither utf8proc's nor Python's tables give the same sets. Each character is therefore put to the library
itself.

Run as: python3 golden/make_bert_ranges.py   (tokenizers 0.23)
"""
from pathlib import Path

from tokenizers import normalizers, pre_tokenizers

TARGET = Path(__file__).resolve().parents[1] / "src" / "text" / "bert_ranges.h"
CHARACTERS = [code for code in range(0x110000) if not 0xd800 <= code <= 0xdfff]


def normalizer(**steps):
    names = ("clean_text", "handle_chinese_chars", "strip_accents", "lowercase")
    return normalizers.BertNormalizer(**{name: steps.get(name, False) for name in names})


def sets():
    """The sets, by name, with what the table says of them."""
    clean, strip = normalizer(clean_text=True), normalizer(strip_accents=True)
    ideographs, words = normalizer(handle_chinese_chars=True), pre_tokenizers.BertPreTokenizer()
    return {
        "dropped": ("What clean_text drops: controls, formats, private use, U+FFFD.",
                    [c for c in CHARACTERS if clean.normalize_str(f"a{chr(c)}b") == "ab"]),
        "marks": ("What strip_accents drops after NFD: nonspacing marks.",
                  [c for c in CHARACTERS if strip.normalize_str(chr(c)) == ""]),
        "ideographs": ("What handle_chinese_chars puts between spaces.",
                       [c for c in CHARACTERS if ideographs.normalize_str(chr(c)) == f" {chr(c)} "]),
        "punctuation": ("What the pre-tokeniser makes words of their own.",
                        [c for c in CHARACTERS if len(words.pre_tokenize_str(f"a{chr(c)}b")) == 3]),
    }


def ranges(codes):
    found = []
    for code in codes:
        if found and found[-1][1] == code - 1:
            found[-1][1] = code
        else:
            found.append([code, code])
    return found


def table(name, comment, codes):
    lines, line = [f"/* {comment} */", f"static const character_range {name}[] = {{"], "   "
    for first, last in ranges(codes):
        item = f" {{{first:#x}, {last:#x}}},"
        if len(line) + len(item) > 100:
            lines.append(line)
            line = "   "
        line += item
    return "\n".join(lines + [line, "};"])


def main():
    tables = "\n\n".join(table(name, *content) for name, content in sets().items())
    TARGET.write_text(f"""/* Ranges of characters, first to last, in ascending order. Made by golden/make_bert_ranges.py. */
/* clang-format off */
#ifndef MMN_TEXT_BERT_RANGES_H
#define MMN_TEXT_BERT_RANGES_H

#include <stdint.h>

typedef struct character_range {{
    uint32_t first, last;
}} character_range;

{tables}

#endif
""", encoding="utf-8")


if __name__ == "__main__":
    main()
