"""Shows that pixel_values of pictures that nobody here made are transformers', bit for bit.

python3 compare_suites.py MMNEURON FOLDER...

MMNEURON is the built program; the folders (of other projects' test suites, say the tests of Pillow's
source distribution, and the data of scikit-image, scikit-learn and matplotlib) are searched for files
that Pillow opens. Each is dumped with three of golden/checkpoints, whose processors are
CLIPImageProcessor, LlavaNextImageProcessor and BlipImageProcessor, and compared with what
transformers 5.23's PIL processors make of load_image's picture. Prints how many are equal, refused by
the program (with its sentences), refused by both, read by the program alone, and different;
ends with 1 if any is different. Needs Pillow 12.0 or 12.1, torch, transformers and safetensors.
"""
import collections
import os
import re
import subprocess
import sys
import tempfile
import warnings

import numpy
from PIL import Image
from safetensors.numpy import load_file
from transformers.image_utils import load_image
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.llava_next.image_processing_pil_llava_next import (
    LlavaNextImageProcessorPil)

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "golden",
                      "checkpoints")
MODELS = {"llava-1.5": (CLIPImageProcessorPil, "a <image>"),
          "llava-v1.6-vicuna": (LlavaNextImageProcessorPil, "a <image>"),
          "instructblip": (BlipImageProcessorPil, "a")}


def files_of(folders):
    for folder in folders:
        for root, _, names in os.walk(folder):
            for name in sorted(names):
                path = os.path.join(root, name)
                try:
                    Image.open(path)
                except Exception:
                    continue
                yield path


def compare(program, path, name, processor, prompt, output):
    try:
        expected = numpy.asarray(processor(load_image(path), return_tensors="np")["pixel_values"])
        expected = expected.reshape(-1, *expected.shape[-3:]).astype(numpy.float32)
    except Exception:
        expected = None
    run = subprocess.run([program, "dump", os.path.join(GOLDEN, name), "-q", "--image", path,
                          "--prompt", prompt, "--stages", "pixel_values", "-o", output],
                         capture_output=True, text=True, errors="replace")
    if run.returncode != 0:
        sentence = re.sub(r"byte \d+|\d+x\d+", "...", run.stderr.replace(path, "FILE")).strip()
        return ("refused by both" if expected is None else "refused", sentence)
    if expected is None:
        return "read by the program alone", path
    values = load_file(output)["pixel_values"]
    equal = values.shape == expected.shape and (
        values.view(numpy.uint32) == expected.view(numpy.uint32)).all()
    return "equal" if equal else "DIFFERENT", path


def main():
    warnings.simplefilter("ignore")
    results, sentences = collections.Counter(), collections.Counter()
    processors = {name: entry[0].from_pretrained(os.path.join(GOLDEN, name))
                  for name, entry in MODELS.items()}
    with tempfile.TemporaryDirectory() as folder:
        for path in files_of(sys.argv[2:]):
            for name, (_, prompt) in MODELS.items():
                result, detail = compare(sys.argv[1], path, name, processors[name], prompt,
                                         os.path.join(folder, "dump"))
                results[name, result] += 1
                if result == "refused":
                    sentences[detail] += 1
                elif result not in ("equal", "refused by both"):
                    print(result, name, detail)
    for (name, result), count in sorted(results.items()):
        print(f"{name}: {result}: {count}")
    for sentence, count in sentences.most_common():
        print(f"{count:6} {sentence}")
    sys.exit(any(result == "DIFFERENT" for _, result in results))


if __name__ == "__main__":
    main()
