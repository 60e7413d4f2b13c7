#!/bin/sh
# mmneuron-import recordings: a small Brain Treebank, whose means over windows are written out here, and tables of
# responses; what comes of them is read by mmneuron encode.
. "$top_srcdir/tests/cli/setup.sh"
python=${PYTHON:-python3}
"$python" -c 'import numpy' 2>/dev/null || skip_all "numpy is not there"
cd "$work" || exit 1
import() {
    "$python" "$top_srcdir/import/mmneuron-import" recordings "$@"
}
# read_tensors FILE: its tensors, as Python.
cat >read_tensors.py <<'END'
import json
import numpy


def read(file):
    content = open(file, "rb").read()
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8:8 + size])
    about = header.pop("__metadata__")
    return json.loads(about["sites"]), {
        name: numpy.frombuffer(content[8 + size:][slice(*entry["data_offsets"])], "<f4").reshape(entry["shape"])
        for name, entry in header.items()}
END
make_treebank() {
    mkdir -p bank/electrode_labels/sub_2 bank/subject_timings bank/subject_metadata bank/transcripts/film || return 1
    echo '["L*T1", "DC1", "LT#2", "LT_3"]' >bank/electrode_labels/sub_2/electrode_labels.json
    echo '{"sub_2": ["L#T_3"]}' >bank/corrupted_elec.json
    echo '{"title": "A Film", "filename": "film"}' >bank/subject_metadata/sub_2_trial001_metadata.json
    # The second time is seen twice, before and after a pause.
    printf 'type,movie_time,index\nbeginning,0.0,1000\npause,4.0,9200\nunpause,4.0,9300\ntrigger,8.0,17800\n' \
        >bank/subject_timings/sub_2_trial001_timings.csv
    printf '%s\n' ',text,start,end,is_onset' 0,She,3.0,3.2,1.0 1,sees,3.5,3.7,0.0 2,,,, 3,Him,5.0,5.2,1.0 \
        4,late,9.0,9.1,0.0 5,early,0.1,0.2,1.0 >bank/transcripts/film/features.csv
    printf 'start\n3.9\n5.5\n0.15\n' >cuts.csv
    "$python" -c "import h5py, numpy
with h5py.File('bank/sub_2_trial001.h5', 'w') as file:
    for i in range(4):
        file[f'data/electrode_{i}'] = numpy.random.default_rng(i).normal(size=2048 * 12)"
}
# Times and samples: 3.0 is nearest to 4.0's first row, 9200 - 2048; 3.5 likewise, 5.0 too, 9200 + 2048.
imports_treebank() {
    make_treebank || return 1
    mkdir -p frames && for i in 30 35 39 50 55; do : >frames/$i.jpg; done
    import bank --subject 2 --trial 1 --scenes cuts.csv --events events.jsonl -o bank.safetensors --begin -1 --end 1 \
        --step 0.5 --frames 'frames/{}.jpg' --fps 10 || return 1
    "$python" - <<'END'
import h5py, json, numpy
from read_tensors import read
sites, found = read("bank.safetensors")
assert sites == ["LT1", "LT2"], sites
samples = {"language": [9200 - 2048, 9200 - 1024, 9200 + 2048], "vision": [9200 - 205, 9200 + 3072]}
with h5py.File("bank/sub_2_trial001.h5") as file:
    for alignment, at in samples.items():
        expected = [[numpy.mean(file[f"data/electrode_{i}"][s + begin:s + begin + 410]) for s in at]
                    for i in (0, 2) for begin in (-2253, -1229, -205, 819, 1843)]
        numpy.testing.assert_allclose(found[alignment], expected, atol=1e-6)
events = [json.loads(line) for line in open("events.jsonl")]
assert [(e["domain"], e["prompt"], e["image"]) for e in events] == [
    ("language", "<image>\nShe", "frames/30.jpg"), ("language", "<image>\nShe sees", "frames/35.jpg"),
    ("language", "<image>\nHim", "frames/50.jpg"), ("vision", "<image>\nShe sees", "frames/39.jpg"),
    ("vision", "<image>\nHim", "frames/55.jpg")], events
END
}
refuses_treebank() {
    make_treebank || return 1
    printf 'start\nsoon\n' >wrong.csv
    import bank --subject 2 --trial 1 --scenes wrong.csv -o wrong.safetensors
    [ $? -eq 3 ] && [ ! -e wrong.safetensors ] || return 1
    import bank --subject 2 --trial 1 --frames 'nowhere/{}.jpg' -o wrong.safetensors
    [ $? -eq 3 ] && [ ! -e wrong.safetensors ] || return 1
    echo text >bank/sub_2_trial001.h5
    import bank --subject 2 --trial 1 -o wrong.safetensors
    [ $? -eq 3 ] && [ ! -e wrong.safetensors ]
}
# A subject's folder: rows are electrodes and bins, columns events.
make_tables() {
    mkdir -p subject && "$python" - <<'END'
import numpy
values = numpy.random.default_rng(0).normal(size=(4, 24))
with open("subject/trial000_word_response_data-200mswindow.csv", "w") as table:
    table.write(",".join(["electrode", "bin", *map(str, range(24))]) + "\n")
    for (name, bin_), row in zip((("A1", 0), ("B1", 1), ("A1", 1), ("B1", 0)), values):
        table.write(",".join([name, str(bin_), *map(repr, map(float, row))]) + "\n")
with open("subject/trial000_word_stimulus_metadata.csv", "w") as table:
    table.write("image_path,context\n" + "".join(f'{"" if i else "a.jpg"},"a, word {i}"\n' for i in range(24)))
END
}
imports_tables() {
    make_tables && import subject -o tables.safetensors --events tables.jsonl || return 1
    "$python" - <<'END' || return 1
import json, numpy
from read_tensors import read
sites, found = read("tables.safetensors")
values = numpy.random.default_rng(0).normal(size=(4, 24))
assert sites == ["A1", "B1"] and list(found) == ["language"]
numpy.testing.assert_array_equal(found["language"], values[[0, 2, 3, 1]].astype("f4"))
events = [json.loads(line) for line in open("tables.jsonl")]
assert events[0] == {"id": "language-1", "domain": "language", "prompt": "<image>\na, word 0", "image": "a.jpg"}
assert events[23] == {"id": "language-24", "domain": "language", "prompt": "a, word 23"} and len(events) == 24
header = json.dumps({"language/last": {"dtype": "F32", "shape": [24, 1], "data_offsets": [0, 96]}}).encode()
open("features.safetensors", "wb").write(len(header).to_bytes(8, "little") + header +
                                         found["language"][0].astype("<f4").tobytes())
END
    $MMNEURON encode tables.safetensors --features same=features.safetensors --draws 3 -o encode.json &&
        "$python" -c "import json
columns = json.load(open('encode.json'))['alignments'][0]['models'][0]['columns']
assert columns[0]['site'] == 'A1' and abs(columns[0]['r'] - 1) < 1e-9, columns[0]"
}
# Parquet has the same numbers, electrodes and bins as its index.
imports_parquet() {
    make_tables && mkdir -p parquet && cp subject/*metadata.csv parquet/ || return 1
    "$python" -c "import pandas
table = pandas.read_csv('subject/trial000_word_response_data-200mswindow.csv').set_index(['electrode', 'bin'])
table.to_parquet('parquet/trial000_word_response_data-200mswindow.parquet.gzip', compression='gzip')" || return 1
    import subject -o csv.safetensors && import parquet -o parquet.safetensors &&
        cmp csv.safetensors parquet.safetensors || return 1
    echo PAR1 >parquet/trial000_word_response_data-200mswindow.parquet.gzip
    import parquet -o wrong.safetensors
    [ $? -eq 3 ] && [ ! -e wrong.safetensors ]
}
# refuses_table FROM TO: the table of responses with FROM changed to TO.
refuses_table() {
    make_tables || return 1
    file=subject/trial000_word_response_data-200mswindow.csv
    sed "$1" "$file" >changed && mv changed "$file"
    import subject -o wrong.safetensors
    [ $? -eq 3 ] && [ ! -e wrong.safetensors ]
}
refuses_folder() {
    mkdir -p empty
    import empty -o wrong.safetensors
    [ $? -eq 3 ] || return 1
    import empty subject -o wrong.safetensors
    [ $? -eq 2 ]
}
check "tables" imports_tables
check "a table with a bin twice is refused" refuses_table 's/^B1,0,/B1,1,/'
check "a table without a bin is refused" refuses_table '/^B1,0,/d'
check "a table with a word for a number is refused" refuses_table '2s/,[^,]*$/,none/'
check "a table with an event less is refused" refuses_table 's/,[^,]*$//'
check "other folders are refused" refuses_folder
if "$python" -c 'import h5py' 2>/dev/null; then
    check "the Brain Treebank" imports_treebank
    check "damage in it" refuses_treebank
else
    skip "the Brain Treebank" "h5py is not there"
fi
if "$python" -c 'import pandas, pyarrow' 2>/dev/null; then
    check "Parquet" imports_parquet
else
    skip "Parquet" "pandas or pyarrow is not there"
fi
done_testing
