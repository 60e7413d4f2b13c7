"""Made-up results of eval, of eval of likelihoods alone, perturb, lens, sweep and similarity, and neurons.json, for
the tests of reports.

    python3 make_results.py FOLDER

The numbers look like a plausible run; they come from a generator of our own, so that they stay as
they are where the script is run again.
"""
import json
import math
import pathlib
import sys

DOMAINS = ["documents", "driving", "everyday", "medical", "remote sensing"]
MODULES = {"vision": (12, 256), "projector": (1, 512), "language": (16, 512)}
MODEL = "0123456789abcdef" * 2
# The digest of the neurons made below. The program refuses another and says what it should be.
NEURONS = "cfa3b713b940739173832905373e3646"


class Generator:
    def __init__(self, state):
        self.state = state

    def real(self):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 11) / 2**53

    def around(self, centre, width):
        return centre + width * (self.real() - 0.5)


def head(name, **settings):
    return {"format": f"mmneuron-{name}-1", "version": "0.1.0", "model": MODEL,
            "neurons": NEURONS, "settings": {"list": "data.jsonl", "samples": 50, **settings},
            "domains": DOMAINS}


def neurons(random):
    modules = {}
    for name, (layers, width) in MODULES.items():
        selected = round(0.05 * layers * width)
        owned = {domain: set() for domain in DOMAINS}
        seen = set()
        while len(seen) < selected:
            layer = min(layers - 1, int(layers * random.real() ** (0.6 if name == "vision" else 1.6)))
            pair = (layer, int(width * random.real()))
            if pair in seen:
                continue
            seen.add(pair)
            first = int(5 * random.real())
            owned[DOMAINS[first]].add(pair)
            if random.real() < 0.35:
                owned[DOMAINS[(first + 1 + int(2 * random.real())) % 5]].add(pair)
        modules[name] = {"layers": layers, "neurons": width, "bar": 0.71, "assignment_bar": 0.71,
                         "above_bar": 4 * selected, "selected": selected, "tied_at_cut": 0,
                         "inert": [], "domains": {d: sorted(map(list, owned[d])) for d in DOMAINS}}
    return {"format": "mmneuron-neurons-1",
            "settings": {"rate": 0.05, "bar": 0.95, "assignment_bar": 0.95,
                         "arithmetic": "binary64"},
            "counts": {"version": "0.1.0", "samples": 250, "model": MODEL, "data": "00", "inputs": "00"},
            "modules": modules, "digest": NEURONS}


def evaluation(random):
    result = head("eval", modules=["vision", "projector", "language"], seeds=5, first_seed=1,
                  tokens=16, temperature=0, top_p=1, sampling_seed=0, template="raw")
    settings = ["language", "vision", "vision+projector", "all"]
    plain = {d: random.around(0.88, 0.12) for d in DOMAINS}
    runs, summary, cross = [], [], []
    for d in DOMAINS:
        runs.append(run("none", "nothing", None, None, d, plain[d]))
    for depth, setting in enumerate(settings):
        for d in DOMAINS:
            off = plain[d] - (0.03 + 0.07 * depth) * random.around(1, 1.2)
            random_ones = [plain[d] - 0.01 * depth * random.around(1, 2) for _ in range(5)]
            mean = math.fsum(random_ones) / 5
            spread = 2.776 * math.sqrt(math.fsum((x - mean) ** 2 for x in random_ones) / 4 / 5)
            runs.append(run(setting, "domain", d, None, d, off))
            runs += [run(setting, "random", d, s + 1, d, x) for s, x in enumerate(random_ones)]
            summary.append({"setting": setting, "domain": d, "plain": plain[d], "domain_off": off,
                            "random_mean": mean, "random_interval": [mean - spread, mean + spread],
                            "random_seeds": 5})
    for setting in ("language", "all"):
        cross.append({"setting": setting, "domains": DOMAINS,
                      "accuracy": [[plain[b] - (0.35 if a == b else 0.12) * random.real()
                                    for b in DOMAINS] for a in DOMAINS]})
    return {**result, "runs": runs, "summary": summary, "cross": cross}


