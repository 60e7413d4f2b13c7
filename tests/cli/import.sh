#!/bin/sh
# mmneuron-import on small made-up folders; the orders expected are written out.
. "$top_srcdir/tests/cli/setup.sh"
python=${PYTHON:-python3}
"$python" -c 'import pandas, pyarrow' 2>/dev/null || skip_all "pandas or pyarrow is not there"
cd "$work" || exit 1
"$python" - "$images/wide.jpg" <<'END' || exit 1
import json, os, shutil, sys
import pandas
os.makedirs("train2014"), os.makedirs("images"), os.makedirs("train"), os.makedirs("Data")
for i in range(5):
    for name in (f"train2014/COCO_train2014_{i:012d}", f"images/{i}", f"train/{i}"):
        shutil.copy(sys.argv[1], name + ".jpg")
    open(f"Data/{i}.png", "w")
notes = [{"question_id": i, "answers": [{"answer": "a", "answer_confidence": "yes"}]} for i in range(5)]
asked = [{"question_id": i, "image_id": i, "question": f"q{i}"} for i in range(5)]
active = [{"id": i, "img_id": i, "question": f"q{i}", "active": True, "answers_ids": [i]} for i in range(5)]
pages = [{"questionId": i, "image": f"images/{i}.jpg", "question": f"q{i}", "answers": ["a"]} for i in range(5)]
for name, value in (("v2_mscoco_train2014_annotations", {"annotations": notes}),
                    ("v2_OpenEnded_mscoco_train2014_questions", {"questions": asked}),
                    ("USGS_split_train_questions", {"questions": active + [{"active": False}]}),
                    ("USGS_split_train_answers", {"answers": [{"id": i, "answer": "a"} for i in range(5)]}),
                    ("train_v1.0", {"data": pages})):
    json.dump(value, open(name + ".json", "w"))
os.makedirs("hub/data")
content = open(sys.argv[1], "rb").read()
for part, rows in enumerate(([0, 1, 2], [3, 4])):
    pandas.DataFrame({"question_id": rows, "question": [f"q{i}" for i in rows],
                      "answers": [["a"]] * len(rows), "image": [{"bytes": content, "path": None}] * len(rows),
                      "other_metadata": [{"image": f"documents/{i}.png"} for i in rows]}
                     ).to_parquet(f"hub/data/train-0000{part}-of-00002.parquet")
pandas.DataFrame({"question_id": list("01234"), "images": [[f"{i}.jpg"] for i in range(5)],
                  "question": [f"q{i}" for i in range(5)], "answer": "a"}).to_parquet("train/train.parquet")
with open("train.csv", "w") as table:
    table.write("Figure_path,Question,Choice A,Choice B,Choice C,Choice D,Answer\n")
    for i in range(5):
        table.write(f"{i}.jpg,q{i},x,y,z,w,B\n")
END
import() {
    "$python" "$top_srcdir/import/mmneuron-import" "$@"
}
# in_order DATA ORDER [OPTION...]: the questions come in this order.
in_order() {
    data=$1 order=$2
    shift 2
    import "$data" . -o "$data.jsonl" "$@" || return 1
    found=$(sed 's/.*"question": "q\([0-9]\)".*/\1/' "$data.jsonl" | tr -d '\n')
    echo "order $found"
    [ "$found" = "$order" ]
}
refuses_damage() {
    mkdir -p bad && echo '{"data": [3' >bad/train_v1.0.json
    import docvqa bad -o bad.jsonl
    [ $? -eq 3 ] && [ ! -e bad.jsonl ] || return 1
    mkdir -p bad/data && echo PAR1 >bad/data/train-0.parquet
    import docvqa bad -o bad.jsonl
    [ $? -eq 3 ] && [ ! -e bad.jsonl ]
}
# The pages come out of the files as they are, one for each sample.
docvqa_parquet() {
    import docvqa hub -o hub.jsonl || return 1
    sed 's/.*"question": "q\([0-9]\)".*/\1/' hub.jsonl | tr -d '\n' >order
    echo "order $(cat order)"
    [ "$(cat order)" = 42310 ] && [ "$(ls hub-images | wc -l)" -eq 5 ] &&
        cmp hub-images/3.jpg "$images/wide.jpg" &&
        $MMNEURON count "$model" hub.jsonl -o hub.counts --quiet
}
converts_tiff() {
    "$python" -c 'import PIL' 2>/dev/null || return 0
    mkdir -p tiff/Data && cp USGS_split_train_*.json tiff/ || return 1
    "$python" -c "from PIL import Image
for i in range(5):
    Image.new('RGB', (8, 8), (i, 2, 3)).save(f'tiff/Data/{i}.tif')" || return 1
    import rsvqa tiff -o tiff.jsonl && return 1
    import rsvqa tiff -o tiff.jsonl --convert || return 1
    "$python" -c "from PIL import Image
assert all(Image.open(f'tiff-images/{i}.png').getpixel((3, 3)) == (i, 2, 3) for i in range(5))"
}
# prompts DATA TEXT [OPTION...]: the first prompt, as JSON, for accuracy.
prompts() {
    data=$1 text=$2
    shift 2
    import "$data" . -o prompts.jsonl --prompts accuracy --shuffle none "$@" || return 1
    head -n 1 prompts.jsonl
    head -n 1 prompts.jsonl | grep -qF "\"prompt\": \"$text\""
}
chat="A chat between a curious user and an artificial intelligence assistant. The assistant gives"
chat="$chat helpful, detailed, and polite answers to the user's questions. USER:"
letter="Answer with the option's letter from the given choices directly."
check "VQAv2" in_order vqav2 34021
check "RSVQA" in_order rsvqa 34021
check "LingoQA" in_order lingoqa 14203
check "DocVQA's JSON" in_order docvqa 01234 --shuffle none
check "DocVQA's Parquet" docvqa_parquet
check "TIFF images" converts_tiff
check "PMC-VQA" in_order pmcvqa 01234 --shuffle none
check "some samples" in_order vqav2 34 --samples 2
check "damage" refuses_damage
check "what is written is counted" $MMNEURON count "$model" vqav2.jsonl -o counts.safetensors --quiet
check "prompts for LLaVA" prompts docvqa \
    "$chat <image>\\nQuestion: q0\\nAnswer the question using a single word or phrase. ASSISTANT:"
check "prompts for InstructBLIP" prompts docvqa "<image>Question: q0 Short Answer:" \
    --model instructblip
check "prompts with options" prompts pmcvqa \
    "<image>Question: q0\\n\\nOptions: ['x', 'y', 'z', 'w']\\n\\n$letter" --model instructblip
done_testing
