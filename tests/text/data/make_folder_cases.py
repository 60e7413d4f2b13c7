#!/usr/bin/env python3
"""Makes folder_cases.json and model-user-defined/ beside it, for tests/text/test_folders.c: what transformers makes
of texts with the tokenizer of a folder, when the files beside it say this or that.

A case names the files of golden/ or beside this file that are in the folder, and the JSON files that are written
there. config.json tells transformers which class to take. Needs transformers 5.23.

Run as: make_folder_cases.py [--compare TOKENIZE --count N]
With the built tests/text/tokenize it compares N random texts per case instead and writes nothing.
"""
import argparse
import copy
import json
import os
import random
import shutil
import sys
import tempfile
from pathlib import Path

os.environ["TRANSFORMERS_VERBOSITY"] = "error"
import transformers  # noqa: E402
from sentencepiece import sentencepiece_model_pb2  # noqa: E402

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(HERE.parent))
import compare_with_tokenizers as compare  # noqa: E402

LLAMA, QWEN, BERT = "golden/tokenizer", "golden/qwen2_tokenizer", "golden/qformer_tokenizer"
CLIP = "golden/clip_tokenizer"
USER = "tests/text/data/model-user-defined"
TEXTS = ["hello", " hello", "  hello  world ", "", " ", "<s>hello</s> a", "a </s>b", "USER: <image>\nWhat?", "<|im_start|>user\nHi<|im_end|>\n",
         "a<|im_end|>  b", "[INST] a [/INST]b", "x [PAD] y", "Foo foo xfoo foo.", "<pad><unk>", "<extra> <0x0A> the", "[control]a [USER]b",
         "図 <image> é", "A photo\tof a CAT!  It's 2 cm, they'LL", "<|endoftext|><|im_end|>", "Élan, 図書 THE\u0001a"]


def token(content, **options):
    return {"content": content, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False,
            "special": True} | options


def added_token(content, **options):
    return {"__type": "AddedToken"} | token(content, **options)


LLAMA_TOKENS = {"0": token("<unk>"), "1": token("<s>"), "2": token("</s>")}
CHAT = {"480": token("<|im_end|>"), "481": token("<|im_start|>")}
NAMES = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
CLASS = {"tokenizer_class": "LlamaTokenizer", "add_bos_token": True, "add_eos_token": False}


def settings(**changes):
    """tokenizer_config.json of LLaMA with changes; None takes a key away."""
    found = CLASS | NAMES | {"legacy": True} | changes
    return {key: value for key, value in found.items() if value is not None}


