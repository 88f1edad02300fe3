import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { scripts, version } from '../package.json';
import lock from '../package-lock.json';
import { root } from './support/paths.ts';

/** Tags of the commit that is checked out. None where there is no git, or no repository. */
function tags(): readonly string[] {
  try {
    const text = execFileSync('git', ['tag', '--points-at', 'HEAD'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return text.split('\n').filter((tag) => /^v\d/.test(tag));
  } catch {
    return [];
  }
}

it('package.json, package-lock.json, CHANGELOG.md and the tag agree on the version', async () => {
  const changelog = await readFile(`${root}CHANGELOG.md`, 'utf8');
  const [, newest, note] = /^## (\S+)(?: \(([^)]*)\))?$/m.exec(changelog) ?? [];
  const isReleased = note !== 'unreleased';
  expect(newest).toBe(version);
  expect(note).toMatch(/^(unreleased|\d{4}-\d{2}-\d{2})$/);
  expect(lock.version).toBe(version);
  expect(lock.packages[''].version).toBe(version);
  // A tag is only for what the changelog calls released.
  expect(tags().filter((tag) => !isReleased || tag !== `v${version}`)).toEqual([]);
});

it.each(['README.md', 'docs/install.md'])('the file names of packages in %s have that version', async (page) => {
  const text = await readFile(root + page, 'utf8');
  const versions = [...text.matchAll(/dns01[-_](\d+\.\d+\.\d+)/g)].map(([, found]) => found);
  expect(new Set(versions)).toEqual(new Set([version]));
});

it('the release workflow uses actions of a fixed commit, and no token that is stored', async () => {
  const text = await readFile(`${root}.github/workflows/release.yml`, 'utf8');
  const { jobs } = parse(text) as { jobs: Record<string, { steps: { uses?: string; run?: string }[] }> };
  const steps = Object.values(jobs).flatMap((job) => job.steps);
  const used = steps.flatMap(({ uses }) => uses ?? []);
  expect(used.length).toBeGreaterThan(0);
  for (const action of used) expect(action).toMatch(/^actions\/[\w-]+@[0-9a-f]{40}$/);
  expect(text).not.toMatch(/secrets\./);
  for (const [, script] of steps.flatMap(({ run: line = '' }) => [...line.matchAll(/npm run (?:-s )?([\w:-]+)/g)]))
    expect(Object.keys(scripts)).toContain(script);
});
