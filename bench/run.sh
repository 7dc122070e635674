#!/usr/bin/env bash
# All that README.md here tells, anew, in about half an hour: bench/run.sh [ROUNDS]   (default: 3)
# It writes the picture and the table of what grows into this folder, and the rest to its output. An hour of load is apart:
# bench/load.sh steady.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
export PEERS=${PEERS:-$here/../shared/bench} EXTRA=$here/bench SECS=${SECS:-5} RSECS=${RSECS:-5}
rounds=${1:-3}
"$here/bench/build.sh"
RATE=2000 "$PEERS/bench.sh" "$rounds" caddy wicketgate wicketgate-bare wicketgate-evaluated caddy-lean
RATE=500 "$PEERS/bench.sh" "$rounds" caddy-fwdauth nginx-auth wicketgate wicketgate-policy wicketgate-policy-evaluated caddy
RATE=1000 "$PEERS/bench.sh" "$rounds" caddy caddy-idlex wicketgate-identity
for what in idle connections versions; do
	"$here/bench/load.sh" "$what"
done
cd "$here"
go test -run '^$' -bench '^BenchmarkGrowth$' -count 3 ./internal/... |
	go run ./bench/curves -svg bench/curves.svg -page bench/README.md
