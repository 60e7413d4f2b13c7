"""Writes corpus/jpeg, corpus/png and, of the other formats, corpus/image: small files of
tests/image/data/files, and damaged ones.

python3 make_image_corpus.py
"""
import os
import struct
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
FILES = os.path.join(HERE, "..", "image", "data", "files")


def read(name):
    with open(os.path.join(FILES, name), "rb") as file:
        return file.read()


def write(kind, name, data):
    folder = os.path.join(HERE, "corpus", kind)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(data)


def patched(data, place, values):
    return data[:place] + bytes(values) + data[place + len(values):]


def chunk(name, data):
    return (struct.pack(">I", len(data)) + name + data +
            struct.pack(">I", zlib.crc32(name + data)))


for name in ("1x37.jpg", "37x1.jpg", "one_pixel.jpg", "exif_6.jpg", "xmp_6.jpg", "ycck.jpg",
             "cmyk_without_adobe.jpg", "grey_progressive.jpg", "progressive_444.jpg", "rgb.jpg",
             "restart_blocks.jpg", "low_quality.jpg"):
    write("jpeg", "good-" + name, read(name))
one = read("one_pixel.jpg")
frame = one.index(b"\xff\xc0")
write("jpeg", "bad-empty.jpg", b"\xff\xd8\xff")
write("jpeg", "bad-truncated.jpg", one[:-2])
write("jpeg", "bad-no-height.jpg", patched(one, frame + 5, (0, 0)))
write("jpeg", "bad-too-large.jpg", patched(one, frame + 5, (0xff, 0xdc, 0xff, 0xdc)))
write("jpeg", "unsupported-12-bit.jpg", patched(one, frame + 4, (12,)))
progressive = read("grey_progressive.jpg")
scan = progressive.rindex(b"\xff\xda")
write("jpeg", "bad-many-scans.jpg",
      progressive[:scan] + progressive[scan:-2] * 600 + b"\xff\xd9")

for name in ("1x37.png", "37x1.png", "exif_6.png", "xmp_5.png", "raw_profile_8.png",
             "interlaced_3x2.png", "interlaced_grey_16bit.png", "palette_4bit.png", "one_bit.png",
             "palette_short.png", "grey_alpha.png"):
    write("png", "good-" + name, read(name))
small = read("palette_short.png")
header = small[:8]
write("png", "bad-empty.png", header)
write("png", "bad-truncated.png", small[:-5])
write("png", "bad-no-pixels.png", header + chunk(b"IHDR", struct.pack(
    ">IIBBBBB", 4, 1, 8, 3, 0, 0, 0)) + chunk(b"IEND", b""))
write("png", "bad-too-large.png", header + chunk(b"IHDR", struct.pack(
    ">IIBBBBB", 1000000, 1000000, 16, 6, 0, 0, 1)) + small[33:])
write("png", "bad-depth.png", header + chunk(b"IHDR", struct.pack(
    ">IIBBBBB", 4, 1, 3, 3, 0, 0, 0)) + small[33:])
write("png", "bad-huge-text-chunk.png", small[:33] + b"\x74\x79\x70\x65zTXt" + small[33:])
bomb = zlib.compress(bytes(30000), 9)
text = chunk(b"zTXt", b"Raw profile type exif\0\0" + bomb)
write("png", "bad-text-bomb.png", small[:33] + text * 40 + small[33:])

# The other PNG files that are small: every colour type, transparent colours, odd chunks.
for name in sorted(os.listdir(FILES)):
    if name.endswith(".png") and len(read(name)) < 3000:
        write("png", "good-" + name, read(name))

# Every form of the formats that have no target of their own, and halves of one of each.
for name in sorted(os.listdir(FILES)):
    if os.path.splitext(name)[1] in (".bmp", ".gif", ".tif", ".webp"):
        write("image", "good-" + name, read(name))
for name in ("odd_8bit.bmp", "odd.gif", "odd_RGB.tif", "odd_alpha.webp"):
    data = read(name)
    write("image", "found-half-" + name, data[:len(data) // 2])
for name, place, values in (
        ("header", 14, (13, 0, 0, 0)), ("header-long", 14, (255, 0, 0, 0)), ("width", 18, (0, 0, 0, 0)),
        ("bits", 28, (3, 0)), ("compression", 30, (9, 0, 0, 0)), ("run-lengths", 30, (1, 0, 0, 0)),
        ("short-runs", 30, (2, 0, 0, 0)), ("colours", 46, (0, 0, 2, 0)), ("some-colours", 46, (1, 1, 0, 0)),
        ("pixels", 10, (255, 255, 255, 0))):
    write("image", "found-bmp-" + name, patched(read("odd_8bit.bmp"), place, values))
for name in ("odd_32bit_masks_0.bmp", "odd_565.bmp"):
    write("image", "found-masks-" + name, patched(read(name), 54, (1, 2, 3, 4)))

# An orientation of every type of TIFF, in the entry or elsewhere, and entries that are cut short.
turned = read("exif_6.jpg")
entry = turned.index(b"\x12\x01\x03\x00\x01\x00\x00\x00\x06")
for kind in range(19):
    write("jpeg", f"good-orientation-{kind}.jpg", patched(turned, entry + 2, (kind,)))
for name, place, values in (("far", entry + 2, (5, 0, 1, 0, 0, 0, 255, 255)), ("inside", entry + 2, (5, 0, 1, 0, 0, 0, 0, 0)),
                            ("double", entry + 2, (12, 0, 1, 0, 0, 0, 0, 0)), ("many", entry + 4, (255, 255, 255, 255)),
                            ("entries", entry - 14, (255, 255)), ("directory", entry - 18, (255, 255, 255, 0))):
    write("jpeg", f"good-orientation-{name}.jpg", patched(turned, place, values))
