"""Writes the corpus of safetensors, config, list, chat_template and generation: small files, one for each feature or fault."""

import json
import pathlib
import struct

corpus = pathlib.Path(__file__).parent / "corpus"


def write(name, data):
    (corpus / name).parent.mkdir(parents=True, exist_ok=True)
    (corpus / name).write_bytes(data.encode() if isinstance(data, str) else data)


def safetensors(header, data=b""):
    text = header if isinstance(header, str) else json.dumps(header)
    return struct.pack("<Q", len(text)) + text.encode() + data


def tensor(dtype, shape, begin, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


write("safetensors/good-empty", safetensors({}))
write("safetensors/good-two", safetensors(
    {"__metadata__": {"k": "v"}, "a": tensor("F32", [2, 1], 0, 8), "b": tensor("BF16", [3], 8, 14)},
    bytes(range(14))))
write("safetensors/good-misaligned", safetensors(
    {"a": tensor("U8", [1], 0, 1), "b": tensor("I64", [1], 1, 9), "c": tensor("F16", [0, 4], 9, 9)},
    bytes(9)))
write("safetensors/bad-overlap", safetensors(
    {"a": tensor("U8", [4], 0, 4), "b": tensor("U8", [4], 2, 6)}, bytes(6)))
write("safetensors/bad-hole", safetensors(
    {"a": tensor("U8", [4], 0, 4), "b": tensor("U8", [4], 6, 10)}, bytes(10)))
write("safetensors/bad-overflow", safetensors({"a": tensor("F64", [2**61, 8], 0, 0)}))
write("safetensors/bad-length", struct.pack("<Q", 2**63) + b"{}")
write("safetensors/bad-duplicate", safetensors(
    '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},'
    '"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', b"x"))
header = tensor("U8", [1], 0, 1)
for name, entry in {
    "no-object": 1, "no-type": {}, "number-type": header | {"dtype": 1}, "no-shape": {"dtype": "U8"},
    "text-shape": header | {"shape": "1"}, "long-shape": header | {"shape": [1] * 9},
    "negative-shape": header | {"shape": [-1]}, "no-offsets": {"dtype": "U8", "shape": [1]},
    "one-offset": header | {"data_offsets": [0]}, "far-offset": header | {"data_offsets": [0, 9]},
    "wrong-size": header | {"shape": [2]},
}.items():
    write(f"safetensors/bad-{name}", safetensors({"a": entry}, b"x"))
write("safetensors/bad-rest", safetensors({"a": header}, b"xy"))
write("safetensors/bad-metadata", safetensors({"__metadata__": 1}))
write("safetensors/bad-metadata-value", safetensors({"__metadata__": {"a": 1}}))
write("safetensors/good-aliases", safetensors({"__metadata__": {"b": "a", "c": "a", "d": "e"}, "a": header}, b"x"))
write("safetensors/good-white", struct.pack("<Q", 4) + b" \n{}")
write("safetensors/bad-white", struct.pack("<Q", 4) + b" \n[]")
write("safetensors/bad-short", struct.pack("<Q", 9) + b"{}")
write("safetensors/bad-pointer", b"version https://git-lfs.github.com/spec/v1\n")
write("safetensors/unsupported-type", safetensors({"a": tensor("F4", [2], 0, 1)}, b"x"))

llava = {
    "model_type": "llava", "image_token_index": 9, "vision_feature_layer": [-2, 1],
    "vision_feature_select_strategy": "full", "projector_hidden_act": "gelu",
    "vision_config": {"model_type": "clip_vision_model", "hidden_size": 32, "image_size": 28,
                      "intermediate_size": 64, "num_attention_heads": 4, "num_hidden_layers": 3,
                      "patch_size": 14},
    "text_config": {"model_type": "llama", "hidden_size": 64, "vocab_size": 300,
                    "num_attention_heads": 4, "rope_parameters": {"rope_theta": 1e4}}}
following = {
    "model_type": "llava_next", "image_token_id": 9, "image_grid_pinpoints": [[336, 672]],
    "text_config": {"model_type": "mistral", "hidden_size": 64, "vocab_size": 300, "head_dim": 16,
                    "num_attention_heads": 4, "num_key_value_heads": 2, "sliding_window": None,
                    "rope_theta": 1e6}}
write("config/good-llava", json.dumps(llava))
write("config/good-llava-next", json.dumps(following, indent=1))
write("config/good-siglip", json.dumps(llava | {
    "vision_feature_layer": -1,
    "vision_config": llava["vision_config"] | {"model_type": "siglip_vision_model", "image_size": 38,
                                               "vision_use_head": False}}))
blip = {
    "model_type": "instructblip", "image_token_index": 9, "num_query_tokens": 5,
    "vision_config": {"hidden_size": 32, "image_size": 28, "intermediate_size": 64, "num_attention_heads": 4,
                      "num_hidden_layers": 3, "patch_size": 14, "model_type": "instructblip_vision_model"},
    "qformer_config": {"hidden_size": 24, "num_attention_heads": 3, "num_hidden_layers": 4, "vocab_size": 99,
                       "cross_attention_frequency": 2, "layer_norm_eps": 1e-12, "hidden_act": "gelu"},
    "text_config": llava["text_config"]}
write("config/good-instructblip", json.dumps(blip))
write("config/bad-instructblip-token", json.dumps(blip | {"image_token_index": None}))
write("config/bad-siglip-strategy", json.dumps(llava | {
    "vision_feature_select_strategy": "default",
    "vision_config": {"model_type": "siglip_vision_model"}}))
write("config/good-generation", json.dumps(following) + "\0" +
      json.dumps({"eos_token_id": [2, 7], "pad_token_id": 0}))
llama = {"model_type": "llama", "hidden_size": 64, "vocab_size": 99, "num_attention_heads": 4}
write("config/good-llama-3", json.dumps(llama | {
    "head_dim": 16, "num_key_value_heads": 2, "eos_token_id": [7, 8], "rope_theta": 5e5,
    "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
                     "high_freq_factor": 4.0, "original_max_position_embeddings": 64}}))
