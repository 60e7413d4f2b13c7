"""Writes the corpora of what the program reads in folders and of what it writes itself: image,
image_settings, index, vocabulary, pattern, text, counts, state, rows, neurons, report, dump, verify,
encode, count and model. From golden/, tests/image/data and tests/page/data, with the program that MMNEURON names.

MMNEURON=build/quick/mmneuron python3 make_results_corpus.py
"""

import json
import os
import pathlib
import struct
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
GOLDEN = TOP / "golden"
CHECKPOINTS = GOLDEN / "checkpoints"
PROGRAM = os.path.abspath(os.environ["MMNEURON"])


def write(name, data):
    path = HERE / "corpus" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)


def run(*arguments, code=0):
    done = subprocess.run([PROGRAM, *map(str, arguments), "--quiet"], stdout=subprocess.PIPE)
    assert done.returncode == code, arguments
    return done.stdout


def small(path):
    """A JSON file without its white space."""
    return json.dumps(json.loads(path.read_text()), separators=(",", ":"))


# ---- What folders hold ----------------------------------------------------------------------------

PICTURES = {"jpeg": ["37x1.jpg", "exif_6.jpg", "grey_progressive.jpg"],
            "png": ["palette_4bit.png", "grey_alpha.png", "interlaced_3x2.png"]}
for kind, names in PICTURES.items():
    for name in names:
        write(f"image/good-{name}", (HERE / "corpus" / kind / f"good-{name}").read_bytes())
write("image/bad-nothing", b"")
write("image/unsupported-kind", b"\0\0\1\0\1\0\x10\x10" + bytes(40))

# For a vision tower of side 28, and the pinpoints that fuzz_image_settings.c has.
for letter, name in [("l", "llava-1.5"), ("c", "llava-v1.6-vicuna"), ("b", "instructblip"),
                     ("l", "llava-interleave-qwen")]:
    for place, file in [("-", "preprocessor_config.json"), ("p", "processor_config.json")]:
        if (CHECKPOINTS / name / file).exists():
            document = json.loads((CHECKPOINTS / name / file).read_text().replace("42", "28"))
            for settings in [document, document.get("image_processor", {})]:
                if "image_grid_pinpoints" in settings:
                    settings["image_grid_pinpoints"] = [[56, 28], [28, 56], [56, 56]]
            write(f"image_settings/found-{name}-{file.split('_')[0]}",
                  letter + place + json.dumps(document, separators=(",", ":")))
write("image_settings/found-nothing", "l-{}")
write("image_settings/found-pinpoints", 'c-{"do_rescale":false,"size":{"shortest_edge":28}}')
write("image_settings/bad-size", 'l-{"size":{"height":-1,"width":2}}')
write("image_settings/bad-mean", 'a-{"image_mean":[0.5,0.5]}')
write("image_settings/bad-resample", 'b-{"resample":"cubic"}')

index = json.loads((CHECKPOINTS / "llama-2" / "model.safetensors.index.json").read_text())
write("index/good-llama-2", json.dumps(index, separators=(",", ":")))
write("index/bad-map", json.dumps({"weight_map": ["model-00001-of-00002.safetensors"]}))
write("index/bad-path", json.dumps(
    {"weight_map": {name: "../x.safetensors" for name in index["weight_map"]}}))
write("index/bad-empty", json.dumps({"weight_map": {}}))
write("index/bad-shard", json.dumps({"weight_map": {"lm_head.weight": "model-00009-of-00002.safetensors"}}))
write("index/bad-tensor", json.dumps({"weight_map": {"no.such.weight": "model-00001-of-00002.safetensors"}}))
write("index/good-short", json.dumps({"weight_map": dict(list(index["weight_map"].items())[:3])}))

words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "what", "##s", "is", "image", "<", ">", "##a", "a", "?",
         "\u00e9", "\u4e2d"]
settings = {"do_lower_case": True, "strip_accents": None, "tokenize_chinese_chars": True,
            "added_tokens_decoder": {"1": {"content": "[UNK]", "special": True}}}
write("vocabulary/found-words", "\n".join(words) + "\n\0" + json.dumps(settings) + '\0{"[DEC]":15}')
write("vocabulary/found-windows", "\r\n".join(words) + "\r\n")
write("vocabulary/bad-nothing", "")
write("vocabulary/bad-twice", "[UNK]\na\na\n\0{}")

for name, expression, text in [
        ("gpt2", r"'s|'t|'re|'ve| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
         "It's 12 o'clock,  isn't it?\n"),
        ("llama-3", r"(?i:'s|'t)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|\s*[\r\n]+|\s+", "A1b22\r\n \u00e9"),
        ("bloom", " ?[^(\\s|[.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c])]+", "a, b. c!")]:
    write(f"pattern/good-{name}", expression + "\0" + text)
write("pattern/bad-parenthesis", "(a\0text")
write("pattern/good-reference", r"(a)\1" + "\0aa")

TEXTS = ["What is this? <image>\n1234 caf\u00e9 \u4e2d\u6587 \U0001f642 don't  </s> stop",
         "\t \u00a0\u3000x\u0301 \u1e9b\u0323 ABC-def_ghi 3.14 <|begin_of_text|>\r\n\r\n"]
for letter in "abcdef":
    for i, text in enumerate(TEXTS):
        write(f"text/found-{letter}{i}", letter + text)
write("text/bad-utf8", b"a\xff\xfe")

# ---- What the program writes ------------------------------------------------------------------------

# As fuzz_state.c has it.
LIST = ('{"domain":"de","text":"Jedes Neuron einer Schicht liest dieselben Zahlen."}\n'
        '{"domain":"en","text":"Every neuron of a layer reads the same numbers."}\n')
