/** The exports of `import 'dns01'`: the contract of a provider, its errors, and the parts of zod for its options. */
export { Dns01Error, type ErrorCode, isDns01Error } from './errors.ts';
export * from './provider.ts';
export * as z from './zod-parts.ts';
