import { version } from '../../package.json';
import { readPages } from '../../scripts/site/pages.ts';
import { withPolicy } from '../../scripts/site/policy.ts';
import { sidebar } from '../../scripts/site/sidebar.ts';

export default {
  srcDir: '.vitepress/pages',
  lang: 'en',
  title: 'dns01',
  cleanUrls: false,
  // A reader gets the pages that they open, not all that a page links to.
  router: { prefetchLinks: false },
  head: [
    ['link', { rel: 'icon', type: 'image/svg+xml', href: '/icon.svg' }],
    ['meta', { name: 'referrer', content: 'no-referrer' }],
  ],
  // A style element that hides the change of colours for a moment is against the page's own policy.
  appearance: { disableTransition: false },
  transformHtml: withPolicy,
  markdown: {
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    // As GitHub makes them, so that the same links work at both places.
    anchor: { slugify: githubAnchor },
  },
  themeConfig: {
    logo: { src: '/icon.svg', alt: '' },
    nav: [
      { text: 'Install', link: '/install' },
      { text: 'Providers', link: '/providers/' },
      { text: 'Clients', link: '/hooks/' },
      { text: 'Troubleshooting', link: '/troubleshooting' },
      { text: version, link: '/changelog' },
    ],
    sidebar: sidebar(readPages()),
    outline: [2, 3],
    search: {
      provider: 'local',
      options: {
        miniSearch: {
          searchOptions: { fuzzy: 0.1, prefix: true, combineWith: 'AND', boost: { title: 6, titles: 2, text: 1 } },
        },
      },
    },
    externalLinkIcon: true,
  },
};

function githubAnchor(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}
