/**
 * One thing that the tools ask of the node, wherever it runs: a name, and schemas of what goes in and comes out, both JSON. So
 * the process that owns the node and the one that asks check the same form.
 */
import type { z } from 'zod';

export interface Operation<A extends z.ZodType, R extends z.ZodType> {
  /** Such as `peers.list`. */
  readonly name: string;
  readonly args: A;
  readonly result: R;
}

export function defineOperation<A extends z.ZodType, R extends z.ZodType>(operation: Operation<A, R>): Operation<A, R> {
  return operation;
}

/** Asks the process that owns the node. @throws AppError */
export type Ask = <A extends z.ZodType, R extends z.ZodType>(
  operation: Operation<A, R>,
  args: z.input<A>,
) => Promise<z.output<R>>;

export function askBy(call: (name: string, args: unknown) => Promise<unknown>): Ask {
  return async (operation, args) => operation.result.parse(await call(operation.name, args));
}

/** What the owner runs for an operation; it may run twice for one question, so it must be one that may. */
export type Served = readonly [name: string, run: (args: unknown) => Promise<unknown>];

export function serveOperation<A extends z.ZodType, R extends z.ZodType>(
  operation: Operation<A, R>,
  run: (args: z.output<A>) => Promise<z.input<R>>,
): Served {
  return [operation.name, async (args) => run(operation.args.parse(args))];
}
