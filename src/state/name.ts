import * as z from 'zod/mini';
import { type Fqdn, parseName } from '../names.ts';

/** A normalised name. Any other text makes what was stored unreadable. */
export const fqdn = z.custom<Fqdn>((text) => typeof text === 'string' && parseName(text) === text);
