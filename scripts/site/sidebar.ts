import type { Page } from './pages.ts';

interface Group {
  readonly text: string;
  /** Files of the site without .md. A name that ends with a slash has all pages of that folder, its own first. */
  readonly pages: readonly string[];
  readonly collapsed?: boolean;
}

/** The order of the pages. Their titles come from the pages themselves. */
const GROUPS: readonly Group[] = [
  { text: 'Start', pages: ['install', 'first-certificate', 'import', 'containers', 'config', 'commands'] },
  { text: 'Check and debug', pages: ['wait', 'check', 'doctor', 'troubleshooting', 'messages'] },
  { text: 'Operate', pages: ['upgrade', 'uninstall', 'sweep', 'batch', 'persist'] },
  { text: 'Several machines', pages: ['gateway', 'fleet', 'state'] },
  { text: 'Security', pages: ['security', 'report-a-problem'] },
  { text: 'Clients', pages: ['hooks/', 'clients-matrix'] },
  { text: 'Providers', pages: ['providers/'], collapsed: true },
  { text: 'Project', pages: ['benchmarks', 'tested', 'changelog', 'design', 'new-provider', 'contributing'] },
];

interface Item {
  readonly text: string;
  readonly link: string;
}

/** Fails if a page is in no group, because then nobody would find it. */
export function sidebar(pages: readonly Page[]): { text: string; collapsed?: boolean; items: Item[] }[] {
  const left = new Map(pages.map((page) => [page.target.replace(/\.md$/, ''), page]));
  const take = (name: string): Item => {
    const page = left.get(name);
    if (page === undefined) throw new Error(`scripts/site/sidebar.ts: there is no page ${name}`);
    left.delete(name);
    return { text: page.title, link: `/${name.replace(/(^|\/)index$/, '$1')}` };
  };
  const inFolder = (folder: string): Item[] => {
    const names = [...left.keys()].filter((name) => name.startsWith(folder) && name !== `${folder}index`);
    const items = names.map(take).sort((a, b) => a.text.localeCompare(b.text, 'en'));
    return [take(`${folder}index`), ...items];
  };
  const groups = GROUPS.map(({ pages: names, ...group }) => ({
    ...group,
    items: names.flatMap((name) => (name.endsWith('/') ? inFolder(name) : [take(name)])),
  }));
  if (left.size > 0) throw new Error(`scripts/site/sidebar.ts: no group has ${[...left.keys()].join(', ')}`);
  return groups;
}
