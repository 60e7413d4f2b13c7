#!/bin/sh
# Outputs of every command that writes: their place is proved before the work, a result that cannot be
# written there is not lost, "-o -" is standard output, and nothing that is there is written over.
. "$top_srcdir/tests/cli/setup.sh"
TMPDIR=$work # where results go that cannot be written where they shall
export TMPDIR

list=$work/list.jsonl
texts=$work/texts.jsonl
long=$(printf '%0300d' 0) # so that no result fits into the limit of full_at_end
for letter in a b; do
    echo "{\"id\": \"$letter$long\", \"domain\": \"$letter\", \"image\": \"$images/tall.jpg\"," \
        "\"question\": \"Is it $letter?\", \"answers\": [\"$letter\"]}"
done >"$list"
for letter in a b c d e; do
    echo "{\"domain\": \"$letter$(printf '%060d' 0)\", \"text\": \"The $letter was $letter and $letter.\"}"
done >"$texts"

# write_to OUTPUT COMMAND...: runs one of the commands that write; a study's rows go to $rows, if that is
# set.
rows=
write_to() {
    output=$1
    shift
    set -- "$@" ${rows:+--rows "$rows"}
    case $1 in
    count) $MMNEURON count "$model" "$list" -q -o "$output" ;;
    merge) $MMNEURON merge "$work/counts" -o "$output" ;;
    rank) $MMNEURON rank "$work/counts" --rate 0.05 -o "$output" ;;
    eval) $MMNEURON "$@" "$model" "$list" -q -n 2 -o "$output" ;;
    perplexity)
        shift
        $MMNEURON eval "$@" "$model" "$texts" -q --window 8 -o "$output"
        ;;
    perturb)
        $MMNEURON "$@" "$model" "$list" -q --neurons "$work/neurons.json" --seeds 1 \
            --settings language -o "$output"
        ;;
    lens) $MMNEURON "$@" "$model" "$list" -q -o "$output" ;;
    contrib) $MMNEURON contrib "$model" "Who?" -q -n 3 --all-words --seeds 0 -o "$output" ;;
    html | md) $MMNEURON report "$work/neurons.json" --format "$1" -o "$output" ;;
    svg | csv) $MMNEURON report "$work/neurons.json" --format "$1" -o "$output" ;;
    dump) $MMNEURON dump "$model" --prompt "Who?" --stages "*.out" -o "$output" ;;
    esac
}
files="count merge rank eval perplexity perturb lens contrib html md dump"
writers="$files svg csv"
studies=" eval perplexity perturb lens "

# One line that names the folder and no temporary name; the model is not even looked at.
names_folder() {
    fails_with "$1: .*$3" write_to "$2" "$4" && ! grep -q partial "$work/errors"
}

missing_folder() {
    saved=$model
    model=$work/nothing
    names_folder "$work/missing" "$work/missing/output" 'output.*No such file' "$1"
    code=$?
    model=$saved
    return $code
}

# In /proc nobody can make a file, whoever he is.
unwritable_folder() {
    names_folder /proc /proc/output 'output' "$1" || return 1
    [ "$(id -u)" -eq 0 ] && return 0
    mkdir -p "$work/locked" && chmod 555 "$work/locked"
    names_folder "$work/locked" "$work/locked/output" 'output.*denied' "$1"
}

folder_is_file() {
    names_folder "$list" "$list/output" 'output.*Not a directory' "$1"
}

# A limit that leaves no byte to write: a disk that is full before the work.
full_at_start() {
    mkdir -p "$work/start"
    (
        ulimit -f 0
        write_to "$work/start/output" "$1" 2>&1 >/dev/null
        echo "code $?"
    ) | cat >"$work/errors"
    cat "$work/errors"
    grep -q "$work/start.*: nothing can be written" "$work/errors" && grep -q "code 3" "$work/errors" &&
        [ -z "$(ls -A "$work/start" | grep -v output)" ]
}

