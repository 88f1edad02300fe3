import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** The executable that npm installs under that name. */
export const bundleOf = (program: 'dns01' | 'dns01-hook'): string =>
  `${root}dist/${program === 'dns01' ? 'start' : program}.cjs`;
export const bundle = bundleOf('dns01');
