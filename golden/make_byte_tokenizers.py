#!/usr/bin/env python3
"""Makes golden/{llama3,qwen2,bloom,opt,phi,clip}_tokenizer/: small byte-level tokenizers in the forms that LLaMA-3,
Qwen2, BLOOM, Phi-2 and CLIP are published in, and that transformers makes of OPT's vocab.json and merges.txt.

Each is trained on tokenizer/corpus.txt and on the lines below, which were written for this purpose and are under
the licence of the project. The vocabularies have some 500 tokens; the special tokens follow or, for BLOOM, precede.

Run as: python3 golden/make_byte_tokenizers.py [FOLDER]   (tokenizers 0.23; the result is stable)
"""
import json
import sys
from pathlib import Path

from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

from make_tokenizer import added, write_json

HERE = Path(__file__).resolve().parent
LINES = """Der Hund läuft über die Straße, und die Katze schläft auf dem Dach.
Die Häuser sind schön; wir können später nach draußen gehen.
Le garçon a mangé une pomme rouge à l'école, où il était déjà tôt.
La niña pequeña corre por la montaña mañana por la mañana.
El niño no sabe qué hora es, ¿verdad? ¡Claro que sí!
Кошка спит на крыше, а собака бежит по улице.
Мы не знаем, который сейчас час, но это не важно.
猫は屋根の上で眠り、犬は通りを走ります。今日は天気がいいですね。
这只猫在屋顶上睡觉，那只狗在街上跑。今天天气很好。
고양이는 지붕 위에서 자고 개는 거리를 달립니다.
القطة تنام على السطح والكلب يجري في الشارع.
नमस्ते, आप कैसे हैं? मैं ठीक हूँ।
I'm sure they've said it's fine; we'll see what he'd do, and you're right.
In 2024 there were 1234567 of them, 3.14 or 99.9 %, and 12,345 more.
    for (int i = 0; i < count; i++) {\treturn i + 1;\t}
🙂 👍🏽 ❤️ 👨‍👩‍👧"""

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"
          r"\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
CLIP = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
WORD_END = "</w>"
QUERIES = [f"a photo of a {word}" for word in ("cat", "dog", "cup", "car", "red ball", "person", "table", "horse")]
BLOOM = r" ?[^(\s|[.,!?…。，、।۔،])]+"


def train(pattern, size, special=()):
    """Returns vocabulary and merges, the special tokens first."""
    return train_on(lines() * 2, pattern, size, special)


def lines():
    return [*(HERE / "tokenizer" / "corpus.txt").read_text(encoding="utf-8").splitlines(), *LINES.splitlines()]


def train_on(texts, pattern, size, special=(), **options):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=list(special), show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), **options)
    tokenizer.train_from_iterator(texts, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return model["vocab"], model["merges"]


def split(pattern):
    return {"type": "Sequence", "pretokenizers": [
        {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False},
        {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}]}


def byte_level(**options):
    return {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True} | options


def tokenizer_json(vocabulary, merges, tokens, normalizer, pre_tokenizer, post_processor, decoder, **model):
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": tokens, "normalizer": normalizer,
            "pre_tokenizer": pre_tokenizer, "post_processor": post_processor, "decoder": decoder,
            "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                      "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False} | model |
                     {"vocab": vocabulary, "merges": merges}}


