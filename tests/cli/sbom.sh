#!/bin/sh
# The list of what the program is made of: SPDX 2.3 by that format's rules, and neither more nor less than
# what the loader takes.
. "$top_srcdir/tests/tools/tap.sh"
cd "$top_builddir" || exit 1

[ -z "$EMULATOR" ] || skip_all "the libraries are those of another architecture"
for tool in python3 readelf objdump ldd sha256sum; do
    command -v $tool >/dev/null || skip_all "$tool is not there"
done
list=$PWD/mmneuron.spdx.json

# Each of the checks is a function of the document; the first argument names it.
spdx() {
    python3 - "$list" "$@" <<'END'
import json, os, re, subprocess, sys

path, name = sys.argv[1:]
document = json.load(open(path, encoding="utf-8"))
packages = {package["SPDXID"]: package for package in document["packages"]}
relations = [(relation["spdxElementId"], relation["relationshipType"], relation["relatedSpdxElement"])
             for relation in document["relationships"]]
program = ".libs/mmneuron" if os.path.exists(".libs/mmneuron") else "mmneuron"
environment = {**os.environ, "LC_ALL": "C", "LD_LIBRARY_PATH": os.path.abspath(".libs")}


def output(*command):
    return subprocess.run(command, check=True, env=environment, capture_output=True, text=True).stdout


def libraries_of(element):
    return {packages[end]["name"] for begin, kind, end in relations
            if begin == element and kind == "DYNAMIC_LINK"}


def has_the_required_fields():
    assert document["spdxVersion"] == "SPDX-2.3" and document["dataLicense"] == "CC0-1.0"
    assert document["SPDXID"] == "SPDXRef-DOCUMENT" and document["name"]
    assert re.fullmatch(r"https://[^#\s]+", document["documentNamespace"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", document["creationInfo"]["created"])
    for creator in document["creationInfo"]["creators"]:
        assert re.match(r"(Tool|Person|Organization): \S", creator), creator
    for package in packages.values():
        assert re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", package["SPDXID"]), package
        assert package["name"] and package["downloadLocation"] and not package["filesAnalyzed"]
        for checksum in package.get("checksums", []):
            assert re.fullmatch("[0-9a-f]{64}", checksum["checksumValue"]), package


def relations_lead_to_packages():
    assert len(packages) == len(document["packages"])
    for begin, kind, end in relations:
        assert begin in packages or begin == "SPDXRef-DOCUMENT", begin
        assert end in packages and kind in {"DESCRIBES", "DYNAMIC_LINK", "DEPENDS_ON"}, (kind, end)
    assert ("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-mmneuron") in relations


def names_what_the_loader_takes():
    loaded = {os.path.basename(file) for file in re.findall(r"(/\S+) \(0x", output("ldd", program))}
    reached, new = set(), {"SPDXRef-mmneuron"}
    while new:
        reached |= new
        new = {end for begin, kind, end in relations if begin in new and kind == "DYNAMIC_LINK"} - reached
    found = {packages[element]["name"] for element in reached} - {"mmneuron"}
    assert found == loaded, f"listed only: {found - loaded}, loaded only: {loaded - found}"


def links_are_those_of_the_program():
    needed = set(re.findall(r"NEEDED +(\S+)", output("objdump", "-p", program)))
    assert libraries_of("SPDXRef-mmneuron") == needed, needed


def linked_libraries_have_licences():
    for begin, kind, end in relations:
        if begin == "SPDXRef-mmneuron" and kind == "DYNAMIC_LINK":
            assert packages[end]["licenseDeclared"] != "NOASSERTION", packages[end]


def is_of_this_build():
    version = output(*os.environ["MMNEURON"].split(), "--version").split()[1]
    assert packages["SPDXRef-mmneuron"]["versionInfo"] == version, version
    digest = output("sha256sum", program).split()[0]
    assert packages["SPDXRef-mmneuron"]["checksums"][0]["checksumValue"] == digest, digest


globals()[name]()
END
}

# What is there already is described, whatever changed since it was built.
check "make sbom writes it" env -u MAKEFLAGS -u MAKELEVEL make -s -o Makefile -o mmneuron -o libmmneuron.la \
    -o libmmneuron_page.la sbom
check "it has the fields that SPDX requires" spdx has_the_required_fields
check "relations lead to what is listed" spdx relations_lead_to_packages
check "it lists the libraries that the loader takes" spdx names_what_the_loader_takes
check "the program is linked with what it names" spdx links_are_those_of_the_program
check "each of these has a licence" spdx linked_libraries_have_licences
check "it is of this build" spdx is_of_this_build
check "what was not built is an error" sh -c \
    '! sh "$top_srcdir/packaging/sbom" 1 "" absent 2>errors.sbom && grep -q "absent is not there" errors.sbom; code=$?; rm -f errors.sbom; exit $code'

done_testing
