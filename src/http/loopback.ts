/** Whether an address does not leave this machine, so that nobody can listen on the way. */
export function isLoopback({ hostname }: URL): boolean {
  return /^(localhost|127\.[\d.]+|\[::1\])$/.test(hostname);
}
