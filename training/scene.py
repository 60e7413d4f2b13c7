"""What a drawn picture is: frames, questions with their answers, and marks that say what lies where."""
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw, ImageFont

SIDE = 144  # pixels of a frame; the model sees half of that
COLOURS = {"red": (205, 40, 40), "blue": (45, 75, 205), "yellow": (238, 208, 45),
           "white": (244, 244, 240), "black": (28, 28, 30), "purple": (150, 55, 175)}
FONTS = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSerif.ttf", "DejaVuSerif-Bold.ttf")

PRACTICE = "practice"  # the metric of questions that are only trained with

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Question:
    text: str
    answer: str
    metric: str = "vqa"  # "vqa", "exact", "anls", "choice" or PRACTICE
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mark:
    """Something at a place of the joined frames, in pixels; the vision tower is helped to name it."""
    x: float
    y: float
    label: str


@dataclass
class Scene:
    domain: str
    frames: list[Image.Image] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)

    def ask(self, text: str, answer: object, metric: str = "vqa") -> None:
        self.questions.append(Question(text, str(answer), metric))

    def mark(self, x: float, y: float, label: str) -> None:
        self.marks.append(Mark(x, y, label))


def pick(rng: Generator, values):
    """One of `values`, each as likely as the others."""
    values = list(values)
    return values[int(rng.integers(len(values)))]


def several(rng: Generator, values, count: int) -> list:
    """`count` different ones, in random order."""
    values = list(values)
    return [values[i] for i in rng.permutation(len(values))[:count]]


def flip(rng: Generator, chance: float = 0.5) -> bool:
    return bool(rng.random() < chance)


def vary(rng: Generator, colour: Colour, by: int = 14) -> Colour:
    return tuple(int(np.clip(c + rng.integers(-by, by + 1), 0, 255)) for c in colour)


def canvas(colour: Colour, width: int = SIDE) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", (width, SIDE), colour)
    return image, ImageDraw.Draw(image)


def grain(rng: Generator, image: Image.Image, deviation: float, grey: bool = False) -> Image.Image:
    """The picture with noise, the same in all channels if `grey`."""
    pixels = np.asarray(image, np.float32)
    noise = rng.standard_normal(pixels.shape[:2] + ((1,) if grey else (3,)), np.float32)
    return Image.fromarray(np.clip(pixels + deviation * noise, 0, 255).astype(np.uint8))


def disc(draw: ImageDraw.ImageDraw, x: float, y: float, radius: float, fill, **more) -> None:
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill, **more)


def font(name: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(name, size)


def yes(condition: bool) -> str:
    return "yes" if condition else "no"
