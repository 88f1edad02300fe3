import { styleText } from 'node:util';

/** What a colour stands for. */
export type Meaning = 'good' | 'bad' | 'warning' | 'minor' | 'hint';

const STYLES = { good: 'green', bad: ['bold', 'red'], warning: 'yellow', minor: 'dim', hint: 'cyan' } as const;

/** The caller has decided whether there are colours, so the terminal is not asked again. */
export const coloured = (meaning: Meaning, text: string): string =>
  styleText([STYLES[meaning]].flat(), text, { validateStream: false });

const WORDS: Readonly<Record<string, Meaning>> = { error: 'bad', warning: 'warning', hint: 'hint' };

/** Colours the word that begins a message: error, warning or hint. */
export const colourWord = (line: string): string =>
  line.replace(/^(dns01: )(\w+):/, (whole, program: string, word: string) => {
    const meaning = WORDS[word];
    return meaning ? `${program}${coloured(meaning, `${word}:`)}` : whole;
  });

/** Colours all of it, without the line feed in the end. */
export const minor = (text: string): string => text.replace(/.+/g, (line) => coloured('minor', line));
