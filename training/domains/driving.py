"""Driving: what a camera behind the windscreen sees, in two frames, the later one on the right."""
from numpy.random import Generator

from scene import COLOURS, SIDE, Scene, canvas, disc, flip, grain, pick, vary, yes

LIGHTS = {"red": (255, 45, 40), "yellow": (255, 215, 50), "green": (50, 235, 90)}
VEHICLES = ("car", "truck", "bus", "motorcycle")
PAINT = ("red", "blue", "yellow", "white", "purple")
HORIZON = 58
PLACES = {"left": -1, "middle": 0, "right": 1}


def draw_road(rng: Generator, draw, lanes: int, shift: float) -> None:
    """A road of `lanes` lanes whose dashes have moved by `shift` of a period."""
    middle, near, far = SIDE / 2, 84, 15
    draw.polygon(((middle - far, HORIZON), (middle + far, HORIZON), (middle + near, SIDE),
                  (middle - near, SIDE)), fill=(82, 82, 88))
    for i in range(lanes + 1):
        side = 2 * i / lanes - 1
        x0, x1 = middle + side * far, middle + side * near
        if i in (0, lanes):
            draw.line((x0, HORIZON, x1, SIDE), fill=(235, 235, 235), width=3)
            continue
        for dash in range(4):
            a = min(((dash + shift) / 4) ** 1.6, 1)
            b = min(((dash + shift + 0.6) / 4) ** 1.6, 1)
            draw.line((x0 + (x1 - x0) * a, HORIZON + (SIDE - HORIZON) * a,
                       x0 + (x1 - x0) * b, HORIZON + (SIDE - HORIZON) * b),
                      fill=(250, 215, 80), width=3)


def draw_vehicle(draw, kind: str, x: float, y: float, size: float, colour, brake: bool) -> None:
    """The back of a vehicle whose wheels stand at (x, y); a car is 2 * size wide."""
    dark = (22, 22, 26)
    height = {"car": 1.1, "truck": 2.1, "bus": 2.2, "motorcycle": 1.3}[kind] * size
    half = {"car": 1, "truck": 1, "bus": 1, "motorcycle": 0.3}[kind] * size
    if kind == "motorcycle":
        draw.rectangle((x - half / 2, y - size * 0.7, x + half / 2, y), fill=dark)
        draw.rectangle((x - half * 1.6, y - height, x + half * 1.6, y - size * 0.5), fill=colour)
        disc(draw, x, y - height - size * 0.25, size * 0.35, dark)
    else:
        for side in (-1, 1):
            draw.rectangle((x + side * half * 0.7 - size * 0.2, y - size * 0.3,
                            x + side * half * 0.7 + size * 0.2, y), fill=dark)
        draw.rectangle((x - half, y - height, x + half, y - size * 0.2), fill=colour, outline=dark)
        if kind == "car":
            draw.rectangle((x - half * 0.75, y - height, x + half * 0.75, y - size * 0.65),
                           fill=(60, 80, 100))
        elif kind == "bus":
            draw.rectangle((x - half * 0.85, y - height * 0.92, x + half * 0.85, y - height * 0.5),
                           fill=(60, 80, 100))
        else:
            draw.line((x, y - height, x, y - size * 0.4), fill=dark, width=2)
    lamp = (255, 30, 20) if brake else (95, 18, 18)
    for side in ((0,) if kind == "motorcycle" else (-1, 1)):
        disc(draw, x + side * half * 0.75, y - size * 0.45, size * (0.3 if brake else 0.18), lamp)


def draw_light(draw, lit: str | None, x: float) -> None:
    draw.line((x, 10, x, 78), fill=(50, 50, 50), width=3)
    draw.rectangle((x - 9, 4, x + 9, 48), fill=(20, 20, 20))
    for i, (name, colour) in enumerate(LIGHTS.items()):
        disc(draw, x, 11 + 15 * i, 6, colour if name == lit else (60, 60, 60))


