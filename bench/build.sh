#!/usr/bin/env bash
# Builds what is measured, as users build it, into the work folder, and makes what it needs there: a certificate, and a token of
# ES256 with its key set:
#   bench/build.sh
# PEERS names the folder of the load generator; default: ../shared/bench, beside the repository. Where there is none, what
# load.sh needs of it is made here: stock Caddy, and the certificate.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
peers=${PEERS:-$here/../shared/bench}
work=${WORK:-${TMPDIR:-/tmp}/wicketgate-bench}
mkdir -p "$work/peers" "$work/run"
cd "$here"
if [ -d "$peers" ]; then
	[ -e "$work/run/data.json" ] || (cd "$peers" && go run ./cmd/mkkeys "$work/run")
elif [ ! -x "$work/peers/caddy" ]; then
	sed -n 's/.*\("caddy_version": *"[^"]*"\).*/{ \1 }/p' xcaddy.json >"$work/stock.json"
	go run ./cmd/build -o "$work/peers/caddy" "$work/stock.json"
fi
go run ./bench/token "$work/run"
go run ./cmd/build -o "$work/peers/wicketgate"
