import definition from '../../providers/froxlor/index.ts';
import { type ContractHarness, describeContract } from '../contract.ts';
import { openOn } from '../support/stand-in-contract.ts';
import { type FroxlorCustomer, startFroxlor, whyNoFroxlor } from './labs/froxlor/panel.ts';
import { FOREIGN, ZONES } from './support/panel-steps.ts';
import { describePanel } from './support/real-panel.ts';

const CUSTOMER: FroxlorCustomer = {
  name: 'web1',
  apiKey: 'key-of-web1',
  apiSecret: 'secret-of-web1-f00d',
  zones: ZONES,
};
const STRANGER: FroxlorCustomer = {
  ...{ name: 'web2', apiKey: 'key-of-web2', apiSecret: 'secret-of-web2' },
  zones: ['contract.example', 'example.net'],
};
const WITHOUT_DNS: FroxlorCustomer = {
  ...{ name: 'web3', apiKey: 'key-of-web3', apiSecret: 'secret-of-web3' },
  ...{ zones: ['example.org'], dns: false },
};
const loginOf = ({ apiKey, apiSecret }: FroxlorCustomer) => ({ apiKey, apiSecret });

describePanel({
  title: 'Froxlor',
  obstacle: await whyNoFroxlor(),
  async start(dir) {
    const panel = await startFroxlor({ dir, foreign: FOREIGN, customers: [CUSTOMER, STRANGER, WITHOUT_DNS] });
    return {
      ...panel,
      login: { provider: 'froxlor', url: panel.url, ...loginOf(CUSTOMER) },
      secret: CUSTOMER.apiSecret,
    };
  },
  refusals: [
    { what: 'a wrong secret', login: { apiSecret: 'wrong' }, code: 77, text: /the API key was refused.*Allowed from/s },
    {
      what: 'a customer without the DNS editor',
      ...{ login: loginOf(WITHOUT_DNS), zone: 'example.org', code: 77, text: /DNS editor/ },
    },
    { what: 'a domain of another customer', zone: 'example.net', code: 68, text: /no such domain/ },
  ],
  more(panel) {
    describeContract('the real Froxlor', async () => harnessOf(panel()), { faults: false });
  },
});

function harnessOf(panel: Awaited<ReturnType<typeof startFroxlor>>): ContractHarness {
  const zone = 'contract.example';
  const sql = (statements: string) => panel.database.sql(`use froxlor; ${statements}`);
  const recordOf = (name: string) => name.slice(0, -zone.length - 1);
  const domain = `(select id from panel_domains where domain = '${zone}')`;
  return {
    zone,
    async open(requestTimeout) {
      const options = { url: panel.url, ...loginOf(STRANGER) };
      const { provider, context } = openOn(definition, { options }, { requestTimeout });
      return { provider, close: () => context.http.close() };
    },
    async held(name) {
      const rows = await sql(
        `select content from domain_dns_entries where domain_id = ${domain} and record = '${recordOf(name)}' and content not like '%${FOREIGN}%';`,
      );
      return rows
        .split('\n')
        .slice(1, -1)
        .map((row) => row.slice(1, -1))
        .sort();
    },
    async plant(name, value) {
      await sql(
        `insert into domain_dns_entries (domain_id, record, type, content, ttl, prio)
         values (${domain}, '${recordOf(name)}', 'TXT', '"${value}"', 60, 0);`,
      );
    },
    async close() {
      await sql(`delete from domain_dns_entries where domain_id = ${domain} and type = 'TXT';`);
    },
  };
}
