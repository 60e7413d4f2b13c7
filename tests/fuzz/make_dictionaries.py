"""Writes words/FORMAT, libFuzzer's dictionary for each format that is made of words: the strings in
the source of its reader.

python3 make_dictionaries.py
"""

import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parent.parent / "src"
READERS = {
    "config": ["model/*config*.c", "model/language_*.c", "model/family*.c", "model/rope*.c"],
    "model": ["model/*config*.c", "model/language_*.c", "model/family*.c", "image/settings.c"],
    "image_settings": ["image/*.c"],
    "list": ["format/list*.c"],
    "count": ["format/list*.c"],
    "counts": ["count/counts*.[ch]", "format/safetensors.c"],
    "state": ["count/counts*.[ch]", "format/safetensors.c"],
    "rows": ["study/row*.c", "study/lens_row.c"],
    "delta": ["model/delta.c", "format/safetensors.c"],
    "dump": ["model/stages.c", "format/safetensors.c"],
    "verify": ["model/stages.c", "format/safetensors.c"],
    "safetensors": ["format/safetensors.c"],
    "index": ["format/safetensors*.c"],
    "neurons": ["count/neurons.c", "count/rank*.c"],
    "report": ["page/result*.c", "page/figure*.c"],
    "tokenizer_json": ["text/json_*.c", "text/tokenizer_json.c"],
    "vocabulary": ["text/json_*.c", "text/bert*.c", "text/tokenizer.c"],
}
WORD = re.compile(r'"([A-Za-z0-9_.\-]{2,40})"')

for format, readers in READERS.items():
    words = set()
    for pattern in readers:
        for file in SOURCE.glob(pattern):
            code = "\n".join(line for line in file.read_text().splitlines()
                             if not line.startswith("#include"))
            # A key also stands inside a format string, with its quotation marks escaped.
            words.update(WORD.findall(code.replace('\\"', '"')))
    (HERE / "words").mkdir(exist_ok=True)
    (HERE / "words" / format).write_text("".join(f'"{word}"\n' for word in sorted(words)))
