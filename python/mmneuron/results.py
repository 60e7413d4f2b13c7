"""What studies have found: tables, as pandas DataFrames, or lists of dicts where it is not."""
from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path as FilePath
from typing import Any

from ._calls import Handle, Path, call, make_text, path
from ._library import ENUMS, functions


def frame(records: list[dict[str, Any]], columns: list[str]) -> Any:
    """A DataFrame, or the list of dicts that it would be made of where there is no pandas."""
    try:
        import pandas
    except ImportError:
        return records
    return pandas.DataFrame(records, columns=columns)


class Result(Mapping[str, Any]):
    """What a study has found: tables by their names.

    `result["runs"]` is a pandas DataFrame, or where there is no pandas a list of dicts. Its columns
    are named as the JSON's keys (doc/formats.md); a value that there is not is None in lists, and
    what pandas makes of that in DataFrames. A row of a table that belongs to another ("predictions"
    to "runs") has that one's number, from 0, in a column of the other's name: the two are joined by

        runs = result["runs"]
        result["predictions"].join(runs[["setting", "off", "domain"]], on="runs")

    A result needs neither its model nor its files any more. str() is the table that the program
    prints.
    """

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        self._tables = list(_named("mmn_result_table_name", handle.value()))

    @classmethod
    def read(cls, file: Path) -> Result:
        """Of the JSON that `write`, or the program, has written."""
        handle = Handle("mmn_result_free")
        call("mmn_result_read", handle.pointer, path(file))
        return cls(handle)

    def __len__(self) -> int:
        return len(self._tables)

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __getitem__(self, table: str) -> Any:
        records = self.records(table)
        return frame(records, self.columns(table))

    def columns(self, table: str) -> list[str]:
        """The names of a table's columns, first that of the table whose rows its rows belong to."""
        parent = self._parent(table)
        own = list(_named("mmn_result_column_name", self._handle.value(), table.encode()))
        return ([parent] if parent else []) + own

    def records(self, table: str) -> list[dict[str, Any]]:
        """The rows of a table as dicts, with pandas or without."""
        if table not in self._tables:
            raise KeyError(table)
        result, name, parent = self._handle.value(), table.encode(), self._parent(table)
        kinds = {column: functions["mmn_result_column_kind"](result, name, column.encode())
                 for column in _named("mmn_result_column_name", result, name)}
        records = []
        for row in range(functions["mmn_result_rows"](result, name)):
            record = {parent: functions["mmn_result_parent"](result, name, row)} if parent else {}
            for column, kind in kinds.items():
                record[column] = _value(result, name, row, column.encode(), kind)
            records.append(record)
        return records

    def _parent(self, table: str) -> str | None:
        """None for the rows of "result", and those that belong to its only one."""
        parent = functions["mmn_result_parent_table"](self._handle.value(), table.encode())
        return None if parent in (None, b"result") else parent.decode()

    def json(self) -> dict[str, Any]:
        """What the program writes with -o, read."""
        return json.loads(make_text("mmn_result_json", self._handle.value()))

    def write(self, file: Path) -> None:
        """Writes the JSON, and beside that of a ranking its table."""
        call("mmn_result_write", self._handle.value(), path(file))

    def __str__(self) -> str:
        return make_text("mmn_result_table", self._handle.value())

    def __repr__(self) -> str:
        rows = {table: functions["mmn_result_rows"](self._handle.value(), table.encode())
                for table in self._tables}
        return "<{}: {}>".format(type(self).__name__,
                                 ", ".join(f"{table} ({count})" for table, count in rows.items()))


def _named(function: str, *arguments: Any) -> Iterator[str]:
    """The names that a function of an index gives, up to NULL."""
    index = 0
    while (name := functions[function](*arguments, index)) is not None:
        yield name.decode()
        index += 1


def _value(result: Any, table: bytes, row: int, column: bytes, kind: int) -> Any:
    if kind in (ENUMS["MMN_COLUMN_TEXT"], ENUMS["MMN_COLUMN_JSON"]):
        value = functions["mmn_result_text"](result, table, row, column)
        if value is None or kind == ENUMS["MMN_COLUMN_TEXT"]:
            return value if value is None else value.decode("utf-8", "replace")
        return json.loads(value)
    number = functions["mmn_result_number"](result, table, row, column)
    if number != number:
        return None
    if kind == ENUMS["MMN_COLUMN_WHOLE"]:
        return int(number)
    return bool(number) if kind == ENUMS["MMN_COLUMN_TRUTH"] else number


def made(name: str, *arguments: Any, kind: type[Result] = Result, allowed: tuple = ()) -> Any:
    """The result that a function makes, whose first argument is where it goes."""
    handle = Handle("mmn_result_free")
    call(name, handle.pointer, *arguments, allowed=allowed)
    return kind(handle)


@contextmanager
def as_files(values: list[Any]) -> Iterator[list[FilePath]]:
    """Files of what may be files, or results in memory, which are written for the time being."""
    with ExitStack() as stack:
        files = []
        for value in values:
            if isinstance(value, (str, os.PathLike)):
                files.append(FilePath(value))
                continue
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="mmneuron-"))
            files.append(FilePath(folder) / "result.json")
            value.write(files[-1])
        yield files
