"""Neurons of domains: counting and ranking them, and masks that switch them off."""
from __future__ import annotations

import ctypes
import json
import os
import tempfile
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ._calls import Error, Handle, Path, call, callback, names, path, paths, progress_callback, text
from ._library import (SKIPPED, Activity, CountOptions, CountSummary, Module as ModuleStruct,
                       Neuron, RankOptions, Steering, functions)
from .model import Model, Module
from .results import Result, frame, made


def _modules(function: str, handle: Handle) -> dict[str, Module]:
    modules: dict[str, Module] = {}
    module = ModuleStruct()
    while functions[function](handle.value(), len(modules), module):
        modules[module.name.decode()] = Module.of(module)
    return modules


class _Matrix:
    """[layers, neurons] i64 in the library's memory, which is there as long as this is."""

    def __init__(self, owner: Handle, address: Any, shape: tuple[int, int]) -> None:
        self.owner = owner
        self.__array_interface__ = {"shape": shape, "typestr": np.dtype(np.int64).str, "version": 3,
                                    "data": (ctypes.cast(address, ctypes.c_void_p).value, True)}


# ---- Counts --------------------------------------------------------------------------------------


class Counts:
    """How often each neuron was active in each domain, as a counts file has it.

    Arrays of integers are the library's memory, read-only, which is there as long as they are.
    """

    def __init__(self, file: Path) -> None:
        self._handle = Handle("mmn_counts_free")
        call("mmn_counts_read", self._handle.pointer, path(file))
        info = functions["mmn_counts_describe"](self._handle.value()).contents
        self.model = info.model.decode()  #: digest of the model
        self.data = info.data.decode()  #: digest of the list
        self.settings: dict[str, Any] = json.loads(info.settings)  #: which samples were counted
        self.samples: int = info.samples
        self.skipped: int = info.skipped
        self.nonfinite: int = info.nonfinite  #: samples in which numbers were infinite or NaN
        self.unfinished = bool(info.unfinished)  #: the state of a run that goes on
        self.modules = _modules("mmn_counts_module", self._handle)
        self.domains: dict[str, int] = {}  #: the samples of each
        samples = ctypes.c_uint64()
        for index in range(info.domain_count):
            name = functions["mmn_counts_domain"](self._handle.value(), index, samples)
            self.domains[name.decode()] = samples.value
        #: what `count` did: samples, skipped, resumed, positions, window, nonfinite, seconds
        self.summary: dict[str, float] = {}

    def _activity(self, module: str, domain: str) -> Activity:
        activity = Activity()
        if module not in self.modules or domain not in self.domains:
            raise KeyError(f"no counts of {module!r} in {domain!r}")
        functions["mmn_counts_activity"](self._handle.value(), list(self.modules).index(module),
                                         list(self.domains).index(domain), activity)
        return activity

    def _matrix(self, module: str, address: Any) -> np.ndarray:
        counted = self.modules[module]
        return np.asarray(_Matrix(self._handle, address, (counted.layers, counted.neurons)))

    def positions(self, module: str, domain: str) -> int:
        """At how many positions (tokens, patches) the module was looked at."""
        return self._activity(module, domain).positions

    def active(self, module: str, domain: str) -> np.ndarray:
        """[layers, neurons] i64: at how many of them the neuron's value was above 0."""
        return self._matrix(module, self._activity(module, domain).active)

    def sums(self, module: str, domain: str) -> np.ndarray:
        """[layers, neurons] i64: the sum of the values at all of them, in units of 2^-20."""
        return self._matrix(module, self._activity(module, domain).sum)

    def magnitudes(self, module: str, domain: str) -> np.ndarray | None:
        """[layers, neurons] i64: the sum of the absolute values, in units of 2^-20; None where they
        were not summed."""
        address = self._activity(module, domain).magnitude
        return self._matrix(module, address) if address else None

    def mean(self, module: str, domain: str) -> np.ndarray:
        """[layers, neurons] f64: the neurons' mean activation."""
        with np.errstate(invalid="ignore"):
            return self.sums(module, domain) / 2.0**20 / np.float64(self.positions(module, domain))

    def probabilities(self, module: str) -> np.ndarray:
        """[domains, layers, neurons] f64: the neurons' probability to be active in each domain."""
        with np.errstate(invalid="ignore"):
            return np.stack([
                self.active(module, domain) / np.float64(self.positions(module, domain))
                for domain in self.domains])

    def __repr__(self) -> str:
        return f"<Counts: {self.samples} samples, domains {', '.join(self.domains)}>"


def _count_options(list_: Path, modules: str | Iterable[str] | None, samples: int, positions: int,
                   positions_module: str | None, window: int, begin_of_text: bool,
                   magnitudes: bool, allow_unknown_keys: bool, allow_long_prompts: bool,
                   progress: Any) -> CountOptions:
    return CountOptions(
        size=ctypes.sizeof(CountOptions), list=path(list_), modules=names(modules), samples=samples,
        positions=positions, positions_module=text(positions_module), window=window,
        begin_of_text=begin_of_text, magnitudes=magnitudes, allow_unknown_keys=allow_unknown_keys,
        allow_long_prompts=allow_long_prompts,
        progress=progress_callback(progress))


