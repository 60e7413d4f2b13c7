"""Contestants of the scripts that compare: bench/end_to_end kept running, and spreads of ratios."""

import subprocess


class EndToEnd:
    """bench/end_to_end in its mode for programs: one repetition of a job per call."""

    def __init__(self, program, model, options=()):
        self.process = subprocess.Popen([program, *options, "--serve", model], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def seconds(self, job):
        self.process.stdin.write(job + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"bench/end_to_end ended at {job}")
        return float(answer)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def spread(values):
    """(minimum, median, maximum)"""
    values = sorted(values)
    middle = (values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2
    return values[0], middle, values[-1]


def text(values, form):
    return " / ".join(form % value for value in spread(values))


def print_header(other, rounds):
    print(f"| job | {other} | seconds: min / median / max of {rounds} | mmneuron's seconds "
          "| ratio (above 1: mmneuron is faster) |\n| --- | --- | --- | --- | --- |")


def print_row(job, other, theirs, ours):
    ratios = [their / our for their, our in zip(theirs, ours)]
    print(f"| {job} | {other} | {text(theirs, '%.3f')} | {text(ours, '%.3f')} "
          f"| {text(ratios, '%.2f')} |", flush=True)
