"""Runs: stages against PyTorch's in float64, answers against transformers' and the program's."""
from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import DOMAINS, GOLDEN, read_list, read_safetensors

import mmneuron

CASES = sorted(GOLDEN.glob("cases/*/*.safetensors")) + sorted(DOMAINS.glob("cases/*.safetensors"))
EXACT = ("input_ids", "qformer_input_ids", "pixel_values", "image_sizes")
WIDE = GOLDEN / "images" / "wide.jpg"
PROMPT = "USER: <image>\nWhat is this? ASSISTANT:"


def model_and_images(case: Path, metadata: dict[str, str]) -> tuple[Path, list[Path]]:
    trained = case.is_relative_to(DOMAINS)
    model = DOMAINS / "model" if trained else GOLDEN / "checkpoints" / metadata["checkpoint"]
    folder = DOMAINS if trained else GOLDEN
    return model, [folder / image for image in json.loads(metadata["images"])]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.stem}")
def test_stages_are_those_of_pytorch(case: Path) -> None:
    truth, metadata = read_safetensors(case)
    generated = truth.pop("generated_ids", np.zeros(0))  # a judge generates nothing
    folder, images = model_and_images(case, metadata)
    with mmneuron.Model(folder) as model:
        run = model.run(metadata["prompt"], images, keep="*", tokens=int(metadata.get("generate", 0)),
                        allow_long_prompts=True)
    assert set(truth) <= set(run)
    np.testing.assert_array_equal(run.ids, generated)
    for name, expected in truth.items():
        if name in EXACT:
            np.testing.assert_array_equal(run[name], expected)
            continue
        found = run[name].astype(np.float64)
        assert found.shape == expected.shape, name
        allowed, largest = (4 * float(number) for number in metadata[f"error.{name}"].split())
        scale = np.sqrt(np.mean(expected**2))
        assert np.sqrt(np.mean((found - expected)**2)) <= allowed * scale + 1e-30, name
        assert np.abs(found - expected).max() <= largest + 1e-30, name


def test_info_is_what_the_program_says(demo: mmneuron.Model, program) -> None:
    said = program("info", GOLDEN / "demo" / "model")
    info = demo.info
    assert (info.family, info.parameters, info.vocabulary) == (
        said["family"], said["weights"]["parameters"], said["language"]["vocabulary"])
    assert demo.digest() == program("info", GOLDEN / "demo" / "model", "--digest")["digest"]
    assert {module.name: module.stages for module in info.modules} == {
        name: module["stages"] for name, module in said["modules"].items()}
    config = json.loads((GOLDEN / "demo" / "model" / "config.json").read_text())
    assert info.language_layers == config["text_config"]["num_hidden_layers"]
    assert info.modules[-1].neurons == config["text_config"]["intermediate_size"]


def test_answers_are_those_of_transformers(domains: mmneuron.Model) -> None:
    """With one session, as the program asks; the list's first line says how many tokens."""
    first, *answers = read_list(DOMAINS / "answers.jsonl")
    with domains.session() as session:
        for answer in answers[:100:5]:
            run = session.run(answer["prompt"], [DOMAINS / image for image in answer["images"]],
                              tokens=first["tokens"])
            if min(answer["gaps"]) > 8 * first["largest_error"]:
                assert run.ids.tolist() == answer["ids"]
                assert run.answer.strip() == answer["answer"].strip()


def test_sampling_and_templates_are_the_programs(domains: mmneuron.Model, program) -> None:
    image = DOMAINS / read_list(DOMAINS / "test.jsonl")[0]["image"]
    for options, words in (({}, []),
                           ({"temperature": 1.5, "top_k": 40, "top_p": 0.9, "seed": 7},
                            ["--temperature", 1.5, "--top-k", 40, "--top-p", 0.9, "--seed", 7]),
                           ({"beams": 3, "length_penalty": 0.5},
                            ["--num-beams", 3, "--length-penalty", 0.5]),
                           ({"repetition_penalty": 1.5, "stop": "a"},
                            ["--repetition-penalty", 1.5, "--stop", "a"])):
        said = program("ask", DOMAINS / "model", "--image", image, "-n", 12, "What is on the left?",
                       *words)
        asked = domains.session().ask("What is on the left?", image, tokens=12, **options)
        assert asked.ids.tolist() == said["ids"]
        assert asked.prompt == said["prompt"] == domains.prompt("What is on the left?")
        assert domains.ask("What is on the left?", image, tokens=12, **options) == said["answer"]
        assert asked.is_image.sum() == said["image_positions"]


