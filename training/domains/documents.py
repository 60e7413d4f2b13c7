"""Documents: three printed lines, from which an amount, a date, a name or a place is to be read."""
from numpy.random import Generator

from scene import COLOURS, FONTS, SIDE, Scene, canvas, disc, flip, font, grain, pick, several, vary, yes

TITLES = ("INVOICE", "RECEIPT", "TICKET", "LETTER")
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
NAMES = ("Anna", "Boris", "Clara", "David", "Emma", "Felix", "Greta", "Hugo", "Irene", "Jonas",
         "Karin", "Leo", "Maria", "Nils", "Olga", "Paul", "Rosa", "Simon", "Tina", "Victor")
FIELDS = ("TOTAL", "DATE", "NAME", "ROOM")
STAMPS = ("red", "blue", "purple")
WIDTH = 2 * SIDE


def write(scene: Scene, draw, face, x: float, y: float, pieces, ink) -> None:
    """Writes pieces of text one after the other, each marked at its middle."""
    for text, label in pieces:
        width = draw.textlength(text, font=face)
        draw.text((x, y), text, font=face, fill=ink, anchor="lm")
        if label:
            scene.mark(x + width / 2, y, label)
        x += width


def field_of(rng: Generator, scene: Scene, name: str) -> list[tuple[str, str]]:
    """The pieces of a line, and its questions."""
    head = [(name, "field " + name), ("  ", "")]
    if name == "TOTAL":
        tens, ones = (int(rng.integers(low, 10)) for low in (1, 0))
        sign = pick(rng, "$€")
        scene.ask("What is the total?", f"{tens}{ones}", "anls")
        scene.ask("Is the total in dollars or euros?", "dollars" if sign == "$" else "euros")
        return head + [(sign, "sign " + sign), (str(tens), f"tens {tens}"),
                       (str(ones), f"ones {ones}")]
    if name == "DATE":
        tens, ones = int(rng.integers(1, 3)), int(rng.integers(0, 9))
        month = pick(rng, MONTHS)
        scene.ask("What is the date?", f"{tens}{ones} {month}", "anls")
        scene.ask("Which month is it?", month, "anls")
        return head + [(str(tens), f"tens {tens}"), (str(ones), f"ones {ones}"), (" ", ""),
                       (month, month)]
    if name == "NAME":
        value = pick(rng, NAMES)
        scene.ask("What is the name?", value, "anls")
        return head + [(value, value)]
    letter, digit = pick(rng, "ABCDEF"), int(rng.integers(1, 10))
    scene.ask("Which room is it?", f"{letter}{digit}", "anls")
    return head + [(letter, "letter " + letter), (str(digit), f"ones {digit}")]


def draw(rng: Generator) -> Scene:
    scene = Scene("documents")
    image, draw = canvas(vary(rng, (246, 243, 232), 8), WIDTH)
    ink = vary(rng, (30, 30, 40), 20)
    typeface, size = pick(rng, FONTS), int(rng.integers(25, 29))
    face = font(typeface, size)
    title = pick(rng, TITLES)
    shown = several(rng, FIELDS, 2)
    lines = [[(title, title)]] + [field_of(rng, scene, name) for name in shown]
    left = rng.uniform(10, 26)
    for i, pieces in enumerate(lines):
        write(scene, draw, face, left + rng.uniform(-2, 2), 26 + 46 * i + rng.uniform(-3, 3),
              pieces, ink)
    if flip(rng, 0.4):
        draw.line((8, 49, WIDTH - 8, 49), fill=ink, width=2)
    stamp = pick(rng, STAMPS) if flip(rng) else None
    if stamp:
        x, y = rng.uniform(248, 264), rng.uniform(22, 30)
        disc(draw, x, y, 17, None, outline=COLOURS[stamp], width=5)
        disc(draw, x, y, 6, COLOURS[stamp])
        scene.mark(x, y, "stamp " + stamp)
        scene.ask("What colour is the stamp?", stamp)
    scene.ask("Is there a stamp?", yes(bool(stamp)))
    scene.ask("What kind of document is this?", title.lower())
    asked = pick(rng, FIELDS)
    scene.ask(f"Is there a {asked.lower()} on the page?", yes(asked in shown))
    scene.frames = [grain(rng, image, 5)]
    return scene
