"""Recordings of the brain during films, as the Brain Treebank publishes them or as tables of responses, taken in as
responses to events and a list of the events. A module of mmneuron-import."""
import bisect
import csv
import glob
import json
import math
import os

import numpy

RATE = 2048  # samples a second
# What the names of tables say, and the alignment: onsets of words, cuts between scenes.
TABLES = {"word": "language", "scene": "vision"}


class BadRecording(ValueError):
    """A sentence about a file: which, where, and what is wrong."""


def read(folder, options):
    """Names of sites; of each alignment, responses [sites times bins, events] and events as lines of a list."""
    if os.path.isdir(f"{folder}/subject_timings"):
        return read_treebank(folder, options)
    return read_tables(folder, options)


def number(text, file, where):
    try:
        value = float(text)
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise BadRecording(f"{file}: {where}: is no number")
    return value


def read_csv(file, *columns):
    """The rows of a table that has these columns."""
    try:
        with open(file, encoding="utf-8-sig", newline="") as stream:
            table = csv.DictReader(stream)
            rows = list(table)
            missing = [name for name in columns if name not in (table.fieldnames or [])]
    except (UnicodeDecodeError, csv.Error) as problem:
        raise BadRecording(f"{file}: is no table: {problem}") from None
    if missing:
        raise BadRecording(f"{file}: has no column {missing[0]}")
    if not rows:
        raise BadRecording(f"{file}: has no rows")
    return rows


def read_json(file, kind):
    try:
        with open(file, encoding="utf-8") as stream:
            document = json.load(stream)
    except (ValueError, RecursionError) as problem:
        raise BadRecording(f"{file}: is not JSON: {problem}") from None
    if not isinstance(document, kind):
        raise BadRecording(f"{file}: is of the wrong kind")
    return document


def event(alignment, name, text, image):
    line = {"id": name, "domain": alignment, "prompt": f"<image>\n{text}" if image else text}
    return line | {"image": image} if image else line


# ---- The Brain Treebank ------------------------------------------------------------------------------------------

def clean(label):
    return str(label).translate({ord(mark): None for mark in "*#_"})


def read_sites(folder, subject):
    """Name of a dataset and label of each electrode that records a brain and is not called corrupted."""
    labels = read_json(f"{folder}/electrode_labels/{subject}/electrode_labels.json", list)
    corrupted = set()
    if os.path.exists(f"{folder}/corrupted_elec.json"):
        listed = read_json(f"{folder}/corrupted_elec.json", dict).get(subject, [])
        corrupted = {clean(label) for label in listed}
    sites = [(f"electrode_{i}", clean(label)) for i, label in enumerate(labels)]
    return [(name, label) for name, label in sites
            if label not in corrupted and not label.upper().startswith(("DC", "TRIG"))]


def read_timings(file):
    """The film's times in seconds and the samples that were recorded then, by time."""
    rows = [(number(row["movie_time"], file, "movie_time"), number(row["index"], file, "index"))
            for row in read_csv(file, "movie_time", "index")]
    return rows, sorted(range(len(rows)), key=lambda i: (rows[i][0], i))


def sample_at(time, timings):
    """The sample at a time of the film, from the nearest row of timings, the first among equals."""
    rows, order = timings
    after = bisect.bisect_left(order, time, key=lambda i: rows[i][0])
    near = []
    for place in (after - 1, after):
        if 0 <= place < len(order):
            # Of rows with the same time the first in the file.
            same = bisect.bisect_left(order, rows[order[place]][0], key=lambda i: rows[i][0])
            near.append(order[same])
    row = min(near, key=lambda i: (abs(rows[i][0] - time), i))
    return round(rows[row][1] + (time - rows[row][0]) * RATE)


