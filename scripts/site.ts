// npm run site: builds the site in docs/.vitepress/dist. With --serve it is shown afterwards, with --dev while you write.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync, watch } from 'node:fs';
import { root } from '../test/support/paths.ts';
import { clearStage, SITE, stage } from './site/stage.ts';

const [mode = '--build', ...others] = process.argv.slice(2);
if (others.length > 0 || !['--build', '--serve', '--dev'].includes(mode)) {
  process.stderr.write('usage: npm run site [-- --serve | --dev]\n');
  process.exit(64);
}

if (changedAt(`${SITE}node_modules/.package-lock.json`) < changedAt(`${SITE}package-lock.json`))
  await run('npm', 'ci', '--ignore-scripts');
clearStage();
stage();
if (mode === '--dev') {
  stageAgain();
  await vitepress('dev');
} else {
  await vitepress('build');
  if (mode === '--serve') await vitepress('preview');
}

/** The site has packages of its own, so that the project's `npm ci` does not grow by them. */
function vitepress(verb: string): Promise<void> {
  return run('node_modules/.bin/vitepress', verb, '..');
}

async function run(program: string, ...args: string[]): Promise<void> {
  const child = spawn(program, args, { cwd: SITE, stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) process.exit(code ?? 1);
}

function stageAgain(): void {
  watch(`${root}docs`, { recursive: true }, (_, file) => {
    if (file === null || file.startsWith('.vitepress')) return;
    try {
      stage();
    } catch (error) {
      process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    }
  });
}

function changedAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
