import { badCall, type HookClient } from './hook-call.ts';

/** simple-acme and win-acme, script plugin: `create {Identifier} {RecordName} {Token}`, with CNAMEs already followed. */
export const simpleAcme: HookClient = {
  usage: ['simple-acme create ID NAME VALUE', 'simple-acme delete ID NAME VALUE'],
  // It looks for the value itself before the CA does, but only a few times. Every hook takes two seconds anyway.
  waits: true,
  undoesFailedAdd: true,
  forgivesFailedRemove: false,
  translate(args) {
    const [verb, , name, value, ...more] = args;
    if (!name || !value || more.length > 0) throw badCall('simple-acme', args, simpleAcme.usage);
    const challenges = [{ name, value }];
    if (verb === 'create') return { action: 'add', challenges };
    if (verb === 'delete') return { action: 'remove', challenges };
    throw badCall('simple-acme', args, simpleAcme.usage);
  },
};