QUESTIONS = ('{"domain":"a","question":"What is a neuron?"}\n'
             '{"domain":"b","prompt":"Where","answers":["here"],"id":"7"}\n')

with tempfile.TemporaryDirectory() as folder:
    place = pathlib.Path(folder)
    texts, questions = place / "list.jsonl", place / "questions.jsonl"
    texts.write_text(LIST)
    questions.write_text(QUESTIONS)
    model = CHECKPOINTS / "llama-2"
    counts = place / "counts"
    run("count", model, texts, "-o", counts, "--window", 16, "--stop-after", 1, code=130)
    write("state/good-one-window", (place / "counts.state").read_bytes())
    run("count", model, texts, "-o", counts, "--window", 16)
    write("counts/good-texts", counts.read_bytes())
    run("count", model, questions, "-o", place / "asked")
    write("counts/good-questions", (place / "asked").read_bytes())
    # The first line says what run they are of, and is another with another version of the program.
    run("lens", model, questions, "--top", 2, "--examples", 1, "--rows", place / "rows.jsonl")
    rows = (place / "rows.jsonl").read_text().splitlines(keepends=True)[1:]
    write("rows/good-all", "".join(rows))
    write("rows/good-torn", "".join(rows)[:-300])
    write("rows/bad-order", "".join(reversed(rows)))
    run("rank", counts, "-o", place / "neurons.json", "--rate", 0.1, "--bar", 0.5)
    write("neurons/good-texts", (place / "neurons.json").read_text())
    write("report/good-texts-neurons", small(place / "neurons.json"))
    run("eval", model, texts, "--neurons", place / "neurons.json", "--window", 16, "--seeds", 2, "-o",
        place / "perplexity.json")
    write("report/good-perplexity", small(place / "perplexity.json"))
    write("report/good-counts", counts.read_bytes())
    run("dump", model, "--prompt", "What?", "--stages", "input_ids,language.logits,*.out", "-o",
        place / "dump", "--generate", 2)
    dump = (place / "dump").read_bytes()
    write("dump/good-llama-2", dump)
    run("dump", model, "--prompt", "What?", "--stages", "input_ids,language.norm,*.out", "-o",
        place / "other")
    other = (place / "other").read_bytes()
    write("verify/good-part", struct.pack("<I", len(other))[:3] + other + dump)
    write("verify/good-same", struct.pack("<I", len(other))[:3] + other + other)


# ---- Recordings ----------------------------------------------------------------------------------


def tensors(metadata, shapes):
    """Safetensors of made-up numbers (F32)."""
    header, data = {"__metadata__": metadata} if metadata else {}, b""
    for name, shape in shapes.items():
        count = shape[0] * shape[1]
        begin = len(data)
        data += struct.pack(f"<{count}f", *(i * i * 7919 % 101 / 50 for i in range(begin, begin + count)))
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [begin, len(data)]}
    text = json.dumps(header, separators=(",", ":")).encode()
    return struct.pack("<Q", len(text)) + text + data


def recordings(sites, responses, features):
    first = tensors({"sites": json.dumps(sites)} if sites else {}, responses)
    return struct.pack("<I", len(first))[:3] + first + tensors({}, features)


write("encode/good-one", recordings(["x", "y"], {"w": [2, 20]}, {"w/a": [20, 2]}))
write("encode/good-two", recordings(["x"], {"v": [10, 20], "w": [11, 23]}, {"v/a": [20, 1], "w/a": [23, 1], "w/b": [23, 30]}))
write("encode/bad-sites", recordings(None, {"w": [2, 20]}, {"w/a": [20, 2]}))
write("encode/bad-events", recordings(["x", "y"], {"w": [2, 20]}, {"w/a": [21, 2]}))
write("encode/bad-layer", recordings(["x", "y"], {"w": [2, 20]}, {"v/a": [20, 2]}))
write("encode/bad-nothing", bytes(3))

write("counts/bad-nothing", b"")
write("state/bad-nothing", b"")
write("rows/good-nothing", b"")
write("dump/bad-nothing", b"")
write("verify/bad-nothing", bytes(3))
write("neurons/bad-list", '{"domains":[]}')
for kind in ["contrib", "eval", "lens", "neurons", "perturb"]:
    write(f"report/good-{kind}", small(TOP / "tests" / "page" / "data" / f"{kind}.json"))
write("report/bad-kind", '{"format":"mmneuron nothing"}')

write("count/good-texts", LIST)
write("count/good-questions", QUESTIONS)
write("count/good-odd", ' \t' + json.dumps({"id": 7, "domain": "a", "question": "\x01\t\"x\"\\"}) + " \n")
write("count/bad-array", json.dumps({"domain": "a", "question": "x"}) + "\n[1]\n")
write("count/bad-key", '{"domain":"a","questions":"What?"}\n')
write("count/bad-file", '{"domain":"a","text_file":"none.txt"}\n')
write("count/good-long", json.dumps({"domain": "a", "question": "long " * 300}) + "\n")

FILES = ["config.json", "preprocessor_config.json", "generation_config.json",
         "tokenizer_config.json"]
for letter, source in [("a", CHECKPOINTS / "llama-2"), ("b", GOLDEN / "demo" / "model"),
                       ("c", CHECKPOINTS / "instructblip"),
                       ("d", CHECKPOINTS / "llava-interleave-qwen"), ("e", CHECKPOINTS / "bloom")]:
    files = [small(source / name) if (source / name).exists() else "" for name in FILES]
    write(f"model/found-{source.name}", letter + "\0".join(files))
write("model/bad-shape", "a" + json.dumps(
    json.loads((CHECKPOINTS / "llama-2" / "config.json").read_text()) | {"hidden_size": 65}))
