#!/usr/bin/env python3
"""Compares this library's tokenizer with the `tokenizers` and `sentencepiece` libraries on random texts.

Run by hand: compare_with_tokenizers.py TOKENIZE [--count N] [--seed N] [--model FILE.model]
TOKENIZE is the built tests/text/tokenize. The tokenizers compared are golden/tokenizer in all its forms and
variants of it that use every supported option, and the byte-level and Unigram ones of golden/ with theirs; with --model also that sentencepiece model, as tokenizer.model
and converted to tokenizer.json. Needs tokenizers 0.23, sentencepiece 0.2, and transformers for --model.
"""
import argparse
import copy
import json
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import sentencepiece
import tokenizers
from sentencepiece import sentencepiece_model_pb2

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "golden"))
import make_tokenizer  # noqa: E402
import make_unigram  # noqa: E402

RANGES = [(0x20, 0x7e), (0x20, 0x7e), (1, 0x1f), (0xa0, 0x24f), (0x300, 0x36f), (0x370, 0x52f), (0x5d0, 0x6ff),
          (0x900, 0xd7f), (0xe00, 0xeff), (0x1100, 0x11ff), (0x2000, 0x206f), (0x2070, 0x2bff), (0x3000, 0x30ff),
          (0x4e00, 0x9fff), (0xac00, 0xd7a3), (0xe000, 0xf8ff), (0xf900, 0xffff), (0x1f000, 0x1faff),
          (0x20000, 0x2a6df), (0x1d400, 0x1d7ff), (0x24b6, 0x24e9), (1, 0xd7ff), (0xe000, 0x10ffff)]
SPACES = " " * 8 + "\t\n\r\x0b\x0c\x85\xa0\u1680\u2003\u2028\u202f\u3000\u200b\ufeff"
WORDS = ("the a image USER: ASSISTANT: [INST] [/INST] <image> <pad> <s> </s> <unk> <0x0A> <0xE2> ▁ ▁▁ _ What is "
         "in this picture? 3.14 foo foobar bar FOO Foo xfoo 👨‍👩‍👧 é e\u0301 ñ ß ſ ﬁ İ Σς ǆ 图片 có <ima ge> <image <<image>> "
         "<image><image> 123456 aaaaaaaaaaaa ..... \u200d \ufe0f नमस्ते שלום مرحبا "
         "Straße niño картинке 日本語 word I'm they'LL 's ſ 'Re U.S. \r\n \n\n \n Ġ Ā <|im_start|> <|im_end|> <|eot_id|> "
         "<|begin_of_text|> ٣٤٥ ½ Ⅷ ، ۔ । 。 (a|b)").split(" ")


def random_text(generator):
    parts = []
    for _ in range(generator.choice([1, 1, 2, 3, 5, 8, 13])):
        kind = generator.random()
        if kind < 0.4:
            parts.append(generator.choice(WORDS))
        elif kind < 0.6:
            low, high = generator.choice(RANGES)
            parts.append("".join(chr(generator.randint(low, high)) for _ in range(generator.randint(1, 6))))
        elif kind < 0.8:
            parts.append("".join(generator.choice(SPACES) for _ in range(generator.choice([1, 1, 1, 2, 3, 7]))))
        else:
            parts.append("".join(generator.choice("abehinost ▁e") for _ in range(generator.randint(1, 12))))
        if generator.random() < 0.4:
            parts.append(" ")
    return "".join(c for c in "".join(parts) if not 0xd800 <= ord(c) <= 0xdfff)


