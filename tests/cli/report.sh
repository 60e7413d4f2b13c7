#!/bin/sh
# mmneuron report end to end: what it writes in each format, and how a browser sees the page.
. "$top_srcdir/tests/cli/setup.sh"

data=$top_srcdir/tests/page/data
results="$data/neurons.json $data/eval.json $data/perturb.json $data/lens.json"
figures="neurons overlap shared accuracy cross perturbation lens words words-1 activation-1 words-2"
make_list 6 "$work/list.jsonl"
$MMNEURON count "$model" "$work/list.jsonl" -o "$work/counts" --quiet >/dev/null

writes_a_page() {
    exits 0 $MMNEURON report $results --images "$images" -o "$work/page.html" || return 1
    for name in $figures; do
        grep -q "<section aria-labelledby=\"$name\">" "$work/page.html" || return 1
    done
    grep -q '^    everyday  .*####' "$work/out" && ! LC_ALL=C grep -q '[^ -~]' "$work/out" &&
        grep -q "page.html: 11 figures$" "$work/out"
}

# writes_files FORMAT: a file for each figure, and nothing else.
writes_files() {
    exits 0 $MMNEURON report $results --format "$1" -o "$work/$1" --json || return 1
    [ "$(ls "$work/$1" | sort)" = "$(for name in $figures; do echo "$name.$1"; done | sort)" ]
}

writes_one_figure() {
    exits 0 $MMNEURON report "$data/perturb.json" -o "$work/one.html" &&
        grep -q "one.html: 1 figure$" "$work/out" &&
        exits 0 $MMNEURON report "$data/eval.json" --format svg --figure cross -o "$work/cross.svg" &&
        head -n 1 "$work/cross.svg" | grep -q '^<?xml' && tail -n 1 "$work/cross.svg" | grep -q '^</svg>$'
}

# Of the accuracies in CSV, the lines that are in JSON with the same digits.
csv_has_the_digits_of_json() {
    [ "$(sed 1d "$work/csv/accuracy.csv" | wc -l)" -eq 20 ] || return 1
    sed 1d "$work/csv/accuracy.csv" | while IFS=, read -r setting domain plain off rest; do
        grep -qF "{\"setting\": \"$setting\", \"domain\": \"$domain\", \"plain\": $plain, \"domain_off\": $off," \
            "$data/eval.json" || {
            echo "$setting, $domain, $plain, $off"
            exit 1
        }
    done
}

takes_counts() {
    exits 0 $MMNEURON report "$work/counts" -o "$work/counts.html" &&
        grep -q "counts.html: 5 figures$" "$work/out" && grep -q 'id="entropy"' "$work/counts.html"
}

