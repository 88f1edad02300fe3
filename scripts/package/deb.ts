// Builds dist/package/dns01_VERSION_all.deb, or one in the folder that is named: the program, man pages, completions, units, docs.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { version, description } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as Record<string, string>;

const DOC = 'usr/share/doc/dns01';
const UNITS = 'usr/lib/systemd/system';
const MAN = 'usr/share/man/man1';

/** Where the package's files come from, by the folder that they go to. */
const FILES: Readonly<Record<string, readonly string[]>> = {
  'usr/lib/dns01': ['dist/dns01.cjs', 'dist/start.cjs', 'dist/dns01-hook.cjs'],
  [DOC]: [
    ...['README.md', 'SECURITY.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'config.example.yaml', 'docs'],
    'dist/dns01.cjs.LEGAL.txt',
  ],
  // A page of the docs links to it.
  [`${DOC}/scripts/package`]: ['scripts/package/Containerfile'],
  [UNITS]: readdirSync(`${root}docs/systemd`).map((unit) => `docs/systemd/${unit}`),
};

const PROGRAMS = { dns01: 'start.cjs', 'dns01-hook': 'dns01-hook.cjs' };
const PROGRAM_FILES = new Set(['dns01.cjs', ...Object.values(PROGRAMS)]);
const COMPLETIONS = {
  bash: 'bash-completion/completions/dns01',
  zsh: 'zsh/vendor-completions/_dns01',
  fish: 'fish/vendor_completions.d/dns01.fish',
};
const COPYRIGHT = `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: dns01

Files: *
Copyright: 2026 the dns01 authors
License: MIT
Comment: The program contains code of the packages in dns01.cjs.LEGAL.txt beside
 this file, with their licences.

License: MIT
@LICENSE@
`;

/** Reproducible where SOURCE_DATE_EPOCH is set (reproducible-builds.org). */
const SECONDS = Number(process.env['SOURCE_DATE_EPOCH'] ?? Math.floor(Date.now() / 1000));
const MAINTAINER = 'The dns01 authors <maintainers@dns01.invalid>';

const stage = mkdtempSync(join(tmpdir(), 'dns01-deb-'));
try {
  execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: root, stdio: 'inherit' });
  fill();
  describe();
  const out = resolve(root, process.argv[2] ?? 'dist/package');
  mkdirSync(out, { recursive: true });
  const file = join(out, `dns01_${version}_all.deb`);
  const env = { ...process.env, SOURCE_DATE_EPOCH: String(SECONDS) };
  execFileSync('dpkg-deb', ['--root-owner-group', '-Zxz', '--build', stage, file], { env, stdio: 'ignore' });
  process.stdout.write(`${relative(root, file)}\n`);
} finally {
  rmSync(stage, { recursive: true, force: true });
}

function fill(): void {
  for (const [folder, sources] of Object.entries(FILES)) {
    for (const source of sources)
      cpSync(join(root, source), join(stage, folder, basename(source)), { recursive: true, filter: isNoSite });
  }
  rmSync(join(stage, DOC, 'docs/man'), { recursive: true });
  for (const unit of readdirSync(join(stage, UNITS))) link(`${DOC}/docs/systemd/${unit}`, `${UNITS}/${unit}`);
  link(`${DOC}/examples/config.example.yaml`, `${DOC}/config.example.yaml`);
  for (const [name, file] of Object.entries(PROGRAMS)) link(`usr/bin/${name}`, `usr/lib/dns01/${file}`);
  for (const [shell, path] of Object.entries(COMPLETIONS)) {
    put(`usr/share/${path}`, execFileSync(process.execPath, [join(root, 'dist/start.cjs'), 'completion', shell]));
  }
  for (const page of readdirSync(join(root, 'docs/man'))) {
    put(`${MAN}/${page}.gz`, zipped(readFileSync(join(root, 'docs/man', page))));
  }
  put(`${DOC}/copyright`, COPYRIGHT.replace('@LICENSE@', indented(readFileSync(join(root, 'LICENSE'), 'utf8'))));
  put(`${DOC}/changelog.gz`, zipped(changelog()));
  put('etc/default/dns01', readFileSync(join(root, 'scripts/package/default')));
  mkdirSync(join(stage, 'etc/dns01'));
}

/** The site is made from the same pages, with packages of its own. */
function isNoSite(path: string): boolean {
  return basename(path) !== '.vitepress';
}

/** The files that dpkg itself reads (deb-control(5)). */
function describe(): void {
  const files = readdirSync(stage, { recursive: true, withFileTypes: true });
  for (const entry of files) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) chmodSync(path, 0o755);
    else if (entry.isFile()) chmodSync(path, PROGRAM_FILES.has(entry.name) ? 0o755 : 0o644);
  }
  const sums = files
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const bytes = sums.reduce((sum, path) => sum + statSync(path).size, 0);
  const md5 = (path: string) => createHash('md5').update(readFileSync(path)).digest('hex');
  put('DEBIAN/md5sums', sums.map((path) => `${md5(path)}  ${relative(stage, path)}\n`).join(''));
  put('DEBIAN/conffiles', '/etc/default/dns01\n');
  put(
    'DEBIAN/control',
    `Package: dns01
Version: ${version}
Architecture: all
Maintainer: ${MAINTAINER}
Installed-Size: ${Math.ceil(bytes / 1024)}
Depends: nodejs (>= 20.18.1)
Suggests: certbot | lego | dehydrated | uacme
Section: net
Priority: optional
Description: ${description}
 dns01 publishes a value at the _acme-challenge name of a domain through the API
 of its DNS provider, waits until a certificate authority would see it, and
 removes exactly that value.
`,
  );
  for (const script of ['prerm', 'postrm', 'postinst']) {
    put(`DEBIAN/${script}`, readFileSync(join(root, 'scripts/package', script)));
    chmodSync(join(stage, 'DEBIAN', script), 0o755);
  }
}

function put(path: string, content: string | Buffer): void {
  mkdirSync(dirname(join(stage, path)), { recursive: true });
  writeFileSync(join(stage, path), content);
}

function link(path: string, target: string): void {
  const file = join(stage, path);
  mkdirSync(dirname(file), { recursive: true });
  rmSync(file, { force: true });
  symlinkSync(relative(dirname(file), join(stage, target)), file);
}

function zipped(text: string | Buffer): Buffer {
  return gzipSync(text, { level: 9 });
}

/** Debian's own form; the project's CHANGELOG.md is beside it. */
function changelog(): string {
  const day = new Date(SECONDS * 1000).toUTCString().replace('GMT', '+0000');
  return `dns01 (${version}) unstable; urgency=medium\n\n  * CHANGELOG.md tells what is new.\n\n -- ${MAINTAINER}  ${day}\n`;
}

function indented(text: string): string {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => (line === '' ? ' .' : ` ${line}`))
    .join('\n');
}