# A limit that the lock does not reach and the result does: a disk that is full after it. The table is
# printed, and the JSON behind it, since no other folder takes it either. A study ends with its first rows,
# which find no room.
full_at_end() {
    rm -rf "$work/full"
    mkdir "$work/full"
    {
        (
            ulimit -f 1
            write_to "$work/full/output" "$1" 2>&1
            echo "code $?"
        ) | cat
    } >"$work/said"
    cat "$work/said"
    grep -q "cannot .*: File too large" "$work/said" && grep -q "code 3" "$work/said" || return 1
    ls -A "$work/full" | grep -v 'output.state$' >"$work/left"
    if grep -v ranking.tsv "$work/left"; then
        return 1
    fi
    case $1 in
    count | merge | dump | html | md) return 0 ;;
    eval | perplexity | perturb | lens) ! grep -q '^{' "$work/said" ; return ;;
    esac
    grep -q "on standard output instead" "$work/said" || return 1
    sed -n '/^{/,/^}/p' "$work/said" | cmp - "$work/whole.$1"
}

# A study whose rows find no room ends, and has no result, until there is room.
rows_need_room() {
    rows=
    write_to "$work/disk/output" "$1" >"$work/out" 2>"$work/errors"
    code=$?
    cat "$work/errors"
    [ $code -eq 3 ] && ! [ -s "$work/out" ] &&
        grep -q 'output.state: .*: No space left' "$work/errors" || return
    rm "$work/disk/fill"
    write_to "$work/disk/output" "$1" >/dev/null && cmp "$work/disk/output" "$work/whole.$1" &&
        ! [ -e "$work/disk/output.state" ] || return
    rm "$work/disk/output"
    head -c 60k /dev/zero >"$work/disk/fill" 2>/dev/null
    rows=$work/rows.$1
}

# A real disk, of 64 kB, that is full: the result is elsewhere, and the sentence says where.
full_disk() {
    (
        trap 'umount "$work/disk"' EXIT
        mkdir -p "$work/disk" && mount -t tmpfs -o size=64k none "$work/disk" || exit 1
        for command in $writers; do
            head -c 60k /dev/zero >"$work/disk/fill" 2>/dev/null
            case $studies in
            *" $command "*)
                rows_need_room $command || exit 1
                ;;
            *) rows= ;;
            esac
            write_to "$work/disk/output" $command >"$work/out" 2>"$work/errors"
            code=$?
            cat "$work/errors"
            if [ $code -eq 0 ]; then
                rm -rf "$work/disk/output"*
                continue # small enough
            fi
            place=$(sed -n 's/.*the result is in \(.*\) instead$/\1/p' "$work/errors")
            [ $code -eq 3 ] && [ -n "$place" ] || exit 1
            diff -r "$place" "$work/whole.$command" || exit 1
            case $command in
            dump | count | merge) ;;
            *) [ -s "$work/out" ] || exit 1 ;;
            esac
            rm -rf "$work/disk/output"*
        done
    )
}

to_standard_output() {
    exits 0 write_to - "$1" && cmp "$work/out" "$work/whole.$1" && ! [ -e ./- ]
}

whole() {
    exits 0 write_to "$work/whole.$1" "$1" && [ -e "$work/whole.$1" ] || return 1
    ls -A "$work" | grep -e lock -e partial && return 1
    true
}

# A second run while a lock is held, and one after a kill.
two_runs() {
    $MMNEURON count "$model" "$work/many.jsonl" -q -o "$work/twice" 2>"$work/first" &
    process=$!
    waited=0
    until [ -s "$work/twice.mmneuron-lock" ]; do
        sleep 0.01
        waited=$((waited + 1))
        [ $waited -lt 1000 ] || return 1
    done
    fails_with "twice: another run .*mmneuron count, process" write_to "$work/twice" "$1"
    code=$?
    kill -KILL $process
    wait $process 2>/dev/null
    [ $code -eq 0 ] || return 1
    [ -e "$work/twice.mmneuron-lock" ] || return 1
    rm -f "$work/twice.state"
    exits 0 write_to "$work/twice" "$1" && ! [ -e "$work/twice.mmneuron-lock" ] &&
        cmp "$work/twice" "$work/whole.$1"
}

