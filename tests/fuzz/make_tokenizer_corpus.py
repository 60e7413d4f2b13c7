"""Writes the corpora of tokenizer_json and tokenizer_model: small files, one for each feature or fault.

Needs sentencepiece's protocol buffer (the package sentencepiece) to write the models."""

import base64
import json
import pathlib
import struct

from sentencepiece import sentencepiece_model_pb2

corpus = pathlib.Path(__file__).parent / "corpus"


def write(name, data):
    (corpus / name).parent.mkdir(parents=True, exist_ok=True)
    (corpus / name).write_bytes(data if isinstance(data, bytes) else json.dumps(data, ensure_ascii=False).encode())


def added(identifier, content, **options):
    token = {"id": identifier, "content": content, "single_word": False, "lstrip": False, "rstrip": False,
             "normalized": False, "special": False}
    return token | options


vocabulary = {text: i for i, text in enumerate(
    ["<unk>", "<s>", "</s>", "▁", "a", "b", "ab", "▁a", "abab", "<0xC3>", "<0xA9>", "▁ab"])}
model = {"type": "BPE", "unk_token": "<unk>", "fuse_unk": True, "byte_fallback": True, "vocab": vocabulary,
         "merges": ["a b", "ab ab", "▁ a", "▁a b"]}
special = [added(0, "<unk>", special=True), added(1, "<s>", special=True), added(2, "</s>", special=True)]
space = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": True}
llama = {
    "version": "1.0", "added_tokens": special + [added(12, "<image>", special=True)],
    "normalizer": {"type": "Sequence", "normalizers": [
        {"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
    "pre_tokenizer": None,
    "post_processor": {"type": "TemplateProcessing", "single": [
        {"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}},
    "decoder": {"type": "Sequence", "decoders": [
        {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
        {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
    "model": model}
write("tokenizer_json/good-llama", llama)
write("tokenizer_json/good-metaspace", llama | {
    "normalizer": None, "pre_tokenizer": space, "decoder": space,
    "model": model | {"merges": [merge.split(" ") for merge in model["merges"]], "ignore_merges": True}})
write("tokenizer_json/good-added", llama | {"added_tokens": special + [
    added(12, "foo", normalized=True), added(13, "What", lstrip=True, rstrip=True), added(4, "a"),
    added(14, "What is", special=True, normalized=True)]})
write("tokenizer_json/good-no-decoder", llama | {"decoder": None, "post_processor": None, "added_tokens": []})
byte_level = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": False}
write("tokenizer_json/good-byte-level", {
    "pre_tokenizer": byte_level, "decoder": byte_level, "post_processor": byte_level,
    "model": {"type": "BPE", "vocab": {text: i for i, text in enumerate("aĠbÃ©Ģ")} | {"Ġa": 7, "Ġab": 8},
              "merges": [["Ġ", "a"]], "ignore_merges": True}})
normalizers = {
    "strip": {"type": "Strip", "strip_left": True, "strip_right": False},
    "replace-pattern": {"type": "Replace", "pattern": {"Regex": "a+|(?=b)"}, "content": "x"},
    "replace-nothing": {"type": "Replace", "pattern": {"String": ""}, "content": "x"},
    "replace-zero": {"type": "Replace", "pattern": {"String": "a"}, "content": "\0"},
    "class-intersection": {"type": "Replace", "pattern": {"Regex": "[[:alpha:]a&&b]"}, "content": "x"},
    "unknown": {"type": "Precompiled", "precompiled_charsmap": "AA=="},
    "no-object": 1,
    "many": {"type": "Sequence", "normalizers": [{"type": "NFC"}] * 200},
}
for name, step in normalizers.items():
    write(f"tokenizer_json/found-normalizer-{name}", llama | {"normalizer": step})
for name, scheme in {"never": "never", "other": "sometimes"}.items():
    write(f"tokenizer_json/found-metaspace-{name}", llama | {
        "normalizer": None, "pre_tokenizer": space | {"prepend_scheme": scheme}})
write("tokenizer_json/found-contradiction", llama | {
    "normalizer": None, "pre_tokenizer": space | {"prepend_scheme": "always", "add_prefix_space": False}})
for name, step in {
    "unknown": {"type": "Other"}, "no-sequence": {"type": "TemplateProcessing", "single": [], "special_tokens": {}},
    "twice": {"type": "Sequence", "processors": [llama["post_processor"]] * 2},
    "ids": llama["post_processor"] | {"special_tokens": {"<s>": {"id": "<s>", "ids": [-1], "tokens": ["<s>"]}}},
}.items():
    write(f"tokenizer_json/found-processor-{name}", llama | {"post_processor": step})
write("tokenizer_json/found-decoder", llama | {"decoder": {"type": "Other"}})
# The steps that tests/text/data/step_cases.json compares with the tokenizers library, for the small model.
steps = json.loads((corpus.parent.parent / "text/data/step_cases.json").read_text(encoding="utf-8"))["cases"]
for number, case in enumerate(steps):
    if len(json.dumps(case["change"])) < 1000 and "model" not in case["change"]:
        write(f"tokenizer_json/found-steps-{number:02}", llama | case["change"])
write("tokenizer_json/bad-pattern", {
    "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "[a[^b]&&c"}, "behavior": "Isolated"}, "model": model})
write("tokenizer_json/found-behavior", {
    "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "a"}, "behavior": "MergedWithNext"}, "model": model})
write("tokenizer_json/found-word-end", {
    "pre_tokenizer": {"type": "Whitespace"}, "model": {
        "type": "BPE", "end_of_word_suffix": "</w>", "merges": ["a b</w>", "a a"],
        "vocab": {text: i for i, text in enumerate(["a", "b", "a</w>", "b</w>", "ab</w>", "aa"])}}})
write("tokenizer_json/bad-merge", llama | {"model": model | {"merges": ["a b", "b a"]}})
write("tokenizer_json/bad-id", llama | {"added_tokens": [added(99, "<image>")]})
write("tokenizer_json/bad-nesting", {"normalizer": json.loads(
    '{"type":"Sequence","normalizers":[' * 9 + ']}' * 9), "model": model})
write("tokenizer_json/unsupported-model", llama | {"model": {"type": "WordLevel", "unk_token": "a", "vocab": {"a": 0}}})
# A map of characters whose only entry makes "ab" of "a", and one whose leaf lies elsewhere.
units = [0] * 256
units[0] = 128 << 10
units[ord("a") ^ 128] = ord("a") | 1 << 8 | (ord("a") ^ 128 ^ 200) << 10
units[200] = 1 << 31
unigram = {"type": "Unigram", "unk_id": 0, "byte_fallback": True, "vocab": [
    ["<unk>", 0.0], ["▁", -2.5], ["a", -1.25], ["ab", -3.0], ["b", -1.0], ["▁a", -2.0], ["<0x41>", 0]]}
for name, leaf in {"found-unigram": 200, "found-unigram-map": 255}.items():
    changed = units[:leaf] + [1 << 31 | (0 if leaf == 200 else 99)] + units[leaf + 1:]
    changed[ord("a") ^ 128] = ord("a") | 1 << 8 | (ord("a") ^ 128 ^ leaf) << 10
    data = struct.pack("<I", 1024) + struct.pack("<256I", *changed) + "ab\0é\0".encode()
    write(f"tokenizer_json/{name}", llama | {"model": unigram, "pre_tokenizer": space, "added_tokens": [], "normalizer": {
        "type": "Precompiled", "precompiled_charsmap": base64.b64encode(data).decode()}, "post_processor": None})
write("tokenizer_json/bad-unigram-scores", llama | {"model": unigram | {"vocab": [["a", "b"], ["c"]]}})
write("tokenizer_json/unsupported-pre-tokenizer", llama | {"pre_tokenizer": {"type": "UnicodeScripts"}})


def sentencepiece_model(change=lambda model: None, byte_fallback=True):
    model = sentencepiece_model_pb2.ModelProto()
    model.trainer_spec.model_type = model.trainer_spec.BPE
    model.trainer_spec.byte_fallback = byte_fallback
    model.normalizer_spec.remove_extra_whitespaces = False
    kinds = model.SentencePiece
    pieces = [("<unk>", kinds.UNKNOWN), ("<s>", kinds.CONTROL), ("</s>", kinds.CONTROL)]
    pieces += [(f"<0x{byte:02X}>", kinds.BYTE) for byte in range(256) if byte_fallback]
    pieces += [(text, kinds.NORMAL) for text in ("ab", "▁a", "abab", "▁ab", "▁", "a", "b", "é")]
    for i, (text, kind) in enumerate(pieces):
        model.pieces.add(piece=text, score=float(-i), type=kind)
    change(model)
    return model.SerializeToString()


def remove_spaces(model):
    model.normalizer_spec.remove_extra_whitespaces = True
    model.normalizer_spec.add_dummy_prefix = False


write("tokenizer_model/good-bytes", sentencepiece_model())
write("tokenizer_model/good-no-bytes", sentencepiece_model(byte_fallback=False))
write("tokenizer_model/good-spaces", sentencepiece_model(remove_spaces, byte_fallback=False))
write("tokenizer_model/bad-piece", sentencepiece_model(lambda m: m.pieces.add(piece=""), False))
write("tokenizer_model/bad-twice", sentencepiece_model(lambda m: m.pieces.add(piece="ab"), False))
write("tokenizer_model/bad-end", sentencepiece_model(byte_fallback=False)[:-1])
write("tokenizer_model/unsupported-unigram", sentencepiece_model(
    lambda m: setattr(m.trainer_spec, "model_type", m.trainer_spec.UNIGRAM), False))
write("tokenizer_model/unsupported-map", sentencepiece_model(
    lambda m: setattr(m.normalizer_spec, "precompiled_charsmap", b"x"), False))
write("tokenizer_model/good-user-defined", sentencepiece_model(
    lambda m: m.pieces.add(piece="x", type=m.SentencePiece.USER_DEFINED), False))
