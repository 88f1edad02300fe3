import * as z from 'zod/mini';
import { startDeadline } from '../../src/deadline.ts';
import { type DnsProvider, type ProviderDefinition, secretSourceOf } from '../../src/provider.ts';
import { type ContractHarness, type ContractOptions, describeContract } from '../contract.ts';
import type { StandIn } from '../fakes/stand-in.ts';
import { createTestContext, type TestContext, type TestContextSettings } from './context.ts';

export interface OpenedProvider {
  readonly provider: DnsProvider;
  readonly context: TestContext;
  close(): Promise<void>;
}

/** A deadline whose pauses take no time. Those asked for are in `pauses`, in milliseconds. */
export function withoutPauses(timeMs = 600_000) {
  const pauses: number[] = [];
  return {
    pauses,
    deadline: {
      ...startDeadline(timeMs),
      async sleep(milliseconds: number) {
        pauses.push(milliseconds);
      },
    },
  };
}

/** The provider on a stand-in, as in a new process, on the real HTTP client. Pauses take no time. */
export function openOn(
  definition: ProviderDefinition,
  { options }: Pick<StandIn, 'options'>,
  settings: TestContextSettings = {},
): OpenedProvider {
  const context = createTestContext({ deadline: withoutPauses().deadline, ...settings });
  const valid = z.parse(definition.options, options) as Readonly<Record<string, unknown>>;
  const resolved = Object.fromEntries(
    Object.entries(valid).map(([key, value]) => [key, secretSourceOf(value) ?? value]),
  );
  const provider = definition.create(resolved as never, context);
  return {
    provider,
    context,
    async close() {
      await provider.close?.();
      await context.http.close();
    },
  };
}

/** The contract suite of a provider on its stand-in. */
export function describeStandIn(
  title: string,
  definition: ProviderDefinition,
  start: () => Promise<StandIn>,
  options?: ContractOptions,
): void {
  describeContract(title, () => harnessOf(definition, start), options);
}

async function harnessOf(definition: ProviderDefinition, start: () => Promise<StandIn>): Promise<ContractHarness> {
  const standIn = await start();
  return {
    zone: 'example.com',
    async open(requestTimeout) {
      const { provider, context } = openOn(definition, standIn, { requestTimeout });
      return { provider, close: () => context.http.close() };
    },
    held: async (name) => standIn.held(name),
    async plant(name, value) {
      standIn.plant(name, value);
    },
    faults: { server: standIn.server, addCall: standIn.calls.add, removeCall: standIn.calls.remove },
    close: () => standIn.close(),
  };
}
