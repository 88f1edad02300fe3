import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CLOUDFLARE_TOKEN } from '../fakes/cloudflare.ts';
import { root } from '../support/paths.ts';
import { describeLab } from './lab/describe-lab.ts';
import { missingOf } from './lab/programs.ts';
import type { Step, Way } from './ways/way.ts';

const run = promisify(execFile);
const why = whyNotHere();

describeLab(`from the Debian package to a certificate${why ? ` (not here: ${why})` : ''}`, () => {
  let folder: string;
  let init: Way;
  let imported: Way;
  beforeAll(async () => {
    if (why) return;
    folder = await mkdtemp(join(tmpdir(), 'dns01-ways-'));
    await run('npm', ['run', '-s', 'package', '--', folder], { cwd: root });
    const [deb = ''] = await readdir(folder);
    const walk = ['node', '--import', 'tsx', 'test/e2e/ways/walk.ts', join(folder, deb)];
    const { stdout } = await run('unshare', ['--mount', '--net', ...walk], { cwd: root, maxBuffer: 1e7 });
    ({ init, imported } = JSON.parse(stdout));
  }, 180_000);
  afterAll(() => folder && rm(folder, { recursive: true }));

  it.skipIf(why)(
    'init needs four answers and no option, and the line that it prints gets the certificate',
    async () => {
      expectCertificate(init, 120);
      const [install, asked, certbot] = init.steps as [Step, Step, Step];
      expect(install.code, install.screen).toBe(0);
      expect(asked.answers).toBe(4);
      expect(asked.screen).not.toMatch(/^(warning|not checked|BAD|dns01:)/m);
      const session = `$ dns01 init\n${asked.screen.trim()}\n\n$ ${certbot.line.replaceAll('\n', '\n> ')}\n${excerpt(certbot)}`;
      await expectRecorded('docs/first-certificate.md', session);
    },
  );

  it.skipIf(why)("import takes acme.sh's credentials, and what it says to run gets the certificate", async () => {
    expectCertificate(imported, 60);
    const [, refused, left, shown, ...next] = imported.steps as [Step, Step, Step, Step, ...Step[]];
    expect(refused.screen).toContain('nothing was written');
    expect(left.screen.trim()).toBe('');
    for (const { code, screen } of next) expect(code, screen).toBe(0);
    await expectRecorded('docs/import.md', `$ dns01 import acme.sh\n${shown.screen.trim()}`);
  });
});

function expectCertificate({ names, seconds, steps, files }: Way, atMostSeconds: number): void {
  expect(names, steps.at(-1)?.screen).toEqual(['*.example.com', 'example.com']);
  expect(seconds).toBeLessThan(atMostSeconds);
  for (const { shown } of steps) expect(shown).not.toContain(CLOUDFLARE_TOKEN);
  const written = { '/etc/dns01/config.yaml': '600', '/etc/dns01/cloudflare.token': '600' };
  expect(files).toEqual({ '/etc/dns01': '755', ...written });
}

/** A page shows this session. DNS01_RECORD=1 writes it there. */
async function expectRecorded(file: string, session: string): Promise<void> {
  const page = await readFile(root + file, 'utf8');
  const current = page.replace(FENCE, (_, before) => `${before}${steady(session)}\n\`\`\`\n`);
  if (process.env['DNS01_RECORD']) await writeFile(root + file, current);
  else expect(page, `${file} is out of date: npm run recordings`).toBe(current);
}

const FENCE = /(```console\n).*?^```\n/ms;

/** Without what differs from run to run. */
const steady = (session: string): string =>
  session
    .replace(/[\w-]{43}(?= at\b)/, 'LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ')
    .replace(/after \d+\.\d s/g, 'after 0.1 s')
    .replace(/within \d+ s of/, 'within 1 s of');

/** The part of certbot's output that says what it did. */
const excerpt = ({ screen }: Step): string =>
  (screen.match(/^(Requesting|Successfully|Certificate is|Key is).*$/gm) ?? []).join('\n');

/** A copy of this machine needs mounts and a network of its own. */
function whyNotHere(): string {
  const missing = missingOf(['dpkg', 'dpkg-deb', 'ip', 'script', 'unshare'] as const);
  if (missing.length > 0) return `missing: ${missing.join(', ')}`;
  const layers = 'mount -t tmpfs tmpfs /mnt && mkdir /mnt/a /mnt/b /mnt/c';
  const overlay = 'mount -t overlay -o lowerdir=/,upperdir=/mnt/a,workdir=/mnt/b overlay /mnt/c';
  try {
    execFileSync('unshare', ['--mount', '--net', 'sh', '-c', `${layers} && ${overlay}`], { stdio: 'ignore' });
    return '';
  } catch {
    return 'no right to mount an overlay';
  }
}
