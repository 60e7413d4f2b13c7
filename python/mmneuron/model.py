"""Models, runs of them, and hooks that see and change what they compute."""
from __future__ import annotations

import ctypes
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Union

import numpy as np

from ._calls import (Handle, Path, array_of, call, callback, is_interrupted, make_text, names,
                     path, paths, text)
from ._library import (ENUMS, SEE, BeamSearch, DumpOptions, ModelOptions, Module as ModuleStruct,
                       Probe, Sampling, SessionOptions, StageStruct, Status, functions)

if TYPE_CHECKING:
    from .neurons import Mask

Prompt = Union[str, "os.PathLike[str]", Sequence[int], np.ndarray]
Images = Union[Path, Iterable[Path]]


# ---- What a model is -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Module:
    """A module that holds neurons: coordinates of its feed-forward layers after the activation."""
    name: str  #: "vision", "projector", "qformer", "query" or "language"
    layers: int
    neurons: int  #: of each layer
    stages: str | None  #: those that show them: "vision.layers.{i}.mlp.act"
    first_inert_layer: int  #: layers from this one on cannot influence the output

    @classmethod
    def of(cls, module: ModuleStruct) -> Module:
        return cls(module.name.decode(), module.layers, module.neurons, _text(module.stages),
                   module.first_inert_layer)


@dataclass(frozen=True)
class ModelInfo:
    """What a model is, and how it is run."""
    family: str  #: "llava", "llava_next", "instructblip"
    vision: str | None  #: "clip", "eva", "siglip"; None: it reads no images
    language: str  #: "llama", "mistral"
    weight_types: str  #: "bf16", "bf16, f32"
    kernels: str  #: the kernel table in use: "avx2"
    template_name: str  #: the prompt template for questions
    template_file: str | None
    template_problem: str | None  #: why the folder's chat template cannot be followed
    parameters: int
    weight_bytes: int
    files: int
    tensors: int
    threads: int
    vision_width: int
    vision_layers: int
    vision_heads: int
    image_size: int  #: of a tile's side, in pixels
    patch_size: int  #: likewise
    language_width: int
    language_layers: int
    language_heads: int
    language_kv_heads: int
    vocabulary: int
    maximum_positions: int
    sliding_window: int  #: 0: none
    first_window_layer: int
    modules: tuple[Module, ...]  #: in the order of the forward pass
    remarks: tuple[str, ...]  #: what in the folder is read in an unexpected way
    generation: dict[str, Any]  #: what the folder says of generating, as far as it is obeyed
    generation_refused: dict[str, Any]  #: and what is not supported
    stop_ids: tuple[int, ...]  #: tokens that end an answer
    judge_labels: int  #: how many numbers a judge of answers gives; 0: it is none
    detector_boxes: int  #: how many boxes a detector makes of a picture; 0: it is none


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "replace")


def _describe(model: Handle) -> ModelInfo:
    info = functions["mmn_model_describe"](model.value()).contents
    generation = info.generation
    special = {
        "modules": tuple(Module.of(info.modules[i]) for i in range(info.module_count)),
        "remarks": tuple(info.remarks[i].decode() for i in range(info.remark_count)),
        "generation": json.loads(generation.obeyed or b"{}"),
        "generation_refused": json.loads(generation.refused or b"{}"),
        "stop_ids": tuple(generation.stop_ids[i] for i in range(generation.stop_id_count)),
    }
    values: dict[str, Any] = {}
    for field in fields(ModelInfo):
        value = special[field.name] if field.name in special else getattr(info, field.name)
        values[field.name] = _text(value) if isinstance(value, bytes) else value
    return ModelInfo(**values)


# ---- Stages and hooks ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Stage:
    """One tensor of the forward pass, as a hook is told of it (doc/formats.md lists them)."""
    name: str  #: "language.layers.3.mlp.act"
    module: str | None  #: the module whose neurons it shows
    layer: int | None  #: the number in its name
    first_position: int  #: language stages: the sequence's position of row 0
    generating: bool  #: False in the prompt's pass, True while tokens are generated


Hook = Callable[[np.ndarray, Stage], np.ndarray | None]
Hooks = Union[Mapping[str, Hook], Iterable["tuple[str, Hook]"]]


def _pairs(hooks: Hooks | None) -> list[tuple[str, Hook]]:
    if hooks is None:
        return []
    return list(hooks.items() if isinstance(hooks, Mapping) else hooks)


