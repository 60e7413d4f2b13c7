"""Studies: what a model does with neurons off, and what it makes of its inputs.

All of them return a Result, tables by their names. What they have in common:

list: DATA.jsonl (doc/formats.md). neurons: a Neurons or a neurons.json file. settings: the modules
whose neurons are off, "language", "vision+projector", "all", several as a list; None: those of the
paper whose modules were ranked. samples: of each domain, the first N; 0: all. seeds: how many
choices of random neurons to compare with, from first_seed on. batch: in how many ways a sample runs
side by side; 0: as many as half of the memory that is left takes. other_model: take neurons that
were found in another model.

rows: a file that a row is added to as soon as a sample is done; the same call goes on from it.
shard: (I, N), do part I of N, whose rows are all that is made, and return None. parts: rows of all
shards, of which the result is made. plan: run nothing, and say what it would cost.

progress: as for mmneuron.count.
"""
from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from typing import Any, Union

from ._calls import Path, call, names, path, paths, progress_callback, text
from ._library import (BiasOptions, ContributionOptions, DetectOptions, EditOptions, EditsOptions, EncodeOptions,
                       EvalOptions, FeaturesOptions, HallucinationsOptions, JudgeOptions, LensOptions,
                       LocateOptions, PerplexityOptions, PerturbOptions, RowsOptions, StudyOptions)
from .model import Generation, Images, Model
from .neurons import Neurons
from .results import Result, as_files, made

Given = Union[Neurons, Path]
JUDGE_FORMS = ("benchmark", "demo")
Names = Union[str, Iterable[str]]


def _rows_options(rows: Path | None, shard: tuple[int, int] | None, parts: Iterable[Path],
                  plan: bool = False) -> RowsOptions:
    given = paths(parts)
    return RowsOptions(file=path(rows), shard=shard[0] if shard else 0,
                       shards=shard[1] if shard else 0, parts=given, part_count=len(given), plan=plan)


def _run(function: str, model: Model, options: Any, *names_before: Any, list: Path,
         neurons: Given | None = None, rows: Path | None, shard: tuple[int, int] | None,
         parts: Iterable[Path], plan: bool, progress: Any) -> Result | None:
    """Runs a study with the options that all of them have."""
    options.size = ctypes.sizeof(options)
    options.list = path(list)
    options.progress = progress_callback(progress)
    options.rows = _rows_options(rows, shard, parts, plan)
    with as_files([] if neurons is None else [neurons]) as files:
        options.neurons = path(files[0]) if files else None
        if shard and not plan and not options.rows.part_count:
            call(function, ctypes.c_void_p(), model._handle.value(), *names_before, options)
            return None
        return made(function, model._handle.value(), *names_before, options)


def eval(model: Model, list: Path, neurons: Given | None = None, *,
         settings: Names | None = None, cross: Names | None = None,
         measures: Names | None = None, until: float = 0, samples: int = 0, seeds: int = 5,
         first_seed: int = 1, tokens: int = 0, template: str | None = None, batch: int = 0,
         allow_unknown_keys: bool = False, allow_long_prompts: bool = False,
         other_model: bool = False, rows: Path | None = None,
         shard: tuple[int, int] | None = None, parts: Iterable[Path] = (), plan: bool = False,
         judge: Model | None = None, judge_form: str = "benchmark", languages: Path | None = None,
         steer: Path | None = None, cases: int = 0, progress: Any = None,
         **generation: Any) -> Result | None:
    """Answers a list's questions with nothing off, with each domain's neurons, and with random
    ones, and measures how right the answers are. (Of a list of texts see `perplexity`.)

    cross: those of the settings in which every domain's neurons are off in every domain. measures:
    "answers", "likelihood" (ln p of right answers, nats per token) or both. until: end a setting in
    a domain when own neurons less random ones are known to within so much. tokens: of an answer, at
    most (0: 16). template: for questions without a prompt. judge: what says whether answers to
    samples of metric "lingo" are right, asked as judge_form says (see `judge_file`).
    languages: a list of texts, from which it is learned in which language answers to samples of metric "language" are.
    steer: a counts file; in crossed settings each domain's samples are also answered with its neurons off and another's
    raised to their means there ("steered_cells"). cases: of each domain and choice of neurons, so
    many samples whose answers change are told in full. generation: see Generation; its seed is
    that of the random choices of tokens.

    Tables: "runs", "predictions" (of runs), "summary" and "likelihood_summary" (by setting and
    domain: plain, domain_off, random_mean, random_low, random_high), "cross_cells", "changes",
    "cases" (of changes), ...
    """
    how = Generation(**generation)
    stop = how.stop_strings()
    options = EvalOptions(
        settings=names(settings), cross=names(cross), measures=names(measures), until=until,
        samples=samples, seeds=seeds, first_seed=first_seed, tokens=tokens,
        temperature=how.temperature, top_p=how.top_p, top_k=how.top_k, sampling_seed=how.seed,
        repetition_penalty=how.repetition_penalty, beam_search=how.beam_search(), stop_strings=stop,
        stop_string_count=len(stop), template_name=text(template), batch=batch,
        allow_unknown_keys=allow_unknown_keys, allow_long_prompts=allow_long_prompts,
        other_model=other_model, judge=judge._handle.value() if judge else None,
        judge_form=JUDGE_FORMS.index(judge_form), languages=path(languages),
        steer=path(steer), cases=cases)
    return _run("mmn_eval", model, options, list=list, neurons=neurons, rows=rows, shard=shard,
                parts=parts, plan=plan, progress=progress)


