#!/usr/bin/env bash
# Builds what configs.txt runs, as users build it, into the work folder of the load generator, and makes the token that it
# sends one of ES256:
#   bench/build.sh
# PEERS names the folder of the load generator; default: ../shared/bench, beside the repository.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
peers=${PEERS:-$here/../shared/bench}
work=${WORK:-${TMPDIR:-/tmp}/wicketgate-bench}
mkdir -p "$work/peers" "$work/run"
[ -e "$work/run/token" ] || (cd "$peers" && go run ./cmd/mkkeys "$work/run")
cd "$here"
go run ./bench/token "$work/run"
go run ./cmd/build -o "$work/peers/wicketgate"
