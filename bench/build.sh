#!/usr/bin/env bash
# Builds what configs.txt runs, as users build it, into the folder of the peers' binaries:
#   bench/build.sh [FOLDER]      default: the work folder of the load generator
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
out=${1:-${WORK:-${TMPDIR:-/tmp}/wicketgate-bench}/peers}
mkdir -p "$out"
cd "$here" && go run ./cmd/build -o "$out/wicketgate"
