import { Dns01Error } from '../errors.ts';

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** `90s`, `30m`, `12h`, `1d`, `2w`, or plain seconds, as seconds. @throws E_USAGE */
export function parseDuration(text: string, option: string): number {
  const [, number, unit = 's'] = /^(\d{1,9})([smhdw])?$/.exec(text.trim()) ?? [];
  if (number === undefined) {
    throw new Dns01Error('E_USAGE', `${option} takes a time like 12h or 1d, not "${text}"`);
  }
  return Number(number) * (UNITS[unit] ?? 1);
}
