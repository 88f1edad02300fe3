import type { ProviderDefinition } from '../src/provider.ts';

type Loader = () => Promise<{ readonly default: ProviderDefinition }>;

/** The providers that ship with dns01, each loaded only when an account uses it. */
export const providers: Readonly<Record<string, Loader>> = {
  embedded: () => import('./embedded/index.ts'),
  ispconfig: () => import('./ispconfig/index.ts'),
  olspanel: () => import('./olspanel/index.ts'),
  panelalpha: () => import('./panelalpha/index.ts'),
  powerdns: () => import('./powerdns/index.ts'),
  zoneid: () => import('./zoneid/index.ts'),
};