def read_words(file, last):
    """Words up to the last time, rows with an empty field left out: start, end, text, and whether a sentence begins."""
    words = []
    for i, row in enumerate(read_csv(file, "start", "end", "text", "is_onset")):
        if any(value is None or value.lower() in ("", "nan") for value in row.values()):
            continue
        start, end, onset = (number(row[name].replace("True", "1").replace("False", "0"), file, f"row {i + 1}, {name}")
                             for name in ("start", "end", "is_onset"))
        if start <= last:
            words.append((start, end, row["text"], onset != 0))
    words.sort(key=lambda word: word[0])
    return words


def language_events(words):
    """Of each word its time and the sentence up to it."""
    sentence = []
    for start, _, text, is_onset in words:
        sentence = [text] if is_onset else sentence + [text]
        yield start, " ".join(sentence)


def vision_events(file, words):
    """Of each cut its time and the last sentence that was over by then; cuts before the first sentence are left out."""
    sentences = []
    for _, end, text, is_onset in words:
        if is_onset or not sentences:
            sentences.append([end, text])
        else:
            sentences[-1] = [end, f"{sentences[-1][1]} {text}"]
    for i, row in enumerate(read_csv(file, "start")):
        time = number(row["start"], file, f"row {i + 1}, start")
        over = [text for end, text in sentences if end <= time]
        if over:
            yield time, over[-1]


def frame_at(time, options):
    """The first frame that is not before a time."""
    if not options.frames:
        return None
    path = options.frames.format(math.ceil(time * options.fps))
    if not os.path.exists(os.path.join(os.path.dirname(options.events or options.output), path)):
        raise BadRecording(f"{path}: is not there; it is the frame at {time} s")
    return path


def read_treebank(folder, options):
    import h5py
    trial = f"sub_{options.subject}_trial{options.trial:03}"
    timings = read_timings(f"{folder}/subject_timings/{trial}_timings.csv")
    about = f"{folder}/subject_metadata/{trial}_metadata.json"
    film = read_json(about, dict).get("filename")
    if not isinstance(film, str):
        raise BadRecording(f"{about}: filename: is missing or of the wrong kind")
    words = read_words(f"{folder}/transcripts/{film}/features.csv", max(time for time, _ in timings[0]))
    found = {"language": list(language_events(words))}
    if options.scenes:
        found["vision"] = list(vision_events(options.scenes, words))
    sites = read_sites(folder, f"sub_{options.subject}")
    if not sites:
        raise BadRecording(f"{folder}: has no electrodes of subject {options.subject}")
    file = f"{folder}/{trial}.h5"
    try:
        with h5py.File(file, "r") as stream:
            return read_electrodes(file, stream, sites, found, timings, options)
    except (KeyError, TypeError, ValueError) as problem:
        if isinstance(problem, BadRecording):
            raise
        raise BadRecording(f"{file}: is not laid out as the Brain Treebank's: {problem}") from None


def windows(options):
    """Where windows begin, in samples from an event, and how long they are."""
    count = round((options.end - options.begin) / options.step) + 1
    return [round((options.begin + i * options.step - options.window / 2) * RATE) for i in range(count)], \
        max(1, round(options.window * RATE))


def read_electrodes(file, stream, sites, found, timings, options):
    """Means over windows around each event; events of which a window is not recorded are left out."""
    begins, length = windows(options)
    samples = min(len(stream["data"][name]) for name, _ in sites)
    kept = {}
    for alignment, events in found.items():
        at = [(sample_at(time, timings), time, text) for time, text in events]
        kept[alignment] = [(sample, event(alignment, f"{alignment}-{i + 1}", text, frame_at(time, options)))
                           for i, (sample, time, text) in enumerate(at)
                           if sample + begins[0] >= 0 and sample + begins[-1] + length <= samples]
    responses = {alignment: numpy.empty((len(sites) * len(begins), len(events)), "<f4")
                 for alignment, events in kept.items()}
    for i, (name, label) in enumerate(sites):
        sums = numpy.concatenate([[0], numpy.cumsum(stream["data"][name][:samples], dtype=numpy.float64)])
        if not numpy.isfinite(sums[-1]):
            raise BadRecording(f"{file}: data/{name} ({label}): has numbers that are not finite")
        for alignment, events in kept.items():
            first = numpy.array([sample for sample, _ in events], dtype=numpy.int64)[None] + numpy.array(begins)[:, None]
            responses[alignment][i * len(begins):(i + 1) * len(begins)] = (sums[first + length] - sums[first]) / length
    return [label for _, label in sites], responses, {
        alignment: [line for _, line in events] for alignment, events in kept.items()}