def likelihood(random):
    settings = ["language", "vision", "vision+projector", "all"]
    plain = {d: random.around(-1.2, 0.8) for d in DOMAINS}
    summary, cross, comparisons = [], [], []
    for depth, setting in enumerate(settings):
        for d in DOMAINS:
            own = -(0.02 + 0.1 * depth) * random.around(0.8, 2)
            other = random.around(0, 0.02)
            spread = random.around(0.01, 0.01)
            summary.append({"setting": setting, "domain": d, "plain": plain[d], "domain_off": plain[d] + own,
                            "random_mean": plain[d] + other,
                            "random_interval": [plain[d] + other - spread, plain[d] + other + spread],
                            "random_seeds": 5})
            for off, against, difference in (("own", "random", own - other), ("own", "nothing", own),
                                             ("others", "random", random.around(0, 0.1))):
                width, samples = random.around(0.04, 0.04), 8 if d == "medical" and depth == 3 else 50
                low, high = difference - width, difference + width
                shows = ("nothing" if samples < 10 else "lower" if high < 0 else
                         "higher" if low > 0 else "no difference")
                comparisons.append({"measure": "log_probability_per_token", "setting": setting, "domain": d,
                                    "off": off, "against": against, "samples": samples,
                                    "difference": difference, "interval": [low, high], "shows": shows})
    for setting in ("language", "all"):
        cross.append({"setting": setting, "domains": DOMAINS,
                      "difference": [[random.around(-0.4 if a == b else 0, 0.2) for b in DOMAINS]
                                     for a in DOMAINS]})
    return {**head("eval", modules=["vision", "projector", "language"], seeds=5, first_seed=1, template="raw"),
            "runs": [], "summary": [], "cross": [], "likelihood": {"summary": summary, "cross": cross},
            "bootstrap": {"interval": "BCa", "draws": 10000, "seed": 1}, "comparisons": comparisons}


def run(setting, off, of, seed, domain, accuracy):
    return {"setting": setting, "off": off, "neurons_of": of, "seed": seed, "neurons": {"language": 12},
            "domain": domain, "samples": 50, "metric": "vqa", "accuracy": accuracy,
            "measures": {"vqa": accuracy, "vqa_published": accuracy, "exact": accuracy},
            "predictions": [{"id": "1", "answer": "yes", "score": 1}]}


def perturbation(random):
    curves = []
    for setting in ("language", "all"):
        for d in DOMAINS:
            for seed in (None, 1, 2, 3):
                size = random.around(0.16, 0.05) if seed is None else random.around(0.05, 0.02)
                size *= 1.5 if setting == "all" else 1

                def curve(scale):
                    moved = [scale * size * (1 - math.exp(-(i + 1) / 5)) * random.around(1, 0.1)
                             for i in range(16)]
                    return {"relative": moved, "cosine": [x * x / 2 for x in moved]}
                curves.append({"setting": setting, "off": "domain" if seed is None else "random",
                               "neurons_of": d, "seed": seed, "domain": d, "samples": 50,
                               "positions": 30000, **curve(1),
                               "image": {"positions": 28800, **curve(1.1)},
                               "text": {"positions": 1200, **curve(0.7)}})
    return {**head("perturb"), "curves": curves}


WORDS = ["the", "a", "road", "lane", "car", "red", "light", "left", " yes", "no", "two", "stop",
         "\u8f66", "sign", "street", "tree"]


def top(random, share, count):
    words = []
    for _ in range(count):
        number = int(len(WORDS) * random.real())
        words.append({"id": 100 + number, "word": WORDS[number], "p": share})
        share *= 0.4
    return words


