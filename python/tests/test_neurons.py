"""Counts against NumPy's over kept stages, the ranking's published digest, and what masks set."""
from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import DOMAINS, GOLDEN, LANGUAGES, read_list, read_safetensors

import mmneuron

PROMPT = "USER: <image>\nWhat is this? ASSISTANT:"
WIDE = GOLDEN / "images" / "wide.jpg"


def test_counts_are_numpys(demo: mmneuron.Model) -> None:
    counts = mmneuron.count(demo, GOLDEN / "demo" / "DATA.jsonl")
    expected, positions = {}, {}
    for sample in read_list(GOLDEN / "demo" / "DATA.jsonl"):
        run = demo.run(f"<image>\n{sample['question']}", GOLDEN / "demo" / sample["image"],
                       keep="*.act")
        for module in demo.info.modules:
            stages = [run[module.stages.replace("{i}", str(layer))]
                      for layer in range(module.layers)]
            values = np.stack([stage.reshape(-1, module.neurons) for stage in stages])
            key = module.name, sample["domain"]
            expected[key] = expected.get(key, 0) + (values > 0).sum(1)
            positions[key] = positions.get(key, 0) + values.shape[1]
    for (module, domain), active in expected.items():
        np.testing.assert_array_equal(counts.active(module, domain), active)
        assert counts.positions(module, domain) == positions[module, domain]
        at = list(counts.domains).index(domain)
        np.testing.assert_array_equal(counts.probabilities(module)[at],
                                      active / positions[module, domain])
    assert counts.samples == sum(counts.domains.values()) == counts.summary["samples"] == 25


def test_arrays_are_the_files_and_outlive_the_counts(counts: mmneuron.Counts, domains) -> None:
    tensors, metadata = read_safetensors(counts.file)
    again = mmneuron.Counts(counts.file)
    arrays = {(module, domain): (again.active(module, domain), again.sums(module, domain))
              for module in again.modules for domain in again.domains}
    assert again.model == domains.digest() == metadata["model"]
    assert again.settings == json.loads(metadata["settings"])
    del again
    for (module, domain), (active, sums) in arrays.items():
        np.testing.assert_array_equal(active, tensors[f"{domain}/{module}.count"])
        np.testing.assert_array_equal(sums, tensors[f"{domain}/{module}.sum"])
        assert not active.flags.writeable and not active.flags.owndata
    with pytest.raises(KeyError):
        counts.active("language", "nowhere")


def test_ranking_has_the_published_digest(counts: mmneuron.Counts, neurons: mmneuron.Neurons,
                                          program, tmp_path: Path) -> None:
    published = dict(reversed(line.split()) for line in
                     (DOMAINS / "digests").read_text().splitlines())
    assert neurons.digest == published["neurons"]
    program("rank", counts.file, "--rate", neurons.rate, "-o", tmp_path / "neurons.json", text=True)
    assert neurons.result.json() == json.loads(neurons.file.read_text())
    assert (tmp_path / "neurons.json").read_text() == neurons.file.read_text()
    read = mmneuron.Neurons(tmp_path / "neurons.json")
    assert (read.digest, read.domains, read.model) == (neurons.digest, neurons.domains,
                                                       counts.model)
    assert read.result.json() == neurons.result.json()


def records(table: object) -> list[dict]:
    return table if isinstance(table, list) else table.to_dict("records")


def test_the_table_of_neurons(counts: mmneuron.Counts, neurons: mmneuron.Neurons) -> None:
    """Entropies and probabilities are NumPy's of the counts; the lists are those of the file."""
    listed = json.loads(neurons.file.read_text())["modules"]
    for domain in neurons.domains:
        table = records(neurons.table(domain, "language"))
        pairs = [[row["layer"], row["neuron"]] for row in table]
        assert pairs == sorted(listed["language"]["domains"][domain])
        for row in table:
            p = counts.probabilities("language")[:, row["layer"], row["neuron"]]
            assert [row[f"p.{name}"] for name in counts.domains] == p.tolist()
            q = p[p > 0] / p.sum()
            assert row["entropy"] == pytest.approx(-(q * np.log(q)).sum(), abs=1e-12)
    assert len(records(neurons.table())) == len(neurons.result.records("ranking"))


