import * as z from 'zod/mini';

/** "Token Field Reference". A duration is `[DD] [HH:[MM:]]ss[.uuuuuu]`. */
export const token = z.object({
  created: z.string(),
  last_used: z.nullable(z.string()),
  max_age: z.nullable(z.string()),
  max_unused_period: z.nullable(z.string()),
});
type Token = z.output<typeof token>;

/** When the token ends that was used last, which is the one of the request that listed them. */
export function endOf(tokens: readonly Token[]): Date | undefined {
  const lastUse = ({ last_used }: Token) => Date.parse(last_used ?? '') || 0;
  const own = [...tokens].sort((a, b) => lastUse(b) - lastUse(a))[0];
  if (!own) return undefined;
  const ends = [
    Date.parse(own.created) + durationMs(own.max_age),
    lastUse(own) + durationMs(own.max_unused_period),
  ].filter(Number.isFinite);
  return ends.length > 0 ? new Date(Math.min(...ends)) : undefined;
}

/** Not a number where there is none. */
function durationMs(text: string | null): number {
  const [, days = 0, hours = 0, minutes = 0, seconds] =
    /^(?:(\d+) )?(?:(?:(\d+):)?(\d+):)?(\d+)(?:\.\d+)?$/.exec(text ?? '') ?? [];
  return (((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
}
