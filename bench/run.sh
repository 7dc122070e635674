#!/usr/bin/env bash
# All that README.md here tells, anew, in about half an hour: bench/run.sh [ROUNDS]   (default: 3)
# It writes the picture and the table of what grows into this folder, and the rest to its output. An hour of load is apart:
# bench/load.sh steady. Where the folder that PEERS names, ../shared/bench unless it is said, is not there, the parts that
# need the load generator are left out.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
export PEERS=${PEERS:-$here/../shared/bench} EXTRA=$here/bench SECS=${SECS:-5} RSECS=${RSECS:-5}
rounds=${1:-3}
"$here/bench/build.sh"
if [ -x "$PEERS/bench.sh" ]; then
	RATE=2000 "$PEERS/bench.sh" "$rounds" caddy wicketgate wicketgate-bare wicketgate-evaluated caddy-lean
	RATE=500 "$PEERS/bench.sh" "$rounds" caddy-fwdauth nginx-auth wicketgate wicketgate-policy wicketgate-policy-evaluated caddy
	RATE=1000 "$PEERS/bench.sh" "$rounds" caddy caddy-idlex wicketgate-identity
else
	echo "there is no $PEERS/bench.sh: gateways are not compared with what it compares"
fi
for what in bodies versions connections; do
	"$here/bench/load.sh" "$what" -rounds "$rounds" -for "${SECS}s"
done
"$here/bench/load.sh" idle
"$here/bench/load.sh" profiles
cd "$here"
grow=$(grep -rl --include '*_test.go' '^func BenchmarkGrowth' internal | xargs -n 1 dirname | sort -u | sed 's#^#./#')
# shellcheck disable=SC2086 # they are several
go test -run '^$' -bench '^BenchmarkGrowth$' -count "$rounds" $grow |
	go run ./bench/curves -svg bench/curves.svg -page bench/README.md
