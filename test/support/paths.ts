import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** The built executable of that name. */
export const bundleOf = (program: string): string => `${root}dist/${program}.cjs`;
export const bundle = bundleOf('start');
