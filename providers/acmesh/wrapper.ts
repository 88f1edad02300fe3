/**
 * What /bin/sh runs, given acme.sh, the dnsapi file, the function, the name and the value. acme.sh ends with
 * `main "$@"` and so runs its first argument: `:` makes it do nothing but define its functions. POSIX has no arguments
 * for `.`, so they are set before. Exit codes 120 to 122 are ours, as no dnsapi function returns them.
 */
export const WRAPPER = `
_dns01_acme=$1 _dns01_api=$2 _dns01_function=$3 _dns01_name=$4 _dns01_value=$5
umask 077
set -- :
. "$_dns01_acme" >/dev/null || exit 120
set --
. "$_dns01_api" >/dev/null || exit 121
command -v "$_dns01_function" >/dev/null || exit 122
"$_dns01_function" "$_dns01_name" "$_dns01_value" || exit 1
`;

/** The wrapper's own exit codes. */
export const EXIT = { acmeNotRead: 120, apiNotRead: 121, noFunction: 122 } as const;