def draw(rng: Generator) -> Scene:
    scene = Scene("driving")
    night, city = flip(rng), flip(rng)
    lanes = int(rng.integers(2, 5))
    lights = None
    if flip(rng, 0.75):
        now = pick(rng, LIGHTS)
        lights = (pick(rng, [name for name in LIGHTS if name != now]) if flip(rng) else now, now)
    kind, paint, place = pick(rng, VEHICLES), pick(rng, PAINT), pick(rng, PLACES)
    colour = vary(rng, COLOURS[paint])
    closer, brake, walker = flip(rng), flip(rng), flip(rng, 0.35)
    small, large = rng.uniform(8, 10), rng.uniform(14, 17)
    sizes = (small, large) if closer else (large, small)
    sky = vary(rng, (16, 18, 45) if night else (150, 195, 235))
    side = vary(rng, (95, 95, 100) if city else (80, 140, 65))
    if night:
        side = tuple(c // 2 for c in side)
    post = rng.uniform(120, 132)
    for frame, size in enumerate(sizes):
        image, draw = canvas(sky)
        left = SIDE * frame
        draw.rectangle((0, HORIZON, SIDE, SIDE), fill=side)
        for i in range(5):
            x = 14 + 29 * i + rng.uniform(-5, 5)
            if city:
                top = rng.uniform(24, 44)
                draw.rectangle((x - 12, top, x + 12, HORIZON), fill=vary(rng, (120, 105, 100)))
            else:
                disc(draw, x, HORIZON - 4, 9, vary(rng, (35, 95, 45)))
        draw_road(rng, draw, lanes, 0.2 + 0.4 * frame)
        y = HORIZON + size * 3.2
        x = SIDE / 2 + PLACES[place] * (size * 2.6) + rng.uniform(-2, 2)
        draw_vehicle(draw, kind, x, y, size, colour, brake)
        for label in (kind, "paint " + paint, "brake" if brake else "rolling",
                      "near" if size > 12 else "far"):
            scene.mark(left + x, y - size * 0.7, label)
        if lights:
            draw_light(draw, lights[frame], post)
            scene.mark(left + post, 26, "light " + lights[frame])
        if walker:
            x = rng.uniform(25, 50) + 60 * frame
            draw.rectangle((10, 128, SIDE - 10, 136), fill=(225, 225, 225))
            disc(draw, x, 98, 6, (230, 185, 150))
            draw.rectangle((x - 6, 104, x + 6, 120), fill=(240, 120, 30))
            draw.line((x, 120, x - 6, 134), fill=(30, 30, 60), width=3)
            draw.line((x, 120, x + 6, 134), fill=(30, 30, 60), width=3)
            scene.mark(left + x, 110, "pedestrian")
        scene.mark(left + 72, 120, f"{lanes} lanes")
        scene.mark(left + 40, 20, "dark sky" if night else "light sky")
        scene.frames.append(grain(rng, image, 5))
    scene.ask("How many lanes does the road have?", lanes)
    if lights:
        scene.ask("What colour is the traffic light now?", lights[1])
        scene.ask("What colour was the traffic light before?", lights[0])
        scene.ask("Did the traffic light change?", yes(lights[0] != lights[1]))
    scene.ask("Should the driver stop?", yes(walker or bool(lights and lights[1] == "red")))
    scene.ask("Is there a traffic light?", yes(bool(lights)))
    scene.ask("Is a pedestrian crossing the road?", yes(walker))
    scene.ask("Which vehicle is ahead?", kind)
    scene.ask(f"What colour is the {kind}?", paint)
    scene.ask(f"Where is the {kind}?", place)
    scene.ask(f"Is the {kind} coming closer?", yes(closer))
    scene.ask("Are the brake lights on?", yes(brake))
    scene.ask("Is the drive by day or by night?", "night" if night else "day")
    scene.ask("Is this a city or the country?", "city" if city else "country")
    return scene
