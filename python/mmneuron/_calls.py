"""Calling the library: errors as exceptions, Ctrl-C, callbacks, and who frees what is made."""
from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Union

from ._library import INTERRUPTED, PROGRESS, ErrorStruct, ProgressStruct, Status, functions

Path = Union[str, "os.PathLike[str]"]


class Error(Exception):
    """What the library refused, and why.

    status: what kind of failure it is; file: the file at fault, or ""; place: the byte, line, key
    or tensor in it, or ""; message: what is wrong, and what was expected; cause: errno's value
    where the operating system refused, else 0.
    """

    def __init__(self, error: ErrorStruct) -> None:
        self.status = Status(error.status)
        self.cause: int = error.cause
        self.file: str = os.fsdecode(error.file)
        self.place: str = error.where.decode("utf-8", "replace")
        self.message: str = error.message.decode("utf-8", "replace")
        sentence = ctypes.create_string_buffer(2400)
        functions["mmn_error_sentence"](error, sentence, len(sentence))
        super().__init__(sentence.value.decode("utf-8", "replace"))


# ---- Ctrl-C --------------------------------------------------------------------------------------
#
# Python runs a signal's handler only between two of its instructions, and so not before the library
# returns, or calls back. There its exception could be lost, behind a callback's last `except`.
# While the library works, a handler therefore only takes note; the library asks `_is_interrupted`
# at every layer and ends, and then the exception is raised.


class _Thread(threading.local):
    python = False  # whether the library has called back, and a function of the user's runs
    failure: BaseException | None = None  # what that raised


_thread = _Thread()
_asked = False


def _take_note(number: int, frame: object) -> None:
    global _asked
    if _thread.python:
        raise KeyboardInterrupt
    _asked = True


def _is_main_thread() -> bool:
    return threading.get_ident() == threading.main_thread().ident


@INTERRUPTED
def is_interrupted(context: object) -> int:
    return _asked and _is_main_thread()


