"""Compares the library's images and pixel_values with Pillow's and transformers', bit for bit.

python3 compare_with_pillow.py TOOL WHAT [COUNT] [SEED]

TOOL is the built tests/image/image_tool. WHAT is `pixels` (every photograph that scikit-image and
scikit-learn ship, and COUNT crops of them scaled to random sizes, through the processors of
data/settings), `anyres` (COUNT random image sizes), `damage` (COUNT truncated and bit-flipped
copies of every file in data/files) or `all`. Pixels are compared with Pillow's own order of
resizing: run it once with Pillow 12.0 and once with Pillow 13. Prints how many were compared, and
the first that differ; ends with 1 if any did. Of damaged files the pixels may differ where the
versions of libjpeg-turbo do.
"""
import glob
import os
import random
import subprocess
import sys
import tempfile

import PIL
from PIL import Image

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "data"))
from make_image_cases import (HERE, SETTINGS, anyres_of, digest_of_pixels, load,
                              order_of_resizing, processor_of)

ORDER = order_of_resizing()


class Tool:
    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)

    def ask(self, *words):
        self.process.stdin.write(" ".join(str(word) for word in words) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"the tool died on: {words}")
        return answer.strip()


class Count:
    def __init__(self, name):
        self.name, self.compared, self.different, self.notes = name, 0, 0, {}

    def add(self, equal, message):
        self.compared += 1
        if not equal:
            self.different += 1
            if self.different <= 10:
                print("DIFFERENT", message)

    def note(self, text):
        self.notes[text] = self.notes.get(text, 0) + 1

    def show(self):
        notes = "".join(f", {text}: {count}" for text, count in sorted(self.notes.items()))
        print(f"{self.name}: compared {self.compared}, different {self.different}{notes}")
        return self.different


def photographs():
    import skimage
    import sklearn
    patterns = [os.path.join(os.path.dirname(skimage.__file__), "data", "*.png"),
                os.path.join(os.path.dirname(skimage.__file__), "data", "*.jpg"),
                os.path.join(os.path.dirname(sklearn.__file__), "datasets", "images", "*.jpg")]
    return sorted(sum((glob.glob(pattern) for pattern in patterns), []))


def random_size(rng):
    kind = rng.randrange(4)
    if kind == 0:
        return rng.randint(1, 80), rng.randint(1, 80)
    if kind == 1:
        return rng.randint(1, 30), rng.randint(300, 2000)
    if kind == 2:
        return rng.randint(300, 2000), rng.randint(1, 30)
    return rng.randint(100, 1500), rng.randint(100, 1500)


def compare_pixels(tool, count, rng, folder):
    decoded = Count("photographs decoded")
    made = Count(f"pixel_values, order {ORDER}, Pillow {PIL.__version__}")
    sources = photographs()
    for path in sources:
        image = load(path)
        answer = tool.ask("decode", path)
        expected = f"{image.width} {image.height} {digest_of_pixels(image)}"
        decoded.add(answer == expected, f"{path}: {answer}, Pillow {expected}")
    images = [load(path) for path in sources]
    file = os.path.join(folder, "image.png")
    names = sorted(SETTINGS)
    processors = {name: processor_of(name) for name in names}
    for i in range(count):
        image = rng.choice(images)
        size = random_size(rng)
        box = (rng.uniform(0, image.width / 2), rng.uniform(0, image.height / 2))
        image = image.resize(size, Image.Resampling.BILINEAR, (*box, image.width, image.height))
        image.save(file, compress_level=1)
        name = names[i % len(names)]
        if SETTINGS[name]["limit"] and max(size) > SETTINGS[name]["limit"] * min(size):
            continue
        values = processors[name](image)
        answer = tool.ask("pixels", os.path.join(HERE, "settings", name), SETTINGS[name]["kind"],
                          SETTINGS[name]["side"], ORDER, file)
        made.add(answer == values, f"{name} {size}: {answer}, transformers {values}")
    return decoded.show() + made.show()


def compare_anyres(tool, count, rng):
    total = Count("anyres geometry")
    for i in range(count):
        name = rng.choice(["next", "next_small", "next_many"])
        side, patch = SETTINGS[name]["side"], SETTINGS[name]["patch"]
        width, height = random_size(rng)
        if i % 3 == 0:
            width, height = rng.randint(1, 700) * rng.randint(1, 6), rng.randint(1, 700)
        expected = " ".join(str(value) for value in anyres_of(name, height, width))
        answer = tool.ask("anyres", os.path.join(HERE, "settings", name), side, patch, height,
                          width)
        total.add(answer == expected, f"{name} {width}x{height}: {answer}, HF {expected}")
    return total.show()


def compare_damage(tool, count, rng, folder):
    truncated, flipped = Count("truncated files"), Count("bit-flipped files")
    for path in sorted(glob.glob(os.path.join(HERE, "files", "*"))):
        with open(path, "rb") as file:
            whole = file.read()
        suffix = os.path.splitext(path)[1]
        for i in range(count):
            data = bytearray(whole)
            total = truncated if i % 2 else flipped
            if i % 2:
                data = data[:rng.randrange(len(data))]
            else:
                for _ in range(rng.choice([1, 1, 1, 3, 20])):
                    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            damaged = os.path.join(folder, "damaged" + suffix)
            with open(damaged, "wb") as file:
                file.write(data)
            try:
                image = load(damaged)
                expected = f"{image.width} {image.height} {digest_of_pixels(image)}"
            except Exception as error:
                expected = "error"
            answer = tool.ask("decode", damaged)
            kind = os.path.basename(path).split(".")[-1]
            if answer.startswith("error") and expected == "error":
                total.note(f"{kind} refused by both")
            elif answer.startswith("error"):
                total.note(f"{kind} refused by us only")
            elif expected == "error":
                total.note(f"{kind} refused by Pillow only")
            else:
                total.note(f"{kind} decoded by both")
                total.add(answer == expected, f"{path} {i}: {answer}, Pillow {expected}")
    return truncated.show() + flipped.show()


def main():
    tool, what = Tool(sys.argv[1]), sys.argv[2]
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 1000
    rng = random.Random(int(sys.argv[4]) if len(sys.argv) > 4 else 1)
    different = 0
    with tempfile.TemporaryDirectory() as folder:
        if what in ("pixels", "all"):
            different += compare_pixels(tool, count, rng, folder)
        if what in ("anyres", "all"):
            different += compare_anyres(tool, count, rng)
        if what in ("damage", "all"):
            compare_damage(tool, count, rng, folder)
    sys.exit(different > 0)


if __name__ == "__main__":
    main()
