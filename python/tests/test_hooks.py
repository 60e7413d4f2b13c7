"""Hooks: what they see, and that the pass goes on with what they change."""
from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import DOMAINS, GOLDEN, LANGUAGES

import mmneuron

WIDE = GOLDEN / "images" / "wide.jpg"
PROMPT = "USER: <image>\nWhat is this? ASSISTANT:"


def log_probabilities(logits: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Of each of the last ids, given those before it."""
    rows = logits[-len(ids) - 1:-1].astype(np.float64)
    rows -= rows.max(1, keepdims=True)
    return rows[np.arange(len(ids)), ids] - np.log(np.exp(rows).sum(1))


@pytest.mark.parametrize("folder", (DOMAINS, LANGUAGES), ids=lambda folder: folder.name)
def test_changed_activations_give_pytorchs_likelihoods(folder: Path) -> None:
    """In place and by a returned array; the references are transformers' in float64."""
    references = json.loads((folder / "cases" / "references.json").read_text())
    values = {}
    for layer, neuron, value in references["neurons"]:
        values.setdefault(layer, {})[neuron] = value

    def off(array: np.ndarray, stage: mmneuron.Stage) -> None:
        array[:, list(values.get(stage.layer, {}))] = 0

    def steered(array: np.ndarray, stage: mmneuron.Stage) -> np.ndarray:
        changed = array.copy()
        for neuron, value in values.get(stage.layer, {}).items():
            changed[:, neuron] = value
        return changed

    model = mmneuron.Model(folder / "model")
    errors, torchs = [], []
    for answer in references["answers"][:12]:
        images = [folder / image for image in answer["images"]]
        space = "" if answer["prompt"][-1].isspace() else " "
        for way, hook in (("plain", None), ("off", off), ("steered", steered)):
            run = model.run(answer["prompt"] + space + answer["answer"], images,
                            keep="input_ids,language.logits",
                            hooks=hook and {"language.layers.{i}.mlp.act": hook})
            ids = run["input_ids"][-answer["tokens"]:]
            truth, float32 = np.array(answer[way]["float64"]), np.array(answer[way]["float32"])
            errors.extend(log_probabilities(run.logits, ids) - truth)
            torchs.extend(float32 - truth)
    assert np.abs(errors).max() <= 4 * np.abs(torchs).max()


def test_what_hooks_are_shown(demo: mmneuron.Model) -> None:
    seen = []

    def look(array: np.ndarray, stage: mmneuron.Stage) -> None:
        seen.append((stage, array.shape, array.dtype, array.flags.writeable))
    run = demo.run(PROMPT, WIDE, watch={"*": look}, keep="*", tokens=3)
    prompt = [stage.name for stage, *_ in seen if not stage.generating]
    assert [name for name in prompt if name in run] == list(run)
    assert not any(writeable for *_, writeable in seen)
    by_name = {stage.name: (stage, shape, kind) for stage, shape, kind, _ in seen
               if not stage.generating}
    stage, shape, kind = by_name["language.layers.2.mlp.act"]
    assert (stage.module, stage.layer, stage.first_position) == ("language", 2, 0)
    assert shape == run["language.layers.2.mlp.act"].shape and kind == np.float32
    assert by_name["input_ids"][2] == np.int32 and by_name["vision.out"][0].module is None
    later = [stage.first_position for stage, *_ in seen
             if stage.generating and stage.name == "language.norm"]
    assert later == list(range(run.positions, run.positions + len(later))) and len(later) >= 2


def test_order_and_effect(demo: mmneuron.Model) -> None:
    """Hooks of a stage in the order in which they were given; what is kept is what they left."""
    doubled = demo.run("A b", hooks=[("language.embeddings", lambda array, stage: array + 1),
                                     ("language.embeddings", lambda array, stage: array * 2)],
                       keep="language.embeddings")
    plain = demo.run("A b", keep="language.embeddings")
    np.testing.assert_array_equal(doubled["language.embeddings"],
                                  (plain["language.embeddings"] + 1) * 2)


def test_a_replaced_stage_is_all_that_follows_from(demo: mmneuron.Model) -> None:
    """With another prompt's states put into the last layer's output, its logits come out."""
    one, another = [1, 40, 41, 42], [1, 50, 51, 52]
    other = demo.run(another, keep=["language.layers.{i}.out", "language.logits"])
    last = f"language.layers.{demo.info.language_layers - 1}.out"
    patched = demo.run(one, hooks={last: lambda array, stage: other[last]})
    assert not np.array_equal(demo.run(one).logits, other.logits)
    np.testing.assert_array_equal(patched.logits, other.logits)


def test_mistakes(demo: mmneuron.Model) -> None:
    class Mine(Exception):
        pass

    def fails(array: np.ndarray, stage: mmneuron.Stage) -> None:
        raise Mine(stage.name)
    with pytest.raises(Mine, match=r"language\.layers\.1\.out"):
        demo.run("A", hooks={"language.layers.1.out": fails})
    with pytest.raises(Mine):
        demo.run("A", watch={"language.norm": fails}, tokens=1)
    with pytest.raises(ValueError, match="shape"):
        demo.run("A b", hooks={"language.norm": lambda array, stage: array[:1, :3]})
    with pytest.raises(ValueError, match="read-only"):
        demo.run("A", watch={"language.norm": lambda array, stage: array.fill(0)})
    with pytest.raises(mmneuron.Error) as caught:
        demo.run("A", hooks={"language.layer.*": fails})
    assert caught.value.status == mmneuron.Status.USAGE
    with pytest.raises(mmneuron.Error) as caught:
        demo.run("A", hooks={"language.layers.1.out": lambda array, stage: array * np.inf})
    assert caught.value.status == mmneuron.Status.NONFINITE
    assert caught.value.place == "language.layers.2.attn.out"


def test_a_hook_may_run_another_session(demo: mmneuron.Model) -> None:
    inner = demo.session(keep="language.logits")
    found = []

    def run(array: np.ndarray, stage: mmneuron.Stage) -> None:
        found.append(inner.run("C d").logits)
    demo.run("A b", watch={"language.norm": run})
    np.testing.assert_array_equal(found[0], demo.run("C d").logits)
