/** What a prompt is, and the one place where prompts are put on a session. A prompt's own file says only what it asks. */
import type { Prompt as PromptDefinition, PromptMessage } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import type { Completions } from './completion.ts';
import { AppError } from './errors.ts';
import { type CallContext, describeMisfit, onRequest, type Session, unknownTarget, visible } from './request.ts';

/** The protocol knows only strings here; each has a `.describe()` and a bound. */
type PromptArguments = z.ZodObject<
  Readonly<Record<string, z.ZodType<string | undefined, string | undefined>>>,
  z.core.$strict
>;

export interface PromptSpec<A extends PromptArguments> {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly arguments: A;
  readonly completions?: Completions;
  messages(args: z.output<A>, context: CallContext): Promise<PromptMessage[]>;
}

/** A prompt whose argument types were checked where it was defined. */
export interface Prompt {
  readonly name: string;
  readonly definition: PromptDefinition;
  readonly completions: Completions;
  /** @throws AppError INVALID_PARAMS when the arguments do not fit; whatever `messages` throws */
  render(args: unknown, context: CallContext): Promise<PromptMessage[]>;
}

export function definePrompt<A extends PromptArguments>(spec: PromptSpec<A>): Prompt {
  const described = Object.entries(spec.arguments.shape).map(([name, schema]) => ({
    name,
    description: schema.description ?? '',
    required: !schema.safeParse(undefined).success,
  }));
  return {
    name: spec.name,
    definition: { name: spec.name, title: spec.title, description: spec.description, arguments: described },
    completions: spec.completions ?? {},
    async render(args, context) {
      const parsed = spec.arguments.safeParse(args);
      if (parsed.success) return spec.messages(parsed.data, context);
      throw new AppError('INVALID_PARAMS', { text: `The arguments do not fit. ${describeMisfit(parsed.error)}` });
    },
  };
}

const listParams = z.looseObject({ cursor: z.string().max(1_024).optional() });
const getParams = z.looseObject({
  name: z.string().max(256),
  arguments: z.record(z.string(), z.string()).optional(),
});

export function registerPrompts(session: Session, prompts: readonly Prompt[]): void {
  const byName = new Map(prompts.map((prompt) => [prompt.name, prompt]));

  onRequest(session, 'prompts/list', listParams, async (_, scope) => {
    const listed = await visible(session, scope, prompts, ({ name }) => ({ kind: 'prompt', name }));
    return { prompts: listed.map(({ definition }) => definition) };
  });

  onRequest(session, 'prompts/get', getParams, async ({ name, arguments: args }, scope) => {
    const target = { kind: 'prompt', name } as const;
    const context = await scope.admit(target);
    const prompt = byName.get(name);
    if (prompt === undefined) throw unknownTarget(target);
    return { description: prompt.definition.description, messages: await prompt.render(args ?? {}, context) };
  });
}