def test_other_selections(counts: mmneuron.Counts, domains: mmneuron.Model) -> None:
    """The highest probability is NumPy's; the same model has not changed; sums are there if asked."""
    p = counts.probabilities("language").max(0)
    rows = mmneuron.rank(counts, by="probability").result.records("ranking")
    rows = [row for row in rows if row["module"] == "language"] if "module" in rows[0] else rows
    assert any(row["score"] == p.max() for row in rows)
    drawn = [mmneuron.rank(counts, by="random", seed=seed).digest for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    same = mmneuron.rank(counts, by="parameter-change", model=domains, second=domains)
    assert {row["score"] for row in same.result.records("ranking")} == {0}
    assert counts.magnitudes("language", next(iter(counts.domains))) is None
    with pytest.raises(mmneuron.Error, match="magnitudes"):
        mmneuron.rank(counts, by="value-entropy")


def test_masks(domains: mmneuron.Model, neurons: mmneuron.Neurons) -> None:
    sample = read_list(DOMAINS / "test.jsonl")[0]
    prompt, image = sample["prompt"], DOMAINS / sample["image"]
    domain = max(neurons.domains, key=lambda name: len(neurons.table(name, "language")))
    mask = mmneuron.Mask(domains, neurons, domain, "language")
    rows = records(neurons.table(domain, "language"))
    assert mask.count("language") == len(rows) and mask.count("vision") == 0

    def off(array: np.ndarray, stage: mmneuron.Stage) -> None:
        array[:, [row["neuron"] for row in rows if row["layer"] == stage.layer]] = 0
    masked = domains.run(prompt, image, mask=mask, tokens=4)
    by_hand = domains.run(prompt, image, hooks={"language.layers.{i}.mlp.act": off}, tokens=4)
    np.testing.assert_array_equal(masked.logits, by_hand.logits)
    np.testing.assert_array_equal(masked.ids, by_hand.ids)
    assert not np.array_equal(masked.logits, domains.run(prompt, image).logits)

    random = mask.random(1)
    assert [random.count("language", layer) for layer in range(domains.info.language_layers)] == [
        sum(row["layer"] == layer for row in rows) for layer in range(domains.info.language_layers)]
    run = domains.run(prompt, image, mask=random, keep="language.layers.{i}.mlp.act")
    plain = domains.run(prompt, image, keep="language.layers.{i}.mlp.act")
    zero = run.stack("language.layers.{i}.mlp.act") == 0
    own = np.zeros_like(zero[:, 0])
    for row in rows:
        own[row["layer"], row["neuron"]] = True
    chosen = zero.all(1) & ~(plain.stack("language.layers.{i}.mlp.act") == 0).all(1)
    assert 0 < chosen.sum() <= len(rows) and not (chosen & own).any()


def test_steering(languages: mmneuron.Model, tmp_path: Path) -> None:
    counts = mmneuron.count(languages, LANGUAGES / "count.jsonl", window=64, samples=4,
                            modules="language")
    neurons = mmneuron.rank(counts, rate=0.05)
    mask = mmneuron.Mask.steer(languages, neurons, off="fr", on="de", counts=counts)
    on = {(row["layer"], row["neuron"]) for row in records(neurons.table("de"))}
    off = {(row["layer"], row["neuron"]) for row in records(neurons.table("fr"))} - on
    mean = counts.mean("language", "de")

    def steer(array: np.ndarray, stage: mmneuron.Stage) -> None:
        for layer, neuron in on:
            if layer == stage.layer:
                array[:, neuron] = np.float32(mean[layer, neuron])
        array[:, [neuron for layer, neuron in off if layer == stage.layer]] = 0
    np.testing.assert_array_equal(
        languages.run("Le chat", mask=mask).logits,
        languages.run("Le chat", hooks={"language.layers.{i}.mlp.act": steer}).logits)


def test_shards_merge_and_runs_go_on(domains: mmneuron.Model, short_list: Path,
                                     tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    mmneuron.count(domains, short_list, whole)
    shards = [tmp_path / f"shard{number}" for number in (1, 2, 3)]
    for number, shard in enumerate(shards, 1):
        mmneuron.count(domains, short_list, shard, shard=(number, 3))
    mmneuron.merge(shards, tmp_path / "merged")
    assert (tmp_path / "merged").read_bytes() == whole.read_bytes()
    with pytest.raises(mmneuron.Error) as stopped:
        mmneuron.count(domains, short_list, tmp_path / "resumed", stop_after=4)
    assert stopped.value.status == mmneuron.Status.INTERRUPTED
    assert mmneuron.count(domains, short_list, tmp_path / "resumed").summary["resumed"] == 4
    assert (tmp_path / "resumed").read_bytes() == whole.read_bytes()


def test_skipped_samples_are_told(domains: mmneuron.Model, short_list: Path,
                                  tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text(short_list.read_text() +
                   '{"domain": "medical", "image": "nowhere.jpg", "question": "What?"}\n')
    told = []
    counts = mmneuron.count(domains, bad, skip_bad=True, skipped=told.append)
    assert counts.skipped == 1 and len(told) == 1
    assert told[0].file.endswith("nowhere.jpg") or "nowhere.jpg" in str(told[0])
    with pytest.raises(mmneuron.Error):
        mmneuron.count(domains, bad)


def test_a_plan(domains: mmneuron.Model, short_list: Path, program) -> None:
    plan = mmneuron.count_plan(domains, short_list)
    said = program("count", DOMAINS / "model", short_list, "--plan")
    assert plan.json().keys() == said.keys()
    for own, program_s in zip(plan.records("domains"), said["domains"]):
        assert {**own, "hours": 0} == {**program_s, "hours": 0}
