/** What a process that runs for long counts for those who watch it. Nothing here is a value, a secret or a path. */
export interface Watch {
  /**
   * A request to a provider has ended.
   * @param status of HTTP; for other protocols `done` or the code of the error. `none` where there was no answer
   */
  request(account: string, status: string): void;
  /** Another process holds the lock of a zone, and this one has to wait. */
  lockWait(account: string): void;
}
