"""The notebook runs, from a list to a figure."""
from __future__ import annotations

import ast
import json

import pytest
from conftest import DOMAINS, REPOSITORY

import mmneuron

NOTEBOOK = REPOSITORY / "python" / "notebook" / "from_list_to_figure.ipynb"


def run_cell(source: str, names: dict[str, object]) -> object:
    """What the notebook would show: the value of the cell's last expression."""
    body = ast.parse(source).body
    last = body.pop() if isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), str(NOTEBOOK), "exec"), names)
    if last is None:
        return None
    return eval(compile(ast.Expression(last.value), str(NOTEBOOK), "eval"), names)


def test_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert not any(cell["outputs"] for cell in cells)  # none that could be another version's
    monkeypatch.chdir(NOTEBOOK.parent)
    names: dict[str, object] = {}
    shown = [run_cell("".join(cell["source"]), names) for cell in cells]
    figures = {value.name: value for value in shown if isinstance(value, mmneuron.Figure)}
    assert set(figures) == {"neurons", "accuracy"}
    assert all(figure._repr_svg_().startswith("<svg") for figure in figures.values())
    assert names["counts"].samples == len((DOMAINS / "train.jsonl").read_text().splitlines())
    assert set(names["evaluation"].records("summary")[0]) >= {"domain", "plain", "domain_off"}


def test_its_form() -> None:
    nbformat = pytest.importorskip("nbformat")
    nbformat.validate(nbformat.read(NOTEBOOK, 4))
