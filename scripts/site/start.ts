import { readFileSync } from 'node:fs';
import { root } from '../../test/support/paths.ts';

/** The sections of README.md that the start page shows. */
const SECTIONS = ['Two minutes with certbot', 'Install'];

/** What the boxes of the start page say, and where they lead. */
const BOXES = [
  [
    'Find your provider',
    'Options, the least right that a login needs, and what to know before you rely on it.',
    '/providers/',
  ],
  [
    'Find your client',
    'certbot, lego, acme.sh, dehydrated, Apache, Ansible, Traefik, cert-manager and others.',
    '/hooks/',
  ],
  [
    'See what a CA sees',
    'dns01 check tells you whether a CA would issue for a name. It needs no account and no config.',
    '/check',
  ],
  ['Something failed?', 'Every exit code and every error message, and what to do about it.', '/troubleshooting'],
] as const;

/** The start page: what dns01 is, in the words of README.md, and its path of two minutes. */
export function startPage(): string {
  const readme = readFileSync(`${root}README.md`, 'utf8');
  const [, tagline = ''] = /^# dns01\n\n([\s\S]*?)\n\n/.exec(readme) ?? [];
  const promise = tagline
    .replace(/^.*?\. /s, '')
    .replaceAll('`', '')
    .replaceAll('\n', ' ');
  const hero = {
    name: 'dns01',
    text: 'One DNS-01 hook between every ACME client and every DNS provider',
    // VitePress takes it for HTML.
    tagline: promise.replaceAll('<', '&lt;'),
    actions: [
      { theme: 'brand', text: 'Two minutes', link: '#two-minutes-with-certbot' },
      { theme: 'alt', text: 'Install', link: '/install' },
      { theme: 'alt', text: 'Commands', link: '/commands' },
    ],
  };
  const features = BOXES.map(([title, details, link]) => ({ title, details, link }));
  const frontmatter = {
    layout: 'home',
    title: 'dns01',
    titleTemplate: hero.text,
    description: promise,
    hero,
    features,
  };
  return `---\n${JSON.stringify(frontmatter)}\n---\n\n${SECTIONS.map((heading) => sectionOf(readme, heading)).join('\n')}`;
}

function sectionOf(text: string, heading: string): string {
  const from = text.indexOf(`\n## ${heading}\n`) + 1;
  const to = text.indexOf('\n## ', from);
  if (from === 0) throw new Error(`README.md: there is no section "${heading}"`);
  return text.slice(from, to < 0 ? undefined : to + 1);
}
