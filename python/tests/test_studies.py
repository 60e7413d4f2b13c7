"""Studies: their JSON is the program's, and their numbers NumPy's of what runs keep."""
from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from conftest import DOMAINS, GOLDEN, LANGUAGES, REPOSITORY, read_list, write_list

import mmneuron


def records(table: object) -> list[dict]:
    return table if isinstance(table, list) else table.to_dict("records")


@pytest.fixture(scope="module")
def evaluated(domains, short_list, neurons) -> mmneuron.Result:
    return mmneuron.eval(domains, short_list, neurons, settings=["language", "all"], cross="all",
                         seeds=2)


def test_eval(evaluated, domains, short_list, neurons, program, tmp_path: Path) -> None:
    program("eval", DOMAINS / "model", short_list, "--neurons", neurons.file, "--settings",
            "language,all", "--cross", "all", "--seeds", 2, "-o", tmp_path / "eval.json")
    said = json.loads((tmp_path / "eval.json").read_text())
    assert evaluated.json() == said
    runs, predictions = evaluated.records("runs"), evaluated.records("predictions")
    assert [run["accuracy"] for run in runs] == [run["accuracy"] for run in said["runs"]]
    assert len(predictions) == sum(len(run["predictions"]) for run in said["runs"])
    for number, run in enumerate(said["runs"]):
        own = [{name: row[name] for name in run["predictions"][0]} for row in predictions
               if row["runs"] == number]
        assert own == run["predictions"]
    plain = {row["id"]: row["answer"] for row in predictions
             if runs[row["runs"]]["off"] == "nothing"}
    for sample in read_list(short_list):
        assert domains.generate(sample["prompt"], sample["image"], tokens=16).answer.strip() == (
            plain[sample["id"]].strip())


def test_tables_keep_their_types(evaluated) -> None:
    assert list(evaluated)[0] == "result" and len(evaluated) == len(list(evaluated))
    result = evaluated.records("result")[0]
    assert result["answers"] is True and result["seeds"] == 2 and type(result["seeds"]) is int
    runs = evaluated.records("runs")
    assert {type(run["accuracy"]) for run in runs} == {float}
    assert {run["seed"] for run in runs} == {None, 1, 2}
    assert evaluated.columns("predictions")[:2] == ["runs", "id"]
    with pytest.raises(KeyError):
        evaluated["nothing"]
    assert "runs (" in repr(evaluated) and "language" in str(evaluated)


def test_tables_are_dataframes_where_there_is_pandas(evaluated) -> None:
    pandas = pytest.importorskip("pandas")
    runs = evaluated["runs"]
    assert isinstance(runs, pandas.DataFrame) and list(runs.columns) == evaluated.columns("runs")
    joined = evaluated["predictions"].join(runs[["setting", "off"]], on="runs")
    assert len(joined) == len(evaluated.records("predictions")) and joined["off"].notna().all()


