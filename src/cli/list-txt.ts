import { parseReadName } from '../challenge/challenge.ts';
import { valuesAt } from '../challenge/preview.ts';
import { WHOLE_CONFIG } from '../challenge/principal.ts';
import { isDelegatedZone } from '../challenge/route.ts';
import { findTarget } from '../challenge/target.ts';
import type { Io } from '../output/io.ts';
import { oneColumn } from '../output/text.ts';
import { withRun } from './open-run.ts';
import type { CommonOptions } from './options.ts';

/** `dns01 list-txt`: the values that the provider holds at a name, one a line. */
export function listTxt(text: string, options: CommonOptions, io: Io): Promise<void> {
  return withRun(options, io, async (run) => {
    const name = parseReadName(text, isDelegatedZone(run.config));
    const target = await findTarget(name, run, { principal: WHOLE_CONFIG, overrides: options });
    const account = await run.account(target.account);
    const { values } = await valuesAt(target, account);
    values.sort();
    const { type: provider } = account.definition;
    const document = { ok: true, action: 'list', name, account: account.name, provider, values };
    io.stdout(options.json ? `${JSON.stringify(document)}\n` : values.map((value) => `${oneColumn(value)}\n`).join(''));
    if (values.length === 0) run.log.info(`${name}: no TXT record at account ${account.name} (${provider})`);
  });
}