def cases():
    found = []

    def add(name, source, files, model_type, config, **others):
        written = {"config.json": {"model_type": model_type}}
        if config is not None:
            written["tokenizer_config.json"] = config
        written |= {key.replace("__", "."): value for key, value in others.items()}
        sources = source if isinstance(source, list) else [source] * len(files)
        found.append({"name": name, "links": dict(zip(files, sources)), "write": written})

    def llama(name, model_type="llama", special_map=None, added=None, **changes):
        """The forms of golden/tokenizer whose steps are those that LlamaTokenizer makes."""
        others = {}
        if special_map is not None:
            others["special_tokens_map__json"] = special_map
        if added is not None:
            others["added_tokens__json"] = added
        add(name, "tests/text/data/metaspace-always", ["tokenizer.json"], model_type, settings(**changes), **others)

    # tokenizer.model alone. With `legacy` transformers 5 puts no space before one that a stretch begins with; that
    # this library does, as sentencepiece and transformers 4 do, is in doc/differences.md.
    for legacy in (True, False, None):
        for space in (True, False, None):
            if not legacy or space is False:
                add(f"model, legacy {legacy}, add_prefix_space {space}", LLAMA, ["tokenizer.model"], "llama",
                    settings(legacy=legacy, add_prefix_space=space))
    add("model, legacy null", LLAMA, ["tokenizer.model"], "llama", settings() | {"legacy": None, "add_prefix_space": None})
    add("model, end token", LLAMA, ["tokenizer.model"], "llama", settings(add_bos_token=False, add_eos_token=True, legacy=False))
    add("model, added tokens", LLAMA, ["tokenizer.model"], "llama",
        settings(legacy=False, added_tokens_decoder=LLAMA_TOKENS | CHAT, pad_token="[PAD]"))
    add("model, added tokens with other ids", LLAMA, ["tokenizer.model"], "llama",
        settings(legacy=False, added_tokens_decoder=LLAMA_TOKENS | {"490": token("<|im_end|>"), "485": token("<|im_start|>")}))
    add("model, extra tokens", LLAMA, ["tokenizer.model"], "llama",
        settings(legacy=False, pad_token="[PAD]", image_token="<image>"))
    add("model, added_tokens.json", LLAMA, ["tokenizer.model"], "llama", settings(legacy=False),
        added_tokens__json={"<image>": 480, "foo": 481})
    add("model, special_tokens_map.json", LLAMA, ["tokenizer.model"], "llama", settings(legacy=False),
        special_tokens_map__json=NAMES | {"pad_token": "[PAD]"})
    add("model, InstructBLIP", LLAMA, ["tokenizer.model"], "instructblip",
        settings(legacy=False, bos_token="</s>", unk_token="</s>", added_tokens_decoder=LLAMA_TOKENS | {
            "480": token("[PAD]"), "481": token("<image>")}))
    add("model, pieces of the user", USER, ["tokenizer.model"], "llama", settings(legacy=False))
    add("model, no settings for the space", USER, ["tokenizer.model"], "llama", settings(legacy=None))

    # tokenizer.json with settings that name further tokens.
    for kind in ("llama", "llava", "instructblip", "mistral"):
        llama(f"json, {kind}, nothing new", kind)
        llama(f"json, {kind}, other tokens with the same ids", kind, added_tokens_decoder=LLAMA_TOKENS | CHAT, pad_token="<pad>")
        llama(f"json, {kind}, further tokens", kind, added_tokens_decoder=LLAMA_TOKENS | {
            "480": token("<image>"), "481": token("<pad>"), "482": token("<|im_start|>"), "483": token("<|im_end|>")})
        llama(f"json, {kind}, options", kind, added_tokens_decoder=LLAMA_TOKENS | {
            "480": token("<image>", lstrip=True, rstrip=True), "481": token("<pad>"), "482": token("foo", special=False, single_word=True),
            "483": token("Foo", special=False, normalized=True)})
        llama(f"json, {kind}, named tokens", kind, pad_token="[PAD]", image_token="<|im_start|>", boi_token="<|im_end|>",
              mask_token=added_token("foo", lstrip=True))
        llama(f"json, {kind}, additional", kind, additional_special_tokens=["<|im_start|>", "<|im_end|>"], pad_token="the")
        llama(f"json, {kind}, extra", kind, extra_special_tokens=["<|im_start|>", added_token("<|im_end|>", rstrip=True)])
        llama(f"json, {kind}, extra by name", kind, extra_special_tokens={"image_token": "<image>", "start_token": "<|im_start|>"})
        llama(f"json, {kind}, special_tokens_map.json", kind, {
            "pad_token": token("[PAD]", lstrip=True), "extra_special_tokens": ["<|im_start|>"], "mask_token": "<|im_end|>"})
        llama(f"json, {kind}, added_tokens.json", kind, {"pad_token": "[PAD]"}, {"[PAD]": 483, "<|im_end|>": 482, "<image>": 480})
    for kind in ("llama", "llava", "instructblip"):
        llama(f"json, {kind}, no space", kind, add_prefix_space=False)
        llama(f"json, {kind}, no space, added tokens", kind, add_prefix_space=False, legacy=False,
              added_tokens_decoder=LLAMA_TOKENS | CHAT)
        llama(f"json, {kind}, own name in special_tokens_map.json", kind, {"think_token": "<|im_start|>"})
        llama(f"json, {kind}, taken ids in added_tokens.json", kind, {}, {"<|im_start|>": 480, "foo": 482})
    add("model, no beginning", LLAMA, ["tokenizer.model"], "llama", settings(legacy=False) | {"bos_token": None})
    add("json, fast class", "tests/text/data/metaspace-always", ["tokenizer.json"], "llama",
        settings(tokenizer_class="PreTrainedTokenizerFast", added_tokens_decoder=LLAMA_TOKENS | CHAT))
    add("json, both files", ["tests/text/data/metaspace-always", LLAMA], ["tokenizer.json", "tokenizer.model"], "llama",
        settings(added_tokens_decoder=LLAMA_TOKENS | CHAT))
    add("json, bytes and LLaMA's class", QWEN, ["tokenizer.json"], "llama", settings(added_tokens_decoder=CHAT))
    qwen = {"tokenizer_class": "Qwen2Tokenizer", "bos_token": None, "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "unk_token": None}
    add("json, Qwen2", QWEN, ["tokenizer.json"], "qwen2", qwen | {"additional_special_tokens": ["<|im_start|>", "[PAD]"]})
    add("json, Qwen2, decoder", QWEN, ["tokenizer.json"], "qwen2", qwen | {"added_tokens_decoder": {
        "480": token("<|endoftext|>"), "481": token("<|im_start|>"), "482": token("<|im_end|>"), "483": token("[PAD]")}})
    add("json, Qwen2, own name in special_tokens_map.json", QWEN, ["tokenizer.json"], "qwen2", qwen,
        special_tokens_map__json={"think_token": "<|im_start|>"})
    add("json, Qwen2, taken ids in added_tokens.json", QWEN, ["tokenizer.json"], "qwen2", qwen,
        added_tokens__json={"foo": 480, "[PAD]": 485})
    words = {"tokenizer_class": "BertTokenizer", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]",
             "mask_token": "[MASK]"}
    for file in ("tokenizer.json", "vocab.txt"):
        for name, changes in (("nothing", {}), ("capitals", {"do_lower_case": False}), ("accents", {"strip_accents": False}),
                              ("ideographs", {"tokenize_chinese_chars": False}), ("controls", {"clean_text": False}),
                              ("capitals without accents", {"do_lower_case": False, "strip_accents": True})):
            add(f"{file}, BERT, {name}", BERT, [file], "bert", words | changes)
    clip = {"tokenizer_class": "CLIPTokenizer", "bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>",
            "add_prefix_space": False, "do_lower_case": True}
    typed = {key: added_token(value, normalized=True) for key, value in clip.items() if key.endswith("_token")}
    for kind, pad in (("clip", "<|endoftext|>"), ("owlvit", "!")):
        add(f"json, CLIP's class, {kind}", CLIP, ["tokenizer.json"], kind, clip | typed | {"pad_token": pad})
        add(f"json, CLIP's class, {kind}, added tokens", CLIP, ["tokenizer.json"], kind, clip | {"pad_token": pad, "added_tokens_decoder": {
            "0": token("!"), "602": token("<|startoftext|>", normalized=True), "603": token("<|endoftext|>", normalized=True)}})
    return found


