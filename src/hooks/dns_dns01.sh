#!/usr/bin/env sh
# shellcheck disable=SC2034
dns_dns01_info='dns01: one hook for every DNS provider
Options:
 DNS01_PROGRAM Path of dns01. Default: the one that installed this file.
 DNS01_CONFIG Path of its config. Optional.
'

# Publishes the value and keeps all others; acme.sh itself checks that it is visible.
dns_dns01_add() {
  _dns01_call add "$1" "$2"
}

# Withdraws exactly this value.
dns_dns01_rm() {
  _dns01_call rm "$1" "$2"
}

_dns01_call() {
  _dns01_remember DNS01_PROGRAM "${DNS01_PROGRAM:-}"
  DNS01_PROGRAM="${_dns01_setting:-__DNS01__}"
  _dns01_remember DNS01_CONFIG "${DNS01_CONFIG:-}"
  DNS01_CONFIG="$_dns01_setting"
  if [ -n "$DNS01_CONFIG" ]; then
    export DNS01_CONFIG
  else
    unset DNS01_CONFIG
  fi
  if "$DNS01_PROGRAM" hook acme.sh "$1" "$2" "$3" </dev/null; then
    return 0
  fi
  _err "dns01 failed for $2: its own message stands above"
  return 1
}

# Renewals run from cron without the variables of the first call, so they are stored where acme.sh stores its own.
_dns01_remember() {
  _dns01_setting="$2"
  if [ -n "$_dns01_setting" ]; then
    if command -v _saveaccountconf_mutable >/dev/null 2>&1; then
      _saveaccountconf_mutable "$1" "$_dns01_setting"
    fi
  elif command -v _readaccountconf_mutable >/dev/null 2>&1; then
    _dns01_setting="$(_readaccountconf_mutable "$1")"
  fi
}