def perplexity(model: Model, list: Path, neurons: Given | None = None, *, setting: str = "all",
               window: int = 0, begin_of_text: bool = False, samples: int = 0, seeds: int = 5,
               first_seed: int = 1, batch: int = 0, allow_unknown_keys: bool = False,
               other_model: bool = False, rows: Path | None = None,
               shard: tuple[int, int] | None = None, parts: Iterable[Path] = (),
               plan: bool = False, progress: Any = None) -> Result | None:
    """Reads a list's texts with nothing off, with each domain's neurons off in the texts of every
    domain, and with random ones off: the mean negative log likelihood of a token, in nats, and its
    exp.

    window: positions of the windows that texts are cut into (0: what the model was made for, at
    most 4096); begin_of_text: each begins with the tokenizer's token for it.

    Tables: "runs", "summary", ...
    """
    options = PerplexityOptions(
        setting=text(setting), window=window, begin_of_text=begin_of_text, samples=samples,
        seeds=seeds, first_seed=first_seed, batch=batch, allow_unknown_keys=allow_unknown_keys,
        other_model=other_model)
    return _run("mmn_perplexity_measure", model, options, list=list, neurons=neurons, rows=rows,
                shard=shard, parts=parts, plan=plan, progress=progress)


def perturb(model: Model, list: Path, neurons: Given, *, settings: Names | None = None,
            samples: int = 0, seeds: int = 5, first_seed: int = 1, allow_unknown_keys: bool = False,
            allow_long_prompts: bool = False, other_model: bool = False,
            rows: Path | None = None, shard: tuple[int, int] | None = None,
            parts: Iterable[Path] = (), plan: bool = False,
            progress: Any = None) -> Result | None:
    """How far switching neurons off moves the hidden states: means over positions of |h' - h| / |h|
    and of 1 - cos(h, h') at each layer's output and after the final norm.

    Tables: "curves", one for each setting, domain and choice of neurons, and of their layers.
    """
    options = PerturbOptions(
        settings=names(settings), samples=samples, seeds=seeds, first_seed=first_seed,
        allow_unknown_keys=allow_unknown_keys, allow_long_prompts=allow_long_prompts,
        other_model=other_model)
    return _run("mmn_perturb", model, options, list=list, neurons=neurons, rows=rows, shard=shard,
                parts=parts, plan=plan, progress=progress)


def study(model: Model, name: str, list: Path, neurons: Given | None = None, *, settings: Names | None = None,
          samples: int = 0, window: int = 0, begin_of_text: bool = False, seeds: int = 5,
          first_seed: int = 1, batch: int = 0, allow_unknown_keys: bool = False,
          allow_long_prompts: bool = False, other_model: bool = False, rows: Path | None = None,
          shard: tuple[int, int] | None = None, parts: Iterable[Path] = (), plan: bool = False,
          progress: Any = None) -> Result | None:
    """The study of this name, of those that need nothing particular: "agree", at what share of the
    positions the likeliest next token stays what it is; "sweep", of texts, how improbable a token
    is with neurons off of one rate and bar after another, for which `neurons` is a file of counts
    and settings are as "all@0.05/0.9"; "similarity", of prompts that are the same sentence in
    several domains where they have one id, the cosine of their mean states after each layer, which
    is the one that may be run without neurons."""
    options = StudyOptions(
        settings=names(settings), samples=samples, window=window, begin_of_text=begin_of_text,
        seeds=seeds, first_seed=first_seed, batch=batch, allow_unknown_keys=allow_unknown_keys,
        allow_long_prompts=allow_long_prompts, other_model=other_model)
    return _run("mmn_study_run", model, options, text(name), list=list, neurons=neurons, rows=rows,
                shard=shard, parts=parts, plan=plan, progress=progress)


