#!/usr/bin/env bash
# Fetches Debian's Pebble 2.10.0, the first that knows dns-persist-01, into .e2e/, without installing it. It runs on
# Debian 12 as well. Needs apt-get and Debian's archive keyring.
set -euo pipefail
version=2.10.0+ds1-2
place=$(cd "$(dirname "$0")/../.." && pwd)/.e2e/pebble-2.10
[ -x "$place/usr/bin/pebble" ] && exit 0
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
if ! command -v apt-get >/dev/null || [ ! -e "$keyring" ]; then
  echo "e2e: get the Debian package pebble $version, and unpack it into $place"
  exit 0
fi
mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 2>/dev/null | grep '/debian/*$' | head -n 1)
if [ -z "$mirror" ]; then
  echo "e2e: the system names no mirror of Debian: get the package pebble $version, and unpack it into $place"
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$place"
echo "deb [signed-by=$keyring] $mirror forky main" >"$work/sources.list"
# A world of its own: the system's sources and lists stay as they are.
apt_get=(apt-get -qq -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=-
  -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root)
cd "$work"
"${apt_get[@]}" update
if ! "${apt_get[@]}" download "pebble=$version"; then
  echo "e2e: Debian no longer has pebble $version; snapshot.debian.org has"
  exit 0
fi
dpkg-deb -x pebble_*.deb "$place"