class Program:
    """The C library, answering line by line."""

    def __init__(self, program, folder):
        self.process = subprocess.Popen([program, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, request):
        self.process.stdin.write(request + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().rstrip("\n")

    def encode(self, text, special):
        answer = self.ask(f"E {int(special)} {text.encode().hex()}")
        return answer if answer.startswith("error") else [int(i) for i in answer.split()]

    def decode(self, ids, skip):
        answer = self.ask(f"D {int(skip)} " + " ".join(map(str, ids)))
        return answer if answer.startswith("error") else bytes.fromhex(answer).decode()


def added(content, **options):
    token = {"content": content, "single_word": False, "lstrip": False, "rstrip": False,
             "normalized": False, "special": False}
    token.update(options)
    return token


def metaspace(scheme, split):
    return {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": split}


def variants(base):
    """Tokenizers that use every option, by name."""
    def vary(name, change):
        document = copy.deepcopy(base)
        change(document)
        found[name] = document

    def set_metaspace(scheme, split):
        def change(document):
            document["normalizer"] = None
            document["pre_tokenizer"] = document["decoder"] = metaspace(scheme, split)
        return change

    def normalize(*steps):
        def change(document):
            document["normalizer"]["normalizers"] += [dict(step) for step in steps]
        return change

    def set_model(**options):
        return lambda document: document["model"].update(options)

    def add(*tokens):
        def change(document):
            vocabulary = document["model"]["vocab"]
            following = len(vocabulary) + 2
            for token in tokens:
                known = token["content"] in vocabulary
                document["added_tokens"].append(
                    dict(token, id=vocabulary[token["content"]] if known else following))
                following += not known
        return change

    def without_bytes(fuse):
        def change(document):
            for byte in ("<0xF0>", "<0xE4>", "<0xC3>"):
                del document["model"]["vocab"][byte]
            document["model"]["fuse_unk"] = fuse
            document["added_tokens"] = document["added_tokens"][:3]
        return change

    found = {"published": base}
    for scheme in ("always", "first", "never"):
        for split in (True, False):
            vary(f"metaspace {scheme} {split}", set_metaspace(scheme, split))
    vary("pairs", set_model(merges=[merge.split(" ") for merge in base["model"]["merges"]]))
    vary("no bytes", set_model(byte_fallback=False))
    vary("no bytes, not fused", set_model(byte_fallback=False, fuse_unk=False))
    vary("no unknown", set_model(byte_fallback=False, unk_token=None))
    vary("some bytes", without_bytes(True))
    vary("some bytes, not fused", without_bytes(False))
    vary("ignore merges", lambda d: (set_metaspace("always", True)(d), set_model(ignore_merges=True)(d)))
    for form in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase"):
        vary(form, normalize({"type": form}))
    vary("strip", normalize({"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
                            {"type": "Strip", "strip_left": True, "strip_right": True}))
    vary("pattern", normalize({"type": "Replace", "pattern": {"Regex": "[aeiou]+\\s?|\\d"}, "content": "▁"}))
    vary("pattern that may be empty", normalize({"type": "Replace", "pattern": {"Regex": "x*"}, "content": "-"}))
    vary("added", add(added("foo"), added("bar", special=True), added("foobar", normalized=True),
                      added("ge>")))
    vary("added with spaces", add(added("foo", lstrip=True), added("bar", rstrip=True),
                                  added("the", lstrip=True, rstrip=True), added("o b")))
    vary("added words", add(added("foo", single_word=True), added("a", single_word=True),
                            added("e", single_word=True, normalized=True), added("in", single_word=True)))
    vary("added normalised", lambda d: (normalize({"type": "Lowercase"})(d), add(
        added("Foo", normalized=True), added("What is", normalized=True), added("é", normalized=True),
        added("BAR", normalized=True, special=True, lstrip=True))(d)))
    vary("template", lambda d: d.update(post_processor={
        "type": "Sequence", "processors": [{"type": "TemplateProcessing", "single": [
            {"SpecialToken": {"id": "<s>", "type_id": 0}}, {"SpecialToken": {"id": "two", "type_id": 0}},
            {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "</s>", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]},
                               "</s>": {"id": "</s>", "ids": [2], "tokens": ["</s>"]},
                               "two": {"id": "two", "ids": [480, 481], "tokens": ["<image>", "<pad>"]}}}]}))
    vary("no decoder", lambda d: d.update(decoder=None, post_processor=None))
    vary("not fused", lambda d: d["decoder"]["decoders"].pop(2))
    return found


def split(pattern, behavior, invert=False):
    return {"type": "Split", "pattern": pattern, "behavior": behavior, "invert": invert}


BEHAVIORS = ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous")


def pre_tokenizers():
    """Pre-tokenizers that cut texts, by name."""
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    found = {
        "digits": {"type": "Digits", "individual_digits": False},
        "digits individual": {"type": "Digits", "individual_digits": True},
        "whitespace": {"type": "Whitespace"}, "whitespace split": {"type": "WhitespaceSplit"},
        "delimiter": {"type": "CharDelimiterSplit", "delimiter": "e"}, "bert": {"type": "BertPreTokenizer"},
        "punctuation": {"type": "Punctuation"},
        "smollm": {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, level | {"use_regex": True}]},
        "sequence": {"type": "Sequence", "pretokenizers": [
            {"type": "Punctuation", "behavior": "MergedWithPrevious"}, {"type": "WhitespaceSplit"}, split({"Regex": "[aeiou]+"}, "MergedWithNext")]},
        "empty matches": split({"Regex": "x*"}, "Isolated"), "empty matches merged": split({"Regex": "[ae]*"}, "MergedWithPrevious"),
    }
    for behavior in BEHAVIORS:
        found[f"punctuation {behavior}"] = {"type": "Punctuation", "behavior": behavior}
        for invert in (False, True):
            sign = " inverted" if invert else ""
            found[f"split text {behavior}{sign}"] = split({"String": "e"}, behavior, invert)
            found[f"split pattern {behavior}{sign}"] = split({"Regex": r"\s+|\p{N}|[aeiou]"}, behavior, invert)
    return found


def pre_tokenizer_variants(base):
    """golden/tokenizer with each of these, alone and before a Metaspace, which marks the words' beginnings."""
    found = {}
    for name, step in pre_tokenizers().items():
        for marked in (False, True):
            document = copy.deepcopy(base)
            document["normalizer"] = None
            document["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [step, metaspace("always", True)]} if marked else step
            found[f"cut {name}{' marked' if marked else ''}"] = document
    for name, step in {"Nmt": {"type": "Nmt"}, "StripAccents": {"type": "StripAccents"}, "ByteLevel": {"type": "ByteLevel"},
                       "decomposed": {"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "StripAccents"}]}}.items():
        document = copy.deepcopy(base)
        document["normalizer"]["normalizers"].insert(0, step)
        found[f"cut normalizer {name}"] = document
    document = copy.deepcopy(base)
    document["post_processor"] = {"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 1], "trim_offsets": True, "add_prefix_space": False}
    found["cut roberta"] = document
    return found


def byte_tokenizers():
    """The byte-level tokenizers of golden/ and tests/text/data, by name."""
    paths = {f"byte level {name}": ROOT / "golden" / f"{name}_tokenizer" for name in ("llama3", "qwen2", "bloom", "opt", "phi", "clip")}
    paths |= {path.name: path for path in sorted((ROOT / "tests" / "text" / "data").glob("byte-*"))}
    return {name: json.loads((path / "tokenizer.json").read_text(encoding="utf-8")) for name, path in paths.items()}


def unigram_tokenizers():
    """golden/unigram_tokenizer and variants of it, by name."""
    base = json.loads((ROOT / "golden" / "unigram_tokenizer" / "tokenizer.json").read_text(encoding="utf-8"))
    return {"unigram": base} | make_unigram.variants(base)


def model_variants(data):
    """Sentencepiece models with other options, by name, made from the model `data`."""
    def vary(name, change):
        model = sentencepiece_model_pb2.ModelProto.FromString(data)
        change(model)
        found[name] = model.SerializeToString()

    def coarse(model):
        for piece in model.pieces:
            piece.score = float(round(piece.score / 20))

    def without_bytes(model):
        model.trainer_spec.byte_fallback = False
        for piece in model.pieces:
            if piece.type == piece.BYTE:
                piece.type = piece.NORMAL
                piece.piece = f"{piece.piece}."

    found = {"tokenizer.model": data}
    vary("tokenizer.model, spaces removed",
         lambda m: setattr(m.normalizer_spec, "remove_extra_whitespaces", True))
    vary("tokenizer.model, no prefix", lambda m: setattr(m.normalizer_spec, "add_dummy_prefix", False))
    vary("tokenizer.model, spaces not escaped", lambda m: setattr(m.normalizer_spec, "escape_whitespaces", False))
    vary("tokenizer.model, equal scores", coarse)
    vary("tokenizer.model, no bytes", without_bytes)
    return found


class Json:
    """tokenizer.json, as the tokenizers library reads it."""

    def __init__(self, path):
        self.tokenizer = tokenizers.Tokenizer.from_file(str(path))
        self.limit = self.tokenizer.get_vocab_size() + 20

    def encode(self, text, special):
        return self.tokenizer.encode(text, add_special_tokens=special).ids

    def decode(self, ids, skip):
        return self.tokenizer.decode(ids, skip_special_tokens=skip)


class Model:
    """tokenizer.model, as sentencepiece reads it, for texts without special tokens."""

    def __init__(self, path):
        self.processor = sentencepiece.SentencePieceProcessor(model_file=str(path))

    def encode(self, text, special):
        return [1] * special + self.processor.encode(text)


def compare(name, program, folder, library, arguments):
    generator = random.Random(arguments.seed)
    ours = Program(program, folder)
    differences = compared = 0
    for _ in range(arguments.count):
        text = random_text(generator)
        special = generator.random() < 0.5
        pairs = []
        if not isinstance(library, Model) or "<" not in text:
            try:
                expected = library.encode(text, special)
            except Exception as error:  # a panic of the library
                print(f"{name}: the library fails on {text!r}: {error}")
                continue
            pairs.append((text, ours.encode(text, special), expected))
        if not isinstance(library, Model):
            ids = [generator.randrange(library.limit) for _ in range(generator.randint(0, 12))]
            if generator.random() < 0.5:
                ids = expected
            pairs.append((ids, ours.decode(ids, special), library.decode(ids, special)))
        for case, found, wanted in pairs:
            compared += 1
            if found != wanted:
                differences += 1
                if differences <= 5:
                    print(f"{name}: {case!r}\n  ours     {found!r}\n  expected {wanted!r}")
    ours.process.stdin.close()
    ours.process.wait()
    print(f"{name}: {compared} compared, {differences} different")
    return differences


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--model")
    parser.add_argument("--only", help="compare only the variants whose names begin so")
    arguments = parser.parse_args()
    source = ROOT / "golden" / "tokenizer"
    base = json.loads((source / "tokenizer.json").read_text(encoding="utf-8"))
    differences = 0
    with tempfile.TemporaryDirectory() as scratch:
        cases = []
        for number, (name, document) in enumerate(variants(base).items()):
            folder = Path(scratch) / str(number)
            folder.mkdir()
            (folder / "tokenizer.json").write_text(json.dumps(document), encoding="utf-8")
            cases.append((name, folder, lambda folder=folder: Json(folder / "tokenizer.json")))
        for number, (name, document) in enumerate((byte_tokenizers() | pre_tokenizer_variants(base) | unigram_tokenizers()).items()):
            folder = Path(scratch) / f"other{number}"
            folder.mkdir()
            (folder / "tokenizer.json").write_text(json.dumps(document), encoding="utf-8")
            cases.append((name, folder, lambda folder=folder: Json(folder / "tokenizer.json")))
        models = model_variants((source / "tokenizer.model").read_bytes())
        if arguments.model:
            models["real tokenizer.model"] = Path(arguments.model).read_bytes()
        for number, (name, data) in enumerate(models.items()):
            folder = Path(scratch) / f"model{number}"
            folder.mkdir()
            (folder / "tokenizer.model").write_bytes(data)
            cases.append((name, folder, lambda folder=folder: Model(folder / "tokenizer.model")))
        # With the files beside it, tokenizer.model must do what tokenizer.json does.
        folder = Path(scratch) / "folder"
        folder.mkdir()
        for file in ("tokenizer.model", "tokenizer_config.json", "special_tokens_map.json"):
            shutil.copy(source / file, folder / file)
        cases.append(("tokenizer.model as a folder", folder, lambda: Json(source / "tokenizer.json")))
        if arguments.model:
            folder = Path(scratch) / "real"
            folder.mkdir()
            document = make_tokenizer.tokenizer_json(models["real tokenizer.model"])
            (folder / "tokenizer.json").write_text(json.dumps(document), encoding="utf-8")
            cases.append(("real tokenizer.json", folder, lambda folder=folder: Json(folder / "tokenizer.json")))
        for name, folder, library in cases:
            if not arguments.only or name.startswith(arguments.only):
                differences += compare(name, arguments.program, str(folder), library(), arguments)
    sys.exit(1 if differences else 0)


if __name__ == "__main__":
    main()