def test_without_pandas(evaluated, monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    assert evaluated["summary"] == evaluated.records("summary")


def test_results_are_read_and_written(evaluated, tmp_path: Path) -> None:
    evaluated.write(tmp_path / "eval.json")
    assert mmneuron.Result.read(tmp_path / "eval.json").json() == evaluated.json()


def test_rows_shards_and_parts(evaluated, domains, short_list, neurons, tmp_path: Path) -> None:
    asked = {"settings": ["language", "all"], "cross": "all", "seeds": 2}
    rows = [tmp_path / f"rows{number}.jsonl" for number in (1, 2)]
    for number, file in enumerate(rows, 1):
        assert mmneuron.eval(domains, short_list, neurons, rows=file, shard=(number, 2),
                             **asked) is None
    merged = mmneuron.eval(domains, short_list, neurons, parts=rows, **asked)
    assert merged.json() == evaluated.json()
    plan = mmneuron.eval(domains, short_list, neurons, plan=True, **asked).json()
    assert plan["format"] == "mmneuron-plan-1"


def test_likelihoods_are_those_of_the_logits(domains, short_list) -> None:
    result = mmneuron.eval(domains, short_list, measures="likelihood")
    samples = {sample["id"]: sample for sample in read_list(short_list)}
    for row in result.records("predictions")[::3]:
        sample = samples[row["id"]]
        run = domains.run(f"{sample['prompt']} {row['reference']}", sample["image"],
                          keep="input_ids,language.logits")
        ids = run["input_ids"][-row["reference_tokens"]:]
        logits = run.logits[-len(ids) - 1:-1].astype(np.float64)
        p = np.exp(logits - logits.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        expected = np.log(p[np.arange(len(ids)), ids]).sum()
        assert row["log_probability"] == pytest.approx(expected, abs=1e-5)


def test_perplexity(languages, program, tmp_path: Path) -> None:
    result = mmneuron.perplexity(languages, LANGUAGES / "test.jsonl", window=64, samples=2)
    program("eval", LANGUAGES / "model", LANGUAGES / "test.jsonl", "--window", 64, "--samples", 2,
            "-o", tmp_path / "eval.json")
    assert result.json() == json.loads((tmp_path / "eval.json").read_text())
    sample = read_list(LANGUAGES / "test.jsonl")[0]
    ids = languages.encode((LANGUAGES / sample["text_file"]).read_text(encoding="utf-8"),
                           add_special_tokens=False)
    nats = []
    for window in (ids[:64], ids[64:128]):
        logits = languages.run(window).logits[:-1].astype(np.float64)
        logits -= logits.max(1, keepdims=True)
        nats.extend(np.log(np.exp(logits).sum(1)) - logits[np.arange(63), window[1:]])
    run = next(run for run in result.records("runs")
               if run["domain"] == sample["domain"] and run["off"] == "nothing")
    assert run["nats"] == pytest.approx(np.mean(nats), abs=1e-6) and run["tokens"] == 126


def test_perturb(domains, short_list, neurons, program, tmp_path: Path) -> None:
    asked = {"settings": "language", "seeds": 1, "samples": 2}
    result = mmneuron.perturb(domains, short_list, neurons, **asked)
    program("perturb", DOMAINS / "model", short_list, "--neurons", neurons.file, "--settings",
            "language", "--seeds", 1, "--samples", 2, "-o", tmp_path / "perturb.json")
    assert result.json() == json.loads((tmp_path / "perturb.json").read_text())
    curve = next(curve for curve in result.json()["curves"]
                 if curve["off"] == "domain" and curve["neurons"] > 0)
    mask = mmneuron.Mask(domains, neurons, curve["neurons_of"], "language")
    moved = []
    samples = [sample for sample in read_list(short_list) if sample["domain"] == curve["domain"]]
    for sample in samples[:2]:
        keep = {"keep": "language.layers.{i}.out"}
        plain, off = (domains.run(sample["prompt"], sample["image"], mask=used, **keep)
                      .stack("language.layers.{i}.out").astype(np.float64) for used in (None, mask))
        moved.append(np.linalg.norm(off - plain, axis=2) / np.linalg.norm(plain, axis=2))
    np.testing.assert_allclose(curve["relative"], np.concatenate(moved, axis=1).mean(1), rtol=1e-5,
                               atol=1e-9)


def test_sweep(languages, program, tmp_path: Path) -> None:
    listed, counts = LANGUAGES / "test.jsonl", tmp_path / "counts.safetensors"
    mmneuron.count(languages, LANGUAGES / "count.jsonl", counts, samples=2)
    result = mmneuron.study(languages, "sweep", listed, counts,
                            settings=["all@0.02", "all@0.05/0.9"], samples=2, seeds=1)
    program("sweep", LANGUAGES / "model", listed, "--neurons", counts, "--settings",
            "all@0.02,all@0.05/0.9", "--samples", 2, "--seeds", 1, "-o", tmp_path / "sweep.json")
    assert result.json() == json.loads((tmp_path / "sweep.json").read_text())


def test_similarity(languages, program, tmp_path: Path) -> None:
    listed = LANGUAGES / "parallel.jsonl"
    result = mmneuron.study(languages, "similarity", listed)
    program("similarity", LANGUAGES / "model", listed, "-o", tmp_path / "similarity.json")
    assert result.json() == json.loads((tmp_path / "similarity.json").read_text())
    means = {}
    for sample in read_list(listed):
        run = languages.run(sample["prompt"], keep=["language.layers.{i}.out"])
        means[sample["id"], sample["domain"]] = (
            run.stack("language.layers.{i}.out").astype(np.float64)[:, 1:].mean(1))
    own = [np.sum(means[id, "de"] * means[id, "ja"], -1) / np.linalg.norm(means[id, "de"], axis=-1)
           / np.linalg.norm(means[id, "ja"], axis=-1) for id, domain in means if domain == "de"]
    pair = next(pair for pair in result.json()["pairs"] if pair["domains"] == ["de", "ja"])
    np.testing.assert_allclose(pair["parallel"][1:], np.mean(own, 0), rtol=1e-9)


def test_agree(domains, short_list, neurons, program, tmp_path: Path) -> None:
    result = mmneuron.study(domains, "agree", short_list, neurons, settings="all", seeds=1)
    program("agree", DOMAINS / "model", short_list, "--neurons", neurons.file, "--settings", "all",
            "--seeds", 1, "-o", tmp_path / "agree.json")
    assert result.json() == json.loads((tmp_path / "agree.json").read_text())
    with pytest.raises(mmneuron.Error) as caught:
        mmneuron.study(domains, "nothing", short_list, neurons)
    assert caught.value.status == mmneuron.Status.USAGE


def test_lens(domains, short_list, program, tmp_path: Path) -> None:
    result = mmneuron.lens(domains, short_list, samples=1, examples=1, positions="all")
    program("lens", DOMAINS / "model", short_list, "--samples", 1, "--examples", 1, "--positions",
            "all", "-o", tmp_path / "lens.json")
    assert result.json() == json.loads((tmp_path / "lens.json").read_text())
    sample, last = read_list(short_list)[0], domains.info.language_layers - 1
    shown = next(shown for shown in result.json()["samples"] if shown["id"] == sample["id"])
    logits = domains.run(sample["prompt"], sample["image"]).logits.astype(np.float64)
    for position in shown["positions"][-3:]:
        p = np.exp(logits[position["position"]] - logits[position["position"]].max())
        p /= p.sum()
        layer = position["layers"][last]
        assert layer["top"][0]["id"] == p.argmax()
        assert layer["top"][0]["p"] == pytest.approx(p.max(), abs=1e-5)
        assert layer["entropy"] == pytest.approx(-(p * np.log(p + 1e-300)).sum(), abs=1e-4)


def test_contrib() -> None:
    """Against PyTorch's, of a model with random weights."""
    truth = json.loads((GOLDEN / "contributions.json").read_text())
    model = mmneuron.Model(GOLDEN / "checkpoints" / truth.get("checkpoint", "llava-1.5"))
    result = mmneuron.contrib(model, prompt=truth["prompt"], images=GOLDEN.parent / truth["image"],
                              tokens=len(truth["ids"]), all_words=True, top=3, names=3)
    assert result.json()["ids"] == truth["ids"]
    targets = {target["token"]: target for target in truth["targets"]}
    words = [word for word in result.json()["words"] if word["token"] in targets]
    assert words
    for word in words:
        target = targets[word["token"]]
        assert word["log_probability"] == pytest.approx(target["log_probability"], abs=1e-4)
        for found, expected in zip(word["neurons"], target["gate"]):
            assert (found["layer"], found["neuron"]) == (expected["layer"], expected["neuron"])
            assert found["contribution"] == pytest.approx(expected["contribution"], rel=1e-4)
    ids = [word["id"] for word in result.json()["words"]]
    assert [row["id"] for row in result.records("words")] == ids
    attributed = mmneuron.contrib(model, prompt=truth["prompt"], images=GOLDEN.parent / truth["image"],
                                  tokens=len(truth["ids"]), all_words=True, top=3, gradient=True)
    for word in attributed.json()["words"]:
        for found, expected in zip(word["neurons"], targets[word["token"]]["attributed"]["gate"]):
            assert (found["layer"], found["neuron"]) == (expected["layer"], expected["neuron"])
            assert found["attribution"] == pytest.approx(expected["attribution"], rel=1e-4)


def test_edit(tmp_path: Path) -> None:
    """Against PyTorch's additions, and a model that is opened with the file."""
    truth = json.loads((GOLDEN / "edit.json").read_text())
    folder, file = GOLDEN / "checkpoints" / "llava-1.5", tmp_path / "delta.safetensors"
    asked = {"prompt": truth["prompt"], "images": GOLDEN.parent / truth["image"], "tokens": len(truth["ids"])}
    result = mmneuron.edit(mmneuron.Model(folder), from_=truth["from"], to=truth["to"], output=file, **asked).json()
    assert result["strength"] == pytest.approx(truth["strength"], rel=1 / 512)
    assert [(found["layer"], found["neuron"]) for found in result["edited"]] == \
        [(found["layer"], found["neuron"]) for found in truth["neurons"]]
    edited = mmneuron.Model(folder, deltas=[file])
    assert mmneuron.contrib(edited, all_words=True, **asked).json()["answer"] == result["answers"][1]["answer"]
    with pytest.raises(mmneuron.Error):
        mmneuron.edit(edited, from_="elephant", to="cat", **asked)


def test_edits(tmp_path: Path) -> None:
    """The edit of a list is the one alone; shards make the whole."""
    truth = json.loads((GOLDEN / "edit.json").read_text())
    model = mmneuron.Model(GOLDEN / "checkpoints" / "llava-1.5")
    line = {"domain": "a", "image": str(GOLDEN.parent / truth["image"]), "prompt": truth["prompt"], "from": truth["from"],
            "to": truth["to"], "general": [{}], "local": [{"image": str(GOLDEN / "images" / "tall.jpg")}]}
    file = write_list(tmp_path / "edits.jsonl", [line, {**line, "from": "elephant"}])
    asked = {"tokens": len(truth["ids"]), "method": "direct"}
    result = mmneuron.edits(model, file, **asked)
    way = result.json()["edits"][0]["ways"][0]
    assert way["after"] == pytest.approx(truth["to_after"], abs=5e-3)
    assert way["fall"] == pytest.approx(truth["others"][0]["fall"], abs=2e-3)
    assert [edit["said"] for edit in result.json()["edits"]] == [True, False]
    for shard in 1, 2:
        assert mmneuron.edits(model, file, rows=tmp_path / f"part-{shard}", shard=(shard, 2), **asked) is None
    parts = [tmp_path / "part-1", tmp_path / "part-2"]
    assert mmneuron.edits(model, file, parts=parts, **asked).json() == result.json()


def test_hallucinations(program, tmp_path: Path) -> None:
    """As the program finds them; the counts are those of the rows."""
    folder = DOMAINS.parent / "joint"
    detector, model = mmneuron.Model(folder / "detector"), mmneuron.Model(folder / "model")
    asked = {"list": folder / "images" / "objects.jsonl", "alignment": folder / "alignment.safetensors"}
    result = mmneuron.hallucinations(detector, model, rows=tmp_path / "rows.jsonl", **asked).json()
    program("hallucinations", folder / "detector", folder / "model", asked["list"], "--align", asked["alignment"], "-o",
            tmp_path / "hallucinations.json")
    assert result == json.loads((tmp_path / "hallucinations.json").read_text())
    shown = {line["id"]: line["objects"] for line in map(json.loads, asked["list"].read_text().splitlines())}
    rows = [row for row in map(json.loads, (tmp_path / "rows.jsonl").read_text().splitlines()) if "answers" in row]
    pairs = [(kind["class"] in shown[row["id"]], answer, confidence) for row in rows
             for kind, answer, confidence in zip(result["classes"], row["answers"], row["confidences"])]
    for summary in result["summary"]:
        found = [sure for there, answer, sure in pairs if there == summary["present"] and answer == summary["answer"]]
        assert summary["count"] == len(found)
        if found:
            assert summary["confidence"] == pytest.approx(np.mean(found))
        assert summary["histogram"] == np.histogram(found, 10, (0, 1))[0].tolist()
    yes, no = (np.array([sure for there, answer, sure in pairs if not there and answer == said]) for said in ("yes", "no"))
    assert result["separations"][0]["area"] == pytest.approx(
        np.mean((yes[:, None] > no) + (yes[:, None] == no) / 2))
    some = mmneuron.hallucinations(detector, model, classes=["dog", "cat"], samples=2, **asked).json()
    assert [kind["class"] for kind in some["classes"]] == ["dog", "cat"] and some["asked"] == 4
    with pytest.raises(mmneuron.Error):
        mmneuron.hallucinations(detector, model, prompt="<image> What?", **asked)


def test_bias(program, tmp_path: Path) -> None:
    """As the program finds it; that no answer is a number is said."""
    folder = DOMAINS.parent / "joint"
    detector, model = mmneuron.Model(folder / "detector"), mmneuron.Model(folder / "model")
    file = write_list(tmp_path / "list.jsonl", [{"domain": "a", "image": str(folder / "images" / "test-000.jpg")}])
    asked = {"perturb": ("cat", "dog"), "property": "cook", "tokens": 3}
    result = mmneuron.bias(detector, model, file, folder / "alignment.safetensors", **asked).json()
    program("bias", folder / "detector", folder / "model", file, "--align", folder / "alignment.safetensors", "--from", "cat",
            "--to", "dog", "--property", "cook", "-n", 3, "-o", tmp_path / "bias.json")
    assert result == json.loads((tmp_path / "bias.json").read_text())
    assert result["summary"][0]["asked"] == 1 and result["summary"][0]["scored"] == 0
    assert result["lines"][0]["after"] > result["lines"][0]["before"]
    with pytest.raises(mmneuron.Error):
        mmneuron.bias(detector, model, file, folder / "alignment.safetensors", perturb=("cat", "dog"))


def test_contrib_list(domains, short_list, program, tmp_path: Path) -> None:
    asked = {"samples": 1, "tokens": 4, "all_words": True, "seeds": 1, "shuffles": 1}
    result = mmneuron.contrib_list(domains, short_list, weight_noise=0.5, **asked)
    program("contrib", DOMAINS / "model", short_list, "--samples", 1, "-n", 4, "--all-words", "--seeds", 1,
            "--weight-noise", 0.5, "-o", tmp_path / "contrib.json")
    assert result.json() == json.loads((tmp_path / "contrib.json").read_text())
    for shard in 1, 2:
        assert mmneuron.contrib_list(domains, short_list, rows=tmp_path / f"part-{shard}", shard=(shard, 2),
                                     weight_noise=0.5, **asked) is None
    merged = mmneuron.contrib_list(domains, short_list, parts=[tmp_path / "part-1", tmp_path / "part-2"],
                                   weight_noise=0.5, **asked)
    assert merged.json() == result.json()
    # The mean over words of what is said of each.
    words = [word for answer in result.json()["answers"] for word in answer["spoken"]]
    for summary in (row for row in result.json()["summary"] if row["domain"] is None):
        lists = [found for word in words for found in word["lists"] if found["order"] == summary["order"]]
        assert summary["said"] == len(lists) == len(words)
        for name in "own", "any", "named":
            assert summary[name] == pytest.approx(np.mean([found[name] for found in lists]))
        assert summary["named_random"] == pytest.approx(np.mean([word["named_random"] for word in words]))
    mmneuron.write_names(result, tmp_path / "names.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "names.jsonl").read_text().splitlines()]
    assert [row["names"] for row in rows] == [[name["word"] for name in neuron["names"]] for word in words
                                              for found in word["lists"] for neuron in found["neurons"]]
    with pytest.raises(mmneuron.Error):
        mmneuron.write_names(mmneuron.Result.read(tmp_path / "contrib.json"), tmp_path / "no" / "names.jsonl")


def test_reports(evaluated, counts, neurons, tmp_path: Path, program) -> None:
    given = [counts.file, neurons, evaluated]
    figures = mmneuron.figures(given)
    assert {"neurons", "entropy", "accuracy"} <= set(figures)
    for figure in figures.values():
        assert ElementTree.fromstring(figure._repr_svg_()).tag.endswith("svg")
    table = list(csv.DictReader(io.StringIO(figures["neurons"].csv)))
    assert sum(int(row["neurons"]) for row in table) == sum(
        len(records(neurons.table(domain))) for domain in neurons.domains)
    mmneuron.report(given, tmp_path / "report.html", title="Mine", model="Tiny", date="Today")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<h1>Mine" in page and "<dd>Tiny, digest " in page and "<dd>Today</dd>" in page
    evaluated.write(tmp_path / "eval.json")
    program("report", counts.file, neurons.file, tmp_path / "eval.json", "--format", "csv", "-o",
            tmp_path / "csv", text=True)
    mmneuron.report([counts.file, neurons.file, tmp_path / "eval.json"], tmp_path / "own",
                    format="csv")
    for file in (tmp_path / "csv").iterdir():
        assert (tmp_path / "own" / file.name).read_bytes() == file.read_bytes()
        assert figures[file.stem].csv == file.read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="format"):
        mmneuron.report(given, tmp_path / "x", format="pdf")


def test_judge_file(program, tmp_path: Path) -> None:
    file, folder = tmp_path / "answers.jsonl", GOLDEN / "checkpoints" / "deberta-v3"
    file.write_text('{"question": "Why?", "answers": ["it rains"], "prediction": "Rain"}\n')
    said = program("judge", folder, file, "--judge-form", "demo")
    assert mmneuron.judge_file(mmneuron.Model(folder), file, form="demo").json() == said


def test_detect(program) -> None:
    folder, image = GOLDEN / "checkpoints" / "owlvit", GOLDEN / "images" / "wide.jpg"
    queries = ["a photo of a red ball", "a cup"]
    said = program("detect", folder, "--image", image, *(f"--query={query}" for query in queries),
                   "--threshold", "0.2")
    detector = mmneuron.Model(folder)
    assert detector.info.detector_boxes == program("info", folder)["detector_boxes"] == 25
    found = mmneuron.detect(detector, image, queries, threshold=0.2)
    assert found.json() == said
    assert len(said["detections"]) > 3


def test_locate(program) -> None:
    folders = [GOLDEN / "checkpoints" / name for name in ("owlvit-bf16", "llava-1.5")]
    alignment, image = GOLDEN / "joint" / "gelu.safetensors", GOLDEN / "images" / "wide.jpg"
    said = program("locate", *folders, "--align", alignment, "--image", image, "--prompt",
                   "<image> Who?", "--word", "cat", "-n", "3", "--from", "cat", "--to", "cup",
                   "--epsilon", "0.5", "--weights", "any")
    found = mmneuron.locate(*map(mmneuron.Model, folders), alignment, image, "<image> Who?",
                            word="cat", tokens=3, weights="any", perturb=("cat", "cup"),
                            epsilon=0.5)
    assert found.json() == said


def test_encode(program) -> None:
    folder = REPOSITORY / "tests" / "study" / "data" / "encode"
    features = {name: folder / f"{name}.safetensors" for name in ("both", "vision")}
    said = program("encode", folder / "responses.safetensors", "--draws", "5", "--compare", "both:vision",
                   *(f"--features={name}={file}" for name, file in features.items()))
    assert mmneuron.encode(folder / "responses.safetensors", features, [("both", "vision")],
                           draws=5).json() == said
    roles = [("both", "multimodal"), ("vision", "vision"), ("vision", "control:both")]
    said = program("encode", folder / "responses.safetensors", "--draws", "5", "--join", "joined=both+vision",
                   *(f"--role={name}={role}" for name, role in roles),
                   *(f"--features={name}={file}" for name, file in features.items()))
    assert mmneuron.encode(folder / "responses.safetensors", features, roles=roles,
                           join={"joined": ["both", "vision"]}, draws=5).json() == said


def test_encode_in_shards(tmp_path: Path) -> None:
    folder = REPOSITORY / "tests" / "study" / "data" / "encode"
    features = {name: folder / f"{name}.safetensors" for name in ("both", "vision")}
    whole = mmneuron.encode(folder / "responses.safetensors", features, draws=5)
    parts = [tmp_path / "1", tmp_path / "2"]
    for number, part in enumerate(parts, 1):
        assert mmneuron.encode(folder / "responses.safetensors", features, draws=5, site_parts=2, rows=part,
                               shard=(number, len(parts))) is None
    assert mmneuron.encode(folder / "responses.safetensors", features, draws=5, site_parts=2,
                           parts=parts).json() == whole.json()


def test_encode_with_a_model(program, tmp_path: Path) -> None:
    folder, model = REPOSITORY / "tests" / "study" / "data" / "features", GOLDEN / "checkpoints" / "llava-1.5"
    said = program("encode", model, folder / "events.jsonl", folder / "responses.safetensors", "--draws", "5",
                   "--pool", "mean", "--stages", "language.layers.{i}.out")
    opened, stages = mmneuron.Model(model), ["language.layers.{i}.out"]
    found = mmneuron.encode(folder / "responses.safetensors", model=opened, events=folder / "events.jsonl",
                            stages=stages, pool="mean", draws=5)
    assert found.json() == said
    saved = mmneuron.features(opened, folder / "events.jsonl", tmp_path / "f", stages=stages, pool="mean")
    assert saved.records("alignments")[0]["events"] == 40
    again = mmneuron.encode(folder / "responses.safetensors", {"model": tmp_path / "f"}, draws=5)
    assert again.records("columns") == found.records("columns")
    said = program("encode", model, folder / "events.jsonl", folder / "responses.safetensors", "--draws", "5",
                   "--random-init", "3")
    assert mmneuron.encode(folder / "responses.safetensors", model=mmneuron.Model(model, random_init=3),
                           events=folder / "events.jsonl", draws=5).json() == said
