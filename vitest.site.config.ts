import base from './vitest.e2e.config.ts'; export default { test: { ...base.test, globalSetup: [], reporters: ['default'] } };