removes_leftovers() {
    rm -rf "$work/place"
    mkdir "$work/place"
    for name in o.123-0.partial o.state.77-3.partial p.123-0.partial o.123.partial o.x-0.partial \
        o.2.123-0.partial .123-0.partial; do
        echo left >"$work/place/$name"
    done
    exits 0 write_to "$work/place/o" "$1" || return 1
    if [ "$1" != count ]; then # whose state is no name that this command writes
        [ -e "$work/place/o.state.77-3.partial" ] || return 1
        rm "$work/place/o.state.77-3.partial"
    fi
    ls -A "$work/place" | sort | tr '\n' ' ' >"$work/left"
    cat "$work/left"
    [ "$(sed 's/o-ranking.tsv //' "$work/left")" = "$(printf '%s\n' .123-0.partial o o.123.partial \
        o.2.123-0.partial o.x-0.partial p.123-0.partial | sort | tr '\n' ' ')" ]
}

long_name() {
    rm -rf "$work/place"
    mkdir "$work/place"
    name=$(printf "%0$2d" 7)
    exits 0 write_to "$work/place/$name" "$1" && cmp "$work/place/$name" "$work/whole.$1" || return 1
    [ "$(ls -A "$work/place" | grep -cv ranking)" -eq 1 ]
}

long_name_resumes() {
    name=$(printf '%0250d' 7)
    rm -rf "$work/place"
    mkdir "$work/place"
    exits 130 $MMNEURON count "$model" "$list" -q -o "$work/place/$name" --stop-after 1 || return 1
    state=$(ls "$work/place")
    [ -n "$state" ] && grep -q "kept in $work/place/$state:" "$work/errors" || return 1
    exits 0 $MMNEURON count "$model" "$list" -o "$work/place/$name" --json &&
        grep -q '"resumed": 1' "$work/out" && cmp "$work/place/$name" "$work/whole.count"
}

too_long_a_name() {
    name=$work/$(printf '%0256d' 7)
    names_folder "$name" "$name" 'too long' "$1"
}

# is_refused PATTERN FILE COMMAND...: exit code 2, and the file is what it was.
is_refused() {
    pattern=$1
    file=$2
    shift 2
    before=$(cksum <"$file")
    exits 2 "$@" && grep -q "$pattern" "$work/errors" && [ "$before" = "$(cksum <"$file")" ]
}

input_is_output() {
    rm -rf "$work/inputs"
    mkdir "$work/inputs"
    cp -r "$model" "$work/inputs/model"
    cp "$images/tall.jpg" "$work/inputs/picture.jpg"
    cp "$work/counts" "$work/neurons.json" "$work/inputs"
    m=$work/inputs/model l=$work/inputs/l.jsonl p=$work/inputs/picture.jpg c=$work/inputs/counts
    n=$work/inputs/neurons.json
    sed 's/"image": "[^"]*"/"image": "picture.jpg"/' "$list" >"$l"
    printf '%s\n' '{"domain": "a", "text_file": "t.txt"}' >"$work/inputs/t.jsonl"
    printf 'A text of a few words, to be read.' >"$work/inputs/t.txt"
    ln -s l.jsonl "$work/inputs/soft"
    ln "$p" "$work/inputs/hard"
    cp "$l" "$work/inputs/out.state"
    for file in "$l" "$work/inputs/soft" "$p" "$work/inputs/hard" "$m/model.safetensors" \
        "$m/config.json" "$work/inputs/model/../l.jsonl"; do
        for command in count eval lens; do
            is_refused "cannot be the output" "$file" $MMNEURON $command "$m" "$l" -o "$file" ||
                return 1
        done
        is_refused "cannot be the output" "$file" $MMNEURON perturb "$m" "$l" --neurons "$n" \
            -o "$file" || return 1
    done
    is_refused "cannot be the output" "$work/inputs/out.state" $MMNEURON count "$m" \
        "$work/inputs/out.state" -o "$work/inputs/out" &&
        is_refused "cannot be the output" "$work/inputs/t.txt" $MMNEURON count "$m" \
            "$work/inputs/t.jsonl" -o "$work/inputs/t.txt" &&
        is_refused "cannot be the output" "$n" $MMNEURON eval "$m" "$l" --neurons "$n" -o "$n" &&
        is_refused "cannot be the output" "$n" $MMNEURON lens "$m" "$l" --mask "$n" -o "$n" &&
        is_refused "cannot be the output" "$n" $MMNEURON perturb "$m" "$l" --neurons "$n" -o "$n" &&
        is_refused "cannot be the output" "$c" $MMNEURON rank "$c" -o "$c" &&
        is_refused "cannot be the output" "$c" $MMNEURON merge "$c" -o "$c" &&
        is_refused "cannot be the output" "$n" $MMNEURON report "$c" "$n" -o "$n" &&
        is_refused "cannot be the output" "$p" $MMNEURON dump "$m" --image "$p" --prompt "<image>" \
            -o "$p" &&
        is_refused "cannot be the output" "$work/whole.dump" $MMNEURON dump "$m" \
            --inputs "$work/whole.dump" -o "$work/whole.dump" &&
        is_refused "cannot be the output" "$m/model.safetensors" $MMNEURON dump "$m" --prompt a \
            -o "$m/model.safetensors" &&
        is_refused "cannot be the output" "$p" $MMNEURON contrib "$m" Who -i "$p" -o "$p" || return 1
    # A name that the model would be read by next time, although there is no such file yet.
    exits 2 $MMNEURON dump "$m" --prompt a -o "$m/chat_template.json" &&
        ! [ -e "$m/chat_template.json" ] &&
        exits 0 $MMNEURON count "$m" "$l" -q -o "$m/counts" &&
        exits 0 $MMNEURON count "$m" "$l" -q -o "$m/counts"
}