write("config/good-judge", json.dumps({
    "model_type": "deberta-v2", "hidden_size": 36, "num_attention_heads": 3, "num_hidden_layers": 2, "intermediate_size": 76,
    "vocab_size": 576, "relative_attention": True, "position_buckets": 256, "norm_rel_ebd": "layer_norm", "share_att_key": True,
    "pos_att_type": "p2c|c2p", "position_biased_input": False, "id2label": {"0": "LABEL_0"}}))
write("config/good-owlvit", json.dumps({
    "model_type": "owlvit", "projection_dim": 32,
    "text_config": {"model_type": "owlvit_text_model", "hidden_size": 32, "num_attention_heads": 4, "vocab_size": 99},
    "vision_config": {"model_type": "owlvit_vision_model", "hidden_size": 36, "num_attention_heads": 3, "image_size": 80,
                      "patch_size": 16}}))
write("config/bad-owlvit", json.dumps({"model_type": "owlvit", "projection_dim": 256}))
write("config/good-bloom", json.dumps({
    "model_type": "bloom", "n_embed": 36, "n_layer": 2, "num_attention_heads": 6, "vocab_size": 99,
    "apply_residual_connection_post_layernorm": False, "layer_norm_epsilon": 1e-5}))
write("config/good-opt", json.dumps({
    "model_type": "opt", "hidden_size": 36, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 99,
    "ffn_dim": 68, "max_position_embeddings": 128, "word_embed_proj_dim": 36}))
write("config/good-phi", json.dumps({
    "model_type": "phi", "hidden_size": 40, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 99,
    "intermediate_size": 68, "partial_rotary_factor": 0.4}))
write("config/bad-opt", json.dumps({"model_type": "opt", "do_layer_norm_before": False}))
write("config/bad-phi", json.dumps({"model_type": "phi", "partial_rotary_factor": 0.01}))
write("config/good-qwen2", json.dumps(llama | {
    "model_type": "qwen2", "num_hidden_layers": 2, "num_key_value_heads": 4,
    "tie_word_embeddings": True, "use_sliding_window": True, "sliding_window": 4,
    "max_window_layers": 1, "layer_types": ["full_attention", "sliding_attention"]}))
write("config/bad-llama-3", json.dumps(llama | {
    "rope_scaling": {"rope_type": "llama3", "factor": 8.0}}))
write("config/bad-bloom", json.dumps({"model_type": "bloom", "n_embed": 36, "n_head": 0}))
write("config/bad-heads", json.dumps(
    llava | {"text_config": {"hidden_size": 65, "vocab_size": 99}}))
