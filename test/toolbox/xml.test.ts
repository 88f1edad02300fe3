import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { decodeXml, escapeXml, unescapeXml, xmlChildren, xmlList } from '../../src/provider.ts';

const answer = (text: string) => ({ call: 'GET zone', status: 200, headers: {}, text });
const schema = z.object({
  Zone: z.object({
    '@Name': z.optional(z.string()),
    Count: z.optional(z.string()),
    Hosts: z.optional(xmlList('Host', z.string())),
    host: xmlChildren(z.object({ '@Address': z.string() })),
  }),
});
const read = async (text: string) => (await decodeXml(answer(text), schema)).Zone;

describe('XML of an answer', () => {
  it.each([
    ['<Zone Name=""/>', { '@Name': '', host: [] }],
    ['<Zone Name="a &lt;b&gt; &quot;c&#34; &#x64;"/>', { '@Name': 'a <b> "c" d', host: [] }],
    ['<?xml version="1.0"?>\r\n<Zone>\n  <Count>007</Count>\n</Zone>', { Count: '007', host: [] }],
    ['<Zone><Hosts/></Zone>', { Hosts: [], host: [] }],
    ['<Zone><Hosts>\n</Hosts></Zone>', { Hosts: [], host: [] }],
    ['<Zone><Hosts><Host> a </Host></Hosts></Zone>', { Hosts: [' a '], host: [] }],
    ['<Zone><Hosts><Host>a</Host><Host>b</Host></Hosts></Zone>', { Hosts: ['a', 'b'], host: [] }],
    ['<Zone><host Address=" a "/></Zone>', { host: [{ '@Address': ' a ' }] }],
    [
      '<Zone><host Address="a"/><!-- x --><host Address="&amp;lt;"/></Zone>',
      { host: [{ '@Address': 'a' }, { '@Address': '&lt;' }] },
    ],
    ['<Zone><Count>&unknown;</Count></Zone>', { Count: '&unknown;', host: [] }],
  ])('%s', async (text, expected) => {
    expect(await read(text)).toEqual(expected);
  });

  it.each<[string, RegExp]>([
    ['', /expected XML, got an empty body/],
    ['{"json": true}', /expected XML/],
    ['<Zone>', /expected XML/],
    ['<Zone></Host>', /expected XML/],
    ['<Zone><Hosts>junk</Hosts></Zone>', /field Zone.Hosts/],
    ['<Zone><host/></Zone>', /field Zone.host.0/],
    ['<html><body>Log in</body></html>', /field Zone is missing/],
    ['<!DOCTYPE z [<!ENTITY e "x">]><Zone Name="&e;"/>', /expected XML/],
    ['<!DOCTYPE html><Zone/>', /expected XML/],
    ['<Zone><__proto__ a="b"/></Zone>', /expected XML/],
    ['<Zone constructor="b"/>', /expected XML/],
    [`${'<a>'.repeat(40)}${'</a>'.repeat(40)}`, /deeper nesting/],
    [`<Zone>${'<a/>'.repeat(200_001)}</Zone>`, /more parts/],
  ])('refuses case %#', async (text, message) => {
    await expect(read(text)).rejects.toMatchObject({
      code: 'E_PROTOCOL',
      outcomeUnknown: true,
      message: expect.stringMatching(message),
    });
  });

  it('is written so that it is read back', () => {
    const text = `<a b="c">&'`;
    expect(escapeXml(text)).not.toMatch(/[<>"']/);
    expect(unescapeXml(escapeXml(text))).toBe(text);
    expect(unescapeXml('&#99999999; &#x110000;')).toBe('&#99999999; &#x110000;');
  });
});
