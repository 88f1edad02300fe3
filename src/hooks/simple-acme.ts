import { badCall, type HookClient } from './hook-call.ts';

/** simple-acme and win-acme, script plugin: `create {Identifier} {RecordName} {Token}`, CNAMEs followed already. */
export const simpleAcme: HookClient = {
  usage: ['simple-acme create ID NAME VALUE', 'simple-acme delete ID NAME VALUE'],
  // It looks itself before it lets the CA look, but only a few times; and it pays two seconds a hook anyway.
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
