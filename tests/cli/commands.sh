#!/bin/sh
# What every command does when all is well, and how it fails when a file is not.
. "$top_srcdir/tests/cli/setup.sh"

photo=$images/wide.jpg
list=$work/list.jsonl
make_list 6 "$list"
: >"$work/empty"

# The command line's words, the same with 2 and 7 threads as with 1.
same_on_threads() {
    for threads in 1 2 7; do
        exits 0 $MMNEURON "$@" --threads $threads || return 1
        cp "$work/out" "$work/out-$threads"
    done
    cmp "$work/out-1" "$work/out-2" && cmp "$work/out-1" "$work/out-7"
}

info_describes() {
    exits 0 $MMNEURON info "$model" || return 1
    for word in family vision language weights kernels template projector; do
        grep -q "^$word" "$work/out" || return 1
    done
}

# info_names TOWER FOLDER: the vision tower's kind, and no layer of it that does not count.
info_names() {
    exits 0 $MMNEURON info "$top_srcdir/golden/checkpoints/$2" &&
        grep -q "^vision  *$1: " "$work/out" && ! grep -q inert "$work/out"
}

# InstructBLIP's golden case from its prompt, which may begin with the image or not, and from its inputs.
instructblip=$top_srcdir/golden/checkpoints/instructblip
case=$top_srcdir/golden/cases/instructblip/wide.safetensors
question="What is unusual about this image?"

likeliest_at_zero() {
    exits 0 $MMNEURON ask "$model" -n 6 --prompt "Once upon a time" || return 1
    mv "$work/out" "$work/likeliest"
    exits 0 $MMNEURON ask "$model" -n 6 --temperature 0 --prompt "Once upon a time" &&
        cmp "$work/out" "$work/likeliest"
}

dumps_instructblip() {
    exits 0 $MMNEURON dump "$instructblip" -o "$work/blip" --generate 6 "$@" &&
        exits 0 $MMNEURON verify "$work/blip" "$case"
}

finds_digest() {
    exits 0 $MMNEURON "$@" && grep -q '[0-9a-f]\{32\}' "$work/out"
}

answers() {
    exits 0 $MMNEURON ask "$model" --image "$photo" -n 4 "$@" "What is this?" &&
        ! [ -s "$work/errors" ]
}

# Each of several questions gets the answer that it gets alone, and most of the positions of all but
# the first are reused.
answers_several() {
    : >"$work/alone"
    for question in "What is this?" "Where is it?" "What is this?"; do
        exits 0 $MMNEURON ask "$model" -i "$photo" -n 4 "$question" || return 1
        cat "$work/out" >>"$work/alone"
    done
    exits 0 $MMNEURON ask "$model" -i "$photo" -n 4 "What is this?" "Where is it?" \
        "What is this?" || return 1
    cmp "$work/out" "$work/alone" || return 1
    printf 'What is this?\r\n\nWhere is it?\nWhat is this?' >"$work/questions"
    exits 0 $MMNEURON ask "$model" -i "$photo" -n 4 --questions "$work/questions" || return 1
    cmp "$work/out" "$work/alone" || return 1
    exits 0 $MMNEURON ask "$model" -i "$photo" -n 4 --questions - <"$work/questions" || return 1
    cmp "$work/out" "$work/alone"
}

says_what_it_reuses() {
    exits 0 $MMNEURON ask "$model" -i "$photo" -n 2 --json "What is it?" "Where is it?" || return 1
    cat "$work/out"
    [ "$(grep -c '"question":' "$work/out")" -eq 2 ] &&
        [ "$(grep -c '"positions_reused": 0' "$work/out")" -eq 1 ] &&
        [ "$(grep -c '"positions_reused": [1-9]' "$work/out")" -eq 1 ]
}

ranks() {
    exits 0 $MMNEURON rank "$work/counts" -o "$work/neurons.json" &&
        grep -q 'digest.*[0-9a-f]\{32\}' "$work/out" &&
        digest=$(sed -n 's/.*digest.*\([0-9a-f]\{32\}\).*/\1/p' "$work/out") &&
        $EMULATOR "$top_builddir/tests/cli/json_has" modules <"$work/neurons.json" &&
        grep -q "\"digest\": *\"$digest\"" "$work/neurons.json" && [ -s "$work/ranking.tsv" ]
}