def lens(model: Model, list: Path, *, stages: Names | None = None, samples: int = 0, top: int = 0,
         examples: int = 0, positions: Names | None = None, nearest: int = 0,
         neuron: str | None = None,
         neurons: Given | None = None, off_domain: str | None = None,
         off_setting: str | None = None, allow_unknown_keys: bool = False,
         allow_long_prompts: bool = False, other_model: bool = False, rows: Path | None = None,
         shard: tuple[int, int] | None = None, parts: Iterable[Path] = (), plan: bool = False,
         progress: Any = None) -> Result | None:
    """The logit lens: what softmax(lm_head(norm(h))) makes of every language layer's states, its
    entropy in nats and its most probable words, averaged for each domain over image and over text
    positions.

    stages: what is read of each layer, "out" (its output), "attn.out", "mid", "mlp.out". top: how
    many words are kept (0: 5). examples: of each domain, samples of which `positions` are kept in
    full: "last", "all", numbers, "image:K", "text:K". nearest: how many words are kept of those
    nearest to each image token among them before the first layer, by cosine. neuron: "MODULE:LAYER:NEURON", whose
    activation is shown on the pictures of these. neurons, off_domain, off_setting: what is off
    meanwhile.

    Tables: "curves", "three_stages", "samples", and what belongs to them.
    """
    options = LensOptions(
        stages=names(stages), samples=samples, top=top, examples=examples,
        positions=names(positions), neuron=text(neuron), off_domain=text(off_domain),
        off_setting=text(off_setting), allow_unknown_keys=allow_unknown_keys,
        allow_long_prompts=allow_long_prompts, other_model=other_model, nearest=nearest)
    return _run("mmn_lens_run", model, options, list=list, neurons=neurons, rows=rows, shard=shard,
                parts=parts, plan=plan, progress=progress)


def contrib(model: Model, question: str | None = None, images: Images = (), *,
            prompt: str | None = None, template: str | None = None, tokens: int = 0,
            word: str | None = None, all_words: bool = False, product: bool = False,
            top: int = 0, names: int = 0, seeds: int = 0, first_seed: int = 1, noise: float = 0,
            weight_noise: float = 0, enlarged: bool = False, gradient: bool = False,
            allow_long_prompts: bool = False, progress: Any = None) -> Result:
    """Which neurons of the language model put a word into an answer: activation times the neuron's
    output column times the word's row of the head.

    question, or prompt as raw text. tokens: of the answer, at most (0: 32). word: only this one of
    the answer; all_words: function words too. product: multiply activations by up_proj(x). top:
    neurons of each word (0: 10); names: words that each of them stands for (0: 5). seeds: random
    neurons that disturbing them is compared with; noise: its standard deviation (0: 0.5);
    weight_noise: that of noise in the weights that leave neurons (0: none). enlarged: the bar of a
    map is the percentile of the map enlarged to the picture, as published. gradient: choose neurons
    by their activations at the image's positions times the derivatives of the word's logit.

    Tables: "words", "neurons" (of words), "names" (of neurons), "disturbances", "drops", ...
    """
    files = paths(images)
    options = ContributionOptions(
        size=ctypes.sizeof(ContributionOptions), prompt=text(prompt), question=text(question),
        template_name=text(template), images=files, image_count=len(files), tokens=tokens,
        word=text(word), all_words=all_words, product=product, top=top, names=names, seeds=seeds,
        first_seed=first_seed, noise=noise, weight_noise=weight_noise, enlarged=enlarged,
        gradient=gradient, allow_long_prompts=allow_long_prompts, progress=progress_callback(progress))
    return made("mmn_contributions_run", model._handle.value(), options)


