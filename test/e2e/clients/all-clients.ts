import type { AcmeClient } from './acme-client.ts';
import { acmetool } from './acmetool.ts';
import { certbot } from './certbot.ts';
import { dehydrated, dehydratedChain } from './dehydrated.ts';
import { legoExec, legoExecRaw, legoHttpreq, legoHttpreqRaw } from './lego.ts';
import { uacme } from './uacme.ts';

/** In the order of the matrix. */
export const ALL_CLIENTS: readonly AcmeClient[] = [
  certbot,
  legoExec,
  legoExecRaw,
  legoHttpreq,
  legoHttpreqRaw,
  dehydrated,
  dehydratedChain,
  uacme,
  acmetool,
];
