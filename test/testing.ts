/** What `import 'dns01/testing'` gives, inside vitest: the suite that every provider passes, and its parts. */
export { type ContractHarness, describeContract, type OpenProvider } from './contract.ts';
export {
  FAULTS,
  type FakeApi,
  type FakeReply,
  type FakeRequest,
  type FaultServer,
  startFaultServer,
} from './fakes/fault-server.ts';
export { createTestContext, type TestContext, type TestContextSettings } from './support/context.ts';
