#!/bin/sh
# Installs the third-party programs that the system tests start. Without root their tests are skipped visibly.
set -eu
missing=""
programs="prometheus:prometheus promtool:prometheus prometheus-alertmanager:prometheus-alertmanager
    chromium:chromium ip:iproute2 nft:nftables losetup:mount spin:spin"
for pair in $programs; do
    case "$missing " in *" ${pair#*:} "*) continue ;; esac
    command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair#*:}"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "tests: not installed, their tests are skipped:$missing (as root: apt-get install$missing)" >&2
    exit 0
fi
echo "tests: installing$missing"
apt-get update -qq
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
