export type Shell = keyof typeof SCRIPTS;

/** The completion for a shell. It asks dns01 itself for the candidates, which thus fit this version and its config. */
export const completionFor = (shell: Shell): string => SCRIPTS[shell];

const SCRIPTS = {
  bash: `_dns01() {
  local word
  COMPREPLY=()
  while IFS=$'\\t' read -r word _; do COMPREPLY+=("$word"); done < <(
    dns01 complete-words -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null
  )
}
complete -o default -F _dns01 dns01
`,
  zsh: `#compdef dns01
_dns01() {
  local line
  local -a candidates
  for line in "\${(@f)$(dns01 complete-words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -n $line ]] && candidates+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  if (( $#candidates )); then _describe dns01 candidates; else _files; fi
}
if [[ $funcstack[1] == _dns01 ]]; then _dns01 "$@"; else compdef _dns01 dns01; fi
`,
  fish: `function __dns01_words
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    dns01 complete-words -- $words[2..-1] "$current" 2>/dev/null
end
complete -c dns01 -f -a '(__dns01_words)'
complete -c dns01 -l config -r -F
`,
} as const;
