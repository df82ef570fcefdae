/**
 * What a resource is (one URI, or all URIs of a template), and the one place where resources are put on a session: listing,
 * reading, subscriptions and their updates. A resource's own file says only what it shows.
 */
import type { ReadResourceResult } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import type { Completions } from './completion.ts';
import { AppError } from './errors.ts';
import { type CallContext, onRequest, type Session, unknownTarget, visible } from './request.ts';
import { type UriTemplate, uriTemplate } from './uri-template.ts';

export type ResourceBody = { readonly json: unknown } | { readonly text: string } | { readonly bytes: Uint8Array };

interface Described {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly mimeType: string;
}

export interface FixedResourceSpec extends Described {
  readonly uri: string;
  read(context: CallContext): Promise<ResourceBody>;
  /**
   * Calls `onUpdate` whenever the content changed, until the returned function is called. Without it: no subscriptions. What the
   * caller may not read, it must not watch either: throw as `read` does.
   */
  watch?(onUpdate: () => void, context: CallContext): () => void;
}

type Variables = z.ZodObject<Readonly<Record<string, z.ZodType<string, string>>>, z.core.$strict>;

export interface TemplateResourceSpec<V extends Variables> extends Described {
  /** Such as `governance://proposals/{id}`. */
  readonly uriTemplate: string;
  /** What does not fit is an unknown resource. */
  readonly variables: V;
  readonly completions?: Completions;
  read(variables: z.output<V>, context: CallContext): Promise<ResourceBody>;
  watch?(onUpdate: () => void, variables: z.output<V>, context: CallContext): () => void;
}

/** A resource whose variable types were checked where it was defined. */
export interface Resource {
  /** The URI, or the template's text. */
  readonly uri: string;
  readonly isTemplate: boolean;
  readonly definition: Described;
  readonly completions: Completions;
  readonly isWatchable: boolean;
  /** What a URI opens here; undefined when it is none of this resource's. */
  open(uri: string): OpenResource | undefined;
}

interface OpenResource {
  read(context: CallContext): Promise<ResourceBody>;
  watch?(onUpdate: () => void, context: CallContext): () => void;
}

export function defineResource(spec: FixedResourceSpec): Resource {
  const { uri, watch } = spec;
  const opened: OpenResource = {
    read: (context) => spec.read(context),
    ...(watch && { watch: (onUpdate, context) => watch(onUpdate, context) }),
  };
  return {
    uri,
    isTemplate: false,
    definition: described(spec),
    completions: {},
    isWatchable: watch !== undefined,
    open: (asked) => (asked === uri ? opened : undefined),
  };
}

/** @throws Error when the template's variables and the schema's keys differ */
export function defineResourceTemplate<V extends Variables>(spec: TemplateResourceSpec<V>): Resource {
  const template: UriTemplate = uriTemplate(spec.uriTemplate);
  if (template.variables.join() !== Object.keys(spec.variables.shape).join()) {
    throw new Error(`the variables of ${spec.uriTemplate} are not those of its schema`);
  }
  const { watch } = spec;
  return {
    uri: template.text,
    isTemplate: true,
    definition: described(spec),
    completions: spec.completions ?? {},
    isWatchable: watch !== undefined,
    open(asked) {
      const matched = template.match(asked);
      const parsed = matched && spec.variables.safeParse(matched);
      if (!parsed?.success) return undefined;
      return {
        read: (context) => spec.read(parsed.data, context),
        ...(watch && { watch: (onUpdate, context) => watch(onUpdate, parsed.data, context) }),
      };
    },
  };
}

function described({ name, title, description, mimeType }: Described): Described {
  return { name, title, description, mimeType };
}

const listParams = z.looseObject({ cursor: z.string().max(1_024).optional() });
const uriParams = z.looseObject({ uri: z.string().min(1).max(2_048) });
/** More than any client of ours needs; each one holds a listener. */
const MAX_SUBSCRIPTIONS = 1_000;

export function registerResources(session: Session, resources: readonly Resource[]): void {
  const fixed = resources.filter(({ isTemplate }) => !isTemplate);
  const templates = resources.filter(({ isTemplate }) => isTemplate);
  const targetOf = ({ uri }: { uri: string }) => ({ kind: 'resource', uri }) as const;
  const find = (uri: string): { resource: Resource; opened: OpenResource } => {
    for (const resource of resources) {
      const opened = resource.open(uri);
      if (opened !== undefined) return { resource, opened };
    }
    throw unknownTarget({ kind: 'resource', uri });
  };

  onRequest(session, 'resources/list', listParams, async (_, scope) => {
    const listed = await visible(session, scope, fixed, targetOf);
    return { resources: listed.map(({ uri, definition }) => ({ uri, ...definition })) };
  });

  onRequest(session, 'resources/templates/list', listParams, async (_, scope) => {
    const listed = await visible(session, scope, templates, targetOf);
    return { resourceTemplates: listed.map(({ uri, definition }) => ({ uriTemplate: uri, ...definition })) };
  });

  onRequest(session, 'resources/read', uriParams, async ({ uri }, scope): Promise<ReadResourceResult> => {
    const context = await scope.admit(targetOf({ uri }));
    const { resource, opened } = find(uri);
    const body = await opened.read(context);
    return { contents: [{ uri, mimeType: resource.definition.mimeType, ...encode(body) }] };
  });

  const watches = new Map<string, () => void>();
  session.onEnd(() => {
    for (const stop of watches.values()) stop();
    watches.clear();
  });

  onRequest(session, 'resources/subscribe', uriParams, async ({ uri }, scope) => {
    const context = await scope.admit(targetOf({ uri }));
    const { opened } = find(uri);
    if (opened.watch === undefined) {
      throw new AppError('INVALID_PARAMS', { text: 'This resource never tells of changes; read it when you need it' });
    }
    if (watches.has(uri)) return {};
    if (watches.size >= MAX_SUBSCRIPTIONS) {
      throw new AppError('RATE_LIMITED', {
        text: `A session may hold ${MAX_SUBSCRIPTIONS} subscriptions; end one first`,
      });
    }
    const update = () => {
      session.server
        .sendResourceUpdated({ uri })
        .catch((cause: unknown) => context.log.debug({ cause }, 'an update was not sent'));
    };
    watches.set(uri, opened.watch(update, context));
    return {};
  });

  onRequest(session, 'resources/unsubscribe', uriParams, async ({ uri }) => {
    watches.get(uri)?.();
    watches.delete(uri);
    return {};
  });
}

function encode(body: ResourceBody): { text: string } | { blob: string } {
  if ('bytes' in body) return { blob: Buffer.from(body.bytes).toString('base64') };
  return { text: 'text' in body ? body.text : JSON.stringify(body.json) };
}
