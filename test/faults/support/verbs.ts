import type { Ended, Place } from './place.ts';
import { NAME, VALUE } from './subjects.ts';

export const addOf = (value: string, name = NAME): string[] => ['add-txt', '--no-wait', name, value];
export const removeOf = (value: string, name = NAME): string[] => ['remove-txt', name, value];

export const ADD = addOf(VALUE);
export const REMOVE = removeOf(VALUE);
export const SWEEP = ['sweep', '--older-than', '0s'];

/** As a person does it who wants to be sure: until there is nothing left to say. */
export async function sweepUntilQuiet(place: Place): Promise<Ended> {
  for (let round = 1; ; round++) {
    const ended = await place.run(SWEEP);
    if (ended.stdout === '' || round === 5) return ended;
  }
}
