import { openCheckContext } from './src/check/context.ts';
import { checkDnssec } from './src/check/dnssec.ts';
import { reporterFor } from './src/check/finding.ts';
import { wantedName } from './src/check/wanted.ts';
const [net, ...names] = process.argv.slice(2);
const dns = { roots: [`${net}.0.1`], resolvers: [`${net}.0.9:53`], doh: [`https://${net}.0.9:8443/dns-query`], allowNetworks: ['127.0.0.0/8', '::1/128'], nameservers: [] };
for (const name of names) {
  const t = performance.now();
  const context = openCheckContext(dns, AbortSignal.timeout(20000), undefined, process.env);
  const wanted = wantedName(name);
  const out: string[] = [];
  try { for await (const f of checkDnssec(wanted, context, reporterFor(wanted.subject))) out.push(`${f.level}: ${f.text}${f.hint ? ` -> ${f.hint}` : ''}`); }
  catch (e) { out.push(`THROWN ${(e as Error).message}`); }
  console.log(`${name} (${Math.round(performance.now() - t)} ms)\n  ${out.join('\n  ')}`);
}
