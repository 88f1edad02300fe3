import { badCall, type HookClient } from './hook-call.ts';

/** acme.sh, through the dnsapi file that comes with dns01. acme.sh queries public resolvers itself. */
export const acmeSh: HookClient = {
  usage: ['acme.sh add NAME VALUE', 'acme.sh rm NAME VALUE', 'acme.sh --install [DIR]'],
  waits: false,
  // After a failed add it removes only what earlier adds published.
  undoesFailedAdd: true,
  forgivesFailedRemove: false,
  translate(args) {
    const [verb, name, value, ...more] = args;
    if (!name || !value || more.length > 0) throw badCall('acme.sh', args, acmeSh.usage);
    const challenges = [{ name, value }];
    if (verb === 'add') return { action: 'add', challenges };
    if (verb === 'rm') return { action: 'remove', challenges };
    throw badCall('acme.sh', args, acmeSh.usage);
  },
};
