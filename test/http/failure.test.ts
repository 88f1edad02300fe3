import { expect, it } from 'vitest';
import { networkFailure } from '../../src/http/failure.ts';

it.each(['ENETUNREACH', 'EHOSTUNREACH'])('says of %s that there is no way, in one short sentence', (code) => {
  const error = Object.assign(new Error(`connect ${code} 192.0.2.1:443 - Local (0.0.0.0:0)`), { code });
  expect(networkFailure(error, 'zones', 'https://192.0.2.1')).toMatchObject({
    code: 'E_REMOTE',
    message: `zones: https://192.0.2.1 cannot be reached from here (${code})`,
    outcomeUnknown: false,
  });
});
