#!/usr/bin/env bash
# Installs the system packages a verb needs where that is allowed, and names them where it is not.
# usage: build/setup.sh test|desktop
set -euo pipefail

case "${1:-}" in
  test) want=(chromium mosquitto mosquitto-clients python3-pymodbus xvfb xauth x11-apps imagemagick) ;;
  desktop) want=(gcc pkg-config libgtk-3-dev libwebkit2gtk-4.1-dev) ;;
  *) echo "usage: build/setup.sh test|desktop" >&2; exit 2 ;;
esac

command -v dpkg-query >/dev/null || { echo "not Debian: see to it that these are installed: ${want[*]}"; exit 0; }

missing=()
for p in "${want[@]}"; do
  dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || missing+=("$p")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -eq 0 ]; then as=(); elif sudo -n true 2>/dev/null; then as=(sudo); else
  echo "missing: ${missing[*]}"; echo "install them: sudo apt-get install ${missing[*]}"; exit 1
fi
echo "installing ${missing[*]}"
"${as[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${as[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
# A broker that Debian starts by itself would hold the port of the demo.
"${as[@]}" service mosquitto stop >/dev/null 2>&1 || true