# Which pictures a report shows is known only when it has been made; none is replaced, shown or not, and the
# page is kept.
report_keeps_pictures() {
    rm -rf "$work/place"
    mkdir "$work/place"
    cp "$images/tall.jpg" "$work/place/picture.jpg"
    ln -s picture.jpg "$work/place/link.html"
    sed 's/"image": "[^"]*"/"image": "picture.jpg"/' "$list" >"$work/place/l.jsonl"
    exits 0 $MMNEURON lens "$model" "$work/place/l.jsonl" -q --examples 1 -o "$work/place/lens.json" ||
        return 1
    for name in picture.jpg link.html; do
        fails_with "$name: .*it is a picture.*the result is in" $MMNEURON report \
            "$work/place/lens.json" --json -o "$work/place/$name" || return 1
    done
    cmp "$images/tall.jpg" "$work/place/picture.jpg" && [ -L "$work/place/link.html" ]
}

rankings_are_neighbours() {
    rm -rf "$work/place"
    mkdir "$work/place"
    for name in a.json b.json b neurons.json; do
        exits 0 $MMNEURON rank "$work/counts" --rate 0.0"$(echo $name | wc -c)" \
            -o "$work/place/$name" || return 1
    done
    ls "$work/place" | tr '\n' ' ' >"$work/left"
    cat "$work/left"
    [ "$(cat "$work/left")" = "a.json a.ranking.tsv b b-ranking.tsv b.json b.ranking.tsv \
neurons.json ranking.tsv " ] && ! cmp -s "$work/place/a.ranking.tsv" "$work/place/ranking.tsv" ||
        return 1
    echo "my own notes" >"$work/place/mine.ranking.tsv"
    is_refused "not a ranking's table" "$work/place/mine.ranking.tsv" $MMNEURON rank \
        "$work/counts" -o "$work/place/mine.json"
}

# A file of a lock's name that is no lock stays.
lock_is_not_ours() {
    echo "of something else" >"$work/foreign.mmneuron-lock"
    is_refused "in the way" "$work/foreign.mmneuron-lock" write_to "$work/foreign" "$1"
}

output_is_folder() {
    mkdir -p "$work/folder"
    exits 2 write_to "$work/folder" "$1" && grep -q "is a folder" "$work/errors"
}

several_to_standard_output() {
    is_wrong_usage "several" report "$work/neurons.json" --format csv -o - &&
        exits 0 $MMNEURON report "$work/neurons.json" --format csv --figure neurons -o - &&
        grep -q , "$work/out"
}

nothing_counted_nothing_kept() {
    rm -f "$work/none" "$work/none.state"
    exits 130 $MMNEURON count "$model" "$list" -q -o - --stop-after 1 &&
        grep -q "nothing is kept" "$work/errors" && ! [ -e ./- ] && ! [ -e ./-.state ]
}

says_what_differs() {
    exits 130 $MMNEURON count "$model" "$list" -q -o "$work/other" --stop-after 1 || return 1
    fails_with "differs from this one in modules (vision of .*language of .*, now language of " \
        $MMNEURON count "$model" "$list" -q -o "$work/other" --modules language
}

