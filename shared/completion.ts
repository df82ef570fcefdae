/** Answers completion/complete for a session's prompts and resource templates, from what each of them offers itself. */
import { z } from 'zod';
import type { Prompt } from './prompt.ts';
import { onRequest, type Session, type Target, unknownTarget } from './request.ts';
import type { Resource } from './resource.ts';

/** Possible values of one argument, given what was typed so far. */
export type Complete = (typed: string) => readonly string[] | Promise<readonly string[]>;
export type Completions = Readonly<Record<string, Complete>>;

/** The protocol's limit for one answer. */
const MAX_VALUES = 100;

const params = z.looseObject({
  ref: z.discriminatedUnion('type', [
    z.looseObject({ type: z.literal('ref/prompt'), name: z.string().max(256) }),
    z.looseObject({ type: z.literal('ref/resource'), uri: z.string().max(2_048) }),
  ]),
  argument: z.looseObject({ name: z.string().max(256), value: z.string().max(4_096) }),
});

export function registerCompletion(session: Session, prompts: readonly Prompt[], resources: readonly Resource[]): void {
  onRequest(session, 'completion/complete', params, async ({ ref, argument }, scope) => {
    const target: Target =
      ref.type === 'ref/prompt' ? { kind: 'prompt', name: ref.name } : { kind: 'resource', uri: ref.uri };
    await scope.admit(target);
    const owner =
      ref.type === 'ref/prompt'
        ? prompts.find(({ name }) => name === ref.name)
        : resources.find(({ uri }) => uri === ref.uri);
    if (owner === undefined) throw unknownTarget(target);
    const complete = new Map(Object.entries(owner.completions)).get(argument.name);
    const all = complete === undefined ? [] : await complete(argument.value);
    return { completion: { values: all.slice(0, MAX_VALUES), total: all.length, hasMore: all.length > MAX_VALUES } };
  });
}

/** Completes from a fixed set by what its members begin with. */
export function completeFrom(values: readonly string[]): Complete {
  return (typed) => values.filter((value) => value.startsWith(typed));
}
