/** Carries the link between server and node over libp2p streams. */
import { framesOn } from '../../../shared/p2p/frames.ts';
import type { P2pNode } from '../../../shared/p2p/node.ts';
import { FRAME_LIMITS, greet, type Link, PROTOCOL, welcome } from './link.ts';
import { type FromNode, type FromServer, fromNode, fromServer } from './messages.ts';

/** Takes links of nodes; `serve` lasts as long as its link. @returns what ends it */
export function takeLinks(
  node: P2pNode,
  serve: (link: Link<FromServer, FromNode>) => Promise<void>,
): Promise<() => Promise<void>> {
  return node.handle(PROTOCOL, async (stream, remotePeerId) => {
    const frames = framesOn(stream, FRAME_LIMITS);
    try {
      await serve(await welcome({ frames, signer: node, remotePeerId, incoming: fromNode }));
    } catch (error) {
      frames.abort(error instanceof Error ? error : new Error(String(error)));
      throw error;
    }
  });
}

/** @throws AppError CONNECTION_FAILED, LinkError when whoever is there is not that peer */
export async function dialLink(node: P2pNode, serverPeerId: string): Promise<Link<FromNode, FromServer>> {
  const frames = framesOn(await node.openStream(serverPeerId, PROTOCOL), FRAME_LIMITS);
  try {
    return await greet({ frames, signer: node, remotePeerId: serverPeerId, incoming: fromServer });
  } catch (error) {
    frames.abort(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
}
