"""Writes the image files and the expected results that the tests of images compare with.

python3 make_image_cases.py files      writes files/ and settings/
python3 make_image_cases.py expect     writes decoded.tsv, anyres.tsv and pixel_values-ORDER.tsv

The expectations are what the installed Pillow and transformers give. ORDER, in which Pillow
resizes, is `horizontal` for Pillow up to 12.1 and `pillow13` for Pillow 13: run it with both
(12.0.0 and 13.0.0 were used, with transformers 5.23.0). Pillow 12.2 and 12.3 have a third order for
images more than a hundred times as high as wide.

Needs Pillow, numpy, xxhash, torch, transformers and scikit-image. README.md names the photographs'
licences.
"""
import glob
import io
import json
import os
import random
import struct
import sys
import zlib

import numpy
import PIL
import xxhash
from PIL import Image, ImageOps

HERE = os.path.dirname(os.path.abspath(__file__))
FILES = os.path.join(HERE, "files")

MEAN = [0.48145466, 0.4578275, 0.40821073]
STD = [0.26862954, 0.26130258, 0.27577711]
PINPOINTS = [[336, 672], [672, 336], [672, 672], [1008, 336], [336, 1008]]
SMALL_PINPOINTS = [[56, 112], [112, 56], [112, 112], [168, 56], [56, 168]]
MANY_PINPOINTS = [[70 * a, 70 * b] for a in range(1, 7) for b in range(1, 7)]


def order_of_resizing():
    version = tuple(int(part) for part in PIL.__version__.split(".")[:2])
    if (12, 2) <= version < (13, 0):
        raise SystemExit(f"Pillow {PIL.__version__} resizes in an order that nobody needs")
    return "pillow13" if version >= (13, 0) else "horizontal"


def clip(side, **more):
    return {"crop_size": side, "do_center_crop": True, "do_convert_rgb": True, "do_normalize": True,
            "do_resize": True, "feature_extractor_type": "CLIPFeatureExtractor", "image_mean": MEAN,
            "image_processor_type": "CLIPImageProcessor", "image_std": STD, "resample": 3,
            "size": side, **more}


# kind and side: what the model says; patch: of the vision tower; limit: the most extreme aspect
# ratio that transformers is asked for, since it computes what is then cropped away.
SETTINGS = {
    "clip": {"kind": "single", "side": 336, "limit": 50, "config": clip(
        336, crop_size={"height": 336, "width": 336}, size={"shortest_edge": 336},
        do_rescale=True, rescale_factor=0.00392156862745098)},
    "clip_small": {"kind": "single", "side": 56, "limit": 50, "config": clip(56)},
    "clip_odd_crop": {"kind": "single", "side": 61, "limit": 50, "config": clip(
        61, size={"height": 40, "width": 90})},
    "clip_no_resize": {"kind": "single", "side": 75, "limit": 0, "config": clip(
        75, do_resize=False)},
    "clip_bilinear": {"kind": "single", "side": 64, "limit": 50, "config": clip(64, resample=2)},
    "clip_no_rescale": {"kind": "single", "side": 48, "limit": 50, "config": clip(
        48, do_rescale=False, image_mean=120.5, image_std=[57.0, 58.5, 61])},
    "clip_no_normalize": {"kind": "single", "side": 48, "limit": 50, "config": clip(
        48, do_normalize=False, size={"height": 48, "width": 48}, do_center_crop=False)},
    "llava_pad": {"kind": "single", "side": 56, "limit": 50, "config": {
        "image_processor_type": "LlavaImageProcessorFast", "do_pad": True,
        "size": {"shortest_edge": 56}, "crop_size": {"height": 56, "width": 56}}},
    "next": {"kind": "anyres", "side": 336, "patch": 14, "limit": 0, "config": {
        "aspect_ratio_setting": "anyres", "crop_size": {"height": 336, "width": 336},
        "do_center_crop": True, "do_convert_rgb": True, "do_normalize": True, "do_pad": True,
        "do_rescale": True, "do_resize": True, "image_grid_pinpoints": PINPOINTS,
        "image_mean": MEAN, "image_processor_type": "LlavaNextImageProcessor", "image_std": STD,
        "resample": 3, "rescale_factor": 0.00392156862745098, "size": {"shortest_edge": 336}}},
    "next_small": {"kind": "anyres", "side": 56, "patch": 14, "limit": 0, "config": {
        "image_grid_pinpoints": SMALL_PINPOINTS, "image_processor_type": "LlavaNextImageProcessor",
        "crop_size": 56, "size": 56}},
    "next_many": {"kind": "anyres", "side": 70, "patch": 10, "limit": 0, "config": {
        "image_grid_pinpoints": MANY_PINPOINTS,
        "image_processor_type": "LlavaNextImageProcessorFast",
        "crop_size": {"height": 70, "width": 70}, "size": {"height": 70, "width": 70}}},
    "siglip": {"kind": "single", "side": 60, "limit": 0, "config": {
        "do_convert_rgb": None, "do_normalize": True, "do_rescale": True, "do_resize": True,
        "image_mean": [0.5, 0.5, 0.5], "image_processor_type": "SiglipImageProcessor",
        "image_std": [0.5, 0.5, 0.5], "processor_class": "LlavaProcessor", "resample": 3,
        "rescale_factor": 0.00392156862745098, "size": {"height": 60, "width": 60}}},
    "blip": {"kind": "single", "side": 62, "limit": 50, "config": {
        "do_convert_rgb": True, "do_normalize": True, "do_rescale": True, "do_resize": True,
        "image_mean": MEAN, "image_processor_type": "BlipImageProcessor", "image_std": STD,
        "processor_class": "InstructBlipProcessor", "resample": 3,
        "rescale_factor": 0.00392156862745098, "size": {"height": 62, "width": 62}}},
}


