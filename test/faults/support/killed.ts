import type { Started } from './place.ts';

/** Ends the process as the OOM killer does. Whether it was still there to be killed. */
export async function kill({ child, ended }: Started): Promise<boolean> {
  child.kill('SIGKILL');
  await ended;
  return child.signalCode === 'SIGKILL';
}
