/** Who calls on a stdio door: whom MCP_TOKEN names, else the person who started the process (A7). */
import { AppError } from '../../shared/errors.ts';
import type { Caller } from '../../shared/identity/caller.ts';
import { LOCAL_CALLER } from '../../shared/identity/local-caller.ts';
import { CommandError } from './failure.ts';

/** Throws CommandError when there is a token and it does not hold: nobody is let in as somebody else. */
export async function callerOfProcess(
  token: string | undefined,
  verify: (token: string) => Caller | Promise<Caller>,
): Promise<Caller> {
  if (token === undefined) return LOCAL_CALLER;
  try {
    return await verify(token);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const why = error.cause instanceof Error ? `: ${error.cause.message}` : '';
    throw new CommandError(`MCP_TOKEN is not valid${why}. Issue one with: npx aivillage token issue --agent NAME`);
  }
}
