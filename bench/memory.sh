#!/usr/bin/env bash
# What the gateway holds, beside stock Caddy: bench/memory.sh idle   (10,000 connections that do nothing)
#                                              bench/memory.sh steady (an hour of load; DURING=20m for less)
# bench/build.sh and the load generator must have run before.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
export WORK=${WORK:-${TMPDIR:-/tmp}/wicketgate-bench}
ulimit -n "$(ulimit -H -n)"
for from in "$here"/bench/conf/* "$here"/bench/policy/*; do
	sed "s#@H@#$WORK#g" "$from" >"$WORK/${from#"$here"/bench/}"
done
"$WORK/bin/upstream" &
trap 'kill $!' EXIT
cd "$here"
go build -o "$WORK/bin/memory" ./bench/memory
case ${1:-} in
idle)
	for name in caddy:caddy-plain wicketgate:wicketgate; do
		echo -n "${name%:*}: "
		"$WORK/bin/memory" idle -- "$WORK/peers/${name%:*}" run --adapter caddyfile --config "$WORK/conf/${name#*:}.caddyfile"
	done
	;;
steady)
	"$WORK/bin/memory" steady -for "${DURING:-1h}" -admin 127.0.0.1:28019 -- \
		"$WORK/peers/wicketgate" run --adapter caddyfile --config "$WORK/conf/wicketgate-steady.caddyfile"
	;;
*) sed -n '2,4p' "$0" >&2 && exit 2 ;;
esac