@contextmanager
def _interruptible() -> Iterator[None]:
    global _asked
    if not _is_main_thread() or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield  # another's handler, a call's further out, or a thread that Python tells nothing
        return
    _asked = False
    signal.signal(signal.SIGINT, _take_note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def call(name: str, *arguments: Any, allowed: tuple[Status, ...] = ()) -> Status:
    """Calls a function of the library whose last argument is the error, and raises that."""
    global _asked
    error = ErrorStruct()
    outer = _thread.python, _thread.failure
    _thread.python, _thread.failure = False, None
    try:
        with _interruptible():
            status = functions[name](*arguments, error)
        failure = _thread.failure
    finally:
        _thread.python, _thread.failure = outer
    if failure is not None:
        raise failure
    if _asked and _is_main_thread():
        _asked = False
        raise KeyboardInterrupt
    if status != Status.OK and status not in allowed:
        raise Error(error)
    return Status(status)


def callback(prototype: Any, function: Callable[..., int], failed: int) -> Any:
    """A function for the library to call. What it raises ends the work, and `call` raises it."""
    def guarded(*arguments: Any) -> int:
        try:
            _thread.python = True
            return function(*arguments)
        except BaseException as error:  # KeyboardInterrupt and SystemExit too
            _thread.failure = error
            return failed
        finally:
            _thread.python = False
    return prototype(guarded)


# ---- Texts and arguments -------------------------------------------------------------------------


def text(value: str | None) -> bytes | None:
    return None if value is None else _without_zeros(value.encode("utf-8"))


def path(value: Path | None) -> bytes | None:
    return None if value is None else _without_zeros(os.fsencode(value))


def _without_zeros(encoded: bytes) -> bytes:
    """Of a text with a zero the library would take what stands before it."""
    if b"\0" in encoded:
        raise ValueError("a text or path for the library has a zero character")
    return encoded


def names(value: str | Iterable[str] | None) -> bytes | None:
    """Names or patterns, which the library takes separated by commas."""
    return text(value if value is None or isinstance(value, str) else ",".join(value))


def array_of(values: Iterable[bytes | None]) -> Any:
    """A C array of texts."""
    given = list(values)
    return (ctypes.c_char_p * len(given))(*given)


def paths(values: Path | Iterable[Path]) -> Any:
    if isinstance(values, (str, bytes, os.PathLike)):
        values = (values,)
    return array_of(path(value) for value in values)


def taken_text(made: ctypes.c_void_p) -> str:
    """The text that a function has made, which is freed."""
    try:
        return ctypes.string_at(made).decode("utf-8", "replace")
    finally:
        functions["mmn_release"](made)


def make_text(name: str, *arguments: Any) -> str:
    """Of a function whose last argument but the error is where the text goes."""
    made = ctypes.c_void_p()
    call(name, *arguments, made)
    return taken_text(made)


# ---- Objects of the library ----------------------------------------------------------------------


class Handle:
    """An object of the library, and those that it needs, which outlive it in any case.

    It is there before the function that fills `pointer`, so that nothing is lost in between.
    """

    def __init__(self, free: str, *needs: Handle) -> None:
        self.pointer = ctypes.c_void_p()
        self._free = functions[free]
        self._needs = needs
        self._users = 1  # itself, and those that need it
        self._is_open = True
        for needed in needs:
            needed._users += 1

    def value(self) -> ctypes.c_void_p:
        if not self._is_open:
            raise ValueError("this has been closed")
        return self.pointer

    def close(self) -> None:
        """Frees it, now or with the last object that needs it."""
        if self._is_open:
            self._is_open = False
            self._leave()

    def _leave(self) -> None:
        self._users -= 1
        if self._users == 0:
            self._free(self.pointer)
            for needed in self._needs:
                needed._leave()

    def __del__(self) -> None:
        self.close()


# ---- Progress ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Progress:
    """How far work is: `done` of `total` units (`unit` says what: "samples"), of which an earlier
    run had done `already`; `seconds` since it began; `begun`, what of the units at work is done, by
    their layers."""
    label: str
    unit: str
    done: int
    total: int
    already: int
    seconds: float
    begun: float

    @classmethod
    def of(cls, at: ProgressStruct) -> Progress:
        return cls((at.label or b"").decode(), (at.unit or b"").decode(), at.done, at.total,
                   at.already, at.seconds, at.begun)


def progress_callback(progress: Any) -> Any:
    """What the library calls, of what a user gives: True, a function of a Progress, or tqdm."""
    if progress is None or progress is False:
        return PROGRESS()
    if progress is True:
        progress = _tqdm() or _draw_line
    if isinstance(progress, type):
        progress = progress()
    show = partial(_move, progress) if hasattr(progress, "update") else progress

    def step(context: object, at: Any) -> int:
        show(Progress.of(at.contents))
        return 0
    return callback(PROGRESS, step, 1)


def _move(bar: Any, at: Progress) -> None:
    """Moves a bar of tqdm's kind to where the work is."""
    if bar.total != at.total or getattr(bar, "desc", "") != f"{at.label}: ":
        bar.total = at.total
        bar.unit = f" {at.unit}"
        bar.set_description(at.label, refresh=False)
    bar.update(at.done - bar.n)
    if at.done == at.total:
        bar.refresh()


def _draw_line(at: Progress) -> None:
    """The library's own line, for those who have no tqdm."""
    line = ctypes.create_string_buffer(400)
    struct = ProgressStruct(at.label.encode(), at.unit.encode(), at.done, at.total, at.already,
                            at.seconds, at.begun)
    functions["mmn_progress_line"](line, len(line), struct, 79)
    end = "\n" if at.done == at.total else ""
    print("\r" + line.value.decode("utf-8", "replace"), end=end, file=sys.stderr, flush=True)


def _tqdm() -> Any:
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return None
    return tqdm