def lens(random):
    layers = 16
    curves, stages, samples = [], [], []
    for d in DOMAINS:
        until, start = 4 + int(2 * random.real()), 11 + int(2 * random.real())

        def entropy(high, low, turn):
            return [low + (high - low) / (1 + math.exp((i - turn) / 1.2)) * random.around(1, 0.06)
                    for i in range(layers)]
        kinds = {}
        for kind, values in (("image", entropy(9.4, 4.2, start)), ("text", entropy(8.6, 1.4, until + 2))):
            kinds[kind] = {"positions": 2880 if kind == "image" else 120, "entropy": values,
                           "top": [[{"id": w["id"], "word": w["word"], "share": w["p"]}
                                    for w in top(random, 0.3, 2)] for _ in range(layers)]}
        curves.append({"domain": d, "stage": "out", **kinds})
        found = d != "medical"
        stages.append({"domain": d, "found": found, "align_until": until, "generate_from": start,
                       "evidence": "entropy of image positions stays within 5 % of its start until "
                                   f"layer {until}" if found else "no fall of the image positions' "
                                   "entropy is steep enough", "values": {}})
    for number, (d, image) in enumerate((("driving", "wide.jpg"), ("everyday", "missing.jpg"))):
        positions = []
        for p in range(9):
            kind = "image" if p < 5 else "text"
            positions.append({"position": 5 + 97 * p, "kind": kind, "token": "" if p < 5 else
                              ["What", "\u2581is", "\u2581ahead", "?"][p - 5],
                              "layers": [{"entropy": 9 - 0.4 * i, "top": top(random, min(
                                  0.98, 0.03 + (i / layers) ** 2 * random.around(0.9, 0.3)), 3)}
                                  for i in range(layers)]})
        sample = {"id": f"{d}-{number}", "domain": d, "images": [image], "grid": None,
                  "positions": positions}
        if number == 0:
            sample["activation"] = {"module": "vision", "layer": 5, "neuron": 81, "grid": [12, 18],
                                    "values": [max(-0.17, 3 * math.exp(-((i // 18 - 8) ** 2 / 8 +
                                                                         (i % 18 - 11) ** 2 / 20))
                                                   - 0.2) for i in range(216)]}
        samples.append(sample)
    return {**head("lens", stages=["out"], top=3, off=None), "layers": layers, "vocabulary": 32000,
            "curves": curves, "three_stages": stages, "samples": samples}


LANGUAGES = ["de", "en", "ja"]


def off_runs(setting, seeds):
    """What is off in a setting's runs: a language's own neurons, then random ones."""
    return [{"setting": setting, "off": "domain", "seed": None}] + [
        {"setting": setting, "off": "random", "seed": seed + 1} for seed in range(seeds)]


def sweep(random):
    """Three rates at one bar and two at another, so that rates and bars vary, one alone, and one of given neurons."""
    points = [(f"language@{rate}/{bar}", rate, bar) for bar, rates in ((0.95, (0.01, 0.05, 0.002)), (0.9, (0.01, 0.05)))
              for rate in rates] + [("all@0.2/0.5", 0.2, 0.5), ("all", None, None)]
    plain = {d: random.around(3, 1) for d in LANGUAGES}
    runs = [{"setting": "none", "off": "nothing", "neurons_of": None, "seed": None, "neurons": {}, "domain": d,
             "tokens": 4096, "nats": plain[d]} for d in LANGUAGES]
    for setting, rate, bar in points:
        size = 8 * (rate or 0.01) / (bar or 1)
        for d in LANGUAGES:
            for off in off_runs(setting, 2):
                rise = random.around(size, size / 3) if off["off"] == "domain" else random.around(0.1 * size, size / 3)
                runs.append({**off, "neurons_of": d, "neurons": {"language": round(1000 * size)}, "domain": d,
                             "tokens": 4096, "nats": plain[d] + rise})
    listed = [{"setting": setting, "rate": rate, "bar": bar,
               "neurons": {d: round(random.around(8000, 900) * (rate or 0.01)) for d in LANGUAGES}}
              for setting, rate, bar in points]
    return {**head("sweep", seeds=2, first_seed=1), "domains": LANGUAGES, "runs": runs, "points": listed}


def similarity(random):
    layers, pairs = 6, []
    conditions = [{"setting": "none", "off": "nothing", "seed": None}] + off_runs("all", 2)
    for number, condition in enumerate(conditions):
        for a, b in (("de", "en"), ("de", "ja"), ("en", "ja")):
            shared = 0 if (a, b) == ("en", "ja") and number > 1 else 20
            other = [random.around(0.2 + 0.1 * state, 0.1) - 0.3 * (state == 0) for state in range(layers + 1)]
            parallel = [x + random.around(0.03 * state, 0.02) if shared else None for state, x in enumerate(other)]
            pairs.append({**condition, "domains": [a, b], "sentences": shared, "others": 400 - shared,
                          "parallel": parallel, "other": other})
    neurons = [{"setting": "all", "domain": d, "layers": [int(40 * random.real()) for _ in range(layers)]}
               for d in LANGUAGES]
    return {**head("similarity", seeds=2, first_seed=1), "domains": LANGUAGES, "layers": layers, "pairs": pairs,
            "neurons_by_layer": neurons}


def main():
    folder = pathlib.Path(sys.argv[1])
    for number, (name, make) in enumerate({"neurons": neurons, "eval": evaluation,
                                           "perturb": perturbation, "lens": lens,
                                           "likelihood": likelihood, "sweep": sweep,
                                           "similarity": similarity}.items()):
        text = json.dumps(make(Generator(number + 1)), ensure_ascii=False)
        (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")


main()