def load(path):
    """transformers' load_image for a local file."""
    return ImageOps.exif_transpose(Image.open(path)).convert("RGB")


def digest_of_pixels(image):
    return xxhash.xxh3_128_hexdigest(image.tobytes())


def processor_of(name):
    """A function from an image to "tiles height width digest" by transformers' PIL processor."""
    from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
    from transformers.models.llava.image_processing_pil_llava import LlavaImageProcessorPil
    from transformers.models.llava_next.image_processing_pil_llava_next import (
        LlavaNextImageProcessorPil)
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil
    classes = {"BlipImageProcessor": BlipImageProcessorPil,
               "CLIPImageProcessor": CLIPImageProcessorPil,
               "LlavaImageProcessor": LlavaImageProcessorPil,
               "LlavaNextImageProcessor": LlavaNextImageProcessorPil,
               "SiglipImageProcessor": SiglipImageProcessorPil}
    config = SETTINGS[name]["config"]
    kind = config["image_processor_type"].removesuffix("Fast")
    processor = classes[kind].from_pretrained(os.path.join(HERE, "settings", name))

    def process(image):
        values = numpy.asarray(processor(image, return_tensors="np")["pixel_values"])
        values = values.reshape(-1, *values.shape[-3:])
        data = values.astype("<f4").tobytes()
        return (f"{values.shape[0]} {values.shape[2]} {values.shape[3]} "
                f"{xxhash.xxh3_128_hexdigest(data)}")

    return process


