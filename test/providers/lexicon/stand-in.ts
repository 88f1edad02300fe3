/**
 * A stand-in for the lexicon executable, as 3.11.7 behaves: options before and after, credentials from the environment,
 * JSON on the last line, tracebacks on stderr. It keeps `NAME VALUE` lines in a file.
 */
export const STAND_IN = (directory: string) => `#!/bin/sh
tr '\\0' ' ' </proc/$$/cmdline >>'${directory}/cmdlines'
echo >>'${directory}/cmdlines'
echo "$*" >>'${directory}/calls'
if [ "$2" = --help ]; then
  [ "$1" = file ] || { echo "lexicon: error: argument provider_name: invalid choice: '$1'" >&2; exit 2; }
  exit 0
fi
action=$4 zone=$5
for arg; do
  case $arg in
    --name=*) name=\${arg#--name=} ;;
    --content=*) content=\${arg#--content=} ;;
  esac
done
touch '${directory}/records'
[ -f '${directory}/before' ] && . '${directory}/before'
if [ "$LEXICON_FILE_AUTH_TOKEN" != right ]; then
  echo 'Traceback (most recent call last):' >&2
  echo "lexicon.exceptions.AuthenticationError: token $LEXICON_FILE_AUTH_TOKEN is wrong" >&2
  exit 1
fi
if [ "$zone" != example.com ]; then
  echo 'Exception: No domain found' >&2
  exit 1
fi
case $action in
  list)
    echo 'some warning'
    printf '['
    comma=
    while read -r owner value; do
      [ "$owner" = "$name" ] || continue
      printf '%s{"type": "TXT", "name": "%s", "ttl": 60, "content": "%s", "id": "1"}' "$comma" "$owner" "$value"
      comma=', '
    done <'${directory}/records'
    echo ']'
    ;;
  create) grep -qxF -e "$name $content" '${directory}/records' || echo "$name $content" >>'${directory}/records' ;;
  delete)
    grep -vxF -e "$name $content" '${directory}/records' >'${directory}/records.new'
    mv '${directory}/records.new' '${directory}/records'
    ;;
esac
[ -f '${directory}/after' ] && . '${directory}/after'
[ "$action" = list ] || echo true
`;
