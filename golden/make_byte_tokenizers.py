#!/usr/bin/env python3
"""Makes golden/{llama3,qwen2,bloom}_tokenizer/: small byte-level BPE tokenizers as these models have them.

Trained by Hugging Face's tokenizers on tokenizer/corpus.txt, with the published patterns, steps and special
tokens (of LLaMA-3's 256 the first eleven). What accompanies tokenizer.json is what is published with it.

Run as: python3 golden/make_byte_tokenizers.py [FOLDER]   (tokenizers; the result is stable)
"""
import sys
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

from make_tokenizer import HERE, added, write_json

GPT4_WORDS = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{numbers}|"
              r" ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")


@dataclass(frozen=True)
class ByteTokenizer:
    name: str
    pieces: int  # without tokens that are added behind them
    words: str  # the pattern that cuts texts into words
    special: tuple[str, ...]
    special_first: bool  # they are the vocabulary's first, as with BLOOM, and not behind it
    tokenizer_class: str
    names: dict[str, str]  # bos_token and so on
    begins: str | None = None  # the token that texts begin with
    composes: bool = False  # texts are normalised to NFC
    ignore_merges: bool | None = None  # None: published before tokenizers had it
    affix: str | None = None  # what stands for no prefix and suffix
    # add_prefix_space, trim_offsets and use_regex of the step, the post-processor and the decoder
    step: tuple[bool, bool, bool] = (False, False, False)
    after: tuple[bool, bool, bool] = (False, False, False)
    decoder: tuple[bool, bool, bool] = (False, False, False)
    files: bool = False  # with vocab.json and merges.txt


TOKENIZERS = (
    ByteTokenizer(
        "llama3", 400, GPT4_WORDS.format(numbers="{1,3}"),
        ("<|begin_of_text|>", "<|end_of_text|>", "<|reserved_special_token_0|>", "<|reserved_special_token_1|>",
         "<|finetune_right_pad_id|>", "<|reserved_special_token_2|>", "<|start_header_id|>", "<|end_header_id|>",
         "<|eom_id|>", "<|eot_id|>", "<|python_tag|>"), False, "PreTrainedTokenizerFast",
        {"bos_token": "<|begin_of_text|>", "eos_token": "<|end_of_text|>"}, begins="<|begin_of_text|>",
        ignore_merges=True, step=(False, True, False), after=(True, False, True), decoder=(True, True, True)),
    ByteTokenizer(
        "qwen2", 400, GPT4_WORDS.format(numbers=""), ("<|endoftext|>", "<|im_start|>", "<|im_end|>"), False,
        "Qwen2Tokenizer", {"eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>"}, composes=True, affix="",
        files=True),
    ByteTokenizer(
        "bloom", 404, r" ?[^(\s|[.,!?…。，、।۔،])]+", ("<unk>", "<s>", "</s>", "<pad>"), True, "BloomTokenizerFast",
        {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"},
        step=(False, True, False), after=(True, False, False), decoder=(True, True, False)),
)


def train(kind, corpus):
    """Returns the vocabulary {piece: id} and the merges [(left, right)]."""
    tokenizer = Tokenizer(models.BPE())
    if kind.composes:
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(kind.words), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.train_from_iterator(corpus.splitlines(keepends=True), trainers.BpeTrainer(
        vocab_size=kind.pieces, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        special_tokens=list(kind.special) if kind.special_first else [], show_progress=False))
    vocabulary = dict(sorted(tokenizer.get_vocab().items(), key=lambda item: item[1]))
    return vocabulary, merges_of(vocabulary, kind)


def merges_of(vocabulary, kind):
    """What each merged piece was merged from: behind the special tokens and the bytes they are in order."""
    first = 256 + (len(kind.special) if kind.special_first else 0)
    pieces = list(vocabulary)
    known, merges = set(pieces[:first]), []
    for piece in pieces[first:]:
        left, right = segment(piece, known, merges)
        merges.append((left, right))
        known.add(piece)
    return merges


def segment(piece, known, merges):
    """The two parts that the merges so far leave of a piece."""
    parts = list(piece)
    for pair in merges:
        i = 0
        while i + 1 < len(parts):
            if (parts[i], parts[i + 1]) == pair:
                parts[i:i + 2] = ["".join(pair)]
            i += 1
    assert len(parts) == 2 and known.issuperset(parts), f"{piece} is {parts}"
    return parts[0], parts[1]


def byte_level(switches):
    prefix, trim, words = switches
    return {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": trim, "use_regex": words}


def post_processor(kind, ids):
    step = byte_level(kind.after)
    if not kind.begins:
        return step
    begin = {"SpecialToken": {"id": kind.begins, "type_id": 0}}
    return {"type": "Sequence", "processors": [step, {
        "type": "TemplateProcessing", "single": [begin, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [begin, {"Sequence": {"id": "A", "type_id": 0}},
                 {"SpecialToken": {"id": kind.begins, "type_id": 1}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {kind.begins: {"id": kind.begins, "ids": [ids[kind.begins]], "tokens": [kind.begins]}}}]}


def tokenizer_json(kind, vocabulary, merges):
    start = 0 if kind.special_first else len(vocabulary)
    ids = {token: start + i for i, token in enumerate(kind.special)}
    model = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": kind.affix,
             "end_of_word_suffix": kind.affix, "fuse_unk": False, "byte_fallback": False}
    if kind.ignore_merges is not None:
        model["ignore_merges"] = kind.ignore_merges
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [added(number, token) for token, number in ids.items()],
        "normalizer": {"type": "NFC"} if kind.composes else None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": kind.words}, "behavior": "Isolated", "invert": False},
            byte_level(kind.step)]},
        "post_processor": post_processor(kind, ids), "decoder": byte_level(kind.decoder),
        "model": model | {"vocab": vocabulary, "merges": [f"{left} {right}" for left, right in merges]}}


def write_tokenizer(kind, corpus, folder):
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary, merges = train(kind, corpus)
    document = tokenizer_json(kind, vocabulary, merges)
    write_json(folder / "tokenizer.json", document)
    write_json(folder / "tokenizer_config.json", {
        "added_tokens_decoder": {str(token["id"]): {key: value for key, value in token.items() if key != "id"}
                                 for token in document["added_tokens"]},
        **kind.names, "clean_up_tokenization_spaces": kind.name == "llama3", "model_max_length": 131072,
        "tokenizer_class": kind.tokenizer_class})
    if kind.files:
        write_json(folder / "vocab.json", vocabulary)
        (folder / "merges.txt").write_text("".join(f"{left} {right}\n" for left, right in merges), encoding="utf-8")
    Tokenizer.from_file(str(folder / "tokenizer.json"))


def main():
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    corpus = (HERE / "tokenizer" / "corpus.txt").read_text(encoding="utf-8")
    for kind in TOKENIZERS:
        write_tokenizer(kind, corpus, root / f"{kind.name}_tokenizer")


if __name__ == "__main__":
    main()
