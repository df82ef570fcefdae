/** What the caller may use, as the router lists it: kept until the lists change, and what arguments each tool takes. */
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { ListToolsResultSchema, type Tool } from '@modelcontextprotocol/sdk/types.js';
import type {
  JsonSchemaType,
  JsonSchemaValidator,
  jsonSchemaValidator,
} from '@modelcontextprotocol/sdk/validation/types.js';
import { AppError } from '../shared/errors.ts';
import type { Events } from './events.ts';

const MAX_PAGES = 1_000;

/** All pages. The SDK's own `listTools` would compile every output schema. */
export async function listTools(client: Client, timeoutMs: number): Promise<Map<string, Tool>> {
  const tools = new Map<string, Tool>();
  const seen = new Set<string>();
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const request = { method: 'tools/list', params: cursor === undefined ? {} : { cursor } };
    const result = await client.request(request, ListToolsResultSchema, { timeout: timeoutMs });
    for (const tool of result.tools) tools.set(tool.name, tool);
    cursor = result.nextCursor;
    if (cursor === undefined || seen.has(cursor)) break;
    seen.add(cursor);
  }
  return tools;
}

/** To call it twice is to call it once. */
export function isRepeatable(tool: Tool | undefined): boolean {
  return tool?.annotations?.readOnlyHint === true || tool?.annotations?.idempotentHint === true;
}

/** Checks arguments by the listed schema before they are sent; compiled once for each definition. */
class ArgumentChecks {
  private readonly validator: jsonSchemaValidator;
  private readonly events: Events;
  private readonly compiled = new WeakMap<Tool, JsonSchemaValidator<unknown>>();

  constructor(validator: jsonSchemaValidator, events: Events) {
    this.validator = validator;
    this.events = events;
  }

  /** @throws AppError INVALID_PARAMS that says where; a schema that cannot be compiled checks nothing, and is told as an event */
  check(tool: Tool, args: Readonly<Record<string, unknown>>): void {
    const validate = this.compiled.get(tool) ?? this.compile(tool);
    const { valid, errorMessage } = validate(args);
    if (valid) return;
    throw new AppError('INVALID_PARAMS', {
      text: `${tool.name} does not take these arguments: ${errorMessage}`,
      data: { tool: tool.name },
    });
  }

  private compile(tool: Tool): JsonSchemaValidator<unknown> {
    let validate: JsonSchemaValidator<unknown>;
    try {
      validate = this.validator.getValidator(tool.inputSchema as JsonSchemaType);
    } catch (error) {
      const why = error instanceof Error ? error.name : 'unknown';
      this.events.emit({ kind: 'not_validated', tool: tool.name, why });
      validate = (data) => ({ valid: true, data, errorMessage: undefined });
    }
    this.compiled.set(tool, validate);
    return validate;
  }
}

/** What checks is loaded when a tool is first called: pages that check nothing load nothing. */
export function argumentChecks(
  validator: jsonSchemaValidator | undefined,
  events: Events,
): () => Promise<ArgumentChecks> {
  let made: Promise<ArgumentChecks> | undefined;
  const make = async (): Promise<ArgumentChecks> =>
    new ArgumentChecks(validator ?? (await import('./linear-validator.ts')).linearValidator(), events);
  return () => {
    made ??= make();
    return made;
  };
}

/** For pages whose policy forbids code made at run time: the server checks all the same. */
export const NO_VALIDATION: jsonSchemaValidator = {
  getValidator:
    <T>(): JsonSchemaValidator<T> =>
    (data) => ({ valid: true, data: data as T, errorMessage: undefined }),
};