write("config/bad-nesting", "[" * 3000)
write("config/bad-number", json.dumps(llava).replace("300", "1e999"))
write("config/unsupported-model", json.dumps({"model_type": "qwen2_vl"}))
write("config/good-yarn", json.dumps(
    llava | {"text_config": {"vocab_size": 99, "rope_scaling": {"type": "yarn", "factor": 2.0}}}))
write("config/unsupported-rope", json.dumps(
    llava | {"text_config": {"vocab_size": 99, "rope_scaling": {"type": "spiral", "factor": 2.0}}}))

line = json.dumps({"id": "1", "domain": "medical", "image": ["a.jpg", "b.png"], "question": "é?",
                   "answers": ["yes", "no"], "choices": ["A", "B"], "metric": "choice"})
write("list/good-one", line + "\n")
write("list/good-windows", "\ufeff" + line + "\r\n\r\n" + '{"domain":"a b","prompt":"x","id":7}')
write("list/good-texts", '{"domain":"de","text":"x"}\n{"domain":"en","text_file":"en.txt"}\n')
edit = {"domain": "a", "image": "a.jpg", "question": "x", "from": "cat", "to": "dog", "general": [{"image": ["b.jpg"]}],
        "local": [{}, {"prompt": "y", "image": []}]}
write("list/good-edit", json.dumps(edit) + "\n")
write("list/bad-edit", json.dumps(edit | {"local": [{"img": "c.jpg"}]}) + "\n")
shown = {"domain": "a", "image": "a.jpg", "question": "x", "objects": ["dog", "cat"], "property": "y"}
write("list/good-objects", json.dumps(shown) + "\n")
write("list/bad-objects", json.dumps(shown | {"objects": ["dog", "cat", "dog"]}) + "\n")
write("list/bad-mixed", '{"domain":"de","text":"x"}\n' + line + "\n")
write("list/good-empty", "\n\n")
write("list/bad-near-key", '{"domain":"a","question":"x","img_pat":"y.png"}\n')
write("list/bad-zero", '{"domain":"a","question":"x\\u0000"}\n')
write("list/good-huge-id", '{"id":123456789012345678901234567890,"domain":"a","question":"x"}\n')
write("list/bad-middle", line + "\n{\"domain\":\n" + line + "\n")
for name, value in {
    "images": {"image": 1}, "empty-image": {"image": ["a.jpg", ""]}, "many-images": {"image": ["a.jpg"] * 100},
    "answers": {"answers": [1]}, "metric": {"metric": "bleu"}, "text-and-question": {"text": "x"},
    "no-question": {"question": None}, "id": {"id": [1]}, "choices": {"choices": "A"}, "key": {"img": "a.jpg"},
}.items():
    write(f"list/bad-{name}", json.dumps({"domain": "a", "question": "x"} | value) + "\n")
for name, value in {"both-texts": {"text": "x", "text_file": "y"}, "empty-text": {"text": ""},
                    "empty-file": {"text_file": ""}, "null-text": {"text": None}}.items():
    write(f"list/bad-{name}", json.dumps({"domain": "a"} | value) + "\n")
write("list/bad-array", "[1]\n")
write("list/bad-texts-after", '{"domain":"de","question":"x"}\n{"domain":"en","text":"y"}\n')
write("list/good-odd", '{"id":7,"domain":"a","image":["a.jpg"],"question":"\\u0001\\t\\"x\\\\"}\r\n')
write("list/bad-domain", '{"domain":"../x","question":"y"}\n')
write("list/bad-utf8", line.encode() + b'\n{"domain":"\xff\xfe","question":"y"}\n')

# Chat templates are those that golden/make_prompts.py has rendered.
prompts = json.loads((corpus.parent.parent / "text/data/prompts.json").read_text(encoding="utf-8"))["cases"]
templates = {case["name"]: case["template"] for case in prompts}
for name, template in (("good-headers", "llama-3-instruct"), ("good-mistral", "mistral v0.3"),
                       ("good-expressions", "escapes"), ("good-namespace", "vicuna"), ("good-lines", "zephyr"),
                       ("bad-lists", "a count")):
    write(f"chat_template/{name}", templates[template])
for number, template in enumerate(sorted({case["template"] for case in prompts})):
    if template not in templates.values() or len(template) < 1500:
        write(f"chat_template/found-rendered-{number:02}", template)