def count(model: Model, list: Path, output: Path | None = None, *,
          modules: str | Iterable[str] | None = None, samples: int = 0, positions: int = 0,
          positions_module: str | None = None, window: int = 0, begin_of_text: bool = False,
          magnitudes: bool = False, shard: tuple[int, int] | None = None, skip_bad: bool = False, batch: int = 0,
          stop_after: int = 0, allow_unknown_keys: bool = False, allow_long_prompts: bool = False,
          progress: Any = None, skipped: Callable[[Error], None] | None = None) -> Counts:
    """Counts active neurons per domain over the samples of a list.

    list: DATA.jsonl (doc/formats.md). output: the counts file; the state of an unfinished run is
    beside it, and the next call goes on from there. Without it nothing is kept but what is
    returned.

    modules: names, all if None. samples: of each domain, the first N. positions: of each domain,
    stop after N of positions_module. window, begin_of_text: of texts, positions of a window.
    magnitudes: sum absolute values, too. shard: (I, N), part I of N, to be merged. skip_bad: pass over samples that cannot be read, of each of
    which `skipped` is told. stop_after: end with an Error, INTERRUPTED, after so many samples of
    this call.

    progress: True (tqdm, or where it is not installed a line on standard error); a tqdm bar or
    class; or a function of a Progress. What it raises ends the work, as Ctrl-C does.
    """
    def tell(context: object, error: Any) -> int:
        if skipped is not None:
            skipped(Error(error.contents))
        return 0
    options = _count_options(list, modules, samples, positions, positions_module, window,
                             begin_of_text, magnitudes, allow_unknown_keys, allow_long_prompts,
                             progress)
    options.shard, options.shards = shard or (0, 0)
    options.skip_bad, options.batch, options.stop_after = skip_bad, batch, stop_after
    options.skipped = callback(SKIPPED, tell, 0)
    summary = CountSummary()
    with tempfile.TemporaryDirectory(prefix="mmneuron-") as folder:
        file = os.path.join(folder, "counts") if output is None else output
        options.output = path(file)
        call("mmn_count", model._handle.value(), options, summary)
        counts = Counts(file)
    counts.summary = {field[0]: getattr(summary, field[0]) for field in CountSummary._fields_}
    return counts


def count_plan(model: Model, list: Path, *, modules: str | Iterable[str] | None = None,
               samples: int = 0, positions: int = 0, positions_module: str | None = None,
               window: int = 0, begin_of_text: bool = False, magnitudes: bool = False,
               allow_unknown_keys: bool = False, allow_long_prompts: bool = False,
               progress: Any = None) -> Result:
    """What that would cost: passes, positions, hours, memory."""
    options = _count_options(list, modules, samples, positions, positions_module, window,
                             begin_of_text, magnitudes, allow_unknown_keys, allow_long_prompts,
                             progress)
    return made("mmn_count_plan", model._handle.value(), options)


def merge(files: Iterable[Path], output: Path) -> Counts:
    """Adds the counts files of all shards of a run: exactly what one run would have given."""
    given = paths(files)
    call("mmn_counts_merge", given, len(given), path(output))
    return Counts(output)


# ---- Neurons -------------------------------------------------------------------------------------


class Neurons:
    """Neurons of domains, of a neurons.json file; `rank` finds them."""

    def __init__(self, file: Path | Handle) -> None:
        if isinstance(file, Handle):
            self._handle = file
        else:
            self._handle = Handle("mmn_neurons_free")
            call("mmn_neurons_read", self._handle.pointer, path(file))
        self._result = None if isinstance(file, Handle) else Result.read(file)
        handle = self._handle.value()
        self.digest: str = functions["mmn_neurons_digest"](handle).decode()  #: of the selection
        self.model: str = functions["mmn_neurons_model"](handle).decode()  #: of the model, or ""
        self.modules = _modules("mmn_neurons_module", self._handle)
        self.domains: list[str] = []
        while (name := functions["mmn_neurons_domain"](handle, len(self.domains))) is not None:
            self.domains.append(name.decode())

    @property
    def result(self) -> Result:
        """Its tables; those of a ranking that was made here have "ranking", the selected neurons in
        the order of their entropy."""
        if self._result is None:
            self._result = made("mmn_neurons_result", self._handle.value())
        return self._result

    def table(self, domain: str | Iterable[str] | None = None, setting: str = "all") -> Any:
        """The neurons of domains (all domains' if None) in the modules of a setting ("language",
        "vision+projector", "all"), each once: a DataFrame with module, layer, neuron, and, where
        they were ranked here, entropy in nats and the probability to be active in each domain, in
        columns p.DOMAIN. Without pandas a list of dicts."""
        array, count = ctypes.c_void_p(), ctypes.c_size_t()
        call("mmn_neurons_list", array, count, self._handle.value(), names(domain), text(setting))
        try:
            listed = ctypes.cast(array, ctypes.POINTER(Neuron))
            records = [self._record(listed[index]) for index in range(count.value)]
        finally:
            functions["mmn_release"](array)
        return frame(records, ["module", "layer", "neuron", "entropy",
                               *(f"p.{name}" for name in self.domains)])

    def _record(self, neuron: Neuron) -> dict[str, Any]:
        known = bool(neuron.p)
        record = {"module": neuron.module.decode(), "layer": neuron.layer, "neuron": neuron.neuron,
                  "entropy": neuron.entropy if known else None}
        for index, domain in enumerate(self.domains):
            record[f"p.{domain}"] = neuron.p[index] if known else None
        return record

    def write(self, file: Path) -> None:
        """Writes neurons.json, and of a ranking that was made here the table beside it."""
        self.result.write(file)

    def __repr__(self) -> str:
        return f"<Neurons {self.digest}: domains {', '.join(self.domains)}>"


