"""Writes exif-12.tsv or exif-13.tsv, which test_exif.c repeats: EXIF data, in hexadecimal digits,
and the orientation that the installed Pillow (12 or 13) turns an image by that holds them; 0 where
Pillow sees none, so that XMP counts. Run it with both.

The data: every type (0 to 19) and count (0 to 5) in both byte orders, with several values; two and
three entries of different types; a header twice; TIFF's number in the other order; directories
and values that lie beyond the end.
"""
import io
import itertools
import pathlib
import struct
import warnings

import PIL
from PIL import Image, ImageOps

HERE = pathlib.Path(__file__).parent
BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
FORMATS = {1: "B", 3: "H", 4: "I", 6: "b", 7: "B", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I",
           16: "Q"}

# Which orientation a picture of six different pixels shows, by the picture Pillow makes of it.
SIX = Image.new("RGB", (3, 2))
SIX.putdata([(40 * i, 0, 0) for i in range(6)])
METHODS = {2: 0, 4: 1, 8: 2, 3: 3, 6: 4, 5: 5, 7: 6}
TURNED = {(SIX.transpose(method).size, SIX.transpose(method).tobytes()): value
          for value, method in METHODS.items()}


def values_of(kind, value, count, order):
    """`count` values of type `kind`: `value`, then ones."""
    data = b""
    for number in [value] + [1] * 8:
        if kind == 2:
            data += b"%d" % number
        elif kind in (5, 10):
            data += struct.pack(order + "II", 2 * number, 2)
        else:
            data += struct.pack(order + FORMATS.get(kind, "H"), number)
    return data[:count * BYTES.get(kind, 2)]


def tiff(order, entries, first=8, number=42, claimed=None):
    """EXIF data with one directory of `entries`: tag, type, count, bytes of the values."""
    directory, beyond = b"", b""
    start = first + 2 + 12 * len(entries) + 4
    for tag, kind, count, data in entries:
        if len(data) <= 4:
            field = data.ljust(4, b"\0")
        else:
            field = struct.pack(order + "I", start + len(beyond))
            beyond += data
        directory += struct.pack(order + "HHI", tag, kind, count) + field
    return ((b"II" if order == "<" else b"MM") + struct.pack(order + "HI", number, first) +
            bytes(first - 8) + struct.pack(order + "H", claimed or len(entries)) + directory +
            bytes(4) + beyond)


def cases():
    width = (0x0100, 3, 1, b"\1\0")
    for order, kind, count in itertools.product("<>", range(20), range(6)):
        yield tiff(order, [(0x0112, kind, count, values_of(kind, 6, count, order))])
    for order, kind, value in itertools.product("<>", (3, 4, 8, 9, 11, 12, 13, 16), range(10)):
        yield tiff(order, [width, (0x0112, kind, 1, values_of(kind, value, 1, order))])
    for order, kind, other in itertools.product("<>", (1, 3, 5, 9, 15), (1, 3, 5, 9, 15)):
        yield tiff(order, [(0x0112, kind, 1, values_of(kind, 6, 1, order)), width,
                           (0x0112, other, 1, values_of(other, 3, 1, order))])
    for order in "<>":
        six = (0x0112, 3, 1, values_of(3, 6, 1, order))
        for values in itertools.product((1, 2, 8), repeat=3):
            yield tiff(order, [(0x0112, 3, 1, values_of(3, value, 1, order)) for value in values])
        yield tiff(order, [six, (0x0112, 3, 0, b"")])
        yield tiff(order, [(0x0112, 3, 0, b""), six])
        yield b"Exif\0\0" + tiff(order, [six])
        yield tiff(order, [six], number=42 << 8)
        yield tiff(order, [six], first=40)
        yield tiff(order, [width, six], claimed=9)
        # Rationals: below the line 0, negative, not whole, a half of twelve.
        for kind, top, bottom in itertools.product((5, 10), (6, 12, 13, 2**32 - 6),
                                                   (0, 1, 2, 2**32 - 1)):
            yield tiff(order, [(0x0112, kind, 1, struct.pack(order + "II", top, bottom))])
        for kind, value in itertools.product("fd", (6.5, -6.0, 6e30, float("nan"))):
            yield tiff(order, [(0x0112, 11 if kind == "f" else 12, 1,
                                struct.pack(order + kind, value))])
        for kind in "bhi":
            yield tiff(order, [(0x0112, {"b": 6, "h": 8, "i": 9}[kind], 1,
                                struct.pack(order + kind, -6))])
        # Values of a neighbour that lie beyond the end, before and after the orientation.
        data = struct.pack(order + "HHII", 0x0110, 2, 500, 9999)
        whole = tiff(order, [six, width])
        yield whole[:22] + data + whole[34:]
        yield whole[:10] + data + whole[10:22] + whole[34:]
        data = struct.pack(order + "HHII", 0x0110, 2, 500, 8)
        yield whole[:10] + data + whole[10:22] + whole[34:]
        whole = tiff(order, [(0x0112, 3, 3, values_of(3, 6, 3, order))])
        for size in range(8, len(whole)):
            yield whole[:size]


def orientation(exif):
    """What Pillow does to an image in a PNG's eXIf; 0 where XMP decides, which says 5 here."""
    stream = io.BytesIO()
    SIX.save(stream, "PNG", exif=b"Exif\0\0" + exif)
    image = Image.open(stream)
    image.load()
    image.info["xmp"] = b'tiff:Orientation="5"'
    by_xmp = ImageOps.exif_transpose(image)
    image = Image.open(stream)
    turned = ImageOps.exif_transpose(image)
    value = TURNED.get((turned.size, turned.tobytes()), 1)
    other = TURNED.get((by_xmp.size, by_xmp.tobytes()), 1)
    return value if value == other else 0


def main():
    warnings.simplefilter("ignore")
    major = PIL.__version__.split(".")[0]
    with open(HERE / f"exif-{major}.tsv", "w") as table:
        table.write("# EXIF data\torientation by Pillow " + PIL.__version__ + "\n")
        for exif in dict.fromkeys(cases()):
            table.write(f"{exif.hex()}\t{orientation(exif)}\n")


if __name__ == "__main__":
    main()
