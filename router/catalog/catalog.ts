/**
 * What there is behind the router, under which names: for `/mcp` all servers merged, for `/mcp/<id>` one as it is. It knows
 * nothing of who may see what; that is the matrix.
 */

import type { Octets } from '../../shared/json/octets.ts';
import type { Target } from '../../shared/matrix/match.ts';
import { applyProfile } from '../../shared/matrix/profile.ts';
import { BUILT_IN_TOOLS } from '../../shared/permission-matrix.ts';
import type { DefinitionGuard, Reviewed } from '../definitions/guard.ts';
import type { UpstreamServer } from '../upstreams/server.ts';
import { type Item, type ListName, MAX_OWN, renamed } from './definitions.ts';
import { isOwnName, listedName } from './names.ts';
import { matchesTemplate } from './uri-template.ts';

/** One listed thing, with the server that has it. */
export interface Entry {
  readonly server: UpstreamServer;
  readonly item: Item;
  /** The name or uri that clients use. */
  readonly name: string;
  /** Its definition as clients see it. */
  readonly octets: Octets;
  /** What the matrix decides on. */
  readonly target: Target;
  /** Its definition waits for an approval: it is not listed, and calls of it are refused (S4, S5). */
  readonly awaitsApproval?: true;
}

type Guard = Pick<DefinitionGuard, 'why'>;

/** A name that two servers claim, or that no host takes: it is not listed. */
export interface Withheld {
  readonly list: ListName;
  readonly name: string;
  readonly serverId: string;
  readonly why: string;
}

/** The lists of one endpoint. */
export class View {
  readonly lists: { readonly [list in ListName]: ReadonlyMap<string, Entry> };
  readonly withheld: readonly Withheld[];
  /** What is known by name and not listed, because its definition waits for an approval. */
  readonly waiting: { readonly [list in ListName]: ReadonlyMap<string, Entry> };
  readonly servers: readonly UpstreamServer[];

  /**
   * @param merged the view of all servers, for an endpoint of one. There tools and prompts have their own names, without their
   *   server's prefix; but what has no name in `merged` is not here either, because rows of the matrix go by that name.
   */
  constructor(servers: readonly UpstreamServer[], merged: View | undefined, guard: Guard) {
    this.servers = servers;
    const prefixes = servers.map(({ prefix }) => prefix);
    const withheld: Withheld[] = [];
    const waiting = { tools: new Map(), resources: new Map(), templates: new Map(), prompts: new Map() };
    const build = (list: ListName) => {
      const entries = new Map<string, Entry>();
      for (const server of servers) {
        for (const item of server.definitions[list]) {
          const why = add(entries, waiting[list], list, server, item, merged, prefixes, guard);
          if (why !== undefined) withheld.push({ list, name: item.own, serverId: server.id, why });
        }
      }
      return entries;
    };
    this.lists = {
      tools: build('tools'),
      resources: build('resources'),
      templates: build('templates'),
      prompts: build('prompts'),
    };
    this.withheld = withheld;
    this.waiting = waiting;
  }

  /** The listed resource, or the template it can come from. A URI that is longer than any listed one is unknown. */
  resource(uri: string): Entry | undefined {
    if (uri.length > MAX_OWN) return undefined;
    const listed = this.lists.resources.get(uri);
    if (listed !== undefined) return listed;
    for (const entry of this.lists.templates.values()) {
      if (matchesTemplate(entry.item.own, uri)) {
        const target = { kind: 'resource', uri, serverId: entry.server.id } as const;
        return isAllowed(entry.server, target) ? { ...entry, name: uri, target } : undefined;
      }
    }
    // On an endpoint of one server the server itself knows best what it has.
    const only = this.servers.length === 1 ? this.servers[0] : undefined;
    if (only === undefined || !isAllowed(only, { kind: 'resource', uri, serverId: only.id })) return undefined;
    return unlisted(only, uri);
  }
}

const NO_ITEM: Omit<Item, 'own'> = {
  octets: '{}' as Octets,
  at: { start: 0, end: 0 },
  digest: '',
  readOnly: true,
  idempotent: true,
};

function unlisted(server: UpstreamServer, uri: string): Entry {
  return {
    server,
    item: { own: uri, ...NO_ITEM },
    name: uri,
    octets: NO_ITEM.octets,
    target: { kind: 'resource', uri, serverId: server.id },
  };
}

