#!/usr/bin/env python3
"""Makes a list of edits, for "mmneuron edits", of the answers that a model gives to a list.

The first word of the answer to each of EDITS samples, in turn from all domains, becomes that of the next answer in the same
domain that begins with another one. The edit is general where another sample's answer begins with the word, and local where it
does not; of both at most MOST are taken (all), the next ones in the list.

Run as: bench/edit_list.py MMNEURON MODEL LIST.jsonl SAMPLES EDITS [MOST] >EDITS.jsonl, where the first SAMPLES of each domain
are asked, in their raw prompts or with "mmneuron eval"'s template.
"""
import json
import re
import subprocess
import sys
from pathlib import Path


def first_word(answer: str) -> str:
    found = re.search(r"[^\W_]+", answer)
    return found[0] if found else ""


def ask(program: str, model: str, path: Path, samples: str) -> dict[str, str]:
    """By sample, the first word of its answer."""
    told = subprocess.run([program, "eval", model, str(path), "--samples", samples, "--seeds", "0",
                           "--json", "-q"], capture_output=True, text=True, check=True).stdout
    return {found["id"]: first_word(found["answer"]) for made in json.loads(told)["runs"] for found in made["predictions"]}


def asked(sample: dict, folder: Path) -> dict:
    images = sample.get("image", [])
    images = [str(folder / image) for image in ([images] if isinstance(images, str) else images)]
    return {"image": images} | {key: sample[key] for key in ("question", "prompt") if key in sample}


def main() -> None:
    program, model, name, samples, edits = sys.argv[1:6]
    most = int(sys.argv[6]) if len(sys.argv) > 6 else None
    path = Path(name)
    words = ask(program, model, path, samples)
    lines = {}
    for line in path.read_text().splitlines():
        sample = json.loads(line)
        if sample["id"] in words:
            lines[sample["id"]] = sample
    folder = path.parent.resolve()
    domains: dict[str, list[str]] = {}
    for key, sample in lines.items():
        domains.setdefault(sample["domain"], []).append(key)
    turns = [keys[place] for place in range(max(map(len, domains.values())))
             for keys in domains.values() if place < len(keys)]
    made = 0
    for key in turns:
        keys = domains[lines[key]["domain"]]
        place = keys.index(key)
        to = next((words[other] for other in keys[place + 1:] + keys[:place]
                   if words[other] and words[other].lower() != words[key].lower()), None)
        if made == int(edits) or not words[key] or to is None:
            continue
        everything = list(lines)
        others = everything[everything.index(key) + 1:] + everything[:everything.index(key)]
        same, different = ([asked(lines[other], folder) for other in others if (words[other].lower() == words[key].lower()) == wanted][:most]
                           for wanted in (True, False))
        print(json.dumps({"id": key, "domain": lines[key]["domain"]} | asked(lines[key], folder) |
                         {"from": words[key], "to": to, "general": same, "local": different}, ensure_ascii=False))
        made += 1


if __name__ == "__main__":
    main()