def begins_with(token, number):
    """A post-processor that puts a token before each text."""
    return {"type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": token, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"SpecialToken": {"id": token, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                     {"SpecialToken": {"id": token, "type_id": 1}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {token: {"id": token, "ids": [number], "tokens": [token]}}}


def llama3_documents(vocabulary, merges, names):
    """tokenizer.json and tokenizer_config.json; `names` are the special tokens, the first begins each text."""
    begin = names[0]
    template = begins_with(begin, len(vocabulary))
    document = tokenizer_json(
        vocabulary, [" ".join(merge) for merge in merges],
        [added(len(vocabulary) + i, name) for i, name in enumerate(names)], None, split(LLAMA3),
        {"type": "Sequence", "processors": [byte_level(add_prefix_space=True, trim_offsets=False), template]},
        byte_level(), ignore_merges=True)
    return document, {
        "bos_token": begin, "clean_up_tokenization_spaces": True, "eos_token": names[1],
        "model_input_names": ["input_ids", "attention_mask"], "model_max_length": 131072,
        "tokenizer_class": "PreTrainedTokenizerFast"}


def llama3():
    names = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
    return llama3_documents(*train(LLAMA3, 480), names)


def qwen2():
    vocabulary, merges = train(QWEN2, 480)
    names = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<image>"]
    document = tokenizer_json(
        vocabulary, [" ".join(merge) for merge in merges],
        [added(len(vocabulary) + i, name) for i, name in enumerate(names)], {"type": "NFC"}, split(QWEN2),
        byte_level(add_prefix_space=False, trim_offsets=False, use_regex=False),
        byte_level(add_prefix_space=False, trim_offsets=False, use_regex=False))
    return document, {
        "add_prefix_space": False, "bos_token": None, "clean_up_tokenization_spaces": False,
        "eos_token": "<|endoftext|>", "errors": "replace", "model_max_length": 32768, "pad_token": "<|endoftext|>",
        "split_special_tokens": False, "tokenizer_class": "Qwen2Tokenizer", "unk_token": None}


def bloom():
    names = ["<unk>", "<s>", "</s>", "<pad>"]
    vocabulary, merges = train(BLOOM, 484, names)
    document = tokenizer_json(
        vocabulary, [" ".join(merge) for merge in merges], [added(i, name) for i, name in enumerate(names)], None,
        split(BLOOM), byte_level(trim_offsets=False, use_regex=False), byte_level(use_regex=False))
    return document, {
        "add_prefix_space": False, "bos_token": "<s>", "eos_token": "</s>", "name_or_path": "bigscience/tokenizer",
        "pad_token": "<pad>", "padding_side": "left", "special_tokens_map_file": None,
        "tokenizer_class": "BloomTokenizerFast", "unk_token": "<unk>"}


def opt():
    """The end of texts begins them too."""
    names = ["<s>", "<pad>", "</s>", "<unk>"]
    vocabulary, merges = train(GPT2, 484, names)
    document = tokenizer_json(
        vocabulary, [" ".join(merge) for merge in merges], [added(i, name) for i, name in enumerate(names)], None,
        byte_level(add_prefix_space=False), begins_with("</s>", 2), byte_level())
    return document, {
        "add_bos_token": True, "add_prefix_space": False, "bos_token": "</s>", "eos_token": "</s>",
        "errors": "replace", "pad_token": "<pad>", "tokenizer_class": "GPT2Tokenizer", "unk_token": "</s>"}


def phi():
    """Runs of spaces and tabs are tokens, which are no special ones."""
    vocabulary, merges = train(GPT2, 480)
    runs = [" " * length for length in range(9, 1, -1)] + ["\t" * length for length in range(4, 1, -1)]
    tokens = [added(len(vocabulary), "<|endoftext|>")] + [
        added(len(vocabulary) + 1 + i, run) | {"special": False, "normalized": True} for i, run in enumerate(runs)]
    document = tokenizer_json(
        vocabulary, [" ".join(merge) for merge in merges], tokens, None, byte_level(add_prefix_space=False),
        byte_level(trim_offsets=False), byte_level())
    return document, {
        "add_prefix_space": False, "bos_token": "<|endoftext|>", "clean_up_tokenization_spaces": True,
        "eos_token": "<|endoftext|>", "model_max_length": 2048, "tokenizer_class": "CodeGenTokenizer",
        "unk_token": "<|endoftext|>"}


def clip():
    """In lower case; a word's last character is spelt in its own way. As OWL-ViT has it, `!` pads texts."""
    names = ["<|startoftext|>", "<|endoftext|>"]
    _, merges = train_on([line.lower() for line in [*lines(), *QUERIES * 20]], CLIP, 440, end_of_word_suffix=WORD_END)
    characters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = [*characters, *(character + WORD_END for character in characters), *(a + b for a, b in merges), *names]
    document = tokenizer_json(
        {token: i for i, token in enumerate(dict.fromkeys(tokens))}, [" ".join(merge) for merge in merges],
        [added(len(tokens) - 2, names[0]) | {"normalized": True}, added(len(tokens) - 1, names[1])],
        {"type": "Sequence", "normalizers": [
            {"type": "NFC"}, {"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": " "}, {"type": "Lowercase"}]},
        {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": CLIP}, "behavior": "Removed", "invert": True},
            byte_level(add_prefix_space=False)]},
        {"type": "RobertaProcessing", "sep": [names[1], len(tokens) - 1], "cls": [names[0], len(tokens) - 2],
         "trim_offsets": False, "add_prefix_space": False},
        byte_level(), unk_token=names[1], continuing_subword_prefix="", end_of_word_suffix=WORD_END)
    return document, {
        "add_prefix_space": False, "bos_token": names[0], "do_lower_case": True, "eos_token": names[1],
        "errors": "replace", "model_max_length": 16, "name_or_path": "openai/clip-vit-base-patch32", "pad_token": "!",
        "processor_class": "OwlViTProcessor", "tokenizer_class": "CLIPTokenizer", "unk_token": names[1]}


def write(folder, document, config):
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "tokenizer.json", document)
    write_json(folder / "tokenizer_config.json", config)


def main():
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    for name, make in (("llama3", llama3), ("qwen2", qwen2), ("bloom", bloom), ("opt", opt), ("phi", phi), ("clip", clip)):
        write(root / f"{name}_tokenizer", *make())


if __name__ == "__main__":
    main()
