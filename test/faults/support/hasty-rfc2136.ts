import rfc2136, { createUpdates } from '../../../providers/rfc2136/index.ts';

/** The provider itself, but that it gives an answer up after a moment. */
export default {
  ...rfc2136,
  create: (...[access, context]: Parameters<typeof rfc2136.create>) =>
    createUpdates(access, context, { timeoutMs: 350 }),
};