aliases_count_the_same() {
    exits 0 $MMNEURON count "$model" "$list" -o "$work/a" --modules lang,mmproj,encoder &&
        exits 0 $MMNEURON count "$model" "$list" -o "$work/b" --modules language,projector,vision &&
        cmp "$work/a" "$work/b"
}

leaves_nothing() {
    rm -rf "$work/new" && mkdir "$work/new" || return 1
    fails_with "$@" && [ -z "$(ls -A "$work/new")" ]
}

differs() {
    exits 1 $MMNEURON verify "$@" && [ -s "$work/out" ]
}

# On a terminal a bar is drawn and wiped again; elsewhere there is none.
draws_bar() {
    TERM=xterm script -qec "$MMNEURON count $model $list -o $work/seen" "$work/screen" \
        >/dev/null </dev/null || return 1
    tr '\r' '\n' <"$work/screen" | grep -q '\[=*>* *\] .* samples' || {
        cat -v "$work/screen"
        return 1
    }
    exits 0 $MMNEURON count "$model" "$list" -o "$work/unseen" && ! [ -s "$work/errors" ]
}

check "info describes the model" info_describes
! can_read "$top_srcdir/golden/checkpoints/llava-interleave-qwen" ||
    check "info names another vision tower" info_names siglip llava-interleave-qwen
check "info --json" prints_json modules $MMNEURON info --json "$model"
check "info --digest" finds_digest info --digest "$model"
check "info --digest --json" prints_json digest $MMNEURON info --digest --json "$model"

check "ask answers, and nothing else" answers
check "ask by another template" answers --template llava-1.5
check "ask is the same on 1, 2 and 7 threads" same_on_threads ask "$model" -i "$photo" -n 4 Why?
check "ask without an image" exits 0 $MMNEURON ask "$model" -n 2 "Who are you?"
check "ask about two images" exits 0 $MMNEURON ask "$model" -n 2 -i "$photo" -i "$photo" "Which?"
check "ask by a raw prompt" exits 0 $MMNEURON ask "$model" -n 2 --prompt "Once upon a time"
check "ask --json" prints_json answer $MMNEURON ask --json "$model" -n 2 -i "$photo" "What?"
check "ask with beams" answers --num-beams 3 --length-penalty 0.5 --early-stopping true \
    --repetition-penalty 1.2
check "beams that choose at random" is_wrong_usage 'does not go with' \
    ask "$model" --num-beams 3 --temperature 1 "What?"
check "no such way to stop" is_wrong_usage 'true, false or never' \
    ask "$model" --num-beams 3 --early-stopping soon "What?"
check "a temperature of 0 is the likeliest" likeliest_at_zero
check "ask several questions" answers_several
check "ask --json says what it reuses" says_what_it_reuses
check "ask by the other order of resizing" exits 0 \
    $MMNEURON ask "$model" -n 2 -i "$photo" --resize-order pillow-13 "What?"

check "count" exits 0 $MMNEURON count "$model" "$list" -o "$work/counts"
check "count says nothing on standard error when it is quiet" test ! -s "$work/errors"
check "count leaves no state behind" test ! -e "$work/counts.state"
check "count --json" prints_json samples \
    $MMNEURON count --json "$model" "$list" -o "$work/counts-2" --threads 7
check "counts are the same bytes on 7 threads" cmp "$work/counts" "$work/counts-2"
if script -qec true /dev/null >/dev/null 2>&1; then
    check "count draws a bar on a terminal only" draws_bar
else
    skip "count draws a bar on a terminal only" "script(1) finds no terminal here"
fi
check "count takes the published code's names of modules" aliases_count_the_same
check "count --samples --positions" exits 0 $MMNEURON count "$model" "$list" -o "$work/c" \
    --samples 1 --positions 10 --positions-module language
check "merge of one" exits 0 $MMNEURON merge "$work/counts" -o "$work/merged"
check "merge --json" prints_json output $MMNEURON merge --json "$work/counts" -o "$work/merged"
check "a merge of one is the same bytes" cmp "$work/counts" "$work/merged"
check "rank prints a digest and writes neurons.json and ranking.tsv" ranks
check "rank --json" prints_json digest $MMNEURON rank --json "$work/counts"
check "rank with every option" finds_digest rank "$work/counts" --rate 0.05 --bar 0.9 \
    --assignment-bar 0.8 --modules lang --float32

