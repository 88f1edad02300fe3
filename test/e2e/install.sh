#!/usr/bin/env bash
# Installs what the end-to-end laboratory runs, if anything of it is missing.
# Always exits 0 when it may not install: the tests themselves say what they lack.
set -euo pipefail
export PATH="$PATH:/usr/sbin:/sbin"

# Only some tests need it, and they say so.
bash "$(dirname "$0")/pebble-2.10.sh" || true

declare -A package_of=(
  [pebble]=pebble
  [certbot]=certbot
  [named]=bind9
  [knotd]=knot
  [nsupdate]=bind9-dnsutils
  [dig]=bind9-dnsutils
  [knsupdate]=knot-dnsutils
  [curl]=curl
  [/usr/lib/python3/dist-packages/certbot_dns_rfc2136]=python3-certbot-dns-rfc2136
  [openssl]=openssl
  [setpriv]=util-linux
  [pdns_server]='pdns-server pdns-backend-sqlite3'
  [sqlite3]=sqlite3
  [lexicon]=lexicon
  # What lexicon needs for dynamic updates, without which it starts all the same.
  [/usr/lib/python3/dist-packages/dns/update.py]=python3-dnspython
  [lego]=lego
  [dehydrated]=dehydrated
  [uacme]=uacme
  [acmetool]=acmetool
  [unbound]=unbound
  [nginx]=nginx-light
  [/usr/lib/apache2/modules/mod_md.so]='apache2 libapache2-mod-md'
  [curl]=curl
  [dnssec-signzone]=bind9-utils
  [unshare]=util-linux
  [/usr/lib/postgresql]=postgresql
  [lintian]=lintian
  [systemd-analyze]=systemd
  [zsh]=zsh
  [fish]=fish
  [mandoc]=mandoc
  [buildah]=buildah
  [chromium]=chromium
)

missing_programs() {
  local program
  for program in "${!package_of[@]}"; do
    command -v "$program" >/dev/null || [ -e "$program" ] || echo "$program"
  done | sort
}

packages_for() {
  local program
  for program in "$@"; do
    printf '%s\n' ${package_of[$program]}
  done | sort -u
}

mapfile -t missing < <(missing_programs)
[ ${#missing[@]} -eq 0 ] && exit 0
mapfile -t packages < <(packages_for "${missing[@]}")

if ! command -v apt-get >/dev/null; then
  echo "e2e: missing programs: ${missing[*]}"
  echo "e2e: install what your system calls the Debian packages: ${packages[*]}"
  exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
  echo "e2e: missing programs: ${missing[*]}"
  echo "e2e: get them with: sudo apt-get install ${packages[*]}"
  echo "e2e: or with: sudo bash test/e2e/install.sh"
  exit 0
fi

# The laboratory runs its own servers. The packaged services stay off, now and after the next boot.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi

echo "e2e: installing ${packages[*]}"
export DEBIAN_FRONTEND=noninteractive
apt_get=(apt-get -qq -o DPkg::Lock::Timeout=300)
"${apt_get[@]}" update
"${apt_get[@]}" install -y --no-install-recommends "${packages[@]}" </dev/null

if command -v systemctl >/dev/null; then
  for program in "${missing[@]}"; do
    case $program in
      named) systemctl disable --quiet named.service || true ;;
      knotd) systemctl disable --quiet knot.service || true ;;
      certbot) systemctl disable --quiet certbot.timer || true ;;
      pdns_server) systemctl disable --quiet pdns.service || true ;;
      nginx) systemctl disable --quiet nginx.service || true ;;
      */mod_md.so) systemctl disable --quiet apache2.service || true ;;
      unbound) systemctl disable --quiet unbound.service || true ;;
      acmetool) systemctl disable --quiet acmetool.timer || true ;;
    esac
  done
fi

mapfile -t missing < <(missing_programs)
if [ ${#missing[@]} -gt 0 ]; then
  echo "e2e: still missing after the installation: ${missing[*]}" >&2
  exit 1
fi
