"""Everyday scenes: a garden or a room, with three things side by side."""
from numpy.random import Generator
from PIL import ImageDraw

from scene import COLOURS, SIDE, Scene, canvas, disc, flip, grain, pick, several, vary, yes

PLACES = (("on the left", 25), ("in the middle", 72), ("on the right", 119))
OUTSIDE = ("house", "car", "ball", "dog", "person", "tree", "cat")
INSIDE = ("cup", "book", "lamp", "vase", "clock", "apple")
PLAIN = ("tree", "apple", "clock")  # things nobody asks the colour of


def draw_thing(draw: ImageDraw.ImageDraw, kind: str, x: float, y: float, colour) -> None:
    """A thing that stands at (x, y), about 36 pixels wide."""
    dark = (40, 34, 30)
    if kind == "house":
        draw.rectangle((x - 18, y - 26, x + 18, y), fill=colour, outline=dark)
        draw.polygon(((x - 22, y - 26), (x + 22, y - 26), (x, y - 46)), fill=(125, 70, 45))
        draw.rectangle((x - 5, y - 14, x + 5, y), fill=dark)
    elif kind == "car":
        draw.polygon(((x - 11, y - 13), (x - 7, y - 23), (x + 8, y - 23), (x + 13, y - 13)),
                     fill=(165, 205, 225), outline=dark)
        draw.rectangle((x - 21, y - 14, x + 21, y - 4), fill=colour, outline=dark)
        for side in (-12, 12):
            disc(draw, x + side, y - 3, 5, dark)
    elif kind == "ball":
        disc(draw, x, y - 12, 12, colour, outline=dark)
    elif kind in ("dog", "cat"):
        long = kind == "dog"
        reach = 17 if long else 9
        draw.rounded_rectangle((x - reach, y - 20, x + reach - 4, y - 8), 4, fill=colour,
                               outline=dark)
        for leg in ((-14, -7, 3, 9) if long else (-7, 3)):
            draw.rectangle((x + leg, y - 9, x + leg + 3, y), fill=colour, outline=dark)
        if long:
            draw.rectangle((x + 8, y - 30, x + 21, y - 19), fill=colour, outline=dark)
            draw.polygon(((x + 8, y - 30), (x + 4, y - 20), (x + 10, y - 22)), fill=dark)
        else:
            disc(draw, x + 4, y - 27, 8, colour, outline=dark)
            for ear in (-2, 7):
                draw.polygon(((x + ear, y - 32), (x + ear + 5, y - 32), (x + ear + 2, y - 42)),
                             fill=colour, outline=dark)
            draw.line((x - 9, y - 15, x - 15, y - 36), fill=dark, width=3)
    elif kind == "person":
        disc(draw, x, y - 42, 7, (232, 190, 155), outline=dark)
        draw.rectangle((x - 8, y - 35, x + 8, y - 15), fill=colour, outline=dark)
        for leg in (-6, 2):
            draw.rectangle((x + leg, y - 15, x + leg + 4, y), fill=(70, 70, 95))
    elif kind == "tree":
        draw.rectangle((x - 3, y - 18, x + 3, y), fill=(100, 66, 34))
        for dx, dy in ((-9, -24), (9, -24), (0, -36)):
            disc(draw, x + dx, y + dy, 12, (24, 105, 42))
    elif kind == "cup":
        draw.rectangle((x - 10, y - 22, x + 8, y), fill=colour, outline=dark)
        draw.arc((x + 3, y - 18, x + 17, y - 5), -90, 90, fill=dark, width=3)
    elif kind == "book":
        draw.rectangle((x - 19, y - 9, x + 19, y), fill=colour, outline=dark)
        draw.rectangle((x - 17, y - 4, x + 19, y - 2), fill=(250, 246, 230))
    elif kind == "lamp":
        draw.line((x, y, x, y - 26), fill=dark, width=3)
        draw.rectangle((x - 9, y - 3, x + 9, y), fill=dark)
        draw.polygon(((x - 16, y - 22), (x + 16, y - 22), (x + 8, y - 44), (x - 8, y - 44)),
                     fill=colour, outline=dark)
    elif kind == "vase":
        draw.polygon(((x - 5, y - 24), (x + 5, y - 24), (x + 12, y - 10), (x + 6, y),
                      (x - 6, y), (x - 12, y - 10)), fill=colour, outline=dark)
        for dx in (-8, 0, 8):
            draw.line((x, y - 24, x + dx, y - 36), fill=(40, 130, 50), width=2)
            disc(draw, x + dx, y - 38, 4, (245, 150, 190))
    elif kind == "clock":
        disc(draw, x, y - 15, 15, (250, 250, 245), outline=dark, width=3)
        draw.line((x, y - 15, x, y - 26), fill=dark, width=2)
        draw.line((x, y - 15, x + 8, y - 15), fill=dark, width=2)
    else:  # an apple
        disc(draw, x, y - 9, 9, (120, 190, 50), outline=dark)
        draw.line((x, y - 17, x + 3, y - 24), fill=dark, width=3)


