"""Figures and pages of results."""
from __future__ import annotations

import ctypes
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from ._calls import Handle, Path, call, path, paths, text
from ._library import ENUMS, ReportOptions, functions
from .results import as_files


@dataclass(frozen=True, repr=False)
class Figure:
    """A figure of a report: SVG, which a notebook shows, and the table that it is of, as CSV."""
    name: str
    svg: str
    csv: str

    def __repr__(self) -> str:
        return f"<Figure {self.name}>"

    def _repr_svg_(self) -> str:
        return self.svg[self.svg.index("<svg"):]


@contextmanager
def _report(results: Iterable[Any], title: str | None = None, images: Path | None = None,
            model: str | None = None, date: str | None = None) -> Iterator[Handle]:
    report = Handle("mmn_report_free")
    options = ReportOptions(ctypes.sizeof(ReportOptions), path(images), text(title), text(model),
                            text(date))
    with as_files(list(results)) as files:
        given = paths(files)
        call("mmn_report_read", report.pointer, given, len(given), options)
        try:
            yield report
        finally:
            report.close()


def report(results: Iterable[Any], output: Path, *, format: str = "html",
           title: str | None = None, images: Path | None = None, model: str | None = None,
           date: str | None = None) -> None:
    """Writes the figures of results: "html" and "markdown" to a file, "svg" and "csv" to a folder.

    results: counts files and what studies have found, as files or as Neurons and Result. images:
    the folder of the samples' pictures, where it is not that of their list. model: what the
    report calls the model, beside its digest. date: that the report bears; no result has one.
    """
    with _report(results, title, images, model, date) as made:
        call("mmn_report_write", made.value(), _format(format), None, path(output))


def _format(name: str) -> int:
    formats = ("html", "markdown", "svg", "csv")
    if name not in formats:
        raise ValueError(f"a report's format is one of {', '.join(formats)}, not {name!r}")
    return ENUMS[f"MMN_REPORT_{name.upper()}"]


def figures(results: Iterable[Any], *, images: Path | None = None) -> dict[str, Figure]:
    """The figures of results by their names (doc/formats.md lists them), for a notebook."""
    found = {}
    with _report(results, images=images) as made, \
            tempfile.TemporaryDirectory(prefix="mmneuron-") as folder:
        for format_ in ("svg", "csv"):
            call("mmn_report_write", made.value(), _format(format_), None, path(folder))
        for index in range(functions["mmn_report_figure_count"](made.value())):
            name = functions["mmn_report_figure_name"](made.value(), index).decode()
            found[name] = Figure(name, *(
                (FilePath(folder) / f"{name}.{format_}").read_text(encoding="utf-8")
                for format_ in ("svg", "csv")))
    return found
