"""Medicine: grey scans of four parts of the body, with or without lesions; questions with options."""
import numpy as np
from numpy.random import Generator
from PIL import ImageDraw, ImageFilter

from scene import PRACTICE, Question, Scene, canvas, disc, flip, grain, pick, several

ORGANS = ("brain", "chest", "abdomen", "knee")
SHAPES = ("round", "ring", "star")
LETTERS = "AB"


def grey(rng: Generator, value: float, by: int = 8) -> tuple[int, int, int]:
    return (int(np.clip(value + rng.integers(-by, by + 1), 0, 255)),) * 3


def draw_organ(rng: Generator, draw, organ: str) -> None:
    j = lambda by=3: rng.uniform(-by, by)
    if organ == "brain":
        draw.ellipse((18 + j(), 6 + j(), 126 + j(), 138 + j()), fill=grey(rng, 210))
        draw.ellipse((26, 15, 118, 130), fill=grey(rng, 100))
        draw.line((72, 18, 72 + j(), 127), fill=grey(rng, 55), width=2)
        for side in (-1, 1):
            x = 72 + side * 9
            draw.ellipse((x - 6, 55 + j(), x + 6, 88 + j()), fill=grey(rng, 30))
    elif organ == "chest":
        draw.rounded_rectangle((10 + j(), 8, 134 + j(), 150), 30, fill=grey(rng, 150))
        for side in (-1, 1):
            x = 72 + side * 30
            draw.ellipse((x - 23, 20 + j(), x + 23, 128 + j()), fill=grey(rng, 65))
            for rib in range(5):
                y = 34 + 18 * rib + j(2)
                draw.arc((x - 26, y - 9, x + 26, y + 13), 190, 350, fill=grey(rng, 100), width=2)
        draw.rectangle((67, 8, 77, 140), fill=grey(rng, 185))
        draw.ellipse((66 + j(), 82, 98 + j(), 118), fill=grey(rng, 165))
    elif organ == "abdomen":
        draw.ellipse((6 + j(), 20 + j(), 138 + j(), 126 + j()), fill=grey(rng, 120))
        draw.ellipse((14, 32, 78 + j(), 84 + j()), fill=grey(rng, 90))
        disc(draw, 72, 104, 12, grey(rng, 220))
        for side in (-1, 1):
            x = 72 + side * 36
            draw.ellipse((x - 9, 84 + j(), x + 9, 110 + j()), fill=grey(rng, 155))
    else:
        for top, bottom in ((-6, 62), (80, 150)):
            draw.rounded_rectangle((56 + j(), top, 88 + j(), bottom), 8, fill=grey(rng, 185))
        draw.ellipse((38, 42 + j(), 106, 68), fill=grey(rng, 190))
        draw.ellipse((40, 76, 104, 98 + j()), fill=grey(rng, 180))
        draw.rectangle((96, 94, 104, 150), fill=grey(rng, 150))


def draw_lesion(draw, x: float, y: float, radius: float, shape: str, fill) -> None:
    if shape == "round":
        disc(draw, x, y, radius, fill)
    elif shape == "ring":
        disc(draw, x, y, radius, None, outline=fill, width=max(3, int(radius / 3)))
    else:
        for angle in np.arange(0, np.pi, np.pi / 4):
            dx, dy = 1.35 * radius * np.cos(angle), 1.35 * radius * np.sin(angle)
            draw.line((x - dx, y - dy, x + dx, y + dy), fill=fill, width=3)


def choose(rng: Generator, scene: Scene, text: str, answer: object, options) -> None:
    """The question with two options in random order, the right one and another, answered by a letter."""
    options = [str(option) for option in several(rng, options, len(list(options)))]
    other = next(option for option in options if option != str(answer))
    options = [option for option in options if option in (str(answer), other)]
    listed = " ".join(f"{letter}: {option}" for letter, option in zip(LETTERS, options))
    scene.questions.append(Question(f"{text} {listed}", LETTERS[options.index(str(answer))],
                                    "choice", tuple(options)))


def draw(rng: Generator) -> Scene:
    scene = Scene("medical")
    organ = pick(rng, ORGANS)
    image, draw = canvas(grey(rng, 8))
    draw_organ(rng, draw, organ)
    image = image.filter(ImageFilter.GaussianBlur(1.2))
    count = int(rng.integers(0, 4))
    if count > 1 and flip(rng, 0.4):
        count = 1  # most questions are about a single one
    # A dark lesion would not be seen beside a bone.
    bright, shape, large = organ == "knee" or flip(rng), pick(rng, SHAPES), flip(rng)
    draw = ImageDraw.Draw(image)
    places = several(rng, [(x, y) for x in (42, 102) for y in (42, 102)], count)
    for x, y in places:
        x, y = x + rng.uniform(-8, 8), y + rng.uniform(-8, 8)
        radius = rng.uniform(12, 14) if large else rng.uniform(6, 7.5)
        draw_lesion(draw, x, y, radius, shape, grey(rng, 250 if bright else 5, 5))
        for label in ("lesion", shape, "large" if large else "small",
                      "bright" if bright else "dark"):
            scene.mark(x, y, label)
    scene.mark(72, 72, organ)
    facts = [("Which part of the body is shown?", organ, ORGANS),
             ("Is there a lesion?", "yes" if count else "no", ("yes", "no")),
             ("How many lesions are there?", count, range(4))]
    if count:
        facts += [("What is the shape of the lesion?", shape, SHAPES),
                  ("How large is the lesion?", "large" if large else "small", ("large", "small"))]
    if count and organ != "knee":
        facts += [("Is the lesion bright or dark?", "bright" if bright else "dark",
                   ("bright", "dark"))]
    if count == 1:
        (x, y), = places
        facts += [("On which side of the image is the lesion?", "left" if x < 72 else "right",
                   ("left", "right")),
                  ("Is the lesion in the upper or lower half?", "upper" if y < 72 else "lower",
                   ("upper", "lower"))]
    for text, answer, options in facts:
        choose(rng, scene, text, answer, options)
        scene.questions.append(Question(text, str(answer), PRACTICE))
    scene.frames = [grain(rng, image, 7, grey=True)]
    return scene