/** No server takes a built-in tool's name, and with it that tool's row of the matrix, while its owner is away. */
const BUILT_IN_OWNERS: ReadonlyMap<string, string> = new Map(
  Object.entries(BUILT_IN_TOOLS).flatMap(([owner, tools]) => tools.map((tool): [string, string] => [tool, owner])),
);

/** What its profile lets the server be used for (M6). */
function isAllowed({ options }: UpstreamServer, target: Target): boolean {
  return options.profile === undefined || applyProfile(options.profile, target).allowed;
}

/** Adds an entry; says why not when it stays out. */
function add(
  entries: Map<string, Entry>,
  waiting: Map<string, Entry>,
  list: ListName,
  server: UpstreamServer,
  item: Item,
  merged: View | undefined,
  prefixes: readonly string[],
  guard: Guard,
): string | undefined {
  const named = list === 'tools' || list === 'prompts';
  if (named && !isOwnName(item.own)) return 'a name is 1 to 128 of A-Z a-z 0-9 _ - .';
  const target = targetOf(list, server, item);
  const owner = target.kind === 'tool' ? BUILT_IN_OWNERS.get(target.listedName) : undefined;
  if (owner !== undefined && owner !== server.id) return `the name belongs to ${owner}`;
  if (!isAllowed(server, target)) return 'it is not among allowed_operations of its server';
  const name = merged === undefined && target.kind !== 'resource' ? target.listedName : item.own;
  const why = guard.why(reviewedOf(server), list, item);
  if (
    target.kind !== 'resource' &&
    merged !== undefined &&
    why === undefined &&
    merged.lists[list].get(target.listedName)?.server !== server
  )
    return `${target.listedName} is withheld where all servers are listed`;
  if (target.kind !== 'resource' && merged === undefined && owner === undefined) {
    // The longest prefix has the name, whoever was there first: `a__b__c` is `c` of `a__b`, never `b__c` of `a` (C06).
    const longer = prefixes.find((each) => each.length > server.prefix.length && target.listedName.startsWith(each));
    if (longer !== undefined) return `names that begin with ${longer} belong to another server`;
  }
  const holder = entries.get(name) ?? waiting.get(name);
  if (holder !== undefined) {
    return holder.server === server ? 'the server lists it twice' : `${holder.server.id} has that name already`;
  }
  const entry = { server, item, name, octets: renamed(item, name), target };
  if (why !== undefined) {
    waiting.set(name, { ...entry, awaitsApproval: true });
    return WHY[why];
  }
  entries.set(name, entry);
  return undefined;
}

const WHY = {
  definition_changed: 'its definition changed and waits for an approval',
  suspicious: 'its definition is suspicious and waits for an approval',
  unapproved: 'its definition waits for an approval',
} as const;

/** What the guard must know of a server. */
export function reviewedOf({ id, options }: UpstreamServer): Reviewed {
  return { id, isTrusted: options.isBuiltIn, isCritical: options.profile?.risk_level === 'critical' };
}

/** What the matrix decides on. Rows name a thing the same way on every endpoint: as `/mcp` lists it. */
export function targetOf(list: ListName, server: UpstreamServer, item: Item): Target {
  if (list === 'resources' || list === 'templates') return { kind: 'resource', uri: item.own, serverId: server.id };
  const kind = list === 'tools' ? 'tool' : 'prompt';
  return { kind, listedName: listedName(server.prefix, item.own), serverId: server.id, ownName: item.own };
}

export class Catalog {
  private readonly guard: Guard;
  private servers: readonly UpstreamServer[] = [];
  private views = new Map<string | undefined, View>();

  constructor(guard: Guard) {
    this.guard = guard;
  }

  /** All servers, in the order of the configuration: where two claim a name, the first has it. */
  setServers(servers: readonly UpstreamServer[]): void {
    this.servers = servers;
    this.views.clear();
  }

  all(): readonly UpstreamServer[] {
    return this.servers;
  }

  server(id: string): UpstreamServer | undefined {
    return this.servers.find((server) => server.id === id);
  }

  /** Some server's definitions changed. */
  changed(): void {
    this.views.clear();
  }

  /** The view of an endpoint: undefined = all servers. An id that is not there (any more) has an empty view. */
  view(endpoint: string | undefined): View {
    let view = this.views.get(endpoint);
    if (view === undefined) {
      view =
        endpoint === undefined
          ? new View(this.servers, undefined, this.guard)
          : new View(
              this.servers.filter((server) => server.id === endpoint),
              this.view(undefined),
              this.guard,
            );
      this.views.set(endpoint, view);
    }
    return view;
  }
}
