import { expect } from 'vitest';

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Exit code 0; a failure shows all that the program said. */
export function expectSuccess({ code, stdout, stderr }: Ended): void {
  expect(code, `${stdout}\n${stderr}`).toBe(0);
}
