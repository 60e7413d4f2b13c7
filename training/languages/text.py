#!/usr/bin/env python3
"""Plain text in five languages from two Debian packages: the Installation Guide and the Debian Reference, which
are translated paragraph by paragraph and are under the GNU GPL, version 2 (the Reference: or later).

Takes the paragraphs, list items and headings of their pages, without what is code, and without paragraphs that are the
same in two languages (not translated). A page's number among the pages of its book decides to which split it
belongs, the same in every language: so that no test page's translation has been learnt.

Run as: python3 text.py FOLDER     (apt-get download and dpkg-deb; FOLDER then has train, validation and
test, each with a file LANGUAGE.txt: a paragraph a line)
"""
import collections
import html.parser
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

LANGUAGES = ("de", "en", "es", "fr", "ja")
PACKAGES = ["installation-guide-amd64=20230508+deb12u1",
            *(f"debian-reference-{language}=2.100" for language in LANGUAGES)]
BLOCKS, LEFT_OUT = {"p", "li", "dt", "dd", "h1", "h2", "h3", "h4", "td", "th", "div"}, {"pre", "script", "style", "tt", "table"}
SPLITS = {9: "test", 4: "validation"}  # of every ten pages; the others are learnt


class Paragraphs(html.parser.HTMLParser):
    """Collects the text of each block by itself; spans of code become nothing, blocks of code end a paragraph."""
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found, self.text, self.hidden = [], [], 0

    def end_paragraph(self) -> None:
        text = re.sub(r"\s+", " ", unicodedata.normalize("NFC", "".join(self.text))).strip()
        self.text = []
        if text:
            self.found.append(text)

    def handle_starttag(self, tag: str, attributes: list) -> None:
        self.hidden += tag in LEFT_OUT
        if tag in BLOCKS or tag in LEFT_OUT - {"tt"}:
            self.end_paragraph()

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in LEFT_OUT and self.hidden > 0
        if tag in BLOCKS or tag in LEFT_OUT - {"tt"}:
            self.end_paragraph()

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.text.append(data)


def is_prose(text: str) -> bool:
    letters = sum(c.isalpha() or c == " " for c in text)
    return len(text) >= 20 and letters / len(text) > 0.8 and "http" not in text and "@" not in text


def unpack(folder: Path) -> Path:
    root = folder / "root"
    if not root.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", "-q", *PACKAGES], cwd=folder, check=True)
        for package in sorted(folder.glob("*.deb")):
            subprocess.run(["dpkg-deb", "-x", str(package.resolve()), str(root)], check=True)
    return root


def pages(root: Path, language: str) -> list[Path]:
    """The pages of both books, which have the same names in every language."""
    guide = sorted((root / "usr/share/doc/installation-guide-amd64" / language).glob("*.html"))
    return guide + sorted((root / "usr/share/debian-reference").glob(f"*.{language}.html"))


def read(root: Path, language: str) -> dict[str, list[str]]:
    """The paragraphs of each split."""
    found = collections.defaultdict(list)
    for number, page in enumerate(pages(root, language), 1):
        parser = Paragraphs()
        parser.feed(page.read_text(encoding="utf-8", errors="replace"))
        parser.end_paragraph()
        found[SPLITS.get(number % 10, "train")] += [text for text in parser.found if is_prose(text)]
    return found


def main() -> None:
    folder = Path(sys.argv[1])
    root = unpack(folder)
    texts = {language: read(root, language) for language in LANGUAGES}
    seen_in = collections.defaultdict(set)
    for language, splits in texts.items():
        for split in splits.values():
            for text in split:
                seen_in[text].add(language)
    seen = set()
    for split in ("test", "validation", "train"):
        (folder / split).mkdir(exist_ok=True)
        for language in LANGUAGES:
            kept = []
            for text in texts[language][split]:
                if len(seen_in[text]) == 1 and (language, text) not in seen:
                    seen.add((language, text))
                    kept.append(text)
            (folder / split / f"{language}.txt").write_text("".join(f"{text}\n" for text in kept), encoding="utf-8")
            print(f"{split} {language}: {len(kept)} paragraphs, {sum(map(len, kept))} characters")


if __name__ == "__main__":
    main()
