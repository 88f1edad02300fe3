import base from './vitest.config.ts';
export default { test: { ...base.test, globalSetup: [], maxWorkers: 2 } };
