#!/bin/sh
# Makes ./configure in a clone of the repository. (A release has it already.)
set -e
cd "$(dirname "$0")"
exec autoreconf --install "$@"
