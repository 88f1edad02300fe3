/**
 * A stand-in for acme.sh, written from what its dnsapi guide promises to scripts: the functions, what they print and
 * return, and that the file ends by running its arguments. Requests go to files: the URL's path is a file's.
 */
export const STAND_IN = `#!/usr/bin/env sh
PROJECT_NAME="acme.sh"
_SCRIPT_="$0"
_exists() { command -v "$1" >/dev/null 2>&1; }
_info() { printf -- "%s\\n" "$1\${2:+='$2'}"; }
_err() { printf -- "%s\\n" "$1\${2:+='$2'}" >&2; return 1; }
_debug() { :; }
_debug2() { :; }
_secure_debug() { :; }
_startswith() { case "$1" in "$2"*) return 0 ;; esac; return 1; }
_endswith() { case "$1" in *"$2") return 0 ;; esac; return 1; }
_contains() { case "$1" in *"$2"*) return 0 ;; esac; return 1; }
_egrep_o() { grep -Eo -- "$1"; }
_math() { _m_opts="$@"; printf "%s" "$(($_m_opts))"; }
_base64() { base64 | tr -d '\\r\\n'; }
_dbase64() { base64 -d; }
_url_encode() { sed 's/%/%25/g; s/ /%20/g; s/&/%26/g'; }
_lower_case() { tr 'A-Z' 'a-z'; }
_get() { cat "\${1#file://}"; }
_post() { printf "%s" "$1" >"\${2#file://}"; }
_save_conf() {
  if [ -z "$1" ]; then _err "Config file is empty, cannot save $2=$3"; return 1; fi
  grep -v "^$2=" "$1" >"$1.new"; printf "%s='%s'\\n" "$2" "$3" >>"$1.new"; mv "$1.new" "$1"
}
_read_conf() { [ -f "$1" ] && sed -n "s/^$2='\\(.*\\)'$/\\1/p" "$1"; }
_saveaccountconf() { _save_conf "$ACCOUNT_CONF_PATH" "$1" "$2"; }
_saveaccountconf_mutable() { _save_conf "$ACCOUNT_CONF_PATH" "SAVED_$1" "$2"; }
_readaccountconf() { _read_conf "$ACCOUNT_CONF_PATH" "$1"; }
_readaccountconf_mutable() { _read_conf "$ACCOUNT_CONF_PATH" "SAVED_$1"; }
_clearaccountconf_mutable() { :; }
_savedomainconf() { _save_conf "$DOMAIN_CONF" "$1" "$2"; }
_readdomainconf() { _read_conf "$DOMAIN_CONF" "$1"; }
_cleardomainconf() { _save_conf "$DOMAIN_CONF" "$1" ""; }
showhelp() { echo "Nobody asked for help" >&2; exit 9; }
_process() { echo "no such option: $1" >&2; return 1; }
main() {
  [ -z "$1" ] && showhelp && return
  if _startswith "$1" '-'; then _process "$@"; else "$@"; fi
}
main "$@"
`;

/** A dnsapi script for a provider that is a file, in the manner of real ones: credentials, zone by trial, save, write. */
export const FILE_SCRIPT = `#!/usr/bin/env sh
# shellcheck disable=SC2034
dns_file_info='A file'

dns_file_add() {
  fulldomain=$1
  txtvalue=$2
  _file_login || return 1
  _info "Adding record"
  _file_remove_line
  printf "%s %s\\n" "$fulldomain" "$txtvalue" >>"$FILE_Records"
  return 0
}

dns_file_rm() {
  fulldomain=$1
  txtvalue=$2
  _file_login || return 1
  _file_remove_line
}

_file_login() {
  FILE_Token="\${FILE_Token:-$(_readaccountconf_mutable FILE_Token)}"
  if [ -z "$FILE_Token" ]; then
    _err "You didn't specify FILE_Token yet."
    return 1
  fi
  if [ "$FILE_Token" != "right" ]; then
    _err "The token $FILE_Token is wrong."
    return 1
  fi
  _saveaccountconf_mutable FILE_Token "$FILE_Token"
  if [ "$(_readaccountconf_mutable FILE_Token)" != "right" ]; then
    _err "What was saved is not there."
    return 1
  fi
  _savedomainconf FILE_Zone "example.com"
  _H1="Authorization: Bearer $(printf "%s" "$FILE_Token" | _base64)"
  _debug2 fulldomain "$fulldomain"
  i=$(_math 1 + 1)
  if ! _contains "$fulldomain" "example.com" || ! _startswith "$fulldomain" "_acme" || ! _endswith "$fulldomain" ".com" || [ "$i" != "2" ]; then
    _err "invalid domain"
    return 1
  fi
}

_file_remove_line() {
  touch "$FILE_Records"
  grep -vxF -e "$fulldomain $txtvalue" "$FILE_Records" >"$FILE_Records.new"
  mv "$FILE_Records.new" "$FILE_Records"
}
`;