def unpadded(height, width, rows, columns):
    """What transformers' own unpad_image keeps of a map that holds its own coordinates."""
    import torch
    from transformers.models.llava_next.modeling_llava_next import unpad_image
    y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    kept = unpad_image(torch.stack([y, x]), (height, width))
    if kept.numel() == 0:
        return ((rows - kept.shape[1]) // 2, kept.shape[1],
                (columns - kept.shape[2]) // 2, kept.shape[2])
    return (int(kept[0, 0, 0]), kept.shape[1], int(kept[1, 0, 0]), kept.shape[2])


def anyres_of(name, height, width):
    """The selected pinpoint, the size the image is scaled to, kept rows and columns (first and
    number), and the number of features, by transformers' functions."""
    from transformers.image_processing_utils import get_patch_output_size, select_best_resolution
    from transformers.image_utils import ChannelDimension
    side, patch = SETTINGS[name]["side"], SETTINGS[name]["patch"]
    best = select_best_resolution((height, width), SETTINGS[name]["config"]["image_grid_pinpoints"])
    shape = numpy.broadcast_to(numpy.uint8(0), (3, height, width))
    resized = get_patch_output_size(shape, best, ChannelDimension.FIRST)
    kept = unpadded(height, width, best[0] // side * (side // patch),
                    best[1] // side * (side // patch))
    features = (side // patch) ** 2 + kept[1] * (kept[3] + 1)
    return (*best, *resized, *kept, features)


def rounding_sizes():
    """Sizes at which unpad_image's round(x, 7) makes a difference to truncation alone."""
    sizes = []
    for columns in (24, 48, 72):
        for height in range(1, 900):
            for width in range(1, 900):
                if int(height * (columns / width)) != int(round(height * (columns / width), 7)):
                    sizes.append((height, width))
    return sizes


def photograph(name, box=None, size=None, mode="RGB"):
    import skimage
    image = Image.open(os.path.join(os.path.dirname(skimage.__file__), "data", name)).convert(mode)
    if box:
        image = image.crop(box)
    if size:
        image = image.resize(size, Image.Resampling.LANCZOS)
    return image


def chunk(name, data):
    return (struct.pack(">I", len(data)) + name + data +
            struct.pack(">I", zlib.crc32(name + data)))


def png(width, height, depth, colour, rows, extra=()):
    """A PNG file from packed rows: for what Pillow does not write."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) +
            b"".join(chunk(*each) for each in extra) + chunk(b"IDAT", data) + chunk(b"IEND", b""))


def interlaced_png(pixels, depth, colour):
    """An Adam7 PNG of an array [height][width][bytes per pixel]."""
    height, width = pixels.shape[:2]
    data = b""
    for x0, y0, dx, dy in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4),
                           (1, 0, 2, 2), (0, 1, 1, 2)):
        part = pixels[y0::dy, x0::dx]
        if part.size:
            data += b"".join(b"\0" + row.tobytes() for row in part)
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 1)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) +
            chunk(b"IDAT", zlib.compress(data, 9)) + chunk(b"IEND", b""))


def packed(values, depth):
    """Rows of samples of `depth` bits, the first in the highest bits."""
    rows = []
    for row in values:
        bits = "".join(format(int(value), f"0{depth}b") for value in row)
        bits += "0" * (-len(bits) % 8)
        rows.append(int(bits, 2).to_bytes(len(bits) // 8, "big"))
    return rows


def orientation_exif(value, prefix=b"Exif\0\0", big=False, kind=3):
    order = ">" if big else "<"
    value = struct.pack(order + ("I" if kind == 4 else "HH"), *((value,) if kind == 4 else
                                                                  (value, 0)))
    return (prefix + (b"MM" if big else b"II") + struct.pack(order + "HIH", 42, 8, 2) +
            struct.pack(order + "HHI", 0x0100, 3, 1) + b"\1\0\0\0" +
            struct.pack(order + "HHI", 0x0112, kind, 1) + value + b"\0\0\0\0")


def make_jpegs(write):
    cat = photograph("chelsea.png", (60, 40, 260, 180), (100, 70))
    coffee = photograph("coffee.png", (180, 40, 420, 280), (121, 75))

    def jpeg(name, image, **options):
        stream = io.BytesIO()
        image.save(stream, "JPEG", **{"quality": 80, **options})
        write(name, stream.getvalue())

    jpeg("baseline_420.jpg", coffee)
    jpeg("baseline_422.jpg", coffee, subsampling=1)
    jpeg("baseline_444.jpg", coffee, subsampling=0, quality=95)
    jpeg("low_quality.jpg", coffee, quality=5)
    jpeg("progressive_420.jpg", coffee, progressive=True)
    jpeg("progressive_444.jpg", cat, progressive=True, subsampling=0, quality=60)
    jpeg("optimized.jpg", cat, optimize=True)
    jpeg("rgb.jpg", cat, keep_rgb=True)
    jpeg("grey.jpg", photograph("camera.png", size=(90, 93), mode="L"))
    jpeg("grey_progressive.jpg", photograph("camera.png", size=(33, 64), mode="L"),
         progressive=True)
    jpeg("cmyk.jpg", cat.convert("CMYK").point(lambda value: (value * 7 + 40) % 256))
    jpeg("restart_blocks.jpg", coffee, restart_marker_blocks=3)
    jpeg("restart_rows_progressive.jpg", coffee, restart_marker_rows=1, progressive=True)
    jpeg("comment_and_profile.jpg", cat, comment=b"a comment", icc_profile=bytes(300))
    jpeg("one_pixel.jpg", cat.crop((5, 5, 6, 6)))
    jpeg("1x37.jpg", coffee.resize((1, 37)))
    jpeg("37x1.jpg", coffee.resize((37, 1)), progressive=True)
    jpeg("599x36.jpg", photograph("rocket.jpg", (0, 280, 599, 316)))
    jpeg("7x1900.jpg", photograph("rocket.jpg", size=(7, 1900)), quality=40)
    for value in range(1, 9):
        jpeg(f"exif_{value}.jpg", cat.crop((20, 10, 57, 36)),
             exif=orientation_exif(value, big=value % 2 == 1))
    jpeg("exif_9_is_1.jpg", cat.crop((20, 10, 57, 36)), exif=orientation_exif(9))
    jpeg("exif_long_6.jpg", cat.crop((20, 10, 57, 36)), exif=orientation_exif(6, kind=4))
    packet = b'<x:xmpmeta><rdf:Description tiff:Orientation="%d"/></x:xmpmeta>'
    jpeg("xmp_6.jpg", cat.crop((20, 10, 57, 36)), xmp=packet % 6)
    jpeg("xmp_8_element.jpg", cat.crop((20, 10, 57, 36)),
         xmp=b"<x:xmpmeta><tiff:Orientation>8</tiff:Orientation></x:xmpmeta>")
    jpeg("exif_3_before_xmp_6.jpg", cat.crop((20, 10, 57, 36)), xmp=packet % 6,
         exif=orientation_exif(3))

    # YCCK: the CMYK file's components are declared to be YCCK by Adobe's marker.
    stream = io.BytesIO()
    cat.convert("CMYK").save(stream, "JPEG", quality=85)
    data = bytearray(stream.getvalue())
    place = data.find(b"Adobe")
    assert place > 0
    data[place + 11] = 2
    write("ycck.jpg", bytes(data))
    # The same without Adobe's marker: plain CMYK.
    write("cmyk_without_adobe.jpg", bytes(data[:place - 4] + data[place + 12:]))
    # Garbage between segments, and after the end.
    stream = io.BytesIO()
    cat.save(stream, "JPEG", quality=70)
    write("trailing_bytes.jpg", stream.getvalue() + b"trailing bytes")


def make_pngs(write):
    cat = photograph("chelsea.png", (60, 40, 260, 180), (60, 41))
    grey = photograph("camera.png", size=(45, 38), mode="L")
    logo = photograph("horse.png", size=(50, 41), mode="RGBA")
    alpha = cat.copy()
    alpha.putalpha(photograph("camera.png", size=cat.size, mode="L"))

    def save(name, image, **options):
        stream = io.BytesIO()
        image.save(stream, "PNG", optimize=True, **options)
        write(name, stream.getvalue())

    save("rgb.png", cat)
    save("rgba.png", alpha)
    save("rgba_horse.png", logo)
    save("grey.png", grey)
    save("grey_alpha.png", alpha.convert("LA"))
    save("one_bit.png", grey.convert("1"))
    save("palette.png", cat.quantize(200))
    save("palette_1bit.png", cat.quantize(2))
    save("palette_2bit.png", cat.quantize(4))
    save("palette_4bit.png", cat.quantize(13))
    save("palette_transparency.png", cat.quantize(100), transparency=bytes(range(0, 200, 2)))
    save("rgb_transparency.png", cat, transparency=cat.getpixel((3, 3)))
    save("grey_transparency.png", grey, transparency=grey.getpixel((3, 3)))
    save("gamma.png", cat, icc_profile=bytes(200))
    save("1x37.png", cat.resize((1, 37)))
    save("37x1.png", cat.resize((37, 1)))
    save("599x36.png", photograph("text.png", (0, 0, 448, 27), (599, 36), "L").convert("RGB"))
    for value in (2, 6):
        save(f"exif_{value}.png", cat.crop((3, 3, 30, 20)), exif=orientation_exif(value))

    values = numpy.asarray(grey)
    write("grey_2bit.png", png(45, 38, 2, 0, packed(values >> 6, 2)))
    write("grey_4bit.png", png(45, 38, 4, 0, packed(values >> 4, 4)))
    wide = values.astype(numpy.uint32) * 3 + numpy.arange(45)
    write("grey_16bit.png", png(45, 38, 16, 0, [row.astype(">u2").tobytes() for row in wide]))
    colours = numpy.asarray(cat).astype(numpy.uint32) * 257
    colours ^= numpy.arange(3 * 60, dtype=numpy.uint32).reshape(60, 3) * 331 % 256
    write("rgb_16bit.png", png(60, 41, 16, 2, [row.astype(">u2").tobytes() for row in colours]))
    both = numpy.stack([wide * 71 % 65536, wide * 31 % 65536], -1)
    write("grey_alpha_16bit.png",
          png(45, 38, 16, 4, [row.astype(">u2").tobytes() for row in both]))
    four = numpy.concatenate([colours, colours[:, :, :1]], -1)
    write("rgba_16bit.png", png(60, 41, 16, 6, [row.astype(">u2").tobytes() for row in four]))
    write("palette_short.png", png(4, 1, 8, 3, [bytes([0, 1, 2, 255])],
                                   [(b"PLTE", bytes([10, 20, 30, 40, 50, 60]))]))
    write("interlaced_rgb.png", interlaced_png(numpy.asarray(cat), 8, 2))
    write("interlaced_grey_16bit.png",
          interlaced_png(wide.astype(">u2").view(numpy.uint8).reshape(38, 45, 2), 16, 0))
    write("interlaced_3x2.png", interlaced_png(numpy.asarray(cat)[:2, :3], 8, 2))
    rows = [row.tobytes() for row in numpy.asarray(cat.crop((3, 3, 30, 20)))]
    packet = b"XML:com.adobe.xmp\0\0\0\0\0" + b'<x tiff:Orientation="5"/>'
    write("xmp_5.png", png(27, 17, 8, 2, rows, [(b"iTXt", packet)]))
    exif = orientation_exif(8).hex().encode()
    profile = b"Raw profile type exif\0\0" + zlib.compress(
        b"\nexif\n%8d\n" % (len(exif) // 2) + exif[:40] + b"\n" + exif[40:] + b"\n")
    write("raw_profile_8.png", png(27, 17, 8, 2, rows, [(b"zTXt", profile)]))


def make_odd(write):
    """What other projects' suites hold: EXIF in other forms and places, transparent colours, zlib
    streams that lie about their window. Their pixels are noise of few colours."""
    rng = random.Random(12)
    values = numpy.array([[rng.randrange(4) for _ in range(13)] for _ in range(9)])
    colours = numpy.array([[10, 20, 30], [200, 100, 0], [9, 8, 7], [10, 20, 30]], numpy.uint8)
    pixels = colours[values]
    rows = [row.tobytes() for row in pixels]
    exif = orientation_exif(6, prefix=b"")
    header = b"Exif\0\0"

    def segment(data):
        return b"\xff\xe1" + struct.pack(">H", len(data) + 2) + data

    def jpeg(name, *segments):
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "JPEG", quality=90)
        data = stream.getvalue()
        write(name, data[:20] + b"".join(segments) + data[20:])

    jpeg("odd_exif_twice.jpg", segment(header + header + exif))
    jpeg("odd_exif_two_segments.jpg", segment(header + exif[:21]), segment(header + exif[21:]))
    jpeg("odd_exif_two_whole.jpg", segment(header + exif),
         segment(header + orientation_exif(3, prefix=b"")))
    jpeg("odd_xmp_two.jpg", *(segment(b"http://ns.adobe.com/xap/1.0/\0<x tiff:Orientation=\"%d\"/>"
                                      % value) for value in (6, 8)))

    jpeg("odd_exif_none_xmp.jpg", segment(header + b"no TIFF header"), segment(
        b"http://ns.adobe.com/xap/1.0/\0<x tiff:Orientation=\"6\"/>"))

    write("odd_exif_prefix.png", png(13, 9, 8, 2, rows, [(b"eXIf", header + exif)]))
    write("odd_exif_two.png", png(13, 9, 8, 2, rows, [
        (b"eXIf", exif), (b"eXIf", orientation_exif(3, prefix=b""))]))
    late = png(13, 9, 8, 2, rows)
    write("odd_exif_late.png", late[:-12] + chunk(b"eXIf", exif) + late[-12:])
    write("odd_xmp_late.png", late[:-12] + chunk(
        b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x tiff:Orientation='7' tiff:Orientation=\"7\"/>") +
        late[-12:])
    write("odd_xmp_behind_texts.png", png(13, 9, 8, 2, rows, [(b"tEXt", b"a\0b")] * 40 + [
        (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x tiff:Orientation=\"6\"/>")]))

    palette = (b"PLTE", colours.tobytes())
    indices = [bytes(row.tolist()) for row in values]
    for name, alphas in {"one": b"\xff\0", "first": b"\0", "two": b"\0\0", "partly": b"\xff\x80",
                         "none": b"\xff\xff", "beyond": b"\xff\xff\xff\xff\xff\0"}.items():
        write(f"odd_palette_{name}.png", png(13, 9, 8, 3, indices, [palette, (b"tRNS", alphas)]))
    write("odd_palette_4bit.png", png(13, 9, 4, 3, packed(values, 4), [palette,
                                                                       (b"tRNS", b"\xff\xff\0")]))
    write("odd_rgb_key.png", png(13, 9, 8, 2, rows, [(b"tRNS", b"\0\xc8\0\x64\0\0")]))
    write("odd_rgb_key_high.png", png(13, 9, 8, 2, rows, [(b"tRNS", b"\1\xc8\2\x64\3\0")]))
    wide = [row.astype(">u2").tobytes() for row in pixels.astype(numpy.uint32) * 256 + 200]
    write("odd_rgb_key_16bit.png",
          png(13, 9, 16, 2, wide, [(b"tRNS", b"\xc8\xc8\x64\xc8\0\xc8")]))
    write("odd_rgb_key_16bit_low.png",
          png(13, 9, 16, 2, wide, [(b"tRNS", b"\xc8\xc8\x64\x64\0\0")]))
    for depth in (1, 2, 4, 8):
        grey = values % 2**depth
        for key in (0, 1, 85, 511):
            write(f"odd_grey_{depth}bit_key_{key}.png",
                  png(13, 9, depth, 0, packed(grey, depth), [(b"tRNS", struct.pack(">H", key))]))
    wide = [row.astype(">u2").tobytes() for row in values * 255]
    for key in (0, 256, 255):
        write(f"odd_grey_16bit_key_{key}.png",
              png(13, 9, 16, 0, wide, [(b"tRNS", struct.pack(">H", key))]))

    # A window of 256 bytes is declared, and 32 kB are used.
    noise = numpy.array([[rng.randrange(256) for _ in range(3 * 40)] for _ in range(12)],
                        numpy.uint8)
    data = bytearray(zlib.compress(b"".join(b"\0" + row.tobytes() for row in noise) * 2, 9))
    data[0] = 0x08
    data[1] = 31 - data[0] * 256 % 31
    write("odd_window.png", b"\x89PNG\r\n\x1a\n" + chunk(
        b"IHDR", struct.pack(">IIBBBBB", 40, 24, 8, 2, 0, 0, 0)) + chunk(b"IDAT", bytes(data)) +
        chunk(b"IEND", b""))

    stream = io.BytesIO()
    frames = [Image.fromarray(pixels), Image.fromarray(255 - pixels)]
    frames[0].save(stream, "PNG", save_all=True, append_images=frames[1:])
    write("odd_animated.png", stream.getvalue())
    stream = io.BytesIO()
    frames[0].save(stream, "PNG", save_all=True, append_images=frames, default_image=True)
    write("odd_animated_default.png", stream.getvalue())
    make_bmps(write, values, pixels)
    make_formats(write, values, pixels)


def bmp(width, height, bits, rows, palette=b"", compression=0, masks=b"", colours=0, core=False):
    """A BMP file of rows as they are stored: the lowest first, unless the height is negative."""
    if core:
        header = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        header = struct.pack("<IiiHHIIIIII", 40 + (16 if len(masks) == 16 else 0), width, height, 1,
                             bits, compression, 0, 0, 0, colours, 0)
    data = b"".join(row + bytes(-len(row) % 4 if compression in (0, 3) else 0) for row in rows)
    start = 14 + len(header) + len(masks) + len(palette)
    return (b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start) + header + masks +
            palette + data)


def make_bmps(write, values, pixels):
    palette = bytes([30, 20, 10, 0, 0, 100, 200, 0, 7, 8, 9, 0, 255, 0, 255, 0])
    blue_first = [row[:, ::-1].tobytes() for row in pixels[::-1]]
    sixteen = [(row * 8191).astype("<u2").tobytes() for row in values]
    four = [numpy.dstack([row, row[:, :, :1] ^ 170]).tobytes() for row in pixels[:, None]]
    write("odd_1bit.bmp", bmp(13, 9, 1, packed(values % 2, 1), palette[:8]))
    write("odd_1bit_grey.bmp", bmp(13, 9, 1, packed(values % 2, 1), b"\0\0\0\0\xff\xff\xff\0"))
    write("odd_4bit.bmp", bmp(13, 9, 4, packed(values, 4), palette, colours=4))
    write("odd_8bit.bmp", bmp(13, -9, 8, packed(values, 8), palette, colours=4))
    greys = b"".join(bytes([i, i, i, 0]) for i in range(256))
    write("odd_8bit_grey.bmp", bmp(13, 9, 8, packed(values * 80, 8), greys))
    write("odd_core.bmp", bmp(13, 9, 8, packed(values, 8), palette[:3] + palette[4:7] * 255,
                              core=True))
    write("odd_16bit.bmp", bmp(13, 9, 16, sixteen))
    write("odd_565.bmp", bmp(13, 9, 16, sixteen, compression=3,
                             masks=struct.pack("<III", 0xf800, 0x7e0, 0x1f)))
    write("odd_24bit.bmp", bmp(13, 9, 24, blue_first))
    write("odd_24bit_down.bmp", bmp(13, -9, 24, blue_first))
    write("odd_32bit.bmp", bmp(13, 9, 32, four))
    for i, masks in enumerate(((0xff000000, 0xff0000, 0xff00, 0xff),
                               (0xff, 0xff00, 0xff0000, 0xff000000),
                               (0xff000000, 0xff00, 0xff, 0xff0000))):
        write(f"odd_32bit_masks_{i}.bmp",
              bmp(13, 9, 32, four, compression=3, masks=struct.pack("<IIII", *masks)))
    runs = (b"\x05\1\x03\2\0\0" + b"\0\x05\0\1\2\3\0\0\x08\3\0\0" +
            b"\x0d\0\0\0" * 3 + b"\xff\1\0\0" * 4)
    write("odd_runs_8.bmp", bmp(13, 9, 8, [runs + b"\0\1"], palette, 1, colours=4))
    write("odd_runs_4.bmp", bmp(13, 9, 4, [b"\x0d\x12\0\0" * 5 + b"\0\4\x12\x30\x09\x01\0\0" +
                                           b"\x0d\x31\0\0" * 3 + b"\0\1"], palette, 2,
                                colours=4))


def make_formats(write, values, pixels):
    """WebP, TIFF and GIF files, most of them written by Pillow."""
    image, grey = Image.fromarray(pixels), Image.fromarray((values * 85).astype(numpy.uint8))
    alpha = image.copy()
    alpha.putalpha(grey)
    palette = Image.fromarray(values.astype(numpy.uint8))
    palette.putpalette([10, 20, 30, 200, 100, 0, 9, 8, 7, 255, 0, 255])
    exif = orientation_exif(6)

    def save(name, kind, picture, **options):
        stream = io.BytesIO()
        picture.save(stream, kind, **options)
        write(name, stream.getvalue())

    save("odd_lossy.webp", "WEBP", image, quality=70)
    save("odd_lossless.webp", "WEBP", image, lossless=True)
    save("odd_alpha.webp", "WEBP", alpha, lossless=True, exact=True)
    save("odd_alpha_lossy.webp", "WEBP", alpha, quality=60)
    save("odd_exif_6.webp", "WEBP", image, lossless=True, exif=exif)
    save("odd_xmp_8.webp", "WEBP", image, lossless=True, xmp=b"<x tiff:Orientation=\"8\"/>")
    save("odd_animated.webp", "WEBP", image, lossless=True, save_all=True,
         append_images=[Image.fromarray(255 - pixels)])
    save("odd.gif", "GIF", palette)
    save("odd_transparent.gif", "GIF", palette, transparency=2, interlace=0)
    save("odd_interlaced.gif", "GIF", palette, interlace=1)
    save("odd_grey.gif", "GIF", grey)
    save("odd_animated.gif", "GIF", palette, save_all=True, append_images=[palette.rotate(180)])
    stream = io.BytesIO()
    palette.save(stream, "GIF", transparency=1)
    data = bytearray(stream.getvalue())
    data[6:10] = struct.pack("<HH", 20, 15)
    place = data.index(b",\0\0\0\0")
    data[place + 1:place + 5] = struct.pack("<HH", 4, 3)
    write("odd_offset.gif", bytes(data))
    # Greys as the frame's own palette, beside the file's colours.
    stream = io.BytesIO()
    palette.save(stream, "GIF")
    data = bytearray(stream.getvalue())
    place = data.index(b",\0\0\0\0")
    data[place + 9] = 0x81
    data[place + 10:place + 10] = bytes(value for value in range(4) for _ in range(3))
    write("odd_local_greys.gif", bytes(data))

    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I", "F"):
        source = palette if mode == "P" else (alpha if "A" in mode else image).convert(mode)
        save(f"odd_{mode}.tif", "TIFF", source)
        save(f"odd_{mode}_deflate.tif", "TIFF", source, compression="tiff_adobe_deflate")
    save("odd_lzw.tif", "TIFF", image, compression="tiff_lzw")
    save("odd_packbits.tif", "TIFF", image, compression="packbits")
    save("odd_group4.tif", "TIFF", image.convert("1"), compression="group4")
    save("odd_jpeg.tif", "TIFF", image, compression="jpeg", quality=80)
    save("odd_ycbcr.tif", "TIFF", image.convert("YCbCr"), compression="tiff_lzw")
    save("odd_orientation.tif", "TIFF", image, tiffinfo={274: 6})
    save("odd_big.tif", "TIFF", image, big_tiff=True, tiffinfo={274: 8})
    save("odd_pages.tif", "TIFF", image, save_all=True, append_images=[palette])
    save("odd_16bit.tif", "TIFF", Image.fromarray((values * 200).astype("<u2")))

    def tiff(name, order, tags, parts):
        """An uncompressed file of these parts: strips, or tiles."""
        start = 8 + 2 + 12 * (len(tags) + 2) + 4
        offsets = [start + sum(map(len, parts[:i])) for i in range(len(parts))]
        beyond = b"".join(parts)
        place = 324 if 322 in tags else 273
        tags = {**tags, place: (4, offsets),
                {324: 325, 273: 279}[place]: (4, [len(part) for part in parts])}
        directory = struct.pack(order + "H", len(tags))
        for tag, (kind, numbers) in sorted(tags.items()):
            field = struct.pack(order + ("H" if kind == 3 else "I") * len(numbers), *numbers)
            if len(field) > 4:
                field, beyond = (struct.pack(order + "I", start + len(beyond)), beyond + field)
            directory += struct.pack(order + "HHI", tag, kind, len(numbers)) + field.ljust(4, b"\0")
        write(name, (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8) +
              directory + bytes(4) + beyond)

    def basic(bits, photometric, samples=1, **more):
        tags = {256: (3, [13]), 257: (3, [9]), 258: (3, [bits] * samples), 259: (3, [1]),
                262: (3, [photometric]), 277: (3, [samples]), 278: (3, [9])}
        return {**tags, **{int(key[1:]): value for key, value in more.items()}}

    for order in "<>":
        letter = "II" if order == "<" else "MM"
        for bits in (1, 2, 4, 8):
            for photometric in (0, 1):
                tiff(f"odd_{letter}_{bits}bit_{photometric}.tif", order, basic(bits, photometric),
                     [b"".join(packed(values % 2**bits, bits))])
        tiff(f"odd_{letter}_16bit.tif", order, basic(16, 1),
             [(values * 99).astype(order + "u2").tobytes()])
        tiff(f"odd_{letter}_16bit_signed.tif", order, basic(16, 1, _339=(3, [2])),
             [(values * 99 - 50).astype(order + "i2").tobytes()])
        tiff(f"odd_{letter}_float.tif", order, basic(32, 1, _339=(3, [3])),
             [(values * 99.5 - 50).astype(order + "f4").tobytes()])
        tiff(f"odd_{letter}_rgb_16bit.tif", order, basic(16, 2, 3),
             [(pixels * 257.).astype(order + "u2").tobytes()])
        tiff(f"odd_{letter}_premultiplied.tif", order, basic(8, 2, 4, _338=(3, [1])),
             [numpy.asarray(alpha).tobytes()])
    tiff("odd_planes.tif", "<", basic(8, 2, 3, _284=(3, [2])),
         [pixels[:, :, i].tobytes() for i in range(3)])
    padded = numpy.pad(pixels, ((0, 7), (0, 3), (0, 0)))
    tiles = basic(8, 2, 3, _322=(3, [16]), _323=(3, [16]))
    del tiles[278]
    tiff("odd_tile.tif", "<", tiles, [padded.tobytes()])
    tiff("odd_12bit.tif", "<", basic(12, 1), [b"".join(packed(values * 90, 12))])
    tiff("odd_reversed.tif", "<", basic(1, 1, _266=(3, [2])), [b"".join(packed(values % 2, 1))])


def write_files():
    os.makedirs(FILES, exist_ok=True)

    def write(name, data):
        with open(os.path.join(FILES, name), "wb") as file:
            file.write(data)

    make_jpegs(write)
    make_pngs(write)
    make_odd(write)
    for name, entry in SETTINGS.items():
        folder = os.path.join(HERE, "settings", name)
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "preprocessor_config.json"), "w") as file:
            json.dump(entry["config"], file, indent=1, sort_keys=True)
            file.write("\n")


def write_expectations():
    order = order_of_resizing()
    files = sorted(glob.glob(os.path.join(FILES, "*")))
    with open(os.path.join(HERE, "decoded.tsv"), "w") as table:
        table.write("# file\twidth\theight\tXXH3-128 of the RGB bytes\n")
        for path in files:
            image = load(path)
            table.write(f"{os.path.basename(path)}\t{image.width}\t{image.height}\t"
                        f"{digest_of_pixels(image)}\n")
    with open(os.path.join(HERE, f"pixel_values-{order}.tsv"), "w") as table:
        table.write("# settings\tkind\tside\tfile\ttiles\theight\twidth\tXXH3-128 of the values\n")
        for name in sorted(SETTINGS):
            entry, process = SETTINGS[name], processor_of(name)
            for path in files:
                image = load(path)
                longer, shorter = max(image.size), min(image.size)
                if entry["limit"] and longer > entry["limit"] * shorter:
                    continue
                if os.path.basename(path).startswith("odd_") and name != "clip_small":
                    continue
                result = process(image).replace(" ", "\t")
                table.write(f"{name}\t{entry['kind']}\t{entry['side']}\t"
                            f"{os.path.basename(path)}\t{result}\n")
    write_anyres()


def write_anyres():
    rng = random.Random(3)
    sizes = rng.sample(rounding_sizes(), 200)
    while len(sizes) < 900:
        longest = rng.choice([20, 300, 3000])
        sizes.append((rng.randint(1, longest), rng.randint(1, longest)))
    with open(os.path.join(HERE, "anyres.tsv"), "w") as table:
        table.write("# settings\tside\tpatch\theight\twidth\tpinpoint: height\twidth\t"
                    "scaled: height\twidth\tfirst row\trows\tfirst column\tcolumns\tfeatures\n")
        for i, (height, width) in enumerate(sizes):
            name = ("next", "next_small", "next_many")[i % 3]
            row = (name, SETTINGS[name]["side"], SETTINGS[name]["patch"], height, width,
                   *anyres_of(name, height, width))
            table.write("\t".join(str(value) for value in row) + "\n")


if __name__ == "__main__":
    {"files": write_files, "expect": write_expectations}[sys.argv[1]]()
