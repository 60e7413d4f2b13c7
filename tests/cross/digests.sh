#!/bin/sh
# Counts, ranks and dumps the demo's images: with any number of threads, in one run, in shards, or
# interrupted and resumed, the digests are those in golden/demo/digests. Each kind of build runs
# this, so that all of them are compared with each other too.
. "$top_srcdir/tests/tools/tap.sh"

demo=$top_srcdir/golden/demo