def _view(stage: StageStruct) -> np.ndarray:
    """The stage's data as the library has them: valid until the hook returns."""
    shape = tuple(stage.shape[:stage.dimensions])
    if 0 in shape:
        return np.empty(shape, _element(stage))
    kind = ctypes.c_float if stage.element == ENUMS["MMN_ELEMENT_F32"] else ctypes.c_int32
    pointer = ctypes.cast(stage.data, ctypes.POINTER(kind))
    return np.ctypeslib.as_array(pointer, shape)


def _element(stage: StageStruct) -> type:
    return np.float32 if stage.element == ENUMS["MMN_ELEMENT_F32"] else np.int32


def _see(hook: Hook, writes: bool) -> Any:
    """What the library calls, of a hook."""
    def see(context: object, shown: Any, error: object) -> int:
        stage = shown.contents
        array = _view(stage)
        array.flags.writeable = writes
        returned = hook(array, Stage(stage.name.decode(), _text(stage.module),
                                     None if stage.layer < 0 else stage.layer, stage.first_position,
                                     bool(stage.generating)))
        if writes and returned is not None and returned is not array:
            if np.shape(returned) != array.shape:
                raise ValueError(f"a hook of {stage.name.decode()} returned an array of shape"
                                 f" {np.shape(returned)} for one of {array.shape}")
            array[...] = returned
        return Status.OK
    return callback(SEE, see, Status.INTERRUPTED)


BY_NAME = (".mlp.up", ".mlp.product")  # "*" alone leaves these out, as everywhere in mmneuron


# ---- Generating ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Generation:
    """How tokens are chosen; what is left as it is here is as the model's folder says."""
    temperature: float = 0  #: 0: always the likeliest
    top_p: float = 0  #: choose among the likeliest that together have it; 0 is 1
    top_k: int = 0  #: and before that among the K likeliest; 0: all
    seed: int = 0  #: of the random choices, which are the same on every machine
    repetition_penalty: float = 0  #: 1 changes nothing; 0: the folder's
    beams: int = 0  #: of a beam search; 1: none; 0: the folder's
    length_penalty: float = 1
    early_stopping: bool | str = False  #: True, False, or "never"
    stop: str | Sequence[str] = ()  #: strings that end an answer

    def beam_search(self) -> BeamSearch:
        kinds = {False: "FALSE", True: "TRUE", "never": "NEVER"}
        if self.early_stopping not in kinds:
            raise ValueError('early_stopping is True, False or "never", not'
                             f" {self.early_stopping!r}")
        return BeamSearch(self.beams, self.length_penalty,
                          ENUMS[f"MMN_EARLY_STOPPING_{kinds[self.early_stopping]}"])

    def stop_strings(self) -> Any:
        return array_of(text(string) for string in
                        ([self.stop] if isinstance(self.stop, str) else self.stop))


# ---- Runs ----------------------------------------------------------------------------------------


class Run(Mapping[str, np.ndarray]):
    """What a run of a model has made: the kept stages by their names, and an answer if wanted.

    Arrays are copies, which are yours: f32 (ids: i32), without a batch axis, T positions long in
    the language model ("language.layers.0.out" [T, width], "language.logits" [T, vocabulary]).
    """

    def __init__(self, prompt: str | None, is_image: np.ndarray) -> None:
        self.prompt = prompt  #: the text, None of token ids
        self.is_image = is_image  #: bool [T]: which positions hold features of an image
        self.answer: str | None = None  #: without special tokens
        self.ids = np.empty(0, np.int32)  #: i32 [n], those of the answer, a stop token included
        self.positions_reused = 0  #: how many positions were taken over from the session's last run
        self.images_reused = False
        self._stages: dict[str, np.ndarray] = {}

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._stages:
            kept = ", ".join(self._stages) or "nothing"
            raise KeyError(f"{name} was not kept (keep= names stages; kept: {kept})")
        return self._stages[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._stages)

    def __len__(self) -> int:
        return len(self._stages)

    @property
    def positions(self) -> int:
        """T, of the prompt in the language model."""
        return len(self.is_image)

    @property
    def logits(self) -> np.ndarray:
        """[T, vocabulary], where "language.logits" was kept."""
        return self["language.logits"]

    def stack(self, stages: str) -> np.ndarray:
        """Kept stages of one shape, those of a pattern ("language.layers.{i}.out") in the order of
        the forward pass: [layers, T, ...]."""
        parts = {"*": ".*", "?": ".", "{i}": "[0-9]+"}
        pattern = "".join(parts.get(part) or re.escape(part)
                          for part in re.split(r"(\*|\?|\{i\})", stages))
        return np.stack([array for name, array in self.items() if re.fullmatch(pattern, name)])

    def __repr__(self) -> str:
        answer = "" if self.answer is None else f", answer {self.answer!r}"
        return f"<Run: {self.positions} positions, {len(self)} stages kept{answer}>"