def test_an_answer_continues_the_logits(languages: mmneuron.Model) -> None:
    """Greedy: each token is the likeliest behind those before it."""
    run = languages.generate("The", tokens=6)
    everything = languages.run([*languages.encode("The"), *run.ids])
    begin = run.positions
    np.testing.assert_array_equal(everything.logits[begin - 1:-1].argmax(1), run.ids)


def test_prompts_of_all_kinds_are_the_same_run(demo: mmneuron.Model, tmp_path: Path) -> None:
    text = demo.run("What is this?")
    ids = demo.encode("What is this?")
    assert ids.dtype == np.int32 and demo.decode(ids) == "What is this?"
    np.testing.assert_array_equal(demo.run(ids).logits, text.logits)
    np.testing.assert_array_equal(demo.run(ids.tolist()).logits, text.logits)
    picture = demo.run(PROMPT, WIDE)
    demo.dump(tmp_path / "dump", PROMPT, [WIDE], stages="input_ids,pixel_values,image_sizes")
    np.testing.assert_array_equal(demo.run(tmp_path / "dump").logits, picture.logits)
    assert picture.positions == len(picture.logits) and picture.is_image.any()


def test_kept_stages_are_those_of_a_dump(demo: mmneuron.Model, tmp_path: Path, program) -> None:
    program("dump", GOLDEN / "demo" / "model", "--image", WIDE, "--prompt", PROMPT, "-o",
            tmp_path / "dump", text=True)
    dumped, _ = read_safetensors(tmp_path / "dump")
    run = demo.run(PROMPT, WIDE, keep="*")
    assert set(run) == set(dumped)
    for name, array in run.items():
        np.testing.assert_array_equal(array, dumped[name])
    some = demo.run(PROMPT, WIDE, keep=["language.layers.{i}.out", "language.layers.0.mlp.up"])
    assert len(some) == demo.info.language_layers + 1
    stacked = some.stack("language.layers.{i}.out")
    np.testing.assert_array_equal(stacked[2], dumped["language.layers.2.out"])
    assert stacked.shape[0] == demo.info.language_layers
    with pytest.raises(KeyError, match="was not kept"):
        some.logits


def test_a_session_takes_over_what_is_the_same(demo: mmneuron.Model) -> None:
    with demo.session() as session:
        first = session.run(PROMPT, WIDE)
        second = session.run(PROMPT, WIDE)
        assert not first.images_reused and second.images_reused
        assert second.positions_reused == first.positions - 1
    kept = demo.session(keep="language.logits")
    one = kept.run(PROMPT, WIDE)
    other = kept.run(PROMPT + " It", WIDE)
    assert other.positions != one.positions
    np.testing.assert_array_equal(one.logits, demo.run(PROMPT, WIDE).logits)  # not overwritten


def test_tables_of_kernels_and_threads_change_nothing() -> None:
    runs = []
    for threads, simd in ((1, None), (2, None), (1, "reference")):
        model = mmneuron.Model(GOLDEN / "demo" / "model", threads=threads, simd=simd)
        runs.append(model.run(PROMPT, WIDE).logits)
    for run in runs[1:]:
        np.testing.assert_array_equal(run, runs[0])


def test_what_is_used_keeps_what_it_needs(demo: mmneuron.Model) -> None:
    model = mmneuron.Model(GOLDEN / "demo" / "model")
    session = model.session()
    model.close()
    with pytest.raises(ValueError, match="closed"):
        model.run("x")
    session._model = demo  # the closed one makes no inputs any more
    session.close()
    with pytest.raises(ValueError, match="closed"):
        session.run("x")
