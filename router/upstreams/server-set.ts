/** The servers of the configuration as running things: made, replaced and ended as it changes, without touching the others. */
import { isDeepStrictEqual } from 'node:util';
import type { ServerConfig } from '../config/config.ts';
import type { UpstreamServer } from './server.ts';

export interface ServerSetOptions {
  /** The router's own server, always first. */
  readonly own: UpstreamServer;
  readonly create: (config: ServerConfig) => UpstreamServer;
  /** The set, in the order of the configuration, whenever it changed. */
  readonly onChange: (servers: readonly UpstreamServer[]) => void;
}

export class ServerSet {
  private readonly options: ServerSetOptions;
  private readonly running = new Map<string, { readonly config: ServerConfig; readonly server: UpstreamServer }>();

  constructor(options: ServerSetOptions) {
    this.options = options;
  }

  /** Takes over a configuration: what it changes is ended and made anew, the rest goes on. */
  apply(configs: ReadonlyMap<string, ServerConfig>): void {
    const wanted = [...configs.values()].filter((config) => !config.disabled);
    const ended: UpstreamServer[] = [];
    for (const [id, { config, server }] of this.running) {
      if (
        isDeepStrictEqual(
          wanted.find((each) => each.id === id),
          config,
        )
      )
        continue;
      this.running.delete(id);
      ended.push(server);
    }
    for (const config of wanted) {
      if (!this.running.has(config.id)) this.running.set(config.id, { config, server: this.options.create(config) });
    }
    const servers = wanted.map((config) => this.running.get(config.id)!.server);
    this.options.onChange([this.options.own, ...servers]);
    for (const server of ended) void server.stop();
  }

  /** Starts what does not run yet; whoever cannot start is tried again by itself. */
  startAll(): void {
    for (const server of this.all()) void server.start().catch(() => undefined);
  }

  all(): UpstreamServer[] {
    return [this.options.own, ...[...this.running.values()].map(({ server }) => server)];
  }

  async stop(): Promise<void> {
    await Promise.all(this.all().map((server) => server.stop()));
  }
}