check "dump" exits 0 $MMNEURON dump "$model" -o "$work/dump" --image "$photo" \
    --prompt "<image> What?" --generate 2
check "dump from a dump's inputs" exits 0 $MMNEURON dump "$model" -o "$work/again" \
    --inputs "$work/dump" --generate 2
check "they verify" exits 0 $MMNEURON verify "$work/again" "$work/dump"
check "verify --json" prints_json stages $MMNEURON verify --json "$work/again" "$work/dump"
check "dump --json of some stages" prints_json positions $MMNEURON dump --json "$model" \
    -o "$work/some" --prompt "Hello" --stages "language.layers.*.out,language.logits"
check "digest" finds_digest digest "$work/dump"
check "digest --json" prints_json language.logits $MMNEURON digest --json "$work/dump"
check "digest --stages" exits 0 $MMNEURON digest "$work/dump" --stages "vision.*"
check "another prompt differs: exit 1" exits 0 $MMNEURON dump "$model" -o "$work/other" \
    --image "$photo" --prompt "<image> Where?" --generate 2
check "verify says so" differs "$work/other" "$work/dump"

check "no model" fails_with "$work/absent" $MMNEURON info "$work/absent"
check "a model that is a file" fails_with "$work/empty" $MMNEURON info "$work/empty"
check "an empty folder as a model" fails_with "config.json" $MMNEURON info "$work"
check "no image" fails_with absent.jpg $MMNEURON ask "$model" -i "$work/absent.jpg" "What?"
check "no questions" fails_with absent $MMNEURON ask "$model" --questions "$work/absent"
check "questions that are none" fails_with "empty: no question" \
    $MMNEURON ask "$model" --questions "$work/empty"
check "questions that are no text" fails_with "zero byte" \
    $MMNEURON ask "$model" --questions "$photo"
check "questions in a folder" fails_with "$work" $MMNEURON ask "$model" --questions "$work"
check "an empty image" fails_with empty $MMNEURON ask "$model" -i "$work/empty" "What?"
check "no list" leaves_nothing absent $MMNEURON count "$model" "$work/absent" -o "$work/new/c"
check "an output in a folder that is not there" fails_with "absent: .*\"c\"" \
    $MMNEURON count "$model" "$list" -o "$work/absent/c"
for command in info rank "merge -o $work/sum" "report -o $work/page" digest; do
    check "$command of an empty name" fails_with "name is empty" $MMNEURON $command ""
done
check "a list with an empty name" fails_with "name is empty" \
    $MMNEURON count "$model" "" -o "$work/counts-of-nothing"
check "no counts" fails_with absent $MMNEURON rank "$work/absent"
check "counts that are none" fails_with empty $MMNEURON rank "$work/empty"
check "a dump for counts" fails_with some $MMNEURON rank "$work/some"
check "a merge with a file that is none" leaves_nothing empty \
    $MMNEURON merge "$work/counts" "$work/empty" -o "$work/new/m"
check "a merge of the same file twice" leaves_nothing counts \
    $MMNEURON merge "$work/counts" "$work/counts" -o "$work/new/m"
check "no dump" fails_with absent $MMNEURON digest "$work/absent"
check "a dump that is none" fails_with empty $MMNEURON verify "$work/empty" "$work/dump"
check "inputs that are none" leaves_nothing empty \
    $MMNEURON dump "$model" --inputs "$work/empty" -o "$work/new/d"

if can_read "$instructblip"; then
    check "dump of an InstructBLIP" dumps_instructblip --image "$photo" --prompt "$question"
    check "dump of one whose prompt has the image" dumps_instructblip --image "$photo" \
        --prompt "<image>
$question"
    check "dump of one from inputs" dumps_instructblip --inputs "$case"
    check "an image within its text" fails_with "only begin the prompt" \
        $MMNEURON dump "$instructblip" -o "$work/blip" --image "$photo" --prompt "What <image>?"
    check "ask it by the template for short answers" exits 0 $MMNEURON ask "$instructblip" -n 2 \
        --image "$photo" --image "$photo" --template instructblip-short-answer "What is this?"
fi

done_testing
