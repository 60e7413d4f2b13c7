"""Remote sensing: aerial tiles of country or town, to be counted in, searched and told apart."""
from numpy.random import Generator

from scene import SIDE, Scene, canvas, disc, flip, grain, pick, several, vary, yes

FIELDS = ((120, 150, 70), (165, 160, 85), (95, 130, 60), (150, 125, 85), (185, 170, 110))
ROOFS = {"red": (185, 70, 50), "grey": (150, 150, 155), "blue": (70, 95, 165)}
CORNERS = {"top left": (0, 0), "top right": (1, 0), "bottom left": (0, 1), "bottom right": (1, 1)}
WATER, ASPHALT = (45, 85, 125), (105, 105, 108)


def draw_house(rng: Generator, draw, x: float, y: float, colour) -> None:
    a, b = rng.uniform(8, 10), rng.uniform(6, 8)
    if flip(rng):
        a, b = b, a
    draw.rectangle((x - a + 3, y - b + 3, x + a + 3, y + b + 3), fill=(40, 45, 35))
    draw.rectangle((x - a, y - b, x + a, y + b), fill=vary(rng, colour))
    draw.line((x - a, y, x + a, y), fill=tuple(c * 3 // 4 for c in colour), width=1)


def draw_country(rng: Generator, scene: Scene) -> None:
    """Fields; a lake or a wood in a corner, houses in other places, a river or a road between."""
    image, draw = canvas(vary(rng, pick(rng, FIELDS)))
    split = rng.uniform(60, 84)
    for x0, x1 in ((0, split), (split, SIDE)):
        for y0, y1 in ((0, rng.uniform(60, 84)), (rng.uniform(84, 90), SIDE)):
            colour = vary(rng, pick(rng, FIELDS))
            draw.rectangle((x0, y0, x1, y1), fill=colour)
            for x in range(int(x0), int(x1), 5):
                draw.line((x, y0, x, y1), fill=tuple(max(c - 10, 0) for c in colour))
    river, road = flip(rng), flip(rng)
    if river:
        bend = rng.uniform(-8, 8)
        draw.line((-5, 72 - bend, 40, 72 + bend, 104, 72 - bend, 150, 72 + bend), fill=WATER,
                  width=11, joint="curve")
        for x in (18, 72, 126):
            scene.mark(x, 72, "river")
    if road:
        x = rng.uniform(68, 76)
        draw.line((x, -5, x + rng.uniform(-3, 3), 150), fill=ASPHALT, width=8)
        draw.line((x, -5, x, 150), fill=(225, 225, 215), width=1)
        for y in (24, 120):
            scene.mark(x, y, "road")
    covers = several(rng, ("lake", "forest"), 2)
    corners = several(rng, CORNERS, 4)
    shown = {cover: corner for cover, corner in zip(covers, corners) if flip(rng, 0.6)}
    for cover, corner in shown.items():
        x, y = (34 + 76 * i for i in CORNERS[corner])
        if cover == "lake":
            draw.ellipse((x - 27, y - 22, x + 25, y + 23), fill=vary(rng, WATER, 8))
        else:
            for _ in range(30):
                disc(draw, x + rng.uniform(-24, 24), y + rng.uniform(-24, 24), 6,
                     vary(rng, (25, 70, 35)))
        scene.mark(x, y, cover)
        scene.ask(f"Where is the {cover}?", corner)
    roof = pick(rng, ROOFS)
    free = [CORNERS[corner] for corner in CORNERS if corner not in shown.values()]
    spots = [(22 + 76 * i + 26 * k, 22 + 78 * j + 26 * m) for i, j in free for k in (0, 1)
             for m in (0, 1)]
    houses = int(rng.integers(0, 5))
    for x, y in several(rng, spots, houses):
        x, y = x + rng.uniform(-3, 3), y + rng.uniform(-3, 3)
        draw_house(rng, draw, x, y, ROOFS[roof])
        scene.mark(x, y, "house from above")
        scene.mark(x, y, "roof " + roof)
    scene.ask("How many houses are there?", houses)
    if houses:
        scene.ask("What colour are the roofs?", roof)
    scene.ask("Is there a river?", yes(river))
    scene.ask("Is there a road?", yes(road))
    scene.ask("Is there a lake?", yes("lake" in shown))
    scene.ask("Is there a forest?", yes("forest" in shown))
    scene.ask("Is this a rural or an urban area?", "rural")
    scene.frames = [grain(rng, image, 7)]


def draw_town(rng: Generator, scene: Scene) -> None:
    """Blocks of roofs between streets; some blocks are parks, pools or car parks."""
    image, draw = canvas(ASPHALT)
    blocks = several(rng, [(x, y) for x in range(4) for y in range(4)], 16)
    counts = {kind: int(rng.integers(0, 4)) for kind in ("park", "pool", "stadium")}
    counts["stadium"] = min(counts["stadium"], 1) if flip(rng, 2 / 3) else 0
    kinds = [kind for kind, count in counts.items() for _ in range(count)]
    roof = pick(rng, ROOFS)
    for (i, j), kind in zip(blocks, kinds + ["roofs"] * 16):
        x, y = 36 * i + 18, 36 * j + 18
        box = (x - 15, y - 15, x + 15, y + 15)
        draw.rectangle(box, fill=vary(rng, (170, 165, 158)))
        if kind == "park":
            draw.rectangle(box, fill=vary(rng, (85, 140, 65)))
            for _ in range(5):
                disc(draw, x + rng.uniform(-11, 11), y + rng.uniform(-11, 11), 4, (30, 85, 40))
        elif kind == "pool":
            draw.rectangle((x - 11, y - 9, x + 11, y + 9), fill=(70, 200, 235), outline=(250,) * 3)
        elif kind == "stadium":
            draw.ellipse((x - 15, y - 12, x + 15, y + 12), fill=(205, 95, 70))
            draw.ellipse((x - 10, y - 7, x + 10, y + 7), fill=(75, 165, 75))
        else:
            for dx in (-7, 7):
                for dy in (-7, 7):
                    draw.rectangle((x + dx - 6, y + dy - 6, x + dx + 6, y + dy + 6),
                                   fill=vary(rng, ROOFS[roof]), outline=(60, 60, 60))
        scene.mark(x, y, kind + " from above")
        if kind == "roofs":
            scene.mark(x, y, "roof " + roof)
    scene.ask("How many parks are there?", counts["park"])
    scene.ask("How many pools are there?", counts["pool"])
    if counts["park"] != counts["pool"]:
        scene.ask("Are there more parks than pools?", yes(counts["park"] > counts["pool"]))
    scene.ask("Is there a stadium?", yes(bool(counts["stadium"])))
    scene.ask("What colour are the roofs?", roof)
    scene.ask("Is this a rural or an urban area?", "urban")
    scene.frames = [grain(rng, image, 7)]


def draw(rng: Generator) -> Scene:
    scene = Scene("remote")
    (draw_country if flip(rng) else draw_town)(rng, scene)
    return scene