def edit(model: Model, question: str | None = None, images: Images = (), *, from_: str, to: str,
         output: Path | None = None, prompt: str | None = None, template: str | None = None,
         tokens: int = 0, method: str | None = None, top: int = 0, probability: float = 0,
         seed: int | None = None, learning_rate: float = 0, steps: int = 0,
         allow_long_prompts: bool = False, progress: Any = None) -> Result:
    """What makes the model say `to` where its answer has the word `from_`, added to the weights that
    leave the neurons which contribute most to that word.

    question, or prompt as raw text. output: the file of the additions, which Model(deltas=...) takes.
    tokens: of the answer, at most (0: 32). top: how many neurons (0: 10). probability: that `to` shall
    have (0: 0.9). method: "direct", without gradients, or "optimised" by Adam, with a learning_rate
    (0: 0.005) and so many steps at most (0: 50). seed: as many random neurons instead, by this seed.

    Tables: "words", "answers", "edited".
    """
    files = paths(images)
    options = EditOptions(
        size=ctypes.sizeof(EditOptions), prompt=text(prompt), question=text(question),
        template_name=text(template), images=files, image_count=len(files), tokens=tokens,
        to=text(to), method=text(method), top=top, probability=probability, random=seed is not None, seed=seed or 0,
        learning_rate=learning_rate, steps=steps,
        output=None if output is None else path(output), allow_long_prompts=allow_long_prompts,
        progress=progress_callback(progress), **{"from": text(from_)})
    return made("mmn_edit", model._handle.value(), options)


def edits(model: Model, list: Path, *, method: str | None = None, template: str | None = None,
          samples: int = 0, tokens: int = 0, top: int = 0, probability: float = 0,
          learning_rate: float = 0, steps: int = 0, seeds: int = 1, first_seed: int = 1,
          allow_unknown_keys: bool = False, allow_long_prompts: bool = False,
          rows: Path | None = None, shard: tuple[int, int] | None = None, parts: Iterable[Path] = (),
          progress: Any = None) -> Result | None:
    """What the edits of a list do: to the answers that have the word, to other pictures of the thing,
    and to everything else, with the neurons that contribute most to the word, with random ones, and
    (optimised) with all of the middle layer.

    Each line of the list has "from" and "to", and may have "general" and "local" (doc/formats.md).
    method: "direct" or "optimised" alone. What else there is, is as in edit.

    Tables: "summary", "comparisons", "edits" ("ways").
    """
    options = EditsOptions(
        template_name=text(template), samples=samples, tokens=tokens, method=text(method), top=top,
        probability=probability, learning_rate=learning_rate, steps=steps, seeds=seeds,
        first_seed=first_seed, allow_unknown_keys=allow_unknown_keys,
        allow_long_prompts=allow_long_prompts)
    return _run("mmn_edits_run", model, options, list=list, rows=rows, shard=shard, parts=parts,
                plan=False, progress=progress)


def contrib_list(model: Model, list: Path, *, template: str | None = None, samples: int = 0,
                 tokens: int = 0, word: str | None = None, all_words: bool = False,
                 product: bool = False, top: int = 0, names: int = 0, seeds: int = 0,
                 first_seed: int = 1, noise: float = 0, weight_noise: float = 0,
                 shuffles: int = 1, at_least: int = 0, gradient: bool = False,
                 allow_unknown_keys: bool = False,
                 allow_long_prompts: bool = False, rows: Path | None = None,
                 shard: tuple[int, int] | None = None, parts: Iterable[Path] = (),
                 progress: Any = None) -> Result | None:
    """The same of the answers to a list, and what the neurons of a word have in common with those
    of other words, of the word in other samples, and with the image's positions permuted.

    shuffles: how often each sample is answered with its image's positions permuted. at_least: in
    how many samples a word must be said to be compared between them (0: 5). What else there is, is
    as in contrib.

    Tables: "summary" (by contribution, or gradient, and by activation), "drops", "layers", "words" ("common"),
    "answers" ("spoken" ("lists" ("neurons" ("names")), "falls")).
    """
    options = ContributionOptions(
        template_name=text(template), samples=samples, tokens=tokens, word=text(word),
        all_words=all_words, product=product, top=top, names=names, seeds=seeds,
        first_seed=first_seed, noise=noise, weight_noise=weight_noise, shuffles=shuffles,
        at_least=at_least, gradient=gradient, allow_unknown_keys=allow_unknown_keys,
        allow_long_prompts=allow_long_prompts)
    return _run("mmn_contributions_run", model, options, list=list, rows=rows, shard=shard,
                parts=parts, plan=False, progress=progress)


def write_names(result: Result, file: Path) -> None:
    """Writes the names of the neurons that a result of contrib_list has, a line of JSON for each
    neuron of each word, for programs that compare the word with the names."""
    call("mmn_contribution_names_write", result._handle.value(), path(file))


