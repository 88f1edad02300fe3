import { Dns01Error } from '../../src/errors.ts';
import type { CommandOutcome } from '../../src/provider.ts';
import type { AcmeshFiles } from './files.ts';
import { EXIT } from './wrapper.ts';

/** A failed call as an error. A script that ran and failed may have written before it did. */
export function failedWith(call: string, { exitCode, complaint }: CommandOutcome, files: AcmeshFiles): Dns01Error {
  const told = complaint === '' ? '' : `: ${complaint}`;
  switch (exitCode) {
    case EXIT.acmeNotRead:
      return new Dns01Error('E_CONFIG', `${call}: ${files.acme} cannot be read by the shell${told}`, {
        hint: 'check that it is the file acme.sh, and whole',
      });
    case EXIT.apiNotRead:
      return new Dns01Error('E_CONFIG', `${call}: ${files.api} cannot be read by the shell${told}`, {
        hint: 'a script for bash needs shell: /bin/bash',
      });
    case EXIT.noFunction:
      return new Dns01Error('E_CONFIG', `${call}: ${files.api} has no function of that name`, {
        hint: 'check that it is a dnsapi script of acme.sh, and whole',
      });
  }
  return new Dns01Error('E_REJECTED', `${call}: failed (exit code ${exitCode})${told}`, {
    outcomeUnknown: true,
    hint: 'check the credentials in env, and see all that the script says with --verbose; a script for bash needs shell: /bin/bash',
  });
}
