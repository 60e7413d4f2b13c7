"""Writes the small photographs of this folder from those that scikit-image ships (see README.md).

python3 make_images.py    needs scikit-image and Pillow
"""
import os

import skimage
from PIL import Image

SOURCE = os.path.join(os.path.dirname(skimage.__file__), "data")
HERE = os.path.dirname(os.path.abspath(__file__))


def photograph(name, box=None, size=None):
    image = Image.open(os.path.join(SOURCE, name))
    if box:
        image = image.crop(box)
    if size:
        image = image.resize(size, Image.Resampling.LANCZOS)
    return image


def save(image, name, **options):
    image.save(os.path.join(HERE, name), **options)


save(photograph("rocket.jpg", (0, 160, 640, 360), (512, 160)), "wide.jpg", quality=85)
save(photograph("coffee.png", (200, 0, 360, 400)), "tall.jpg", quality=85, progressive=True)
save(photograph("astronaut.png", (150, 20, 310, 119), (37, 23)), "tiny.png", optimize=True)
save(photograph("camera.png", size=(300, 300)), "grey.jpg", quality=85)
save(photograph("astronaut.png", size=(336, 336)), "square.jpg", quality=90, subsampling=0)
save(photograph("chelsea.png"), "cat.jpg", quality=80)
save(photograph("retina.jpg", size=(240, 240)), "retina.jpg", quality=85)
save(photograph("text.png"), "text.png", optimize=True)
save(photograph("ihc.png", (0, 0, 256, 192)), "tissue.png", optimize=True)
