import { expect, it } from 'vitest';
import { isDns01Error } from '../../src/errors.ts';
import { parseStateUrl } from '../../src/state/postgres/url.ts';
import { CA_FILE } from '../support/https.ts';

const VERIFIED = { rejectUnauthorized: true };

it.each([
  [
    'postgres://u:p%40ss@db.example.com/d',
    { host: 'db.example.com', port: 5432, user: 'u', password: 'p@ss', ssl: false },
  ],
  ['postgresql://u@[2001:db8::1]:6000/d', { host: '2001:db8::1', port: 6000, password: undefined }],
  ['postgres://u@localhost:6000/d?host=/run/postgresql', { host: '/run/postgresql', port: 6000, ssl: false }],
  ['postgres://u@%2Frun%2Fpostgresql/d', { host: '/run/postgresql' }],
  ['postgres://u@db.example.com/d?sslmode=disable', { ssl: false }],
  ['postgres://u@db.example.com/d?sslmode=require', { ssl: { rejectUnauthorized: false } }],
  ['postgres://u@db.example.com/d?sslmode=verify-full', { ssl: { ...VERIFIED, servername: 'db.example.com' } }],
  ['postgres://u@192.0.2.1/d?sslmode=verify-full', { ssl: { ...VERIFIED, host: '192.0.2.1' } }],
  [
    `postgres://u@db.example.com/d?sslmode=require&sslrootcert=${CA_FILE}`,
    { ssl: { ...VERIFIED, servername: 'db.example.com', ca: expect.stringContaining('BEGIN CERTIFICATE') } },
  ],
])('the URL of the state is read: %s', (url, place) => {
  expect(parseStateUrl(url)).toMatchObject(place);
});

it.each([
  ['http://user:hunter2hunter2@db/d', /postgres:\/\//],
  ['hunter2hunter2', /not a URL/],
  ['postgres://user:hunter2hunter2@db', /no user or no database/],
  ['postgres://:hunter2hunter2@db/d', /no user or no database/],
  ['postgres:///d', /no host/],
  ['postgres://user:hunter2hunter2@db/d?sslmode=prefer', /sslmode/],
  ['postgres://user:hunter2hunter2@db/d?options=-c%20search_path=x', /parameter/],
  ['postgres://user:hunter2hunter2@db/d?sslrootcert=/ca.pem', /sslrootcert needs/],
  ['postgres://user:hunter2hunter2@db/d?sslmode=verify-full&sslrootcert=/nonexistent.pem', /cannot be read/],
  ['postgres://user:hunter2hunter2%@db/d', /%25/],
])('a URL that cannot be used is refused, and not repeated: %s', (url, message) => {
  let failure: unknown;
  try {
    parseStateUrl(url);
  } catch (error) {
    failure = error;
  }
  expect(isDns01Error(failure) && failure.code).toBe('E_CONFIG');
  expect(String(failure)).toMatch(message);
  expect(String(failure)).not.toContain('hunter2');
});
