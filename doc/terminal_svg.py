#!/usr/bin/env python3
"""Runs commands and writes what a terminal would show as an SVG: the pictures in the README.

Run as: doc/terminal_svg.py OUTPUT.svg COMMAND...   (each COMMAND is one line of shell)
"""
import re
import subprocess
import sys
from html import escape

WIDTH_OF_CHARACTER = 7.83  # of the fonts below at 13 pixels
LINE_HEIGHT = 18
MARGIN = 18


def picture(lines):
    """Returns an SVG of lines; those that begin with "$ " are drawn as typed."""
    width = max(map(len, lines)) * WIDTH_OF_CHARACTER + 2 * MARGIN
    height = len(lines) * LINE_HEIGHT + 2 * MARGIN
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" '
             f'viewBox="0 0 {width:.0f} {height}">',
             '<rect width="100%" height="100%" rx="8" fill="#1b1f24"/>',
             '<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, \'DejaVu Sans Mono\', '
             'monospace" font-size="13" fill="#d0d7de">']
    for number, line in enumerate(lines):
        style = ' fill="#7ee787"' if line.startswith("$ ") else ""
        # Each word is put at its own column, so that columns stay aligned in every font.
        words = "".join(f'<tspan x="{MARGIN + word.start() * WIDTH_OF_CHARACTER:.1f}">'
                        f'{escape(word.group())}</tspan>' for word in re.finditer(r"\S+", line))
        parts.append(f'<text y="{MARGIN + 13 + number * LINE_HEIGHT}"{style}>{words}</text>')
    return "\n".join(parts + ["</g>", "</svg>", ""])


def main():
    lines = []
    for command in sys.argv[2:]:
        done = subprocess.run(command, shell=True, stdout=subprocess.PIPE, text=True, check=False)
        lines += ["$ " + command] + done.stdout.rstrip("\n").split("\n") + [""]
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        file.write(picture(lines[:-1]))


if __name__ == "__main__":
    main()
