#!/bin/sh
# The bundled joint model of drawn things: what the detector finds, what the language model names and
# where the saliency of a word is largest are compared with what was drawn and with PyTorch.
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

prompt="<image>
USER: What's in the image?
ASSISTANT: The image shows a"

names_what_is_drawn() {
    for picture in $pictures; do
        exits 0 $MMNEURON ask "$bundle/model" --image "$bundle/images/test-$picture.jpg" -q -n 1 \
            --prompt "$prompt" || return 1
        drawn "$picture" | grep -q "^$(tr -d ' \n' <"$work/out") " || {
            echo "picture $picture: \"$(cat "$work/out")\" was not drawn"
            return 1
        }
    done
}

# locates PICTURE THING X Y LOGIT: the saliency of the thing's name is largest at this point, to a pixel,
# and its logit is this one, to 1e-4.
locates() {
    $MMNEURON locate "$bundle/detector" "$bundle/model" --align "$bundle/alignment.safetensors" \
        --image "$bundle/images/test-$1.jpg" --prompt "$prompt" --word "$2" -n 1 -q --json |
        sed -n 's/,//g; s/^ *"x": \(.*\) "y": \(.*\)$/\1 \2/p; s/^.* "logit": \([^ ]*\) .*/\1/p' |
        awk -v x="$3" -v y="$4" -v logit="$5" '
            function distance(a, b) { return a < b ? b - a : a - b }
            NR == 1 { alike = distance($1, logit) < 1e-4 }
            NR == 2 { exit !(alike && distance($1, x) <= 1 && distance($2, y) <= 1) }
            END { if (NR < 2) exit 1 }' || {
        echo "picture $1: \"$2\" is not located at $3, $4"
        return 1
    }
}

# locates_as_pytorch: where golden/make_joint.py does. Most of those points, not all, lie in the things.
locates_as_pytorch() {
    for picture in $pictures; do
        awk -v image="test-$picture.jpg" '$1 == image { print $2, $3, $4, $5 }' "$bundle/points.tsv" \
            >"$work/points"
        [ -s "$work/points" ] || return 1
        while read -r thing x y logit; do
            locates "$picture" "$thing" "$x" "$y" "$logit" </dev/null || return 1
        done <"$work/points"
    done
}

check "things are detected where they were drawn" finds_what_is_drawn
check "the first word names a thing that is there" names_what_is_drawn
check "words are located where PyTorch locates them" locates_as_pytorch

done_testing