# What can be done with values, each where nothing else follows that may be refused.
for name, template in {
    "texts": "{{ ' a b '.strip() ~ 'x '.rstrip() + ' y'.lstrip() }}{{ 'Ab'.upper() + 'Ab'.lower() | capitalize }}"
             "{{ 'a bc'.title() }}{{ 'abc'.startswith('a') and not 'abc'.endswith('b') }}{{ '\\n\\t\\\\' ' and' }}",
    "numbers": "{{ 1 + 2 - 3 * 4 }}{{ 7 % 2 }}{{ 1 < 2 and 2 >= 2 and 3 != 4 or 1 <= 0 }}{{ none }}{{ true }}{{ false }}",
    "lists": "{% set l = [1, 2] + ['a', none] %}{{ l | length }}{{ l | first }}{{ l | last }}{{ l[1:] | count }}"
             "{{ l[:-1] | length }}{{ ['a', 'b'] | join('-') }}{{ 2 in l }}{{ 'x' not in 'xyz' }}{{ l[-2] }}",
    "mappings": "{% set m = {'a': 1, 'b': 'c'} %}{{ m['a'] }}{{ m.b }}{{ m.get('a') }}{{ m.get('z', 'none') }}{{ 'a' in m }}",
    "tests": "{{ x is defined }}{{ x is undefined }}{{ none is none }}{{ 'a' is string }}{{ {} is mapping }}"
             "{{ true is true }}{{ false is false }}{{ true is boolean }}{{ [] is iterable }}{{ [] is sequence }}"
             "{{ 'a' if x is not defined else 'b' }}",
    "filters": "{{ x | default('d') }}{{ ' t ' | trim }}{{ 'a' | string }}{{ messages | list | length }}"
               "{{ messages | selectattr('role', 'equalto', 'user') | list | length }}"
               "{{ messages | rejectattr('role', 'equalto', 'user') | list | length }}",
    "lengths": "{{ messages[0] | length }}{{ 'äb' | length }}{{ x | length }}{{ 'yes' if [] else 'no' }}{{ 'yes' if {} else 'no' }}",
    "kinds": "{{ messages[0] is mapping }}{{ (1 == 1) is true }}{{ (1 == 2) is false }}{{ (1 == 1) is boolean }}"
             "{{ messages is iterable }}{{ 'a' is sequence }}{{ messages[0]['content'][0]['type'] is undefined }}",
    "refused-sum": "{{ 9999999 + 1 }}", "refused-in": "{{ 'a' in 1 }}", "refused-order": "{{ 'a' < 'b' }}",
    "refused-item": "{{ 1['a'] }}", "refused-attribute": "{{ 1.a.b }}", "refused-undefined": "{{ x.y }}",
    "refused-slice": "{{ 'abc'[1:] }}", "refused-case": "{{ 'Ä'.lower() }}", "refused-call": "{{ 'a'.zfill(3) }}",
    "refused-length": "{{ 1 | length }}", "refused-test": "{{ 1 is divisibleby(2) }}", "refused-filter": "{{ 1 | tojson }}",
    "loops": "{% for m in messages if m.role == 'user' %}{{ loop.index }}{{ loop.index0 }}{{ loop.first }}{{ loop.last }}"
             "{% elif false %}{% else %}none{% endfor %}{% set ns = namespace(n=0) %}{% set ns.n = ns.n + 1 %}{{ ns.n }}",
}.items():
    write(f"chat_template/found-{name}", template)
write("chat_template/bad-date", '{{ strftime_now("%d") }}')
write("chat_template/bad-open", "{% for m in messages %}{{ m }")

write("generation/good-all", json.dumps({
    "repetition_penalty": 1.2, "no_repeat_ngram_size": 2, "min_length": 3, "bad_words_ids": [[5], [6, 5]],
    "suppress_tokens": [9, -1], "begin_suppress_tokens": [3], "forced_bos_token_id": 4, "forced_eos_token_id": [2, 7],
    "remove_invalid_values": True, "num_beams": 4, "length_penalty": 0.5, "early_stopping": "never",
    "stop_strings": ["a", "bc"], "do_sample": True, "top_k": 5}) + "\n")
write("generation/good-refused", '{"guidance_scale": 1.5, "min_new_tokens": 2, "sequence_bias": [[[5], -1.0]]}\n')
write("generation/bad-penalty", '{"repetition_penalty": -1}\n')
write("generation/bad-words", '{"bad_words_ids": [[5], 6]}\n')
write("generation/bad-text", '{"stop_strings": [""]}\n')
