/** Runs a task when the earlier ones with the same key are over, whatever came of them; other keys do not wait. */
export type TakeTurns = <Result>(key: string, task: () => Promise<Result>) => Promise<Result>;

export function takingTurns(): TakeTurns {
  const last = new Map<string, Promise<void>>();
  return (key, task) => {
    const mine = (last.get(key) ?? Promise.resolve()).then(task);
    const over = mine.then(
      () => {},
      () => {},
    );
    last.set(key, over);
    void over.then(() => {
      if (last.get(key) === over) last.delete(key);
    });
    return mine;
  };
}
