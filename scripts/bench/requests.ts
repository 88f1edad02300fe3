import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startPanels } from '../../test/support/panels.ts';

const bundle = fileURLToPath(new URL('../../dist/dns01.cjs', import.meta.url));
const VALUE = 'LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ';

/** Requests that a batch of adds and then of removes costs at each provider, zones known, for 1, 10 and 100 names. */
export async function benchRequests(): Promise<string[]> {
  const lines = ['| provider | names | to add | to remove | a name |', '|---|---|---|---|---|'];
  for (const [provider, domain] of [
    ['ispconfig', 'example.com'],
    ['zoneid', 'example.ee'],
  ] as const) {
    for (const names of [1, 10, 100]) {
      const { added, removed } = await countRequests(provider, domain, names);
      lines.push(`| ${provider} | ${names} | ${added} | ${removed} | ${((added + removed) / names).toFixed(2)} |`);
    }
  }
  return lines;
}

async function countRequests(provider: 'ispconfig' | 'zoneid', domain: string, names: number) {
  const directory = mkdtempSync(join(tmpdir(), 'dns01-bench-'));
  const panels = await startPanels();
  const config = join(directory, 'dns01.yaml');
  // The budget is not what is counted here: each run begins with a fresh ledger.
  writeFileSync(config, panels.config, { mode: 0o600 });
  const batch = (action: string, state: string) => {
    const line = (index: number) =>
      JSON.stringify({ action, name: `_acme-challenge.n${index}.${domain}`, value: VALUE });
    const input = Array.from({ length: names }, (_, index) => `${line(index)}\n`).join('');
    return run(['--config', config, 'batch', '--no-wait'], input, join(directory, state));
  };
  const calls = () => panels[provider].server.takeCalls().length;
  try {
    await batch('add', 'state');
    const added = calls();
    await batch('remove', 'state');
    return { added, removed: calls() };
  } finally {
    await panels.close();
    rmSync(directory, { recursive: true });
  }
}

function run(args: readonly string[], input: string, state: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [bundle, ...args], {
      env: { DNS01_STATE_DIR: state },
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    child.stdin.end(input);
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`the batch ended with ${code}`))));
  });
}
