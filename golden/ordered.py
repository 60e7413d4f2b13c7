"""Puts the metadata of a safetensors file into an order, so that a script writes the same bytes each time: the library
keeps them in a hash table whose order is another one in each process."""
import json
from pathlib import Path


def order_metadata(file: Path) -> None:
    data = file.read_bytes()
    begin = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:begin])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    file.write_bytes(len(text).to_bytes(8, "little") + text + data[begin:])
