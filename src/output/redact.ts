/** Secrets shorter than this would blank out ordinary words; nobody's password should be. */
const SHORTEST_SECRET = 3;

const BLANK = '***';

export interface Redactor {
  /** From now on this text, and the forms in which it travels, are blanked out. */
  keep(secret: string): void;
  redact(text: string): string;
}

/** Remembers the secrets of a run and blanks them out of every text that leaves the process. */
export function createRedactor(): Redactor {
  const forms = new Set<string>();
  return {
    keep(secret) {
      if (secret.length < SHORTEST_SECRET) return;
      for (const form of travelForms(secret)) forms.add(form);
    },
    redact(text) {
      let clean = text;
      // The longest first: one secret may be a part of another.
      for (const form of [...forms].sort((a, b) => b.length - a.length)) clean = clean.replaceAll(form, BLANK);
      return clean;
    },
  };
}

function travelForms(secret: string): string[] {
  return [
    secret,
    encodeURIComponent(secret),
    new URLSearchParams([['', secret]]).toString().slice(1),
    JSON.stringify(secret).slice(1, -1),
    Buffer.from(secret).toString('base64'),
    Buffer.from(secret).toString('base64url'),
  ];
}