class Session:
    """Runs of a model one after the other, which take over what they have in common.

    What the last run has of the same images, or of the same beginning of the prompt, is not
    computed again, and every bit is as if it were. Hooks that change stages, and `keep` of language
    stages, have them computed all the same. A session is for one thread at a time; several may have
    one each. Model.run makes one for a single run, and says what the arguments are; where it is
    known how many tokens an answer has at most (max_new_tokens), its prompt makes room for them.
    """

    def __init__(self, model: Model, *, keep: str | Iterable[str] = (),
                 hooks: Hooks | None = None, watch: Hooks | None = None,
                 mask: Mask | None = None, allow_long_prompts: bool = False,
                 generates: bool = True, max_new_tokens: int = 0) -> None:
        needs = [model._handle] if mask is None else [model._handle, mask._handle]
        self._model = model
        self._handle = Handle("mmn_session_free", *needs)
        self._allow_long_prompts = allow_long_prompts
        self._run: Run | None = None
        self._probes: list[Any] = []  # which must live as long as the session
        options = SessionOptions(ctypes.sizeof(SessionOptions), not generates, max_new_tokens)
        call("mmn_session_create", self._handle.pointer, model._handle.value(), options)
        if mask is not None:
            call("mmn_session_add_mask", self._handle.value(), mask._handle.value())
        for pattern, hook in _pairs(hooks):
            self._add(pattern, hook, writes=True)
        for pattern, hook in _pairs(watch):
            self._add(pattern, hook, writes=False)
        patterns = keep if isinstance(keep, str) else ",".join(keep)
        if patterns:
            everything = patterns == "*"
            self._add(patterns, lambda array, stage: self._keep(array, stage, everything),
                      writes=False)

    def _add(self, pattern: str, hook: Hook, writes: bool) -> None:
        probe = Probe(text(pattern), writes, _see(hook, writes), None, 0)
        self._probes.append(probe)
        call("mmn_session_add_probe", self._handle.value(), probe)

    def _keep(self, array: np.ndarray, stage: Stage, everything: bool) -> None:
        if stage.generating or (everything and stage.name.endswith(BY_NAME)):
            return
        assert self._run is not None
        self._run._stages[stage.name] = array.copy()

    def run(self, prompt: Prompt, images: Images = (), *, tokens: int = 0,
            **generation: Any) -> Run:
        """As Model.run, with what the session was made with."""
        given = self._model._input(prompt, images)
        made = prompt if isinstance(prompt, str) else None
        try:
            return self._run_input(given, made, tokens, Generation(**generation))
        finally:
            given.close()

    def ask(self, question: str, images: Images = (), *, tokens: int = 128,
            template: str | None = None, **generation: Any) -> Run:
        """As Model.ask, with what the session was made with; the run, whose `answer` it is."""
        given, prompt = self._model._question(question, images, template)
        try:
            return self._run_input(given, prompt, tokens, Generation(**generation))
        finally:
            given.close()

    def _run_input(self, given: Handle, prompt: str | None, tokens: int,
                   generation: Generation) -> Run:
        session, value = self._handle.value(), given.value()
        if not self._allow_long_prompts:
            call("mmn_input_fits", value, self._model._handle.value())
        run = self._run = Run(prompt, np.array(
            [functions["mmn_input_is_image"](value, position)
             for position in range(functions["mmn_input_length"](value))], bool))
        if tokens:
            self._set_generation(prompt, generation)
        try:
            call("mmn_session_prefill", session, value)
            run.positions_reused = functions["mmn_session_positions_reused"](session)
            run.images_reused = bool(functions["mmn_session_images_reused"](session))
            if tokens:
                self._generate(run, tokens)
            call("mmn_model_unchanged", self._model._handle.value())
        finally:
            self._run = None
        return run

    def _set_generation(self, prompt: str | None, generation: Generation) -> None:
        session = self._handle.value()
        call("mmn_session_set_sampling", session, Sampling(
            generation.temperature, generation.top_p, generation.top_k, generation.seed,
            text(prompt), generation.repetition_penalty))
        search = generation.beam_search() if generation.beams else None
        call("mmn_session_set_beam_search", session, search)
        strings = generation.stop_strings()
        call("mmn_session_set_stop_strings", session, strings, len(strings))

    def _generate(self, run: Run, tokens: int) -> None:
        ids = np.zeros(tokens, np.int32)
        count = ctypes.c_size_t()
        call("mmn_session_generate", self._handle.value(), tokens,
             ids.ctypes.data_as(ctypes.POINTER(ctypes.c_int32)), count)
        run.ids = ids[:count.value].copy()
        run.answer = self._model.decode(run.ids) if self._model._has_tokenizer else None

    def close(self) -> None:
        self._handle.close()
        self._probes.clear()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class Model:
    """A Hugging Face folder, mapped into memory.

    path: the folder. threads: None is as many as OpenMP gives. simd: a kernel table's name, None
    the fastest; all give the same bits. without_tokenizer: prompts are token ids. allow_nonfinite:
    go on where a number becomes infinite or NaN, which else is an Error. ignore_generation_config:
    generate as if the folder's generation_config.json named stop tokens alone. pillow_13: resize
    images as Pillow 13 does. deltas: files of edit, whose additions to weights it is run with.
    random_init: the seed of random weights, as transformers initialises a model of the folder's
    configuration, in place of the folder's.

    A model does not change, and any number of threads may use it, each with sessions of its own;
    the library works without Python's lock. It is a context manager, and closed with its last user.
    """

    def __init__(self, path_: Path, *, threads: int | None = None, simd: str | None = None,
                 without_tokenizer: bool = False, allow_nonfinite: bool = False,
                 ignore_generation_config: bool = False, pillow_13: bool = False,
                 deltas: Path | Iterable[Path] = (), random_init: int | None = None) -> None:
        self.path = os.fspath(path_)
        self._has_tokenizer = not without_tokenizer
        given = paths(deltas)
        options = ModelOptions(
            size=ctypes.sizeof(ModelOptions), threads=threads or 0, simd=text(simd),
            resize_order=ENUMS[f"MMN_RESIZE_{'PILLOW_13' if pillow_13 else 'HORIZONTAL_FIRST'}"],
            without_tokenizer=without_tokenizer, ignore_generation_config=ignore_generation_config,
            interrupted=is_interrupted, allow_nonfinite=allow_nonfinite, deltas=given,
            delta_count=len(given), random_weights=random_init is not None,
            weights_seed=random_init or 0)
        self._handle = Handle("mmn_model_close")
        call("mmn_model_open", self._handle.pointer, path(path_), options)
        self.info = _describe(self._handle)

    def close(self) -> None:
        self._handle.close()

    def __enter__(self) -> Model:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Model {self.path}: {self.info.family}, {self.info.parameters:,} parameters>"

    def digest(self) -> str:
        """XXH3-128 of all weights and the architecture's numbers; reads the whole checkpoint."""
        digest = ctypes.create_string_buffer(33)
        call("mmn_model_digest", self._handle.value(), digest)
        return digest.value.decode()

    def nonfinite(self) -> int:
        """How often runs of the model have let infinite numbers or NaN pass (allow_nonfinite)."""
        return functions["mmn_model_nonfinite"](self._handle.value(), None)

    def encode(self, text_: str, *, add_special_tokens: bool = True) -> np.ndarray:
        """Token ids, i32 [n]."""
        ids, count = ctypes.c_void_p(), ctypes.c_size_t()
        call("mmn_model_encode", self._handle.value(), text(text_), add_special_tokens, ids, count)
        try:
            if count.value == 0:
                return np.empty(0, np.int32)
            pointer = ctypes.cast(ids, ctypes.POINTER(ctypes.c_int32))
            return np.ctypeslib.as_array(pointer, (count.value,)).copy()
        finally:
            functions["mmn_release"](ids)

    def decode(self, ids: Iterable[int], *, skip_special_tokens: bool = True) -> str:
        given = _ids(ids)
        return make_text("mmn_model_decode", self._handle.value(),
                         given.ctypes.data_as(ctypes.POINTER(ctypes.c_int32)), len(given),
                         skip_special_tokens)

    def prompt(self, question: str, *, has_image: bool = True,
               template: str | None = None) -> str:
        """The prompt that a template, the model's own if None is named, makes of a question."""
        return make_text("mmn_prompt_from_template", self._handle.value(), text(template),
                         text(question), has_image)

    def _input(self, prompt: Prompt, images: Images) -> Handle:
        given = Handle("mmn_input_free", self._handle)
        model = self._handle.value()
        files = paths(images)
        if isinstance(prompt, str):
            call("mmn_input_from_prompt", given.pointer, model, text(prompt), files, len(files))
        elif len(files):
            raise ValueError("images go with a prompt that is a text")
        elif isinstance(prompt, os.PathLike):
            call("mmn_input_from_file", given.pointer, model, path(prompt))
        else:
            ids = _ids(prompt)
            call("mmn_input_from_ids", given.pointer, model,
                 ids.ctypes.data_as(ctypes.POINTER(ctypes.c_int32)), len(ids))
        return given

    def _question(self, question: str, images: Images,
                  template: str | None) -> tuple[Handle, str]:
        given = Handle("mmn_input_free", self._handle)
        files, prompt = paths(images), ctypes.c_void_p()
        try:
            call("mmn_input_from_question", given.pointer, self._handle.value(), text(template),
                 text(question), files, len(files), prompt)
            return given, ctypes.string_at(prompt).decode("utf-8", "replace")
        finally:
            functions["mmn_release"](prompt)

    def session(self, **arguments: Any) -> Session:
        """Several runs that take over what they have in common: see Session."""
        return Session(self, **arguments)

    def run(self, prompt: Prompt, images: Images = (), *,
            keep: str | Iterable[str] = "language.logits", hooks: Hooks | None = None,
            watch: Hooks | None = None, mask: Mask | None = None, tokens: int = 0,
            allow_long_prompts: bool = False, **generation: Any) -> Run:
        """One forward pass over a prompt, and an answer of up to `tokens` tokens.

        prompt: raw text, with "<image>" where an image goes; token ids; or, as a pathlib.Path, a
        dump whose input_ids and pixel_values are taken. images: picture files; several at one
        "<image>" are joined side by side.

        keep: which stages the run has afterwards, as patterns: "language.layers.{i}.out",
        "vision.*"; {i} is a layer's number, and * any text ("language.layers.*.out" is
        "...0.attn.out" too); "*" is all but mlp.up and mlp.product. doc/formats.md lists stages and
        shapes. Logits of all positions take T * vocabulary * 4 bytes: name other stages, or (),
        where that is much.

        hooks: functions by patterns of stages, or pairs of both, called as function(array, stage)
        in the order of the forward pass. `array` is the library's memory, f32 or i32, and no longer
        valid when the function has returned: copy what you keep. It may be changed in place, or by
        returning an array of its shape; the pass goes on with that. What the function raises ends
        the run. watch: likewise, of functions that only look; their arrays are read-only. While
        tokens are generated both see their rows too (stage.generating).

        mask: neurons that are switched off, or set. generation: temperature, top_p, top_k, seed,
        repetition_penalty, beams, length_penalty, early_stopping, stop: see Generation.
        """
        with Session(self, keep=keep, hooks=hooks, watch=watch, mask=mask,
                     allow_long_prompts=allow_long_prompts, generates=tokens > 0,
                     max_new_tokens=tokens) as session:
            return session.run(prompt, images, tokens=tokens, **generation)

    def generate(self, prompt: Prompt, images: Images = (), *, tokens: int = 128,
                 **arguments: Any) -> Run:
        """As run, keeping nothing: the answer is in `answer`, and its token ids are in `ids`."""
        return self.run(prompt, images, keep=arguments.pop("keep", ()), tokens=tokens, **arguments)

    def ask(self, question: str, images: Images = (), *, tokens: int = 128,
            template: str | None = None, mask: Mask | None = None, **generation: Any) -> str:
        """The answer to a question, which is put into the model's own form of prompt."""
        with Session(self, mask=mask) as session:
            run = session.ask(question, images, tokens=tokens, template=template, **generation)
        return run.answer or ""

    def dump(self, file: Path, prompt: Prompt, images: Images = (), *,
             stages: str | Iterable[str] | None = None, tokens: int = 0,
             gradient_of: str | None = None, logit: bool = False, before: int = 0) -> None:
        """Writes stages of a forward pass to a safetensors file, as `mmneuron dump` does.

        `gradient_of` adds the gradients of the word's ln p, or logit, `before` positions before
        the last one."""
        given = self._input(prompt, images)
        options = DumpOptions(ctypes.sizeof(DumpOptions), names(stages), tokens,
                              text(gradient_of), logit, before)
        try:
            call("mmn_dump", self._handle.value(), given.value(), options, path(file))
        finally:
            given.close()


def _ids(ids: Iterable[int]) -> np.ndarray:
    """Token ids as the library takes them."""
    given = np.asarray(ids if isinstance(ids, np.ndarray) else list(ids))
    if given.ndim != 1 or (given.size and given.dtype.kind not in "iu"):
        raise TypeError(f"token ids are one row of integers, not {given.dtype} {list(given.shape)}")
    if given.size and (given.min() < -2**31 or given.max() >= 2**31):
        raise ValueError("a token id does not fit into 32 bits")
    return np.ascontiguousarray(given, np.int32)
