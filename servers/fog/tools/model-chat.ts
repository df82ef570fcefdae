/** The tool `model_chat` (J2). */
import { z } from 'zod';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import type { ForgeDeps } from '../deps.ts';
import { chat } from '../forge/chat.ts';

const LONGEST = 200_000;

export function modelChat({ endpoint }: Pick<ForgeDeps, 'endpoint'>): Tool {
  return defineTool({
    name: 'model_chat',
    title: 'Ask a model',
    description:
      'Asks a language model: the one of your own client when it offers sampling, else the endpoint that the village has set. Give the ' +
      'whole conversation; nothing of it is kept. Returns the answer, which model gave it, and by which way.',
    input: z.strictObject({
      messages: z
        .array(z.strictObject({ role: z.enum(['user', 'assistant']), content: z.string().min(1).max(LONGEST) }))
        .min(1)
        .max(200)
        .describe('The conversation, the newest last'),
      system: z.string().max(LONGEST).optional().describe('What the model is to be and to heed'),
      model: z.string().min(1).max(300).optional().describe('Of the endpoint; a client chooses its own'),
      max_tokens: z.int().min(1).max(100_000).default(1_000),
      temperature: z.number().min(0).max(2).optional(),
    }),
    output: z.object({
      text: z.string().max(9_000_000),
      model: z.string().max(1_000),
      via: z.enum(['sampling', 'endpoint']),
      stop_reason: z.string().max(200).nullable(),
    }),
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: false, openWorldHint: true },
    async handler({ messages, system, model, max_tokens, temperature }, { sample, signal }) {
      const request = { messages, systemPrompt: system, model, maxTokens: max_tokens, temperature };
      const { text, via, stopReason, ...answer } = await chat(request, sample, endpoint, signal);
      return { text, model: answer.model, via, stop_reason: stopReason ?? null };
    },
  });
}
