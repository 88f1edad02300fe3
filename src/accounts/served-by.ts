import { loadAllProviders } from '../../providers/index.ts';
import type { ProviderDefinition } from '../provider.ts';

/** The providers that ship with dns01 and have name servers of these names, each once. */
export async function providersServing(serverNames: readonly string[]): Promise<ProviderDefinition[]> {
  return (await loadAllProviders()).filter((definition) => serverNames.some((name) => isServerOf(definition, name)));
}

/** Whether a name server is one of this provider's, by its name alone. */
export function isServerOf({ nameServerPatterns = [] }: ProviderDefinition, serverName: string): boolean {
  return nameServerPatterns.some((pattern) => pattern.test(serverName));
}