# Where a word is seen, over its picture, and what is answered where another thing is.
shows_a_word() {
    exits 0 $MMNEURON report "$top_srcdir/tests/fuzz/corpus/report/good-locate" --images "$images" \
        -o "$work/located.html" && grep -q "located.html: 2 figures$" "$work/out" &&
        grep -q '<section aria-labelledby="located">' "$work/located.html" &&
        grep -q '<section aria-labelledby="perturbed">' "$work/located.html" &&
        [ "$(grep -c '<image.*href="data:image/jpeg' "$work/located.html")" = 2 ]
}

# What is said of things that are there and are not, and boxes of one that is not.
shows_hallucinations() {
    exits 0 $MMNEURON report "$top_srcdir/tests/fuzz/corpus/report/good-hallucinations" --images "$images" \
        -o "$work/said.html" && grep -q "said.html: 3 figures$" "$work/out" &&
        [ "$(grep -c '<image.*href="data:image/jpeg' "$work/said.html")" = 2 ]
}

# The same results give the same bytes, whatever the locale.
repeats_itself() {
    LC_ALL=de_DE.UTF-8 exits 0 $MMNEURON report $results --images "$images" -o "$work/again.html" &&
        cmp "$work/page.html" "$work/again.html"
}

# The date is the caller's, or that of builders who want the same bytes on any day.
bears_a_date() {
    SOURCE_DATE_EPOCH=86400 exits 0 $MMNEURON report "$data/neurons.json" -o "$work/dated.html" &&
        grep -q '<dt>Date</dt><dd>1970-01-02</dd>' "$work/dated.html" &&
        ! grep -q '<dt>Date' "$work/page.html" &&
        exits 0 $MMNEURON report "$data/neurons.json" --date "27 November" --model Mine -o "$work/dated.html" &&
        grep -q '<dd>27 November</dd>' "$work/dated.html" && grep -q '<dd>Mine, digest ' "$work/dated.html" &&
        SOURCE_DATE_EPOCH=soon exits 2 $MMNEURON report "$data/neurons.json" -o "$work/x"
}

# With librsvg pictures and pages of every figure, the same again; without it a word that says so.
draws_or_says_so() {
    if ! grep -q '^#define HAVE_LIBRSVG' "$top_builddir/config.h"; then
        exits 2 $MMNEURON report $results --format png -o "$work/png" &&
            grep -q "built without librsvg" "$work/errors" && [ ! -e "$work/png" ]
        return
    fi
    writes_files png && writes_files pdf && [ "$(head -c 5 "$work/pdf/cross.pdf")" = %PDF- ] &&
        head -c 4 "$work/png/cross.png" | grep -q PNG && mv "$work/pdf" "$work/pdf.first" && writes_files pdf &&
        diff -r "$work/pdf" "$work/pdf.first"
}

leaves_nothing() {
    fails_with "nothing to show" $MMNEURON report "$work/empty.json" -o "$work/none.html" &&
        [ ! -e "$work/none.html" ]
}
echo '{"format": "mmneuron-eval-1", "summary": []}' >"$work/empty.json"

check "a page with all figures, and charts in ASCII" writes_a_page
check "the same page again" repeats_itself
check "graphics" writes_files svg
check "tables" writes_files csv
check "a date" bears_a_date
check "PNG and PDF" draws_or_says_so
check "one figure" writes_one_figure
check "CSV has every digit" csv_has_the_digits_of_json
check "Markdown" exits 0 $MMNEURON report $results --format md -o "$work/report.md"
check "counts" takes_counts
check "a word in a picture" shows_a_word
check "hallucinations" shows_hallucinations
check "nothing to show" leaves_nothing
check "a file that is no result" fails_with "this is a picture" $MMNEURON report "$images/wide.jpg" -o "$work/x"
check "a file that is not there" fails_with "no-such-file" $MMNEURON report no-such-file -o "$work/x"
check "a figure that is not there" exits 2 $MMNEURON report $results --figure pie -o "$work/x"
check "two results of a kind" prints_json figures $MMNEURON report "$data/eval.json" "$data/eval.json" \
    --json -o "$work/x"

# ---- In a browser ------------------------------------------------------------------------------

# browse FILE OPTION...: the page in headless Chromium; what it says is in $work/browser.
browse() {
    file=$1
    shift
    HOME=$work timeout 120 chromium --headless=new --no-sandbox --disable-gpu --enable-logging=stderr \
        --user-data-dir="$work/profile" "$@" "file://$file" >"$work/dom" 2>"$work/browser"
}

# Chromium says "CONSOLE" of every message of a page.
has_no_errors() {
    browse "$1" --dump-dom && grep -q '</html>\|</svg>' "$work/dom" && ! grep CONSOLE "$work/browser"
}

# A script in a copy of the page counts what is drawn: every graphic and picture has a size, no text
# leaves its graphic, and the page is not wider than the window.
shows_every_figure() {
    sed -e '/Content-Security-Policy/d' -e 's/<\/body>/<script src="look.js"><\/script><\/body>/' \
        "$work/page.html" >"$work/look.html"
    cat >"$work/look.js" <<'EOF'
const problems = [];
const see = (good, what) => good || problems.push(what);
for (const svg of document.querySelectorAll("svg")) {
    const box = svg.getBoundingClientRect(), name = svg.querySelector("title").textContent;
    see(box.width > 100 && box.height > 30, name + " has no size");
    for (const text of svg.querySelectorAll("text")) {
        const own = text.getBoundingClientRect();
        see(own.left > box.left - 3 && own.right < box.right + 3 && own.top > box.top - 3 &&
            own.bottom < box.bottom + 3, name + ": \"" + text.textContent + "\" is cut off");
    }
}
for (const section of document.querySelectorAll("section:not([aria-labelledby=sources])"))
    see(section.querySelector("svg"), section.id + " has no figure");
for (const link of document.querySelectorAll("a"))
    see(document.querySelector(link.getAttribute("href")), link.textContent + " leads nowhere");
const names = [...document.querySelectorAll("[id]")].map(each => each.id);
see(new Set(names).size === names.length, "a name is there twice");
see(document.documentElement.scrollWidth <= innerWidth, "the page is too wide");
const pictures = [...document.querySelectorAll("image")].map(async each => {
    const picture = new Image();
    picture.src = each.getAttribute("href");
    await picture.decode().catch(() => problems.push("a picture cannot be decoded"));
});
see(pictures.length === 2, "there are " + pictures.length + " pictures");
Promise.all(pictures).then(() => document.body.append("SEEN " + (problems.join("; ") || "ALL")));
EOF
    browse "$work/look.html" --dump-dom --virtual-time-budget=10000 --window-size="$1,900"
    grep -o 'SEEN .*' "$work/dom" | head -c 2000
    grep -q 'SEEN ALL' "$work/dom"
}

if command -v chromium >/dev/null 2>&1; then
    check "Chromium finds no error in the page" has_no_errors "$work/page.html"
    check "Chromium finds no error in the page of counts" has_no_errors "$work/counts.html"
    check "Chromium finds no error in the page of a word" has_no_errors "$work/located.html"
    check "Chromium finds no error in the page of hallucinations" has_no_errors "$work/said.html"
    for name in $figures; do
        check "Chromium finds no error in $name.svg" has_no_errors "$work/svg/$name.svg"
    done
    check "Chromium shows every figure, 1280 pixels wide" shows_every_figure 1280
    check "Chromium shows every figure, 500 pixels wide" shows_every_figure 500
else
    skip "the page in Chromium" "Chromium is not here"
fi

done_testing
