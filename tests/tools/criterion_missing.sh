#!/bin/sh
# Stands for the unit tests when configure found no Criterion.
echo "1..1"
echo "not ok 1 - unit tests: install Criterion (Debian package: libcriterion-dev) and run" \
    "configure again, or configure --without-criterion to leave them out"
