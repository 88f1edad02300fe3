import type { Command } from 'commander';
import { addCommonOptions } from './options.ts';

/** Adds a verb with the common options. */
export function verb(program: Command, usage: string, description: string): Command {
  return addCommonOptions(program.command(usage).description(description));
}
