/**
 * Which of the processes on fog.db speaks to the nodes: a lease that its holder renews and another takes over when it ran out.
 * Knows nothing of nodes.
 */
import type { FogStore } from '../store/open.ts';

export interface Ownership {
  /** Takes or renews it. @returns whether this process has it now */
  hold(now: number): boolean;
  /** Where nodes reach this process; only while it is held. */
  publish(peerId: string, addresses: readonly string[]): void;
  /** Where nodes reach whoever holds it. */
  published(now: number): { readonly peerId: string; readonly addresses: readonly string[] } | undefined;
  giveUp(): void;
}

export const OWNER_LEASE_MS = 2_000;
const ONLY = 1;

export function createOwnership({ db, first, run, transaction }: FogStore, instance: string): Ownership {
  const row = () => first(db.selectFrom('dispatcher').selectAll().where('id', '=', ONLY));
  const mine = () => db.updateTable('dispatcher').where('id', '=', ONLY).where('instance', '=', instance);

  return {
    hold: (now) =>
      transaction(() => {
        const held = row();
        if (held !== undefined && held.instance !== instance && held.until > now) return false;
        const until = now + OWNER_LEASE_MS;
        if (held?.instance === instance) run(mine().set({ until }));
        else {
          const values = { instance, until, peer_id: '', addresses: '[]' };
          run(
            db
              .insertInto('dispatcher')
              .values({ id: ONLY, ...values })
              .onConflict((c) => c.column('id').doUpdateSet(values)),
          );
        }
        return true;
      }),
    publish(peerId, addresses) {
      run(mine().set({ peer_id: peerId, addresses: JSON.stringify(addresses) }));
    },
    published(now) {
      const held = row();
      if (held === undefined || held.until <= now || held.peer_id === '') return undefined;
      return { peerId: held.peer_id, addresses: JSON.parse(held.addresses) as string[] };
    },
    giveUp() {
      run(mine().set({ until: 0, peer_id: '', addresses: '[]' }));
    },
  };
}