# A link that is the output stays one, and the file is written where it leads.
follows_link() {
    rm -rf "$work/place"
    mkdir -p "$work/place/far"
    echo old >"$work/place/far/real"
    ln -s far/real "$work/place/link"
    exits 0 write_to "$work/place/link" "$1" && [ -L "$work/place/link" ] &&
        [ -s "$work/place/far/real" ] && [ "$(ls "$work/place/far")" = real ] &&
        ! grep -q "^old" "$work/place/far/real" || return 1
    ln -sf nowhere "$work/place/link"
    fails_with "link: .*cannot be followed" write_to "$work/place/link" "$1"
}

# As root nothing is read-only.
keeps_read_only() {
    echo mine >"$work/locked_file"
    chmod 444 "$work/locked_file"
    [ "$(id -u)" -eq 0 ] && return 0
    fails_with "locked_file: cannot be written over" write_to "$work/locked_file" "$1" &&
        grep -q "^mine" "$work/locked_file"
}

# The file that standard output goes to is not replaced under it.
standard_output_by_name() {
    write_to "$work/place_of_output" "$1" >"$work/place_of_output" 2>"$work/errors"
    [ $? -eq 2 ] && ! [ -s "$work/place_of_output" ] && grep -q "o - writes" "$work/errors"
}

# Where neurons.json cannot be written, the table of an earlier one stays.
ranking_is_a_pair() (
    disk=$work/disk
    trap 'umount "$disk"' EXIT
    mkdir -p "$disk" && mount -t tmpfs -o size=64k none "$disk" || exit 1
    exits 0 $MMNEURON rank "$work/counts" --rate 0.01 -o "$disk/neurons.json" || exit 1
    cp "$disk/ranking.tsv" "$work/table"
    for kilobytes in 52 48 44 40 36 32; do
        head -c ${kilobytes}k /dev/zero >"$disk/fill" 2>/dev/null
        if $MMNEURON rank "$work/counts" --rate 0.05 -o "$disk/neurons.json" >/dev/null 2>&1; then
            [ $kilobytes -lt 52 ]
            exit
        fi
        cmp "$work/table" "$disk/ranking.tsv" || exit 1
    done
    exit 1
)

exits 0 $MMNEURON count "$model" "$list" -q -o "$work/counts" || exit 1
exits 0 $MMNEURON rank "$work/counts" --rate 0.05 -o "$work/neurons.json" || exit 1
for command in $writers; do
    check "$command writes, and leaves nothing beside it" whole $command
    check "$command finds a missing folder before all else" missing_folder $command
    check "$command finds a folder that cannot be written to" unwritable_folder $command
    check "$command finds a folder that is a file" folder_is_file $command
    check "$command finds a full disk before the work" full_at_start $command
done
for command in $files; do
    check "$command with a disk that is full at the end" full_at_end $command
    check "$command -o - is standard output" to_standard_output $command
    check "$command does not replace a folder" output_is_folder $command
    check "$command follows a link" follows_link $command
    check "$command does not replace a file that is read-only" keeps_read_only $command
    check "$command does not write over its standard output" standard_output_by_name $command
done
if (trap 'umount "$work/full"' EXIT && mount -t tmpfs -o size=64k none "$work/full") 2>/dev/null; then
    check "a full disk loses no result" full_disk
    check "a ranking and its table are replaced together or not at all" ranking_is_a_pair
else
    skip "a full disk loses no result" "mounting one is not allowed here"
fi
for _ in $(seq 200); do
    cat "$list"
done >"$work/many.jsonl"
for command in count merge dump eval; do
    check "$command refuses what another run is writing, and a kill leaves it open" \
        two_runs $command
done
for command in count rank html; do
    check "$command removes what killed runs left, and nothing else" removes_leftovers $command
    check "$command writes to a name of 250 bytes" long_name $command 250
    check "$command writes to a name of 255 bytes" long_name $command 255
done
check "a count to a name of 250 bytes resumes" long_name_resumes
check "count says when a name is too long" too_long_a_name count
check "no output is an input" input_is_output
check "a report takes no picture's place" report_keeps_pictures
check "rankings do not overwrite one another's tables" rankings_are_neighbours
check "a file that has a lock's name stays" lock_is_not_ours count
check "several files cannot go to standard output" several_to_standard_output
check "counts for standard output keep no state" nothing_counted_nothing_kept
check "a state of other modules says which" says_what_differs

done_testing
