#!/bin/sh
# The bundled detector of drawn things: what it finds is compared with what was drawn.
. "$top_srcdir/tests/cli/setup.sh"

bundle=$top_srcdir/models/joint
can_read "$bundle/detector" || skip_all "this build leaves out what the detector's tokenizer needs"
pictures="000 001 002 003 004 005"

# drawn PICTURE: its things and their boxes.
drawn() {
    awk -v image="test-$1.jpg" '$1 == image { print $2, $3, $4, $5, $6 }' "$bundle/images/boxes.tsv"
}

# found_of PICTURE: how many of its things are detected where they were drawn: by a box whose
# intersection with theirs is more than half of both together.
found_of() {
    drawn "$1" >"$work/drawn"
    set -- "$1" $(awk '{ print "--query", $1 }' "$work/drawn")
    picture=$1
    shift
    $MMNEURON detect "$bundle/detector" --image "$bundle/images/test-$picture.jpg" "$@" \
        --threshold 0.5 -q --json |
        sed -n 's/[",:}]//g; s/^ *{query \([a-z]*\) score [^ ]* \(left.*\)/\1 \2/p' |
        awk '
            function least(a, b) { return a < b ? a : b }
            function most(a, b) { return a > b ? a : b }
            NR == FNR { left[$1] = $2; top[$1] = $3; right[$1] = $4; bottom[$1] = $5; next }
            {
                # THING left X top Y right X bottom Y patch N
                width = least(right[$1], $7) - most(left[$1], $3)
                height = least(bottom[$1], $9) - most(top[$1], $5)
                common = width > 0 && height > 0 ? width * height : 0
                both = (right[$1] - left[$1]) * (bottom[$1] - top[$1]) + ($7 - $3) * ($9 - $5) - common
                if (common > both / 2)
                    found[$1] = 1
            }
            END { for (thing in found) count++; print count + 0 }' "$work/drawn" -
}

finds_what_is_drawn() {
    total=0 found=0
    for picture in $pictures; do
        found=$((found + $(found_of "$picture")))
        total=$((total + $(drawn "$picture" | wc -l)))
    done
    echo "$found of $total things are found"
    [ $((found * 5)) -ge $((total * 4)) ]
}

check "things are detected where they were drawn" finds_what_is_drawn

done_testing
