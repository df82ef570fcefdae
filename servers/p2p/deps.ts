/** What the P2P server's tools, resources and prompts work on. */
import type { Ask } from './owner/operation.ts';
import type { Change } from './owner/protocol.ts';

export interface P2pDeps {
  /** Asks the node, in this process or in the one that owns it. @throws AppError */
  readonly ask: Ask;
  /** Told when something that a resource shows has changed. @returns what ends it */
  readonly onChange: (change: Change, listener: () => void) => () => void;
  readonly close: () => Promise<void>;
}
