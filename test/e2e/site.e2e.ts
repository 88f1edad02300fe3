import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../support/paths.ts';
import { serveFolder } from './site/serve.ts';

const run = promisify(execFile);
const CHROMIUM = '/usr/bin/chromium';
const TABS = 3;
const DIST = `${root}docs/.vitepress/dist/`;
const IN_PAGE = readFileSync(`${root}test/e2e/site/in-page.js`, 'utf8');

interface Described {
  readonly lang: string;
  readonly title: string;
  readonly description: string;
  readonly links: readonly string[];
  readonly anchors: readonly string[];
  readonly tooWide: number;
  readonly brokenPictures: readonly string[];
}

const why = existsSync(CHROMIUM) ? '' : ' (missing: chromium)';

describe.skipIf(why !== '')(`the site${why}`, () => {
  let server: Awaited<ReturnType<typeof serveFolder>>;
  let browser: Browser;

  beforeAll(async () => {
    await run('npm', ['run', '-s', 'site'], { cwd: root });
    server = await serveFolder(DIST);
    const isRoot = process.getuid?.() === 0;
    browser = await chromium.launch({ executablePath: CHROMIUM, args: isRoot ? ['--no-sandbox'] : [] });
  }, 180_000);
  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  /** With everything that goes wrong in it, and every address that it asks for. */
  async function open(options: Parameters<Browser['newContext']>[0] = {}) {
    const context = await browser.newContext(options);
    const problems: string[] = [];
    const origins = new Set<string>();
    context.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning')
        problems.push(`${message.page()?.url()}: ${message.text()}`);
    });
    context.on('weberror', (error) => problems.push(`${error.page()?.url()}: ${error.error().message}`));
    context.on('request', (request) => origins.add(new URL(request.url()).origin));
    context.on('response', (response) => {
      if (response.status() >= 400) problems.push(`${response.url()}: ${response.status()}`);
    });
    return { context, problems, origins };
  }

  it('is whole at 360 pixels: links, anchors, titles, pictures, nothing wider than the screen', async () => {
    const { context, problems, origins } = await open({ viewport: { width: 360, height: 740 }, colorScheme: 'dark' });
    const files = (await readdir(DIST, { recursive: true })).filter((file) => /(?<!^404)\.html$/.test(file));
    const addresses = files.map((file) => server.url + file.replace(/(^|\/)index\.html$/, '$1'));
    const pages = await describeAll(context, addresses);
    expect(reachable(pages, server.url)).toEqual(addresses.sort());
    for (const [address, page] of pages) {
      expect.soft(page, address).toMatchObject({
        lang: 'en',
        title: expect.stringMatching(/\bdns01\b/),
        description: expect.stringMatching(/^(?!A VitePress site).{20,}/),
        tooWide: 0,
        brokenPictures: [],
      });
      expect.soft(brokenLinks(page, pages, server.url), address).toEqual([]);
    }
    expect(new Set([...pages.values()].map(({ title }) => title)).size).toBe(pages.size);
    expect([...origins]).toEqual([new URL(server.url).origin]);
    expect(problems).toEqual([]);
    await context.close();
  });

  it.each(['light', 'dark'] as const)('has enough contrast in %s', async (colorScheme) => {
    const { context, problems } = await open({ colorScheme });
    const page = await context.newPage();
    for (const path of [
      '',
      'providers/cloudflare.html',
      'benchmarks.html',
      'commands.html',
      'messages.html',
      'hooks/',
    ]) {
      await page.goto(server.url + path);
      expect(await page.evaluate('document.documentElement.classList.contains("dark")')).toBe(colorScheme === 'dark');
      expect(await page.evaluate(`${IN_PAGE}\nfaintTexts()`), path).toEqual([]);
    }
    expect(problems).toEqual([]);
    await context.close();
  });

  it.each([
    ['a provider by its name', 'hetzner', /^Hetzner/],
    ['a provider by an option', 'clientIp', /Namecheap/],
    ['a message by its words', 'these credentials were refused', /^Messages/],
    ['an exit code', 'exit code 77', /^Troubleshooting.*77|^Messages.*77/],
  ])('its search finds %s', async (_, words, expected) => {
    const { context, problems, origins } = await open();
    const page = await context.newPage();
    await page.goto(server.url);
    expect(await search(page, words)).toEqual(expect.arrayContaining([expect.stringMatching(expected)]));
    await page.keyboard.press('Enter');
    await page.waitForURL((url) => url.pathname !== '/');
    expect([...origins]).toEqual([new URL(server.url).origin]);
    expect(problems).toEqual([]);
    await context.close();
  });

  it('lets nothing in from elsewhere, even if a page asked for it', async () => {
    const { context, problems } = await open();
    const page = await context.newPage();
    await page.goto(`${server.url}wait.html`);
    await page.evaluate(`
      document.body.append(Object.assign(new Image(), { src: 'http://127.0.0.2:9/picture' }));
      document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.isInside = true' }));
    `);
    await expect.poll(() => problems.length).toBe(2);
    expect(problems.join('\n')).toMatch(/Content Security Policy[\s\S]*Content Security Policy/);
    expect(await page.evaluate('window.isInside')).toBeUndefined();
    await context.close();
  });
});

/** Several at a time. */
async function describeAll(context: BrowserContext, addresses: readonly string[]): Promise<Map<string, Described>> {
  const pages = new Map<string, Described>();
  const waiting = [...addresses];
  const visit = async (page: Page) => {
    for (let address = waiting.pop(); address !== undefined; address = waiting.pop()) {
      await page.goto(address);
      pages.set(address, (await page.evaluate(`${IN_PAGE}\ndescribePage()`)) as Described);
    }
  };
  await Promise.all(Array.from({ length: TABS }, async () => visit(await context.newPage())));
  return pages;
}

/** The pages that a reader can come to by links alone. */
function reachable(pages: ReadonlyMap<string, Described>, start: string): string[] {
  const found = new Set([start]);
  for (const address of found) {
    for (const link of pages.get(address)?.links ?? []) {
      const [target = ''] = link.split('#');
      if (pages.has(target)) found.add(target);
    }
  }
  return [...found].sort();
}

/** Links of a page to what the site does not have. */
function brokenLinks({ links }: Described, pages: ReadonlyMap<string, Described>, start: string): string[] {
  return links.filter((link) => {
    if (!link.startsWith(start)) return false;
    const [target = '', anchor] = link.split('#').map(decodeURIComponent);
    if (target.startsWith(`${start}files/`)) return !existsSync(DIST + target.slice(start.length));
    const page = pages.get(target);
    return page === undefined || (anchor !== undefined && !page.anchors.includes(anchor));
  });
}

/** The titles of what the search finds. */
async function search(page: Page, words: string): Promise<string[]> {
  const input = page.locator('.VPLocalSearchBox input');
  // The page takes keys as soon as its script runs.
  await expect.poll(() => page.keyboard.press('Control+k').then(() => input.isVisible())).toBe(true);
  await input.fill(words);
  await page.locator('.VPLocalSearchBox .result').first().waitFor();
  const titles = await page.locator('.VPLocalSearchBox .result .titles').allInnerTexts();
  return titles.map((title) => title.replaceAll(/\s*\n\s*/g, ' ').replace(/^# ?/, ''));
}
