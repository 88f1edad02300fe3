/** The exports of `import 'dns01'`: the contract of a provider, and its errors. */
export { Dns01Error, type ErrorCode, isDns01Error } from './errors.ts';
export * from './provider.ts';