def metaspace_always():
    """golden/tokenizer's tokenizer.json with the steps that LlamaTokenizer makes for `legacy`."""
    document = json.loads((ROOT / LLAMA / "tokenizer.json").read_text(encoding="utf-8"))
    document["normalizer"] = None
    document["pre_tokenizer"] = compare.metaspace("always", False)
    return document


def write_json(path, value):
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


def make_sources():
    write_json(HERE / "metaspace-always" / "tokenizer.json", metaspace_always())
    model = sentencepiece_model_pb2.ModelProto.FromString((ROOT / LLAMA / "tokenizer.model").read_bytes())
    longest = sorted((piece for piece in model.pieces if piece.type == piece.NORMAL), key=lambda piece: -len(piece.piece))
    for piece, (text, kind) in zip(longest, [("[control]", 3), ("[USER]", 4), ("foo", 4), ("▁▁", 4), ("xfo", 5), ("図", 5)]):
        piece.piece, piece.type, piece.score = text, kind, 0.0
    (HERE / "model-user-defined").mkdir(exist_ok=True)
    (HERE / "model-user-defined" / "tokenizer.model").write_bytes(model.SerializeToString())


def make_folder(folder, case):
    for file, source in case["links"].items():
        shutil.copy(ROOT / source / file, folder / file)
    for name, value in case["write"].items():
        write_json(folder / name, value)


def open_tokenizer(folder):
    return transformers.AutoTokenizer.from_pretrained(folder)


def evaluate(folder):
    tokenizer = open_tokenizer(folder)
    return [{"ids": (ids := tokenizer(text).input_ids), "decoded": tokenizer.decode(ids, skip_special_tokens=True)} for text in TEXTS]


def compare_random(folder, case, arguments):
    tokenizer, generator = open_tokenizer(folder), random.Random(arguments.seed)
    ours = compare.Program(arguments.compare, str(folder))
    differences = 0
    for _ in range(arguments.count):
        text = compare.random_text(generator)
        if generator.random() < 0.5:
            text += generator.choice(TEXTS) + compare.random_text(generator)
        expected, found = tokenizer(text).input_ids, ours.encode(text, True)
        decoded, wanted = ours.decode(expected, True), tokenizer.decode(expected, skip_special_tokens=True)
        if found != expected or decoded != wanted:
            differences += 1
            if differences <= 2:
                print(f"{case['name']}: {text!r}\n  ours     {found!r} {decoded!r}\n  expected {expected!r} {wanted!r}")
    ours.process.stdin.close()
    ours.process.wait()
    print(f"{case['name']}: {arguments.count} compared, {differences} different")
    return differences


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--compare")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    make_sources()
    stored, differences = copy.deepcopy(cases()), 0
    for case in stored:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            make_folder(folder, case)
            if arguments.compare:
                differences += compare_random(folder, case, arguments)
            else:
                case["results"] = evaluate(folder)
    if not arguments.compare:
        write_json(HERE / "folder_cases.json", {"texts": TEXTS, "cases": stored})
        print(f"{len(stored)} folders, {len(TEXTS)} texts")
    sys.exit(1 if differences else 0)


if __name__ == "__main__":
    main()