def judge_file(judge: Model, file: Path, list: Path | None = None, *, form: str = "benchmark",
               allow_unknown_keys: bool = False, progress: Any = None) -> Result:
    """Whether answers are right, by a model that judges them (Lingo-Judge).

    file: lines of JSON with question, answers and prediction, or the rows of `eval` over `list`.
    form: "benchmark", answers in lower case and at most 128 tokens, or "demo", as they are.

    Tables: "groups" (of a domain, or a way of running it: judged, right, accuracy), "judgements"
    (of groups: logit, probability, is_right).
    """
    options = JudgeOptions(size=ctypes.sizeof(JudgeOptions), file=path(file), list=path(list),
                           form=JUDGE_FORMS.index(form), allow_unknown_keys=allow_unknown_keys,
                           progress=progress_callback(progress))
    return made("mmn_judge_file", judge._handle.value(), options)


def detect(detector: Model, image: Path, queries: Iterable[str], *, threshold: float = 0.1,
           progress: Any = None) -> Result:
    """Finds in a picture what queries ("a photo of a cat") name, by a detector (OWL-ViT).

    Tables: "queries" (text, found), "detections" (query, score, left, top, right, bottom, patch),
    the largest score first. threshold: what is found has a score above it.
    """
    asked = [*queries]
    options = DetectOptions(size=ctypes.sizeof(DetectOptions), image=path(image),
                            queries=paths(asked), query_count=len(asked), threshold=threshold,
                            progress=progress_callback(progress))
    return made("mmn_detect", detector._handle.value(), options)


def locate(detector: Model, model: Model, alignment: Path, image: Path, prompt: str, *,
           word: str | None = None, weights: str = "class", perturb: tuple[str, str] | None = None,
           epsilon: float = 1.0, tokens: int = 32, progress: Any = None) -> Result:
    """Lets a language model answer a prompt about a picture that it reads through a detector, and
    shows by which boxes a word's logit behind the prompt goes.

    alignment: the file of the network between the two. prompt: with "<image>". weights: what of a
    box the map shows, "class", "coordinates" or "any". perturb: what is seen, and what is to be
    seen instead for a second answer, after a step by epsilon.

    Tables: "boxes" (patch, score, sides; "numbers": of, cosine, weight), "map" (value), row by row
    of the detector's grid, "perturbations" (answer, scores, differences before and after).
    """
    seen, wanted = perturb or (None, None)
    options = LocateOptions(size=ctypes.sizeof(LocateOptions), alignment=path(alignment),
                            image=path(image), prompt=text(prompt), word=text(word),
                            weights=text(weights), to=text(wanted),
                            epsilon=epsilon if perturb else 0.0, tokens=tokens,
                            progress=progress_callback(progress), **{"from": text(seen)})
    return made("mmn_locate", detector._handle.value(), model._handle.value(), options)


def hallucinations(detector: Model, model: Model, list: Path, alignment: Path, *, prompt: str | None = None,
                   classes: Names | None = None, samples: int = 0, tokens: int = 0,
                   allow_unknown_keys: bool = False, allow_long_prompts: bool = False,
                   rows: Path | None = None, shard: tuple[int, int] | None = None,
                   parts: Iterable[Path] = (), progress: Any = None) -> Result | None:
    """Asks such a model of each picture of a list whether things of each class are in it, and the
    detector for the class, whose largest score is its confidence.

    Each line of the list has an "image" and its "objects" (doc/formats.md). prompt: with "<image>"
    and "{class}"; None: the published one. classes: what to ask about; None: all objects of the list.

    Tables: "classes", "summary" ("histogram"), "separations", "hallucinations" ("boxes").
    """
    options = HallucinationsOptions(
        detector=detector._handle.value(), alignment=path(alignment), prompt=text(prompt),
        classes=names(classes), samples=samples, tokens=tokens,
        allow_unknown_keys=allow_unknown_keys, allow_long_prompts=allow_long_prompts)
    return _run("mmn_hallucinations_run", model, options, list=list, rows=rows, shard=shard, parts=parts,
                plan=False, progress=progress)


