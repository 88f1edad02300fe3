import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createIo } from '../../src/output/io.ts';
import { createLog } from '../../src/output/log.ts';
import { createRedactor } from '../../src/output/redact.ts';
import { excerpt, printable } from '../../src/output/text.ts';

it('a secret is blanked out in every form in which it travels', () => {
  const secret = fc
    .string({ minLength: 8, maxLength: 40, unit: 'grapheme-ascii' })
    .filter((text) => /^[^*\s]+$/.test(text));
  fc.assert(
    fc.property(secret, fc.string(), fc.string(), (password, before, after) => {
      const redactor = createRedactor();
      redactor.keep(password);
      const forms = [
        password,
        encodeURIComponent(password),
        JSON.stringify(password),
        Buffer.from(password).toString('base64'),
      ];
      for (const form of forms) expect(redactor.redact(`${before} ${form} ${after}`)).not.toContain(password);
      expect(redactor.redact(forms[3] ?? '')).toBe('***');
    }),
  );
});

it('a secret that is part of another one leaves no rest of the other', () => {
  const redactor = createRedactor();
  redactor.keep('secret');
  redactor.keep('secret-and-more');
  expect(redactor.redact('token secret-and-more')).toBe('token ***');
});

it('text for a terminal has no control characters and is valid UTF-8', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const safe = printable(text);
      expect(safe.isWellFormed()).toBe(true);
      expect(safe).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
    }),
  );
});

it('an excerpt is one short line without tags', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 1000 }), (text) => {
      const line = excerpt(text);
      expect(line.length).toBeLessThanOrEqual(200);
      expect(line).not.toMatch(/[\r\n]/);
    }),
  );
  expect(excerpt("<div class='alert'>\n <ul><li>Primary ID fehlt!</li></ul></div><script>x()</script>")).toBe(
    'Primary ID fehlt!',
  );
});

it('every log line is redacted and printable, at every level', async () => {
  const written: string[] = [];
  const io = createIo({
    env: {},
    stdout: (text) => void written.push(text),
    stderr: (text) => void written.push(text),
    isTerminal: false,
    stop: new AbortController().signal,
  });
  io.redactor.keep('hunter22');
  const log = await createLog({ quiet: false, verbose: true }, io);
  log.debug('login', { password: 'hunter22', answer: 'red \u001b[31m text' });
  log.info('with hunter22');
  log.warn('with hunter22');
  expect(written.join('')).not.toContain('hunter22');
  expect(written.join('')).not.toContain('\u001b');
  expect(written).toHaveLength(3);
  io.stdout('the result holds hunter22');
  expect(written.at(-1)).toBe('the result holds ***');
});
