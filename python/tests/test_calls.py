"""Errors, Ctrl-C, progress, threads and memory."""
from __future__ import annotations

import errno
import gc
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path

import numpy as np
import pytest
from conftest import DOMAINS, GOLDEN, read_list, write_list

import mmneuron

WIDE = GOLDEN / "images" / "wide.jpg"
PROMPT = "USER: <image>\nWhat is this? ASSISTANT:"


def long_list(folder: Path) -> Path:
    """Of some minutes' work."""
    samples = read_list(DOMAINS / "test.jsonl")
    for sample in samples:
        images = sample["image"] if isinstance(sample["image"], list) else [sample["image"]]
        sample["image"] = [str(DOMAINS / image) for image in images]
    return write_list(folder / "long.jsonl", samples * 60)


# ---- Errors --------------------------------------------------------------------------------------


def test_errors_have_file_and_place(demo: mmneuron.Model, tmp_path: Path) -> None:
    with pytest.raises(mmneuron.Error) as caught:
        mmneuron.Counts(tmp_path / "nowhere")
    assert (caught.value.status, caught.value.cause) == (mmneuron.Status.SYSTEM, errno.ENOENT)
    assert caught.value.file == str(tmp_path / "nowhere")
    with pytest.raises(mmneuron.Error, match="config.json"):
        mmneuron.Model(tmp_path / "nowhere")
    lines = '{"domain": "a", "question": "What?"}\n{"domain": "a", "questions": "What?"}\n'
    (tmp_path / "list.jsonl").write_text(lines)
    with pytest.raises(mmneuron.Error) as caught:
        mmneuron.count(demo, tmp_path / "list.jsonl")
    error = caught.value
    assert (error.status, error.file) == (mmneuron.Status.INPUT, str(tmp_path / "list.jsonl"))
    assert error.place == "line 2, questions" and 'did you mean "question"' in error.message
    assert str(error) == f"{error.file}: {error.place}: {error.message}"
    for name, function in (("Mask", lambda: mmneuron.Mask(demo, tmp_path / "list.jsonl")),
                           ("Counts", lambda: mmneuron.Counts(tmp_path / "list.jsonl")),
                           ("Result", lambda: mmneuron.Result.read(tmp_path / "list.jsonl"))):
        with pytest.raises(mmneuron.Error) as caught:
            function()
        assert caught.value.file == str(tmp_path / "list.jsonl"), name


def test_arguments_that_cannot_be(demo: mmneuron.Model) -> None:
    for wrong in ("a\0b", [1.5], [[1, 2]], [2**40]):
        with pytest.raises((TypeError, ValueError)):
            demo.run(wrong)
    with pytest.raises(mmneuron.Error):
        demo.run([demo.info.vocabulary + 5])
    with pytest.raises(ValueError):
        demo.run([1, 2], images=WIDE)
    with pytest.raises(TypeError):
        demo.run("A", tokens=1, temprature=1)
    with pytest.raises(ValueError, match="early_stopping"):
        demo.run("A", tokens=1, beams=2, early_stopping="sometimes")


# ---- Ctrl-C --------------------------------------------------------------------------------------


def test_ctrl_c_ends_work_at_once(domains: mmneuron.Model, tmp_path: Path) -> None:
    given = long_list(tmp_path)
    for work in (lambda: mmneuron.count(domains, given, tmp_path / "counts"),
                 lambda: mmneuron.eval(domains, given, measures="likelihood"),
                 lambda: domains.run([5] * 20000, keep="language.norm", allow_long_prompts=True)):
        sent = []

        def send() -> None:
            sent.append(time.monotonic())
            os.kill(os.getpid(), signal.SIGINT)
        timer = threading.Timer(0.5, send)
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            work()
        assert time.monotonic() - sent[0] < 2
        timer.join()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert domains.run("A").positions > 0  # nothing is left of it