# ---- Tables ------------------------------------------------------------------------------------------------------

def read_table(file):
    """Electrode and bin of each row, and its responses [rows, events]."""
    if file.endswith(".csv"):
        rows = read_csv(file)
        names = list(rows[0])
        if None in rows[0] or len(names) < 3:
            raise BadRecording(f"{file}: has no columns of events behind those of electrode and bin")
        keys = [(row[names[0]], row[names[1]]) for row in rows]
        values = [[number(row[name], file, f"row {i + 1}, {name}") for name in names[2:]] for i, row in enumerate(rows)]
        return keys, numpy.array(values)
    import pandas
    try:
        table = pandas.read_parquet(file)
        table = table if table.index.nlevels == 2 else table.set_index(list(table.columns[:2]))
        values = table.to_numpy(dtype=numpy.float64)
    except (ValueError, TypeError, KeyError) as problem:
        raise BadRecording(f"{file}: is no table of responses: {problem}") from None
    if not numpy.isfinite(values).all():
        raise BadRecording(f"{file}: has values that are not finite")
    return list(table.index), values


def in_order(file, keys):
    """Sites in the order of their appearance, and the rows of each with its bins likewise."""
    places = {}
    for row, (site, bin_) in enumerate(keys):
        if places.setdefault(str(site), {}).setdefault(str(bin_), row) != row:
            raise BadRecording(f"{file}: has two rows of electrode {site}, bin {bin_}")
    bins = list(next(iter(places.values())))
    for site, rows in places.items():
        if set(rows) != set(bins):
            raise BadRecording(f"{file}: electrode {site} has other bins than {next(iter(places))}")
    return list(places), [rows[bin_] for rows in places.values() for bin_ in bins]


def read_alignment(folder, kind, alignment, options):
    """Sites, responses and events of one alignment, or None where the folder has no table of it."""
    pattern = f"{glob.escape(folder)}/trial{options.trial:03}_{kind}_response_data*"
    files = sorted(file for file in glob.glob(pattern) if ".parquet" in file or file.endswith(".csv"))
    if not files:
        return None
    keys, values = read_table(files[0])
    sites, rows = in_order(files[0], keys)
    about = f"{folder}/trial{options.trial:03}_{kind}_stimulus_metadata.csv"
    events = [event(alignment, f"{alignment}-{i + 1}", row["context"], row["image_path"] or None)
              for i, row in enumerate(read_csv(about, "image_path", "context"))]
    if len(events) != values.shape[1]:
        raise BadRecording(f"{about}: has {len(events)} rows; {files[0]} has {values.shape[1]} events")
    return sites, values[rows].astype("<f4"), events


def read_tables(folder, options):
    """Of a subject's folder the tables of both alignments, or of the one that is there."""
    found = {alignment: read_alignment(folder, kind, alignment, options) for kind, alignment in TABLES.items()}
    found = {alignment: read for alignment, read in found.items() if read}
    if not found:
        raise BadRecording(f"{folder}: has no table trial{options.trial:03}_word_response_data or _scene_response_data, "
                           "and no folder subject_timings")
    sites = next(iter(found.values()))[0]
    for alignment, (own, _, _) in found.items():
        if own != sites:
            raise BadRecording(f"{folder}: the tables of {alignment} have other electrodes than those of {next(iter(found))}")
    return sites, {name: read[1] for name, read in found.items()}, {name: read[2] for name, read in found.items()}
