#!/bin/sh
# The manual: its examples work, and it has every option that the program has.
. "$top_srcdir/tests/cli/setup.sh"

# Lets "mmneuron" be the program in what is run from now on.
put_on_path() {
    mkdir -p bin
    printf '#!/bin/sh\nexec %s "$@"\n' "$MMNEURON" >bin/mmneuron
    chmod +x bin/mmneuron
    PATH=$PWD/bin:$PATH
}

# run_lines FILE: runs each of its lines, which there must be, as a reader would.
run_lines() {
    [ -s "$1" ] || return 1
    while read -r line; do
        eval "$line" >printed 2>&1 </dev/null || {
            echo "$line"
            cat printed
            return 1
        }
    done <"$1"
}

# Runs the examples of a page, in one folder.
examples_work() {
    page=$1
    folder=$work/$(basename "$page")
    mkdir -p "$folder" && cd "$folder" || return 1
    ln -s "$model" llava-tiny
    ln -s "$top_srcdir/golden/checkpoints/deberta-v3" judge-tiny
    ln -s "$top_srcdir/golden/checkpoints/owlvit" owlvit-tiny
    ln -s "$top_srcdir/golden/checkpoints/owlvit-bf16" owlvit-joint
    ln -s "$top_srcdir/golden/joint/relu.safetensors" align.safetensors
    ln -s "$top_srcdir/tests/study/data/encode" recordings
    ln -s "$top_srcdir/tests/study/data/features" events
    cp "$images/wide.jpg" photo.jpg
    make_list 4 data.jsonl
    sed 's/}$/, "from": "shal", "to": "cat"}/' data.jsonl >edits.jsonl
    echo '{"domain": "a", "image": "photo.jpg", "objects": ["cat"]}' >objects.jsonl
    put_on_path
    mmneuron dump llava-tiny --image photo.jpg --prompt "<image> What is this?" \
        -o theirs.safetensors --quiet >/dev/null || return 1
    sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/s/^\$ //p' "$page" >examples
    run_lines examples
}

# has_every_option COMMAND [PAGE]
has_every_option() {
    $MMNEURON "$1" --help >"$work/help" || return 1
    page=$top_srcdir/doc/mmneuron-${2:-$1}.1
    missing=0
    for option in $(sed -n '/^Options of every/q; s/^  ....--\([a-z0-9-]*\).*/\1/p' "$work/help"); do
        grep -q "^\.It .*Fl -$option\b" "$page" || {
            echo "--$option is not in $page"
            missing=1
        }
    done
    for option in $(sed -n 's/^\.It .*Fl -\([a-z0-9-]*\).*/\1/p' "$page"); do
        grep -q -e "--$option\b" "$work/help" || {
            echo "--$option is in $page only"
            missing=1
        }
    done
    return $missing
}

reads_without_warnings() {
    [ -z "$(man --warnings -E UTF-8 -l "$1" 2>&1 >/dev/null)" ]
}

# first_hour_works PAGE FROM TO: the page's list is one, and its commands between two headings work on it.
first_hour_works() {
    folder=$work/$(basename "$1")
    mkdir -p "$folder" && cd "$folder" || return 1
    ln -s "$model" llava-0.5b
    ln -s "$model" llava-1.5-7b
    for picture in scan street left right; do
        cp "$images/wide.jpg" $picture.jpg
    done
    sed -n 's/^    \({"id".*\)/\1/p' "$1" >data.jsonl
    [ -s data.jsonl ] || return 1
    echo '{"domain": "driving", "image": "left.jpg", "question": "x", "answers": ["y"]}' >>data.jsonl
    cp data.jsonl test.jsonl
    put_on_path
    sed -n "/^## $2/,/^## $3/s/^    \(mmneuron .*\)/\1/p" "$1" >commands
    run_lines commands
}

# A line for each of the model's three layers, in which some neurons are active.
example_shows_layers() {
    exits 0 $EMULATOR "$top_builddir/doc/example" "$model" "$images/wide.jpg" "What is this?" &&
        [ "$(grep -c '^ *[0-9] *[1-9][0-9.]*%  *[1-9][0-9.]*%$' "$work/out")" -eq 3 ]
}

for page in "$top_srcdir"/doc/*.1 "$top_srcdir"/doc/*.3; do
    if man --version >/dev/null 2>&1 && groff --version >/dev/null 2>&1; then
        check "$(basename "$page") reads without warnings" reads_without_warnings "$page"
    else
        skip "$(basename "$page") reads without warnings" "man is not here"
    fi
done
for page in "$top_srcdir"/doc/*.1; do
    # The importer is another program, of data that are not ours to give; import.sh tests it.
    [ "${page##*/}" = mmneuron-import.1 ] && continue
    # A build may leave out what CLIP's tokenizer needs.
    case ${page##*/} in mmneuron-detect.1 | mmneuron-locate.1 | mmneuron-hallucinations.1 | mmneuron-bias.1) true ;; *) false ;; esac && ! can_read "$top_srcdir/golden/checkpoints/owlvit" &&
        continue
    check "the examples of $(basename "$page") work" examples_work "$page"
done
for command in info ask count merge rank eval perturb lens contrib edit edits judge detect locate hallucinations bias encode report dump verify digest; do
    check "the manual of mmneuron $command has its options" has_every_option $command
done
for study in $(sed -n 's/^ *X(\([a-z]*\)).*/\1/p' "$top_srcdir/src/study/studies.h"); do
    check "the manual has the options of mmneuron $study" has_every_option $study study
    check "the manual names mmneuron $study" grep -q "^\.It Cm $study" "$top_srcdir/doc/mmneuron-study.1"
    check "the help names mmneuron $study" sh -c "$MMNEURON help | grep -q '^  $study '"
done
check "the first hour of README works" first_hour_works "$top_srcdir/README.md" "The first hour" More
check "so does that of doc/first_hour.md" first_hour_works "$top_srcdir/doc/first_hour.md" "Running it" "What it costs"
check "the library's example" example_shows_layers

done_testing
