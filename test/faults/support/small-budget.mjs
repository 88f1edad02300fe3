/** A provider as a third party would write it: one request a verb, and a budget that is soon spent. */
export default ({ defineProvider, httpUrl, secret, z, Dns01Error }) =>
  defineProvider({
    type: 'small-budget',
    title: 'Small budget',
    docs: { url: 'https://example.com', rights: [], requests: { add: '1', remove: '1' }, tried: 'here' },
    options: z.strictObject({ url: httpUrl('address'), username: z.string(), apiKey: secret('key') }),
    http: true,
    rateLimits: [{ requests: 8, windowMs: 2000, per: 'address' }],
    create({ url, username, apiKey }, { http }) {
      const authorization = `Basic ${Buffer.from(`${username}:${apiKey}`).toString('base64')}`;
      const send = async (method, path, json) => {
        const call = `${method} ${path}`;
        const answer = await http.send({ call, method, url: `${url}${path}`, headers: { authorization }, json });
        if (answer.status >= 400) throw new Dns01Error('E_REJECTED', `${call}: status ${answer.status}`);
        return answer;
      };
      return {
        async addTxt({ name, value, zone }) {
          const answer = await send('POST', `/dns/${zone}/txt`, { name, destination: value });
          return { zone, id: JSON.parse(answer.text)[0].id, changed: true };
        },
        async removeTxt(_record, { zone, id }) {
          await send('DELETE', `/dns/${zone}/txt/${id}`);
          return 'removed';
        },
        listTxt: async () => [],
      };
    },
  });
