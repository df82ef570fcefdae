/**
 * From a wish to an open circuit: chooses relays, builds, and tries others where one fails. It keeps nothing of what it built.
 */
import { AppError } from '../../../shared/errors.ts';
import { CircuitError } from './cell.ts';
import { BuildError, type ClientCircuit, type ClientDeps, openCircuit } from './client-circuit.ts';
import type { HiddenAddress } from './meeting.ts';
import type { Uniform } from './mixing.ts';
import type { RelayDescriptor } from './network.ts';
import { RELAYS } from './onion.ts';
import { choosePath, type Diversity } from './path.ts';

const ATTEMPTS = 3;

export interface BuilderDeps extends ClientDeps {
  readonly uniform: Uniform;
}

export interface Built {
  readonly circuit: ClientCircuit;
  /** In the order of the path. */
  readonly relays: readonly string[];
  readonly diversity: Diversity;
}

/** To a peer by its id. @throws AppError CONNECTION_FAILED saying what is missing */
export async function buildTo(peer: string, deps: BuilderDeps): Promise<Built> {
  const { network } = deps;
  if (peer === network.self) throw failed('A circuit leads to another peer, and this id is our own.');
  const far = network.peers().find((known) => known.peer === peer);
  if (far === undefined) {
    throw failed(
      'That peer is not known here, or announces no key for circuits. p2p_peers lists those that are known.',
    );
  }
  return await build(far, deps, async () => undefined);
}

/** To a hidden receiver, met at a peer that both chose to use. @throws AppError CONNECTION_FAILED */
export async function buildToHidden({ meetingPeer, serviceKey }: HiddenAddress, deps: BuilderDeps): Promise<Built> {
  if (meetingPeer === deps.network.self)
    throw failed('This hidden receiver is met at our own node: ask it for another address, or go from another node.');
  const meeting = deps.network.peers().find((known) => known.peer === meetingPeer);
  if (meeting === undefined) throw failed('The peer at which this hidden receiver is met is not known here, or gone.');
  return await build(meeting, deps, (circuit) => circuit.join(serviceKey));
}

async function build(
  far: RelayDescriptor,
  deps: BuilderDeps,
  complete: (circuit: ClientCircuit) => Promise<void>,
): Promise<Built> {
  const exclude = new Set([deps.network.self, far.peer]);
  let last: CircuitError | undefined;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const path = choosePath(deps.network.peers(), { count: RELAYS, exclude }, deps.uniform);
    if (path === undefined) break;
    let circuit: ClientCircuit | undefined;
    try {
      circuit = await openCircuit([...path.relays, far], deps);
      await complete(circuit);
      return { circuit, relays: path.relays.map(({ peer }) => peer), diversity: path.diversity };
    } catch (error) {
      circuit?.close('closed');
      if (!(error instanceof CircuitError)) throw error;
      last = error;
      // Beyond the relays it is the far end, or the last relay that does not reach it.
      const hop = error instanceof BuildError ? Math.min(error.hop, RELAYS) : 1;
      exclude.add(path.relays[hop - 1]!.peer);
    }
  }
  if (last !== undefined) throw failed(`No circuit could be opened: ${last.message}. Try again later.`, last);
  const known = deps.network.peers().filter(({ peer, relay }) => relay && !exclude.has(peer)).length;
  throw failed(`A circuit needs ${RELAYS} relays besides both ends; ${known} are known and alive here.`);
}

function failed(text: string, cause?: unknown): AppError {
  return new AppError('CONNECTION_FAILED', { text, cause });
}
