import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../support/paths.ts';
import { missingOf } from './lab/programs.ts';

/** A shell with its own readline, as a person uses it: what it makes of the words when the tabulator is pressed. */
const PRESS: Readonly<Record<string, (words: string) => string>> = {
  bash: (words) => `
    eval "$(dns01 completion bash)"
    complete -p dns01 >/dev/null || exit 1
    read -ra COMP_WORDS <<<'dns01 ${words}x'
    COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 ))
    COMP_WORDS[COMP_CWORD]=\${COMP_WORDS[COMP_CWORD]%x}
    _dns01
    printf '%s\\n' "\${COMPREPLY[@]}"`,
  zsh: (words) => `
    zmodload zsh/zpty
    zpty shell zsh -f -i
    zpty -w shell 'PS1=; unsetopt zle_bracketed_paste; autoload -U compinit; compinit -u -D; LISTMAX=999; stty cols 200'
    zpty -w shell 'eval "$(dns01 completion zsh)"; bindkey "^T" list-choices; print "LOA""DED"'
    zpty -r -m shell seen '*LOADED*'
    zpty -w -n shell 'dns01 ${words}'$'\\x14'
    zpty -r -m shell seen '* -- *'
    sleep 0.2
    while zpty -r -t shell more; do seen+=$more; done
    print -r -- $seen`,
  fish: (words) => `dns01 completion fish | source; complete -C 'dns01 ${words}' | string replace -r '\\t.*' ''`,
};

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dns01-completion-'));
  await symlink(`${root}dist/start.cjs`, join(directory, 'dns01'));
  const config = join(directory, 'config.yaml');
  await writeFile(
    config,
    'accounts:\n  office: { provider: embedded, zones: [example.com] }\n  other: { provider: embedded, zones: [example.org] }\nzones: { example.com: office, example.org: other }\n',
  );
  await chmod(config, 0o600);
});
afterAll(() => rm(directory, { recursive: true }));

async function press(shell: string, words: string): Promise<string[]> {
  const env = {
    PATH: `${directory}:${process.env['PATH']}`,
    DNS01_CONFIG: join(directory, 'config.yaml'),
    HOME: directory,
    TERM: 'xterm',
    LC_ALL: 'C.UTF-8',
  };
  const { stdout } = await promisify(execFile)(shell, ['-c', PRESS[shell]?.(words) ?? ''], { env, timeout: 20_000 });
  return stdout.split(/\u001b\[[\d;?]*[A-Za-z]|[\r\n ]+/).filter(Boolean);
}

describe.each(Object.keys(PRESS))('%s completes', (shell) => {
  const missing = missingOf([shell]);
  it.skipIf(missing.length > 0)(
    `commands, options, accounts and zones${missing.length > 0 ? ` (not installed: ${missing})` : ''}`,
    async () => {
      const [commands, accounts, names, options] = await Promise.all(
        ['li', 'zones --account o', 'add-txt _', 'doctor --is'].map((words) => press(shell, words)),
      );
      expect(commands).toContain('list-txt');
      expect(accounts).toEqual(expect.arrayContaining(['office', 'other']));
      expect(names).toEqual(expect.arrayContaining(['_acme-challenge.example.com', '_acme-challenge.example.org']));
      expect(options).toContain('--issuer');
    },
  );
});
