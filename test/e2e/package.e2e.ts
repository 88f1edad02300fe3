import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { brokenLinks, pagesIn } from '../support/links.ts';
import { root } from '../support/paths.ts';

const run = promisify(execFile);
const has = (program: string): boolean => existsSync(`/usr/bin/${program}`);
const missing = ['dpkg-deb', 'dpkg', 'deb-systemd-helper'].filter((program) => !has(program));
const UNITS = 'usr/lib/systemd/system';
const why = [...missing, ...(process.getuid?.() === 0 ? [] : ['root'])].join(', ');

describe.skipIf(why !== '')(`the Debian package${why ? ` (missing: ${why})` : ''}`, () => {
  let system: string;
  let file: string;

  beforeAll(async () => {
    const { stdout } = await run('npm', ['run', '-s', 'package'], { cwd: root });
    file = join(root, stdout.trim());
    system = mkdtempSync(join(tmpdir(), 'dns01-deb-'));
    await mkdir(join(system, 'var/lib/dpkg/info'), { recursive: true });
    await mkdir(join(system, 'var/lib/dpkg/updates'), { recursive: true });
    await writeFile(join(system, 'var/lib/dpkg/status'), '');
  }, 60_000);
  afterAll(() => rmSync(system, { recursive: true, force: true }));

  /** In a root of its own, so that this machine stays as it is. Node is outside of it. */
  const dpkg = (...args: string[]) =>
    run('dpkg', [`--root=${system}`, '--force-script-chrootless', '--force-depends', ...args], {
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', DEBIAN_FRONTEND: 'noninteractive' },
    });

  it.skipIf(!has('lintian'))(
    `has nothing that lintian objects to${has('lintian') ? '' : ' (missing: lintian)'}`,
    async () => {
      const { stdout } = await run('lintian', ['--allow-root', '--fail-on', 'error,warning', file]);
      expect(stdout).toBe('');
    },
    60_000,
  );

  it('installs the program, its man pages, completions and units', async () => {
    await dpkg('--install', file);
    const program = join(system, 'usr/bin/dns01');
    expect((await run(process.execPath, [program, 'demo'])).stdout).toContain('_acme-challenge');
    const man = await readdir(join(system, 'usr/share/man/man1'));
    expect(man).toEqual(expect.arrayContaining(['dns01.1.gz', 'dns01-add-txt.1.gz']));
    const units = await readdir(join(system, UNITS));
    expect(units).toEqual(
      expect.arrayContaining(['dns01-serve.service', 'dns01-sweep.timer', 'dns01-nameserver.service']),
    );
    const completions = join(system, 'usr/share/bash-completion/completions/dns01');
    await run('bash', ['-n', completions]);
    expect(await readdir(join(system, 'usr/share/doc/dns01/docs'))).not.toContain('.vitepress');
    expect(await readdir(join(system, 'etc/systemd/system/timers.target.wants'))).toEqual(['dns01-sweep.timer']);
  }, 60_000);

  it('has every file that its documents link to', async () => {
    const docs = join(system, 'usr/share/doc/dns01');
    const pages = await pagesIn(docs);
    expect(pages).toContain('docs/containers.md');
    expect(await brokenLinks(docs, pages)).toEqual([]);
  });

  it.skipIf(!has('systemd-analyze'))(
    `has units that systemd understands${has('systemd-analyze') ? '' : ' (missing: systemd-analyze)'}`,
    async () => {
      const place = mkdtempSync(join(tmpdir(), 'dns01-units-'));
      const units = (await readdir(join(system, UNITS))).map((unit) => join(place, unit));
      for (const unit of units) {
        const text = await readFile(join(system, UNITS, basename(unit)), 'utf8');
        // systemd looks for programs in /usr/bin. There it is after a real installation.
        await writeFile(unit, text.replaceAll(/=dns01 /g, `=${system}/usr/bin/dns01 `));
      }
      const { stdout, stderr } = await run('systemd-analyze', ['verify', '--man=no', ...units]);
      rmSync(place, { recursive: true });
      expect(stdout + stderr).toBe('');
    },
  );

  it('leaves nothing after a purge', async () => {
    await mkdir(join(system, 'var/lib/dns01'), { recursive: true });
    await writeFile(join(system, 'etc/dns01/config.yaml'), 'accounts: {}\n');
    await run(process.execPath, [join(system, 'usr/bin/dns01'), '--version']);
    await dpkg('--purge', 'dns01');
    const left = (await readdir(system, { recursive: true })).filter((path) => path.includes('dns01'));
    expect(left).toEqual([]);
  }, 60_000);
});
