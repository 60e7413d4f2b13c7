"""Builds the wheel: compiles the repository's library and puts it beside the package's modules.

A build backend (PEP 517) that needs nothing but Python, and what the library needs: a compiler,
make and the packages that `quickstart` installs. The library is built in build/python of the
repository, where the next build goes on. CC, CFLAGS and the like count as for `configure`, and so
do its options:

    pip install ./python --config-settings=configure="--without-libtiff --disable-openmp"

MMNEURON_BUILD names a folder that is configured already, with shared libraries, to build there.
"""
import base64
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

PYTHON = Path(__file__).resolve().parent
REPOSITORY = PYTHON.parent
LIBRARIES = ("libmmneuron.so.0", "libmmneuron_page.so.0")

# Files of the repository that the package has too, under other names.
SHARED = {"golden/hooks.py": "mmneuron/transformers_stages.py"}

METADATA = """\
Metadata-Version: 2.3
Name: mmneuron
Version: {version}
Summary: Domain neurons of vision-language models, and every stage of their forward pass
License: MIT
Requires-Python: >=3.10
Requires-Dist: numpy >= 1.22
Provides-Extra: pandas
Requires-Dist: pandas; extra == "pandas"
Provides-Extra: verify
Requires-Dist: torch; extra == "verify"
Requires-Dist: transformers; extra == "verify"
Requires-Dist: safetensors; extra == "verify"
Provides-Extra: test
Requires-Dist: pytest; extra == "test"
Description-Content-Type: text/markdown

"""

WHEEL = """\
Wheel-Version: 1.0
Generator: mmneuron
Root-Is-Purelib: false
Tag: {tag}
"""


def version() -> str:
    found = re.search(r"AC_INIT\(\[mmneuron\], \[([^]]+)\]\)",
                      (REPOSITORY / "configure.ac").read_text())
    if not found:
        raise SystemExit(f"{REPOSITORY / 'configure.ac'}: no version in AC_INIT")
    return found[1]


def tag() -> str:
    """Any Python 3 on this platform: the library is loaded at run time, not linked with Python."""
    return "py3-none-" + re.sub(r"[^a-zA-Z0-9]", "_", sysconfig.get_platform())


def run(*command: object, cwd: Path) -> None:
    print("+", shlex.join(map(str, command)), flush=True)
    try:
        subprocess.run([str(word) for word in command], cwd=cwd, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SystemExit(
            f"the library was not built: {error}. What it needs is in doc/building.md; on Debian"
            " and Ubuntu `./quickstart build` installs it") from None


def configure(build: Path, options: list[str]) -> None:
    """Configures the library in its folder, unless it was with the same wishes."""
    wishes = [f"{name}={os.environ[name]}" for name in ("CC", "CPPFLAGS", "CFLAGS", "LDFLAGS")
              if name in os.environ]
    asked = build / "asked"
    if asked.exists() and asked.read_text() == "\n".join([*options, *wishes]):
        return
    asked.unlink(missing_ok=True)
    build.mkdir(parents=True, exist_ok=True)
    if not (REPOSITORY / "configure").exists():
        run("sh", "./autogen.sh", cwd=REPOSITORY)
    run(REPOSITORY / "configure", "--quiet", "--disable-static", "--prefix=/usr", *options,
        cwd=build)
    asked.write_text("\n".join([*options, *wishes]))


def build_libraries(options: list[str]) -> list[Path]:
    """Compiles; the libraries."""
    build = Path(os.environ.get("MMNEURON_BUILD") or REPOSITORY / "build" / "python").resolve()
    if "MMNEURON_BUILD" not in os.environ:
        configure(build, options)
    stage = build / "stage"
    shutil.rmtree(stage, ignore_errors=True)
    run("make", f"-j{os.cpu_count() or 1}", "libmmneuron.la", "libmmneuron_page.la", cwd=build)
    # Installing links the second library anew, without the build folder's path in it.
    run("make", "-s", "install-libLTLIBRARIES", f"DESTDIR={stage}", cwd=build)
    libraries = [file for name in LIBRARIES for file in stage.rglob(name)]
    if len(libraries) != len(LIBRARIES):
        raise SystemExit(f"{build}: no shared libraries were built there")
    if shutil.which("strip"):
        run("strip", "--strip-unneeded", *libraries, cwd=build)
    return libraries


class Wheel:
    """A wheel that is being written, with the digests of what it has."""

    def __init__(self, path: Path) -> None:
        self.archive = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED)
        self.record: list[str] = []

    def add(self, name: str, content: bytes, mode: int = 0o644) -> None:
        entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = (0o100000 | mode) << 16
        self.archive.writestr(entry, content)
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        self.record.append(f"{name},sha256={digest},{len(content)}\n")

    def close(self, information: str) -> None:
        self.record.append(f"{information}/RECORD,,\n")
        self.archive.writestr(zipfile.ZipInfo(f"{information}/RECORD", (1980, 1, 1, 0, 0, 0)),
                              "".join(self.record))
        self.archive.close()


def modules() -> dict[str, bytes]:
    """The package's files but for the libraries, by their names in it."""
    names = {f"mmneuron/{file.name}": file for file in sorted((PYTHON / "mmneuron").iterdir())
             if file.suffix == ".py" or file.name == "py.typed"}
    names |= {target: REPOSITORY / source for source, target in SHARED.items()}
    return {name: file.read_bytes() for name, file in names.items()}


def metadata_files() -> dict[str, bytes]:
    readme = (PYTHON / "README.md").read_text(encoding="utf-8")
    return {"METADATA": (METADATA.format(version=version()) + readme).encode(),
            "WHEEL": WHEEL.format(tag=tag()).encode(),
            "licenses/COPYING": (REPOSITORY / "COPYING").read_bytes()}


def install(folder: str) -> None:
    """For a distribution's package: the modules and their metadata go to a folder for modules, and
    the libraries are those of the system."""
    information = f"mmneuron-{version()}.dist-info"
    metadata = METADATA.format(version=version()).encode()
    for name, content in {**modules(), f"{information}/METADATA": metadata}.items():
        file = Path(folder) / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


# ---- What pip calls ------------------------------------------------------------------------------


def get_requires_for_build_wheel(config_settings: dict | None = None) -> list[str]:
    return []


def prepare_metadata_for_build_wheel(metadata_directory: str,
                                     config_settings: dict | None = None) -> str:
    information = f"mmneuron-{version()}.dist-info"
    for name, content in metadata_files().items():
        file = Path(metadata_directory) / information / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return information


def build_wheel(wheel_directory: str, config_settings: dict | None = None,
                metadata_directory: str | None = None) -> str:
    options = shlex.split((config_settings or {}).get("configure", ""))
    libraries = build_libraries(options)
    information = f"mmneuron-{version()}.dist-info"
    name = f"mmneuron-{version()}-{tag()}.whl"
    wheel = Wheel(Path(wheel_directory) / name)
    for file, content in modules().items():
        wheel.add(file, content)
    for library in libraries:
        wheel.add(f"mmneuron/lib/{library.name}", library.read_bytes(), 0o755)
    for file, content in metadata_files().items():
        wheel.add(f"{information}/{file}", content)
    wheel.close(information)
    return name


def build_sdist(sdist_directory: str, config_settings: dict | None = None) -> str:
    sys.exit("the archive of sources is the whole project's: `make dist` makes it, and"
             " `pip install ./python` in it builds this package")
