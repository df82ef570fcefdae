/**
 * Opens the door for nodes in the one process that holds it, closes it when it is lost, and tells the village's peers where it is.
 * The peer-to-peer node is loaded only then: a server that starts must answer first.
 */
import type { RouterClient } from '../../../shared/client/router-client.ts';
import type { Log } from '../../../shared/log.ts';
import type { P2pNode } from '../../../shared/p2p/node.ts';
import { takeLinks } from '../link/peer-link.ts';
import { createDispatcher, type Dispatcher, type DispatcherOptions } from './dispatcher.ts';
import { OWNER_LEASE_MS, type Ownership } from './owner.ts';

export interface SwitchboardOptions {
  readonly ownership: Ownership;
  readonly openNode: () => Promise<P2pNode>;
  readonly dispatcher: Omit<DispatcherOptions, 'peers'>;
  /** For telling peers; without a router nobody else is told. */
  readonly router: RouterClient | undefined;
  readonly log: Log;
}

export interface Switchboard {
  /** Work came or is to be cancelled. */
  poke(): void;
  tailOf(workId: string): string | undefined;
  close(): Promise<void>;
}

interface Door {
  readonly dispatcher: Dispatcher;
  readonly close: () => Promise<void>;
}

/** The service under which peers find the fog server of a village (README, "Who may give a node work"). */
export const SERVER_SERVICE = 'fog-server';
const FIRST_LOOK_MS = 150;
const TELL_EVERY_MS = 30_000;
const TELL_AGAIN_MS = 2_000;
const TOLD_FOR_SECONDS = 120;

export function openSwitchboard(options: SwitchboardOptions): Switchboard {
  const { ownership, router, log } = options;
  const { nowMs } = options.dispatcher;
  let door: Door | undefined;
  let peers: readonly string[] = [];
  let isClosed = false;
  let timer = setTimeout(look, FIRST_LOOK_MS);
  let looking: Promise<void> = Promise.resolve();

  function look(): void {
    looking = step()
      .catch((cause: unknown) => log.error({ cause }, 'the door for nodes could not be opened; it is tried again'))
      .then(() => {
        if (!isClosed) timer = setTimeout(look, OWNER_LEASE_MS / 4);
      });
  }

  async function step(): Promise<void> {
    const holds = ownership.hold(nowMs());
    if (holds && door === undefined) door = await openDoor();
    if (holds || door === undefined) return;
    log.warn({}, 'another process on this data folder speaks to the nodes now');
    await closeDoor();
  }

  async function openDoor(): Promise<Door> {
    const node = await options.openNode();
    const dispatcher = createDispatcher({ ...options.dispatcher, peers: () => peers });
    const endLinks = await takeLinks(node, dispatcher.serve);
    const publish = (): void => ownership.publish(node.peerId, node.addresses());
    publish();
    let tellTimer: NodeJS.Timeout | undefined;
    const tell = (): void => {
      publish();
      tellPeers(node).then(
        () => {
          tellTimer = setTimeout(tell, TELL_EVERY_MS);
        },
        (cause: unknown) => {
          log.debug({ cause }, 'the peers could not be told of the fog server; it is tried again');
          tellTimer = setTimeout(tell, TELL_AGAIN_MS);
        },
      );
    };
    if (router !== undefined) tell();
    log.info({ peerId: node.peerId, addresses: node.addresses(), faults: node.faults() }, 'nodes can join');
    return {
      dispatcher,
      async close() {
        clearTimeout(tellTimer);
        await endLinks();
        await dispatcher.close();
        await node.close();
      },
    };
  }

  async function tellPeers(node: P2pNode): Promise<void> {
    const [address] = node.addresses();
    if (router === undefined || address === undefined) return;
    await router.call('p2p_announce', {
      service: SERVER_SERVICE,
      details: { peer_id: node.peerId, address },
      ttl_seconds: TOLD_FOR_SECONDS,
    });
    const status: unknown = await router.call('p2p_status', {});
    const addresses = typeof status === 'object' && status !== null && 'addresses' in status ? status.addresses : [];
    peers = Array.isArray(addresses) ? addresses.filter((one) => typeof one === 'string').slice(0, 20) : [];
  }

  async function closeDoor(): Promise<void> {
    const closing = door;
    door = undefined;
    await closing?.close();
  }

  return {
    poke: () => door?.dispatcher.poke(),
    tailOf: (workId) => door?.dispatcher.tailOf(workId),
    async close() {
      isClosed = true;
      clearTimeout(timer);
      await looking;
      await closeDoor();
      ownership.giveUp();
    },
  };
}