def place_things(rng: Generator, scene: Scene, draw, kinds, floor: int) -> None:
    """Three different things, and the questions about them."""
    shown = several(rng, kinds, 3)
    for kind, (place, x) in zip(shown, PLACES):
        name = pick(rng, COLOURS)
        x, y = x + rng.uniform(-4, 4), floor + rng.uniform(-5, 5)
        draw_thing(draw, kind, x, y, vary(rng, COLOURS[name]))
        scene.mark(x, y - 15, kind)
        scene.ask(f"What is {place}?", kind)
        if kind not in PLAIN:
            scene.mark(x, y - 15, name)
            scene.ask(f"What colour is the {kind}?", name)
    there = flip(rng)
    kind = pick(rng, shown if there else [kind for kind in kinds if kind not in shown])
    scene.ask(f"Is there a {kind}?".replace(" a apple", " an apple"), yes(there))


def draw_garden(rng: Generator, scene: Scene) -> None:
    night = flip(rng)
    weather = "clear" if night else pick(rng, ("sunny", "cloudy", "rainy", "snowy"))
    sky = {"clear": (18, 22, 58), "sunny": (125, 195, 245), "cloudy": (190, 205, 220),
           "rainy": (115, 125, 140), "snowy": (205, 212, 222)}[weather]
    image, draw = canvas(vary(rng, sky))
    ground = (35, 70, 40) if night else (232, 236, 242) if weather == "snowy" else (105, 170, 75)
    draw.rectangle((0, 88, SIDE, SIDE), fill=vary(rng, ground))
    x = rng.uniform(20, 124)
    if weather == "clear":
        disc(draw, x, 18, 9, (240, 238, 205))
        for _ in range(14):
            disc(draw, rng.uniform(0, SIDE), rng.uniform(0, 50), 1, (230, 230, 240))
    elif weather == "sunny":
        disc(draw, x, 18, 12, (255, 222, 60))
    elif weather == "cloudy":
        for dx in (-50, 0, 50):
            for bump in (-12, 0, 12):
                disc(draw, x + dx + bump, 17 - abs(bump) / 4, 10, (245, 247, 250))
    place_things(rng, scene, draw, OUTSIDE, 108)
    if weather in ("rainy", "snowy"):
        for _ in range(45):
            x, y = rng.uniform(0, SIDE), rng.uniform(0, SIDE)
            if weather == "rainy":
                draw.line((x, y, x - 3, y + 9), fill=(85, 105, 165), width=1)
            else:
                disc(draw, x, y, 2, (255, 255, 255))
    birds = int(rng.integers(0, 4))
    for place in several(rng, (20, 55, 90, 125), birds):
        x, y = place + rng.uniform(-6, 6), rng.uniform(36, 50)
        draw.line((x - 8, y - 5, x, y, x + 8, y - 5), fill=(15, 15, 15) if not night else
                  (225, 225, 225), width=3)
        scene.mark(x, y - 3, "bird")
    flowers = int(rng.integers(1, 5))
    for place in several(rng, (15, 40, 65, 90, 115), flowers):
        x, y = place + rng.uniform(-5, 5), rng.uniform(124, 132)
        draw.line((x, y, x, y + 10), fill=(30, 110, 35), width=2)
        disc(draw, x, y, 5, (245, 130, 185))
        disc(draw, x, y, 2, (250, 225, 80))
        scene.mark(x, y, "flower")
    scene.mark(72, 18, weather)
    scene.ask("Is it day or night?", "night" if night else "day")
    if not night:
        scene.ask("What is the weather like?", weather)
    scene.ask("How many birds are there?", birds)
    scene.ask("How many flowers are there?", flowers)
    scene.ask("Is this indoors or outdoors?", "outdoors")
    scene.frames = [grain(rng, image, 4)]


def draw_room(rng: Generator, scene: Scene) -> None:
    walls = {"green": (165, 205, 160), "pink": (240, 190, 200), "grey": (178, 178, 182),
             "brown": (190, 150, 115)}
    wall = pick(rng, walls)
    image, draw = canvas(vary(rng, walls[wall], 8))
    draw.rectangle((0, 100, SIDE, SIDE), fill=vary(rng, (205, 170, 120)))
    draw.rectangle((0, 106, SIDE, 113), fill=(110, 72, 40))
    for x in (10, 128):
        draw.rectangle((x, 113, x + 7, SIDE), fill=(110, 72, 40))
    place_things(rng, scene, draw, INSIDE, 104)
    pictures = int(rng.integers(0, 4))
    for place in several(rng, (24, 56, 88, 120), pictures):
        x, y = place + rng.uniform(-3, 3), rng.uniform(22, 34)
        draw.rectangle((x - 11, y - 13, x + 11, y + 13), fill=(95, 62, 30))
        draw.rectangle((x - 8, y - 10, x + 8, y + 10), fill=vary(rng, (120, 170, 200), 40))
        scene.mark(x, y, "picture")
    carpet = flip(rng)
    if carpet:
        draw.ellipse((28, 120, 116, 140), fill=(150, 35, 55))
        scene.mark(72, 130, "carpet")
    scene.mark(40, 60, "wall " + wall)
    scene.ask("What colour is the wall?", wall)
    scene.ask("How many pictures are on the wall?", pictures)
    scene.ask("Is there a carpet?", yes(carpet))
    scene.ask("Is this indoors or outdoors?", "indoors")
    scene.frames = [grain(rng, image, 4)]


def draw(rng: Generator) -> Scene:
    scene = Scene("everyday")
    (draw_garden if flip(rng) else draw_room)(rng, scene)
    return scene
