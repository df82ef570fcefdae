/** The router's own server: its tools are called like any other server's, through the same line, by the same matrix. */
import type { KeyObject } from 'node:crypto';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { createAssertionVerifier } from '../../shared/identity/assertions.ts';
import { callerByAssertion } from '../../shared/identity/proof.ts';
import { type Octets, parseOctets, stringifyOctets } from '../../shared/json/octets.ts';
import type { Gate } from '../../shared/request.ts';
import { openSession, type VillageServer } from '../../shared/village-server.ts';
import { OWN_ID } from '../config/server-entry.ts';
import type { Transport } from '../upstreams/transport.ts';
import type { OwnServerDeps } from './deps.ts';
import { ownResources } from './resources/index.ts';
import { ownTools } from './tools/index.ts';

export interface OwnServerOptions extends OwnServerDeps {
  readonly publicKey: KeyObject;
  readonly issuer: string;
}

/** A way to reach it, for an UpstreamServer. */
export function wayToOwnServer(options: OwnServerOptions): () => Transport {
  const { router, publicKey, issuer } = options;
  const village: VillageServer = {
    id: OWN_ID,
    title: 'AIVillage router',
    version: router.version,
    instructions:
      'What the router itself can tell and do: which servers there are and how they are (service_list, service_status), who may do what and why ' +
      '(permission_explain), what was done and that nobody changed the record of it (audit_query, audit_verify), and servers added or removed at run time (service_register, service_remove).',
    tools: ownTools(options),
    resources: ownResources(options),
    prompts: [],
    close: async () => {},
  };
  const verifier = createAssertionVerifier({ publicKey, serverId: OWN_ID, issuer, now: Date.now });
  const gate: Gate = {
    callerOf: callerByAssertion(
      {
        fromAssertion: async (jwt) => verifier.verify(jwt),
        fromToken: () => Promise.reject(new Error('the own server takes assertions only')),
        local: () => {
          throw new Error('the own server takes assertions only');
        },
      },
      'stdio',
    ),
    // The line decided already, in this very process and by the same matrix.
    authorize: () => {},
    listsAreFiltered: false,
    log: router.log,
  };
  return () => inProcess(village, gate);
}

/** The SDK's in-memory pair, with our end in octets. */
function inProcess(village: VillageServer, gate: Gate): Transport {
  const [near, far] = InMemoryTransport.createLinkedPair();
  return {
    congested: false,
    async start(events) {
      near.onmessage = (message) => events.onMessage(stringifyOctets(message), undefined);
      near.onclose = () => events.onClose(undefined);
      await openSession(village, gate).connect(far);
      await near.start();
    },
    send(message: Octets) {
      void near.send(parseOctets(message) as JSONRPCMessage);
    },
    close: () => near.close(),
  };
}