def bias(detector: Model, model: Model, list: Path, alignment: Path, *, perturb: tuple[str, str],
         epsilon: float = 1.0, property: str | None = None, prompt: str | None = None, samples: int = 0,
         tokens: int = 0, allow_unknown_keys: bool = False, allow_long_prompts: bool = False,
         rows: Path | None = None, shard: tuple[int, int] | None = None, parts: Iterable[Path] = (),
         progress: Any = None) -> Result | None:
    """Asks such a model of each picture of a list how likely the person in it has a property, from 1
    to 10, and again after one step of what the detector saw: by how much the score changes.

    Each line of the list has an "image", and a "property" unless one is given for all. perturb: what
    is seen, and what is to be seen instead, by a step of epsilon. prompt: with "<image>" and
    "{property}"; None: the published one.

    Tables: "summary", "lines".
    """
    seen, wanted = perturb
    options = BiasOptions(
        detector=detector._handle.value(), alignment=path(alignment), to=text(wanted), epsilon=epsilon,
        property=text(property), prompt=text(prompt), samples=samples, tokens=tokens,
        allow_unknown_keys=allow_unknown_keys, allow_long_prompts=allow_long_prompts, **{"from": text(seen)})
    return _run("mmn_bias_run", model, options, list=list, rows=rows, shard=shard, parts=parts, plan=False,
                progress=progress)


def features(model: Model, list: Path, file: Path, *, stages: Names | None = None,
             pool: str | None = None, allow_unknown_keys: bool = False,
             allow_long_prompts: bool = False, rows: Path | None = None,
             shard: tuple[int, int] | None = None, parts: Iterable[Path] = (), plan: bool = False,
             progress: Any = None) -> Result | None:
    """Writes what a model's stages are for the events of a list to a file, for `encode`.

    stages: patterns (None: the outputs of all layers). pool: over a stage's positions, "last",
    "first", "mean" or "flat" (None: "last").

    Tables: "files", "alignments" ("layers").
    """
    options = FeaturesOptions(file=path(file), stages=names(stages), pool=text(pool),
                              allow_unknown_keys=allow_unknown_keys,
                              allow_long_prompts=allow_long_prompts)
    return _run("mmn_features", model, options, list=list, rows=rows, shard=shard, parts=parts,
                plan=plan, progress=progress)


def encode(responses: Path, features: dict[str, Path] | None = None,
           compare: Iterable[tuple[str, str]] = (), *, model: Model | None = None,
           events: Path | None = None, stages: Names | None = None, pool: str | None = None,
           save_features: Path | None = None, roles: Iterable[tuple[str, str]] = (),
           join: dict[str, Iterable[str]] | None = None, draws: int = 0, seed: int = 1,
           epsilon: float = 0, rate: float = 0, site_parts: int = 0, rows: Path | None = None,
           shard: tuple[int, int] | None = None, parts: Iterable[Path] = (),
           columns: Path | None = None, threads: int = 0, simd: str | None = None,
           progress: Any = None) -> Result | None:
    """Whether features of events predict what was recorded while they happened.

    responses: a file of what was recorded. features: of each model, a file (doc/formats.md has both).
    compare: pairs of models, of which the first is to predict sites better; ("best", "second") are those that
    validate best at each site. model: one that is run
    on the list `events` for features of its own, under the name "model"; stages and pool: as in
    `features`; save_features: where they are kept. roles: models with "multimodal", "vision",
    "language", "random:MODEL" or "control:MODEL", from which comparisons and tests follow. join: names
    of models whose features are those of others side by side. draws: of the events (0: 1000).
    epsilon: how far projections may change distances (0: 0.1). rate: of false discoveries (0: 0.05).
    site_parts: draws are regressed for so many parts of the sites apart (0: 1). rows, shard, parts: of
    regressions. columns: a file for what is found of each site and bin, of which the result has means then
    ("means").
    """
    named = [f"{name}={os.fspath(file)}" for name, file in (features or {}).items()]
    pairs = [f"{a}:{b}" for a, b in compare]
    given = [f"{name}={role}" for name, role in roles]
    joined = [f"{name}={'+'.join(parts)}" for name, parts in (join or {}).items()]
    options = EncodeOptions(
        size=ctypes.sizeof(EncodeOptions), responses=path(responses), features=paths(named),
        feature_count=len(named), comparisons=paths(pairs), comparison_count=len(pairs),
        roles=paths(given), role_count=len(given), joins=paths(joined), join_count=len(joined),
        draws=draws, seed=seed, epsilon=epsilon, rate=rate, threads=threads, simd=text(simd),
        progress=progress_callback(progress), rows=_rows_options(rows, shard, parts),
        site_parts=site_parts, columns=path(columns))
    if model is not None:
        options.model = model._handle.value()
        options.events = ctypes.pointer(FeaturesOptions(
            size=ctypes.sizeof(FeaturesOptions), list=path(events), file=path(save_features),
            stages=names(stages), pool=text(pool), progress=progress_callback(progress)))
    if shard:
        call("mmn_encode", ctypes.c_void_p(), options)
        return None
    return made("mmn_encode", options)
