/**
 * What one of our servers is: its tools, resources and prompts, made once per process; and a session of it, made once per
 * client. Carries no transport and checks no identity itself.
 */
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { LoggingLevelSchema } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { registerCompletion } from './completion.ts';
import { type Prompt, registerPrompts } from './prompt.ts';
import { type Gate, onRequest, type Session } from './request.ts';
import { type Resource, registerResources } from './resource.ts';
import { registerTools, type Tool } from './tool.ts';

export interface VillageServer {
  /** As in the configuration, such as `digital-twin`. */
  readonly id: string;
  readonly title: string;
  readonly version: string;
  /** For the model: what this server is good for and how its tools belong together. */
  readonly instructions: string;
  readonly tools: readonly Tool[];
  readonly resources: readonly Resource[];
  readonly prompts: readonly Prompt[];
  /** Ends timers, stores and connections. */
  close(): Promise<void>;
}

/**
 * The SDK's server for one client of `village`; connect it to a transport.
 * The low-level Server, because McpServer leaks the messages of errors and makes its schemas anew at each list.
 */
export function openSession(village: VillageServer, gate: Gate): Server {
  const { tools, resources, prompts } = village;
  const server = new Server(
    { name: village.id, title: village.title, version: village.version },
    {
      instructions: village.instructions,
      capabilities: {
        logging: {},
        tools: {},
        prompts: {},
        completions: {},
        resources: { subscribe: resources.some(({ isWatchable }) => isWatchable) },
      },
    },
  );
  const ends: (() => void)[] = [];
  server.onclose = () => {
    for (const end of ends.splice(0)) end();
  };
  server.onerror = (cause) => gate.log.debug({ server: village.id, cause }, 'the transport reports a fault');

  const session: Session = { server, gate, logLevel: 'info', onEnd: (end) => ends.push(end) };
  registerTools(session, tools);
  registerResources(session, resources);
  registerPrompts(session, prompts);
  registerCompletion(session, prompts, resources);
  onRequest(session, 'logging/setLevel', z.looseObject({ level: LoggingLevelSchema }), async ({ level }) => {
    session.logLevel = level;
    return {};
  });
  return server;
}
