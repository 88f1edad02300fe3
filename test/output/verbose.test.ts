import { expect, it } from 'vitest';
import { createIo } from '../../src/output/io.ts';
import { createLog } from '../../src/output/log.ts';

async function shown(message: string, fields: object): Promise<string> {
  const written: string[] = [];
  const io = createIo({
    env: {},
    stdout: () => {},
    stderr: (text) => void written.push(text),
    isTerminal: false,
    stop: new AbortController().signal,
  });
  io.redactor.keep('hunter22');
  const log = await createLog({ quiet: false, verbose: true }, io);
  log.debug(message, { ...fields });
  return written.join('');
}

it.each([
  [
    'http',
    { account: 'a', call: 'login', method: 'POST', url: 'https://p.example/x', status: 200, ms: 35 },
    'dns01: http POST https://p.example/x: login, status 200, 35 ms (account a)\n',
  ],
  [
    'http',
    { call: 'GET /x', method: 'GET', url: 'https://p.example/x', failure: 'Error: reset', ms: 3 },
    'dns01: http GET https://p.example/x: failed: Error: reset, 3 ms\n',
  ],
  [
    'update',
    { server: 'ns1 port 53', call: 'UPDATE example.com', result: 'NOERROR', changes: 2, ms: 4 },
    'dns01: update ns1 port 53: UPDATE example.com, 2 records: NOERROR, 4 ms\n',
  ],
  [
    'command',
    { call: 'present', exitCode: 3, ms: 130, stdout: 'one\n', stderr: 'dns01: error: no\n' },
    'dns01: program present: exit code 3, 130 ms\ndns01:   | one\ndns01:   | dns01: error: no\n',
  ],
  [
    'command',
    { call: 'present', signal: 'SIGTERM', stopped: 'deadline', ms: 130, stdout: '', stderr: '' },
    'dns01: program present: ended by SIGTERM, stopped at its deadline, 130 ms\n',
  ],
  [
    'repeating a request',
    { call: 'login', pause: 300, of: ['x'] },
    'dns01: repeating a request: call login, pause 300, of ["x"]\n',
  ],
])('--verbose shows %s in one line', async (message, fields, line) => {
  expect(await shown(message, fields)).toBe(line);
});

it('--verbose shows no secret, and nothing of a server looks like a line of its own', async () => {
  const line = await shown('http', {
    call: 'login\ndns01: error: x',
    method: 'POST',
    url: 'https://p.example/hunter22',
    failure: 'Error: hunter22\u001b[2J',
  });
  expect(line).toBe('dns01: http POST https://p.example/***: login?dns01: error: x, failed: Error: ***?[2J\n');
});
