import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { expect, it } from 'vitest';
import { protectDashValues } from '../src/cli/options.ts';
import { createProgram } from '../src/cli/program.ts';
import { createIo } from '../src/output/io.ts';
import { pagesIn } from './support/links.ts';
import { root } from './support/paths.ts';

const silent = createIo({ env: {}, stdout() {}, stderr() {}, isTerminal: false, stop: new AbortController().signal });

/** What a page tells somebody to run, each up to the next word of the shell that ends a command. */
function commandsOf(page: string): string[] {
  const blocks = [...page.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language, block = '']) => {
    const lines = block.replaceAll('\\\n', ' ');
    return language === 'console' ? (lines.match(/^\$ .*$/gm) ?? []).join('\n') : lines;
  });
  const prose = [...page.replace(/^```.*?^```$/gms, '').matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
  return [...blocks.flatMap((block) => block.split('\n')), ...prose].flatMap((line) =>
    [...line.matchAll(COMMAND)].map(([, words = '']) => words.trim()),
  );
}

const COMMAND =
  /(?:^(?:\$ )?|['"=@(]|bin\/|sudo |-- |[A-Z_]=\S+ )dns01 ([a-z][a-z-]*(?![\w/.:])(?:[^|;&<>#'"`)]|'[^']*'|"[^"]*")*)/g;

const wordsOf = (command: string): string[] =>
  [...command.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"]+)+/g)].map(([word]) => word.replace(/['"]/g, ''));

function allOf(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allOf)];
}

async function objection(command: string): Promise<string | undefined> {
  const program = createProgram(silent, '1', () => {});
  for (const each of allOf(program)) {
    each.exitOverride().configureOutput({ writeErr() {}, writeOut() {} });
    if (each !== program) each.action(() => {});
  }
  try {
    await program.parseAsync(protectDashValues(wordsOf(command)), { from: 'user' });
    return undefined;
  } catch (error) {
    const { message } = error as Error;
    // A sentence may name a verb alone.
    return message.includes('missing required argument') ? undefined : `dns01 ${command}: ${message}`;
  }
}

it('every command of the pages is one that dns01 has, with options that it has', async () => {
  const pages = ['README.md', 'SECURITY.md', ...(await pagesIn(`${root}docs`)).map((page) => `docs/${page}`)];
  const found: string[] = [];
  let count = 0;
  for (const page of pages) {
    for (const command of commandsOf(await readFile(root + page, 'utf8'))) {
      count++;
      const why = await objection(command);
      if (why) found.push(`${page}: ${why}`);
    }
  }
  expect(found).toEqual([]);
  expect(count).toBeGreaterThan(150);
});
