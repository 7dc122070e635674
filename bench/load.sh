#!/usr/bin/env bash
# What the load generator does not ask, each beside stock Caddy, by turns:
#   bench/load.sh bodies       1 KB of JSON that is validated, changed both ways and sent back
#   bench/load.sh connections  64 to 10,000 connections that ask
#   bench/load.sh versions     HTTP/1.1, 2 and 3
#   bench/load.sh idle         10,000 connections that do nothing
# and of the gateway alone:
#   bench/load.sh steady       an hour of load; -for 20m for less
#   bench/load.sh profiles     where processor's time, memory and waiting go
# What else is said goes to bench/load: bench/load.sh bodies -rounds 5 -for 10s. bench/build.sh must have run before.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
export WORK=${WORK:-${TMPDIR:-/tmp}/wicketgate-bench}
what=${1:-}
shift || true
case $what in
bodies | connections | versions | idle | steady | profiles) ;;
*) sed -n '2,9p' "$0" >&2 && exit 2 ;;
esac
# 10,000 connections of callers may be as many to the service.
ulimit -n 65536 2>/dev/null || ulimit -n "$(ulimit -H -n)"
mkdir -p "$WORK"/{bin,conf,policy}
for from in "$here"/bench/conf/* "$here"/bench/policy/*; do
	sed "s#@H@#$WORK#g" "$from" >"$WORK/${from#"$here"/bench/}"
done
cd "$here"
go build -o "$WORK/bin/load" ./bench/load
"$WORK/bin/load" serve &
trap 'kill $!' EXIT
gateway=("$WORK/peers/wicketgate" run --adapter caddyfile --config)
case $what in
bodies | connections | versions | idle)
	"$WORK/bin/load" "$what" "$@" -- "$WORK/peers/caddy" run --adapter caddyfile --config "$WORK/conf/stock.caddyfile" \
		-- "${gateway[@]}" "$WORK/conf/wicketgate.caddyfile"
	;;
steady) "$WORK/bin/load" steady "$@" -admin 127.0.0.1:28019 -- "${gateway[@]}" "$WORK/conf/wicketgate-steady.caddyfile" ;;
profiles)
	CGO_ENABLED=0 go build -trimpath -tags nobadger,nomysql,nopgx -o "$WORK/bin/profiled" ./bench/profiled
	"$WORK/bin/load" profiles "$@" -admin 127.0.0.1:28019 -- "$WORK/bin/profiled" run --adapter caddyfile --config "$WORK/conf/wicketgate-steady.caddyfile"
	;;
esac
