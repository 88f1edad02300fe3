import { Dns01Error, type ErrorCode } from '../../src/errors.ts';

/** What a program can say with its exit code (sysexits.h): the very codes that dns01 ends with itself. */
const MEANINGS: Readonly<Record<number, { code: ErrorCode; says: string; hint: string }>> = {
  65: { code: 'E_REJECTED', says: 'refused', hint: 'the program says that the provider will not take it' },
  68: { code: 'E_ZONE', says: 'no zone for the name', hint: 'the program says that it knows no zone for this name' },
  75: { code: 'E_REMOTE', says: 'failed for now', hint: 'the program says that it may work later' },
  77: {
    code: 'E_AUTH',
    says: 'not allowed',
    hint: 'the program says that its credentials or rights do not do: check env of the account',
  },
  78: { code: 'E_CONFIG', says: 'wrongly configured', hint: 'the program says that its configuration is wrong' },
};

/** These say that nothing was done. Of any other failure nobody knows how far the program came. */
const NOTHING_DONE: ReadonlySet<number> = new Set([65, 68, 77, 78]);

/** A failed call as an error. `complaint` is the last line of the program's stderr; it may be empty. */
export function refusedByExit(call: string, exitCode: number, complaint: string): Dns01Error {
  const meaning = MEANINGS[exitCode];
  const { code, says, hint } = meaning ?? { code: 'E_REJECTED' as const, says: 'failed', hint: UNKNOWN };
  const told = complaint === '' ? '' : `: ${complaint}`;
  return new Dns01Error(code, `${call}: ${says} (exit code ${exitCode})${told}`, {
    hint,
    outcomeUnknown: !NOTHING_DONE.has(exitCode),
  });
}

const UNKNOWN = 'run the program by hand with the same arguments, or see its output with --verbose';
