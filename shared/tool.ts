/**
 * What a tool is, and the one place where tools are put on a session: arguments and results validated, the text twin of a
 * structured result, safe errors. A tool's own file says only what it does.
 */
import { type CallToolResult, type Tool as ToolDefinition, ToolSchema } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { AppError } from './errors.ts';
import { type CallContext, describeMisfit, onRequest, type Session, unknownTarget, visible } from './request.ts';

/** All four, so that nobody has to know the protocol's defaults. */
export interface ToolAnnotations {
  /** Changes nothing. */
  readonly readOnlyHint: boolean;
  /** May take something away that was there. */
  readonly destructiveHint: boolean;
  /** A second call with the same arguments changes nothing more. */
  readonly idempotentHint: boolean;
  /** Reaches beyond what this village owns. */
  readonly openWorldHint: boolean;
}

type StrictObject = z.ZodObject<z.core.$ZodLooseShape, z.core.$strict>;

export interface ToolSpec<I extends StrictObject, O extends z.ZodObject> {
  /** What callers use; snake_case. */
  readonly name: string;
  readonly title: string;
  /** What it does, when to choose it, what comes back. */
  readonly description: string;
  /** `z.strictObject`: an unknown argument is a mistake to report. A bound on every string, array and number. */
  readonly input: I;
  readonly output: O;
  readonly annotations: ToolAnnotations;
  /**
   * An AppError thrown here is told to the model (`isError`); anything else leaves as "Internal error".
   */
  handler(args: z.output<I>, context: CallContext): Promise<z.input<O>>;
}

/** A tool whose argument types were checked where it was defined. */
export interface Tool {
  readonly name: string;
  /** As listed; its JSON schemas are made at first use and kept. */
  definition(): ToolDefinition;
  /** @throws AppError INVALID_PARAMS when the arguments do not fit; whatever the handler throws */
  run(args: unknown, context: CallContext): Promise<Record<string, unknown>>;
}

export function defineTool<I extends StrictObject, O extends z.ZodObject>(spec: ToolSpec<I, O>): Tool {
  let definition: ToolDefinition | undefined;
  return {
    name: spec.name,
    definition() {
      definition ??= ToolSchema.parse({
        name: spec.name,
        title: spec.title,
        description: spec.description,
        inputSchema: z.toJSONSchema(spec.input, { io: 'input' }),
        outputSchema: z.toJSONSchema(spec.output, { io: 'output' }),
        annotations: { title: spec.title, ...spec.annotations },
      });
      return definition;
    },
    async run(args, context) {
      const parsed = spec.input.safeParse(args);
      if (!parsed.success) {
        throw new AppError('INVALID_PARAMS', { text: `The arguments do not fit. ${describeMisfit(parsed.error)}` });
      }
      // What does not fit our own output schema is our mistake: not an AppError, so it leaves as "Internal error".
      return spec.output.parse(await spec.handler(parsed.data, context));
    },
  };
}

const listParams = z.looseObject({ cursor: z.string().max(1_024).optional() });
const callParams = z.looseObject({
  name: z.string().max(256),
  arguments: z.record(z.string(), z.unknown()).optional(),
});

/** @throws Error when two tools have the same name */
export function registerTools(session: Session, tools: readonly Tool[]): void {
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  if (byName.size !== tools.length) throw new Error('two tools of one server have the same name');

  onRequest(session, 'tools/list', listParams, async (_, scope) => {
    const listed = await visible(session, scope, tools, ({ name }) => ({ kind: 'tool', name }));
    return { tools: listed.map((tool) => tool.definition()) };
  });

  onRequest(session, 'tools/call', callParams, async ({ name, arguments: args }, scope) => {
    const target = { kind: 'tool', name } as const;
    const context = await scope.admit(target);
    const tool = byName.get(name);
    if (tool === undefined) throw unknownTarget(target);
    const started = performance.now();
    const result = await callTool(tool, args ?? {}, context);
    const durationMs = Math.round(performance.now() - started);
    context.log.debug(
      { tool: name, caller: context.caller.agentId, isError: result.isError === true, durationMs },
      'called',
    );
    return result;
  });
}

/** Runs one call. Faults that the caller can do something about become results that a model can read. */
async function callTool(tool: Tool, args: unknown, context: CallContext): Promise<CallToolResult> {
  try {
    const structuredContent = await tool.run(args, context);
    return { content: [{ type: 'text', text: JSON.stringify(structuredContent) }], structuredContent };
  } catch (thrown) {
    if (!(thrown instanceof AppError) || thrown.kind === 'INTERNAL') throw thrown;
    context.log.info({ tool: tool.name, kind: thrown.kind, cause: thrown.cause }, 'tool refused');
    return {
      content: [{ type: 'text', text: thrown.message }],
      isError: true,
      _meta: { 'io.aivillage/error': thrown.toJsonRpc().data },
    };
  }
}
