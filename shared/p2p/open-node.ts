/**
 * Opens a node of this process: loads libp2p only now, so that whoever starts it can answer at once, and waits until it listens.
 */
import type { Log } from '../log.ts';
import type { NodeKey } from './key.ts';
import type { P2pNode } from './node.ts';

export interface NodeOptions {
  readonly key: NodeKey;
  /** Multiaddrs to listen on; port 0 takes a free port. None: it dials only. */
  readonly listen: readonly string[];
  /** Multiaddrs of peers to stay connected to. */
  readonly bootstrap: readonly string[];
  /** 32 bytes that all members of a private network share; without them anyone may connect. */
  readonly networkKey?: Uint8Array | undefined;
  /** Finds peers on the local network by multicast. */
  readonly mdns: boolean;
  /** False leaves QUIC out even where it is there; true unless given. */
  readonly quic?: boolean;
  /** Where the ports that were given out are kept for the next start. */
  readonly portsFile?: string;
  /** Connections at once; 256 unless given. */
  readonly maxConnections?: number;
  /** With so many neighbours it looks for no more by itself; 12 unless given. */
  readonly enoughNeighbours?: number;
  /** Peers in the table; 10,000 unless given. */
  readonly maxPeers?: number;
  readonly log: Log;
  now(): number;
}

/** @throws Error when libp2p cannot be started at all; a port that is taken is a fault of the node, not an error */
export async function openNode(options: NodeOptions): Promise<P2pNode> {
  const { startNode } = await import('./libp2p-node.ts');
  return startNode(options);
}