def rank(counts: Counts | Path, *, rate: float = 0, bar: float = 0, assignment_bar: float = 0,
         modules: str | Iterable[str] | None = None, float32: bool = False,
         allow_nonfinite: bool = False, by: str | None = None, seed: int = 0,
         model: Model | None = None, second: Model | None = None) -> Neurons:
    """Ranks neurons by the entropy of their activation probabilities over domains, or selects as many
    by something else.

    rate: share of neurons that are selected (0: 0.01). bar: quantile that a neuron must pass (0:
    0.95); assignment_bar: for belonging to a domain (0: as bar). float32: repeat the published
    code's arithmetic. by: "probability", "value-entropy" (of counts with magnitudes),
    "parameter-change" (between `model`, which was counted, and `second`) or "random" (with `seed`).
    """
    given = counts if isinstance(counts, Counts) else Counts(counts)
    handle = Handle("mmn_neurons_free")
    options = RankOptions(ctypes.sizeof(RankOptions), rate, bar, assignment_bar, names(modules),
                          float32, allow_nonfinite, text(by), seed,
                          model and model._handle.value(), second and second._handle.value())
    call("mmn_neurons_rank", handle.pointer, given._handle.value(), options)
    return Neurons(handle)


# ---- Masks ---------------------------------------------------------------------------------------


class Mask:
    """Neurons of a model whose values after the activation function are set at every position, of
    the prompt and of what is generated: to 0, which switches them off.

    neurons: a Neurons or a neurons.json file. domain: a name, several, or None for all domains'.
    setting: the modules, "language", "vision+projector", "all". other_model: take neurons that were
    found in another model. Random and steering masks are made by Mask.random and Mask.steer.
    """

    def __init__(self, model: Model, neurons: Neurons | Path,
                 domain: str | Iterable[str] | None = None, setting: str = "all", *,
                 other_model: bool = False) -> None:
        self._model = model
        self._handle = Handle("mmn_mask_free", model._handle)
        given = neurons if isinstance(neurons, Neurons) else Neurons(neurons)
        call("mmn_mask_from_neurons", self._handle.pointer, model._handle.value(),
             given._handle.value(), names(domain), text(setting), other_model)

    @classmethod
    def _of(cls, model: Model) -> Mask:
        mask = cls.__new__(cls)
        mask._model = model
        mask._handle = Handle("mmn_mask_free", model._handle)
        return mask

    def random(self, seed: int) -> Mask:
        """As many other neurons of each layer, all equally likely, off; the same for a seed
        everywhere."""
        mask = Mask._of(self._model)
        call("mmn_mask_random", mask._handle.pointer, self._handle.value(), seed)
        return mask

    @classmethod
    def steer(cls, model: Model, neurons: Neurons | Path, *,
              off: str | Iterable[str] | None = None, on: str | Iterable[str] | None = None,
              counts: Counts | Path | None = None, setting: str = "all",
              other_model: bool = False) -> Mask:
        """Neurons of the domains `off` at 0, and those of the domains `on` at their mean activation
        there, which `counts` has."""
        mask = cls._of(model)
        given = neurons if isinstance(neurons, Neurons) else Neurons(neurons)
        if counts is not None and not isinstance(counts, Counts):
            counts = Counts(counts)
        steering = Steering(off=names(off), on=names(on), setting=text(setting),
                            other_model=other_model)
        call("mmn_mask_steer_neurons", mask._handle.pointer, model._handle.value(),
             given._handle.value(), None if counts is None else counts._handle.value(), steering)
        return mask

    def count(self, module: str, layer: int | None = None) -> int:
        """How many neurons it has of a module, in one layer or in all."""
        return functions["mmn_mask_neurons"](self._handle.value(), text(module),
                                             -1 if layer is None else layer)

    def __repr__(self) -> str:
        modules = ((module.name, self.count(module.name)) for module in self._model.info.modules)
        parts = [f"{count} of {name}" for name, count in modules if count]
        return f"<Mask: {', '.join(parts) or 'none'}>"
