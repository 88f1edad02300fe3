import { failureLine } from '../audit.ts';
import type { LiveConfig } from '../live-config.ts';
import type { Users } from '../users.ts';
import { createUpdateFront, type UpdateFrontSettings } from './front.ts';
import { startUpdateServers } from './server.ts';

export interface Updates {
  /** The addresses, each as `dns://HOST:PORT`. */
  readonly at: readonly string[];
  /** Takes no more requests and finishes those that have begun. */
  close(): Promise<void>;
}

export interface UpdatesSettings extends Pick<UpdateFrontSettings, 'core' | 'work' | 'answerWithinMs' | 'log'> {
  readonly live: LiveConfig;
  readonly users: Users;
}

/** Takes dynamic updates where the config says so; nowhere without `serve.update`. @throws E_CONFIG */
export async function openUpdates({ live, users, ...settings }: UpdatesSettings): Promise<Updates> {
  const answer = createUpdateFront({
    ...settings,
    config: () => live.current().config,
    async keyOf(name) {
      const { keys } = live.current();
      const found = keys.find(name);
      if (!found && !keys.canMake) return undefined;
      const user = await users.find(found?.user ?? name);
      const key = found?.key ?? (user && keys.made(user));
      return user && key && { user, key };
    },
    refresh: () => live.refresh(false),
  });
  const servers = await startUpdateServers(live.current().serve.update?.listen ?? [], {
    answer,
    failed: (error) => settings.log.warn(failureLine('-', 'update', error)),
  });
  return {
    at: servers.map(({ at }) => `dns://${at}`),
    async close() {
      await Promise.all(servers.map((server) => server.close()));
    },
  };
}
