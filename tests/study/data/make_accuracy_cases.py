#!/usr/bin/env python3
"""Writes accuracy_cases.json: answers, and what measures of accuracy make of them.

An implementation of its own, from the measures' definitions, in Python's own texts, regular
expressions and multisets. Run as: python3 make_accuracy_cases.py
"""
import json
import random
import re
import string
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
MARKS = ';/[]"{}()=+\\_-><@`,?!'
NUMBERS = dict(zip("none zero one two three four five six seven eight nine ten".split(),
                   "0 0 1 2 3 4 5 6 7 8 9 10".split()))
CONTRACTIONS = {"dont": "don't", "isnt": "isn't", "cant": "can't", "couldnt've": "couldn't've",
                "couldn'tve": "couldn't've", "yall'd've": "y'all'd've", "hes": "he's",
                "thats": "that's", "twas": "'twas", "ow's'at": "'ow's'at", "oclock": "o'clock",
                "somebody'd": "somebodyd"}  # of the official table, those that the cases need


def vqa_form(text):
    text = re.sub(r"[\n\t]", " ", text).strip()
    result = text
    for mark in MARKS:
        beside = mark + " " in text or " " + mark in text
        grouped = re.search(r"\d,\d", text) is not None
        result = result.replace(mark, "" if beside or grouped else " ")
    result = re.sub(r"\.(?!\d)", "", result)
    words = [NUMBERS.get(word, word) for word in result.lower().split()]
    return " ".join(CONTRACTIONS.get(word, word) for word in words if word not in ("a", "an", "the"))


def vqa(answer, answers):
    answer, answers = vqa_form(answer), [vqa_form(each) for each in answers]
    if len(answers) == 1:
        return float(answer == answers[0])
    scores = []
    for left_out in range(len(answers)):
        others = answers[:left_out] + answers[left_out + 1:]
        scores.append(min(1, others.count(answer) / min(3, len(others))))
    return sum(scores) / len(scores)


def distance(a, b):
    table = {(i, 0): i for i in range(len(a) + 1)} | {(0, j): j for j in range(len(b) + 1)}
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            table[i, j] = min(table[i - 1, j] + 1, table[i, j - 1] + 1,
                              table[i - 1, j - 1] + (a[i - 1] != b[j - 1]))
    return table[len(a), len(b)]


def similarity(answer, answers):
    def form(text):
        return " ".join(text.lower().split())
    return max(1 - distance(form(answer), form(each)) / (max(len(form(answer)), len(form(each))) or 1)
               for each in answers)


def squad_form(text):
    text = "".join(letter for letter in text.lower() if letter not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", text).split()


def token_f1(answer, answers):
    def score(a, b):
        common = sum((Counter(a) & Counter(b)).values())
        if not a or not b:
            return float(a == b)
        if common == 0:
            return 0.0
        precision, recall = common / len(a), common / len(b)
        return 2 * precision * recall / (precision + recall)
    return max(score(squad_form(answer), squad_form(each)) for each in answers)


def scores(metric, answer, answers):
    result = {"exact": float(answer.strip().lower() in [each.strip().lower() for each in answers]),
              "token_f1": token_f1(answer, answers)}
    if metric == "vqa":
        result["vqa"] = vqa(answer, answers)
        result["vqa_published"] = float(answer.lower() in [each.lower() for each in answers])
    if metric == "anls":
        result["anls_published"] = similarity(answer, answers)
        result["anls"] = result["anls_published"] if result["anls_published"] >= 0.5 else 0.0
    return result


PIECES = ["a", "an", "The", "one", "None", "ten", "two", "yes", "Yes.", "no", "cat", "cats", "dont",
          "couldnt've", "yall'd've", "thats", "somebody'd", "oclock", "3", "3.5", "1,000", "-", "red-blue",
          "(big)", "U.S.", "what?", "/", ";", "café", "CAFÉ", "über", "\t", "日本", "5.-3", ".5", "it's"]


def make_text(generator):
    words = " ".join(generator.choices(PIECES, k=generator.randint(1, 4)))
    return words + generator.choice(["", "", " ", ".", "!", "\n"])


def make_cases():
    generator = random.Random(11)
    for metric in ("vqa", "anls", "exact"):
        for count in (1, 2, 3, 4, 5, 10, 10, 10) * 12:
            pool = [make_text(generator) for _ in range(generator.randint(1, 3))]
            pool += [pool[0].upper(), pool[0].strip() + "."]
            answers = generator.choices(pool, k=count)
            answer = generator.choice(pool + [make_text(generator)])
            yield {"metric": metric, "answers": answers, "answer": answer,
                   "scores": scores(metric, answer, answers)}


if __name__ == "__main__":
    (HERE / "accuracy_cases.json").write_text(
        "[\n" + ",\n".join(json.dumps(case, ensure_ascii=False) for case in make_cases()) + "\n]\n")
