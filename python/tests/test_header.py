"""The declarations are the header's: structs as the C compiler has them, functions by
prototypes."""
from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import REPOSITORY

from mmneuron import _library as library

HEADERS = sorted((REPOSITORY / "src" / "mmneuron").glob("*.h"))

# Functions that a Python program has no use for: it has others for the same, or they are the
# program's.
NOT_USED = {
    "mmn_make_printable", "mmn_set_allocator", "mmn_nearest_name", "mmn_module_name",
    "mmn_module_meant", "mmn_session_gradient", "mmn_session_keep", "mmn_session_stage", "mmn_session_stage_at",
    "mmn_session_prefill_many", "mmn_list_reads_texts", "mmn_count_state_file", "mmn_rank",
    "mmn_ranking_table_file", "mmn_counts_probabilities", "mmn_mask_other_model",
    "mmn_output_claim", "mmn_output_lock_file", "mmn_output_release", "mmn_keep_elsewhere",
    "mmn_rows_arguments", "mmn_study_name", "mmn_study_needs_neurons",
    "mmn_dump_digests", "mmn_report_charts", "mmn_report_of", "mmn_report_can_write",
    "mmn_judge_answer",
}
STRUCTS_NOT_USED = {"mmn_allocator", "mmn_source", "mmn_output_options", "mmn_ranks",
                    "mmn_objective"}


def headers() -> str:
    """The headers without comments and line breaks."""
    text = "\n".join(header.read_text(encoding="utf-8") for header in HEADERS)
    text = re.sub(r"^#.*$", "", text, flags=re.MULTILINE)
    return re.sub(r"\s+", " ", re.sub(r"/\*.*?\*/", " ", text, flags=re.DOTALL))


def compiler() -> list[str]:
    command = os.environ.get("CC", "cc").split()
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not there")
    return command


def what_c_says(lines: list[str], folder: Path) -> dict[str, int]:
    """Compiles and runs a program that prints expressions: SHOW(name, expression)."""
    source = folder / "show.c"
    source.write_text('#include <stddef.h>\n#include <stdio.h>\n#include "mmneuron.h"\n'
                      "#define SHOW(name, value) printf(\"%s %zu\\n\", name, (size_t)(value))\n"
                      "int main(void) {\n" + "\n".join(lines) + "\nreturn 0;\n}\n")
    subprocess.run([*compiler(), "-std=c11", f"-I{REPOSITORY / 'src'}", source, "-o",
                    folder / "show"],
                   check=True)
    printed = subprocess.run([folder / "show"], check=True, capture_output=True, text=True).stdout
    return {name: int(value) for name, value in (line.split() for line in printed.splitlines())}


def test_structs(tmp_path: Path) -> None:
    lines, expected = [], {}
    for name, struct in library.STRUCTS.items():
        lines.append(f'SHOW("{name}", sizeof({name}));')
        expected[name] = ctypes.sizeof(struct)
        for member, *_ in struct._fields_:
            declared = getattr(struct, member)
            for what, value, c in (("offset", declared.offset, f"offsetof({name}, {member})"),
                                   ("size", declared.size, f"sizeof((({name} *)0)->{member})")):
                lines.append(f'SHOW("{name}.{member}.{what}", {c});')
                expected[f"{name}.{member}.{what}"] = value
    assert what_c_says(lines, tmp_path) == expected


def test_no_member_is_left_out() -> None:
    """A member that fits into another's padding changes no size."""
    declared = dict(re.findall(r"typedef struct (mmn_\w+) \{(.*?)\} \1;", headers()))
    assert set(declared) - STRUCTS_NOT_USED == set(library.STRUCTS)
    for name, struct in library.STRUCTS.items():
        members = []
        for declaration in declared[name].split(";"):
            if function := re.search(r"\(\*(\w+)\)", declaration):
                members.append(function[1])
            else:
                parts = re.sub(r"\[\w+\]", "", declaration).split(",")
                members += [part.split()[-1].strip("*") for part in parts if part.strip()]
        assert members == [member for member, *_ in struct._fields_], name


def test_enums(tmp_path: Path) -> None:
    expected = {f"MMN_{status.name}": int(status) for status in library.Status} | library.ENUMS
    assert what_c_says([f'SHOW("{name}", {name});' for name in expected], tmp_path) == expected
    known = re.search(r"typedef enum mmn_status \{(.*?)\}", headers())[1]
    assert set(re.findall(r"MMN_\w+", known)) == {f"MMN_{status.name}" for status in library.Status}


# What a type of the header is in ctypes. Names of opaque types are addresses.
TYPES = {"void": None, "int": ctypes.c_int, "double": ctypes.c_double, "size_t": ctypes.c_size_t,
         "uint32_t": ctypes.c_uint32, "uint64_t": ctypes.c_uint64, "int32_t": ctypes.c_int32,
         "mmn_status": ctypes.c_int, "mmn_column_kind": ctypes.c_int,
         "mmn_report_format": ctypes.c_int}


def ctypes_of(declaration: str) -> object:
    if array := re.search(r"\[(\w*)\]$", declaration):
        declaration = declaration[:array.start()] + "*"
        declaration = re.sub(r"(\w+)\*$", "*", declaration)
    words = re.sub(r"\bconst\b", "", declaration)
    stars = words.count("*")
    base = re.match(r"\s*(\w+)", words)[1]
    if base == "char":
        if stars == 2 and "const" not in declaration:  # a text that is made
            return ctypes.POINTER(ctypes.c_void_p)
        found, stars = ctypes.c_char_p, stars - 1
    elif base in library.STRUCTS:
        found = library.STRUCTS[base]
    elif base in TYPES:
        found = TYPES[base]
        if found is None and stars:
            found, stars = ctypes.c_void_p, stars - 1
    else:
        assert stars, declaration
        found, stars = ctypes.c_void_p, stars - 1
    for _ in range(stars):
        found = ctypes.POINTER(found)
    return found


# Arrays that functions make: their addresses are all that Python wants before they are freed.
MADE_ARRAYS = {("mmn_model_encode", 3), ("mmn_neurons_list", 0)}


def test_functions() -> None:
    prototypes = {}
    declaration = r"MMN_API ([^;(]*?)(mmn_\w+)\(([^;]*)\);"
    for result, name, parameters in re.findall(declaration, headers()):
        given = [] if parameters.strip() == "void" else parameters.split(",")
        prototypes[name] = (result, *given)
    assert set(prototypes) - NOT_USED == set(library.FUNCTIONS)
    for name, declared in library.FUNCTIONS.items():
        expected = [ctypes_of(part) for part in prototypes[name]]
        for function, place in MADE_ARRAYS:
            if function == name:
                expected[place + 1] = ctypes.POINTER(ctypes.c_void_p)
        assert expected == list(declared), name
