import { expect, it } from 'vitest';
import { messagesOf } from '../scripts/docs/read-messages.ts';
import { withLinks } from '../scripts/site/links.ts';
import { readPages } from '../scripts/site/pages.ts';
import { sidebar } from '../scripts/site/sidebar.ts';
import { startPage } from '../scripts/site/start.ts';

it('every page of docs/ is in the sidebar of the site', () => {
  const pages = readPages();
  const links = sidebar(pages).flatMap(({ items }) => items.map(({ link }) => link));
  expect(links).toHaveLength(pages.length);
  expect(new Set(links).size).toBe(pages.length);
  const [first] = pages;
  expect(() => sidebar([...pages, { ...first, target: 'forgotten.md' } as (typeof pages)[number]])).toThrow(
    'forgotten',
  );
});

it('the start page has the path of two minutes from README.md', () => {
  const { text } = withLinks(startPage(), 'README.md', 'index.md');
  expect(text).toContain('## Two minutes with certbot');
  expect(text).toContain('](./first-certificate.md)');
});

it('links lead to pages of the site, or to the text of a file', () => {
  const text = 'See [a](README.md#x), [`b`](../../config.example.yaml), `[c](none.md)` and <https://example.com>.';
  const linked = withLinks(text, 'docs/hooks/lego.md', 'hooks/lego.md');
  expect(linked.text).toBe(
    'See [a](./index.md#x), [`b`](/files/config.example.yaml.txt), `[c](none.md)` and <https://example.com>.',
  );
  expect(linked.files).toEqual(['config.example.yaml']);
  expect(() => withLinks('[c](none.md)', 'docs/wait.md', 'wait.md')).toThrow('none.md is no file');
});

it('messages are read from the code with their hints', () => {
  const source = `
    const hint = 'check the token';
    throw new Dns01Error('E_AUTH', \`the token of \${name} ended\`, { hint });
    refuse('E_USAGE', isOne ? 'one name is missing' : 'names are missing');
    const refusals = { 404: { code: 'E_ZONE', text: 'there is no such zone', hint: 'look at it' } };
    if (error.code === 'E_RATE') log('E_RATE');
  `;
  expect(messagesOf('providers/mine/index.ts', source).map(({ code, text, hint }) => [code, text, hint])).toEqual([
    ['E_AUTH', 'the token of … ended', 'check the token'],
    ['E_USAGE', 'one name is missing', undefined],
    ['E_USAGE', 'names are missing', undefined],
    ['E_ZONE', 'there is no such zone', 'look at it'],
  ]);
});
