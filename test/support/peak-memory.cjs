// Loaded before a program under test: writes down how much memory it took at most, in kB, when it ends.
const { readFileSync, writeFileSync } = require('node:fs');

process.once('exit', () => {
  // Not maxRSS: a new process has inherited that of the one that started it.
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  writeFileSync(process.env.DNS01_TEST_PEAK_FILE, peak ?? '');
});