def test_ctrl_c_in_hooks_and_progress(demo: mmneuron.Model) -> None:
    def press(*arguments: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        demo.run("A", watch={"language.norm": press})
    with pytest.raises(KeyboardInterrupt):
        mmneuron.count(demo, GOLDEN / "demo" / "DATA.jsonl", progress=press)
    assert time.monotonic() - began < 5


def test_ctrl_c_of_a_program(tmp_path: Path) -> None:
    """As from a terminal: the program ends as Python programs do, and its state is kept."""
    given = long_list(tmp_path)
    child = subprocess.Popen([sys.executable, "-P", "-c", "import mmneuron\n"
                              f"model = mmneuron.Model({str(DOMAINS / 'model')!r})\n"
                              "print('begins', flush=True)\n"
                              f"mmneuron.count(model, {str(given)!r}, 'counts')\n"], cwd=tmp_path,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "begins\n"
    time.sleep(1)
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate(timeout=10)
    assert child.returncode == -signal.SIGINT and errors.rstrip().endswith("KeyboardInterrupt")
    assert "ignored" not in errors
    assert mmneuron.Counts(tmp_path / "counts.state").unfinished


@pytest.mark.parametrize(("given", "rounds"), [({}, "0"), ({"GOMP_SPINCOUNT": "77"}, "77")])
def test_threads_that_wait_sleep(given: dict[str, str], rounds: str) -> None:
    """Gcc's OpenMP itself says for how many rounds they spin; the environment is as it was."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    child = subprocess.run([sys.executable, "-P", "-c", "import mmneuron, os\n"
                            "assert 'OMP_WAIT_POLICY' not in os.environ"], text=True, check=True,
                           env=kept | given | {"OMP_DISPLAY_ENV": "verbose"}, capture_output=True)
    if "GOMP_SPINCOUNT" not in child.stderr:
        pytest.skip("this OpenMP does not say it")
    assert f"GOMP_SPINCOUNT = '{rounds}'" in child.stderr


def test_other_handlers_are_left_alone(demo: mmneuron.Model) -> None:
    def handler(number: int, frame: object) -> None:
        pass
    before = signal.signal(signal.SIGINT, handler)
    try:
        demo.run("A")
        assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, before)


# ---- Progress ------------------------------------------------------------------------------------


class Bar:
    """What tqdm has."""

    def __init__(self) -> None:
        self.n, self.total, self.desc, self.unit = 0, None, "", "it"

    def update(self, n: int) -> None:
        self.n += n

    def set_description(self, text: str, refresh: bool = True) -> None:
        self.desc = f"{text}: "

    def refresh(self) -> None:
        pass


def test_progress(demo: mmneuron.Model, capsys) -> None:
    given, seen, bar = GOLDEN / "demo" / "DATA.jsonl", [], Bar()
    mmneuron.count(demo, given, progress=seen.append)
    assert isinstance(seen[0], mmneuron.Progress)
    assert (seen[-1].done, seen[-1].total, seen[-1].unit) == (25, 25, "samples")
    assert all(one.done <= other.done for one, other in zip(seen, seen[1:]))
    mmneuron.count(demo, given, progress=bar)
    assert (bar.n, bar.total, bar.unit) == (25, 25, " samples")
    mmneuron.count(demo, given, progress=True)
    assert "25/25" in capsys.readouterr().err.replace(" of ", "/")

    def stops(progress: mmneuron.Progress) -> None:
        raise StopIteration("enough")
    with pytest.raises(StopIteration, match="enough"):
        mmneuron.count(demo, given, progress=stops)


def test_tqdm(demo: mmneuron.Model) -> None:
    tqdm = pytest.importorskip("tqdm")
    with tqdm.tqdm(disable=False, file=open(os.devnull, "w")) as bar:
        mmneuron.count(demo, GOLDEN / "demo" / "DATA.jsonl", progress=bar)
        assert (bar.n, bar.total) == (25, 25)
    mmneuron.count(demo, GOLDEN / "demo" / "DATA.jsonl", progress=tqdm.tqdm)


# ---- Threads and memory --------------------------------------------------------------------------


def test_other_threads_run_meanwhile(domains: mmneuron.Model) -> None:
    """A call of the library holds no lock of Python's: another thread goes on during a pass."""
    ids, steps, done = [5] * 1500, [], threading.Event()
    domains.run([5], keep=())

    def step() -> None:
        while not done.is_set():
            steps.append(time.monotonic())
            time.sleep(0.001)
    thread = threading.Thread(target=step)
    thread.start()
    marks = []
    domains.run(ids, keep=(), allow_long_prompts=True,
                watch={"language.embeddings,language.norm":
                       lambda array, stage: marks.append(time.monotonic())})
    done.set()
    thread.join()
    between = [at for at in steps if marks[0] < at < marks[-1]]
    assert len(between) > 10


def test_threads_share_a_model(demo: mmneuron.Model) -> None:
    expected = [demo.run(f"A {number}").logits for number in range(4)]
    found = [[] for _ in range(4)]

    def work(number: int) -> None:
        for _ in range(20):
            found[number].append(demo.run(f"A {number}").logits)
    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(4):
        assert len(found[number]) == 20
        assert all(np.array_equal(logits, expected[number]) for logits in found[number])


def resident() -> int:
    """Bytes of memory that this process has."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="no /proc")
def test_a_thousand_runs_take_no_memory(demo: mmneuron.Model) -> None:
    def run(times: int) -> None:
        for _ in range(times):
            demo.run(PROMPT, WIDE, keep="*", hooks={"language.norm": lambda array, stage: array},
                     tokens=2)
    run(100)
    before = resident()
    run(1000)
    assert resident() - before < 2 << 20


def test_garbage_is_freed_in_a_right_order() -> None:
    """Model, session and hook in one circle: each is closed, whichever Python takes first."""
    class Holder:
        pass
    holder, order = Holder(), []
    holder.model = mmneuron.Model(GOLDEN / "demo" / "model")
    holder.session = holder.model.session(
        watch={"language.norm": lambda array, stage, kept=holder: None})
    holder.session.run("A")
    for name in ("model", "session"):
        handle = getattr(holder, name)._handle

        def free(pointer: object, original: object = handle._free, name: str = name) -> None:
            order.append(name)
            original(pointer)
        handle._free = free
    died = weakref.ref(holder)
    del holder, handle, free
    gc.collect()
    assert died() is None and order == ["session", "model"]
