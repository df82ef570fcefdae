/**
 * Owns who owns the node: of all processes on a data folder one holds the lock and runs it, the others ask that one over the
 * local socket; when it ends, one of the others takes over. Knows neither libp2p nor what is asked.
 */
import path from 'node:path';
import { AppError } from '../../../shared/errors.ts';
import { type FileLock, takeFileLock } from '../../../shared/file-lock.ts';
import type { Log } from '../../../shared/log.ts';
import { connectLocally, type LocalClient } from './local-client.ts';
import { listenLocally } from './local-server.ts';
import { CHANGES, type Change } from './protocol.ts';
import { localSocketPath } from './socket-path.ts';

/** A host that starts a server wants its answer first; a call starts the node at once. */
const START_AFTER_MS = 150;
const LOOK_AGAIN_MS = 50;
const TRY_AGAIN_MS = 5_000;
const MAX_TRIES = 5;

/** The node and what works on it, while this process owns it. */
export interface OwnNode {
  /** @throws AppError UNKNOWN_NAME for no operation */
  call(operation: string, args: unknown): Promise<unknown>;
  close(): Promise<void>;
}

export interface SharedNodeParts {
  readonly dataDir: string;
  readonly log: Log;
  /** Starts the node; `tell` says what changed. */
  open(tell: (change: Change) => void): Promise<OwnNode>;
}

export interface SharedNode {
  /**
   * Runs an operation in the process that owns the node, and again when that one ends meanwhile: so an operation must be one
   * that may run twice. @throws AppError of the operation; UPSTREAM_UNAVAILABLE when no node can be had
   */
  call(operation: string, args: unknown): Promise<unknown>;
  /** Told of every change, and of all of them after the node moved to another process. @returns what ends it */
  onChange(listener: (change: Change) => void): () => void;
  /** Whether this process owns it; undefined while that is being settled. */
  isOwner(): boolean | undefined;
  close(): Promise<void>;
}

type Role =
  | { readonly is: 'owner'; readonly call: OwnNode['call'] }
  | { readonly is: 'guest'; readonly call: LocalClient['call'] }
  | { readonly is: 'failed'; readonly why: unknown };

export function openSharedNode({ dataDir, log, open }: SharedNodeParts): SharedNode {
  const socketPath = localSocketPath(dataDir);
  const listeners = new Set<(change: Change) => void>();
  const ending = new AbortController();
  const asked = new AbortController();
  let role: Role | undefined;
  let settled = Promise.withResolvers<Role>();
  let endOwn: (() => Promise<void>) | undefined;

  const tell = (change: Change): void => {
    for (const listener of listeners) listener(change);
  };
  const become = (next: Role): void => {
    role = next;
    settled.resolve(next);
    for (const change of CHANGES) tell(change);
  };
  const unsettle = (): void => {
    role = undefined;
    settled = Promise.withResolvers<Role>();
  };

  const own = async (lock: FileLock): Promise<void> => {
    let tellGuests: (change: Change) => void = () => undefined;
    let node: OwnNode | undefined;
    try {
      const opened = await open((change) => {
        tell(change);
        tellGuests(change);
      });
      node = opened;
      const server = await listenLocally(socketPath, opened.call);
      if (ending.signal.aborted) {
        await server.close();
        await opened.close();
        lock.release();
        return;
      }
      tellGuests = server.tell;
      const ended = Promise.withResolvers<void>();
      endOwn = async () => {
        await server.close();
        await opened.close();
        lock.release();
        ended.resolve();
      };
      log.info({ pid: process.pid }, 'this process owns the peer-to-peer node');
      become({ is: 'owner', call: opened.call });
      await ended.promise;
    } catch (why) {
      await node?.close().catch((cause: unknown) => log.error({ cause }, 'the peer-to-peer node did not end well'));
      lock.release();
      log.error({ cause: why }, 'the peer-to-peer node could not be started; it is tried again');
      become({ is: 'failed', why });
      await pause(TRY_AGAIN_MS, ending.signal);
      unsettle();
    }
  };
  const visit = async (): Promise<void> => {
    const client = await connectLocally(socketPath, tell).catch(() => undefined);
    // The owner may not listen yet, or may have gone this moment.
    if (client === undefined) return pause(LOOK_AGAIN_MS, ending.signal);
    const leave = () => client.close();
    ending.signal.addEventListener('abort', leave);
    become({ is: 'guest', call: client.call });
    await client.closed;
    ending.signal.removeEventListener('abort', leave);
    unsettle();
  };
  const settle = async (): Promise<void> => {
    await pause(START_AFTER_MS, AbortSignal.any([ending.signal, asked.signal]));
    while (!ending.signal.aborted) {
      const lock = takeFileLock(path.join(dataDir, 'p2p.owner'));
      if (lock !== undefined) await own(lock);
      else await visit();
    }
  };
  const settling = settle().catch((cause: unknown) => {
    log.error({ cause }, 'the peer-to-peer node is lost');
    become({ is: 'failed', why: cause });
  });

  return {
    async call(operation, args) {
      asked.abort();
      for (let tries = 1; ; tries += 1) {
        const current = role ?? (await settled.promise);
        if (current.is === 'failed') {
          throw new AppError('UPSTREAM_UNAVAILABLE', {
            text: 'The peer-to-peer node could not be started; the log says why, and it is tried again every few seconds',
            cause: current.why,
          });
        }
        try {
          return await current.call(operation, args);
        } catch (thrown) {
          const isLost = thrown instanceof AppError && thrown.kind === 'CONNECTION_LOST' && current.is === 'guest';
          if (!isLost || tries >= MAX_TRIES || ending.signal.aborted) throw thrown;
          if (role === current) await new Promise((resolve) => setImmediate(resolve));
        }
      }
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    isOwner: () => (role === undefined || role.is === 'failed' ? undefined : role.is === 'owner'),
    async close() {
      ending.abort();
      listeners.clear();
      await endOwn?.();
      await settling;
    },
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
