#!/usr/bin/env bash
# What the load generator does not ask: bench/load.sh idle         10,000 connections that do nothing, beside stock Caddy
#                                       bench/load.sh connections  64 to 2,500 of them that ask at once, beside stock Caddy
#                                       bench/load.sh versions     HTTP/1.1, 2 and 3, beside stock Caddy
#                                       bench/load.sh steady       an hour of load; DURING=20m for less
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
go build -o "$WORK/bin/load" ./bench/load
case ${1:-} in
idle | connections | versions)
	for name in caddy:caddy-plain wicketgate:wicketgate; do
		echo "${name%:*}:"
		"$WORK/bin/load" "$1" -- "$WORK/peers/${name%:*}" run --adapter caddyfile --config "$WORK/conf/${name#*:}.caddyfile"
	done
	;;
steady)
	"$WORK/bin/load" steady -for "${DURING:-1h}" -admin 127.0.0.1:28019 -- \
		"$WORK/peers/wicketgate" run --adapter caddyfile --config "$WORK/conf/wicketgate-steady.caddyfile"
	;;
*) sed -n '2,5p' "$0" >&2 && exit 2 ;;
esac
