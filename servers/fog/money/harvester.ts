/**
 * Lets this device offer itself: who harvests on it, looked at every so often; an offer is put up when the rules let it work
 * and withdrawn when they do not. Earns nothing itself: rewards follow the work.
 */
import type { EconomyRules } from '../../../shared/economy-rules.ts';
import { AppError } from '../../../shared/errors.ts';
import type { Log } from '../../../shared/log.ts';
import type { Queries } from '../../../shared/queries.ts';
import type { MoneyTables } from '../store/money-tables.ts';
import type { DeviceSize, ReadDevice } from './device.ts';
import { createIdleWatch, type HarvestDecision } from './harvesting.ts';
import type { Market } from './market.ts';

export interface Harvest {
  readonly nodeId: string;
  readonly owner: string;
  readonly isEnabled: boolean;
  readonly isHarvesting: boolean;
  /** Why it harvests, or does not. */
  readonly reason: string;
  /** Empty while it does not. */
  readonly offerId: string;
  readonly changedAt: number;
}

export interface Harvester {
  /** Lets a node on this device harvest for its owner. @throws AppError CONFLICT when it harvests for another */
  start(owner: string, nodeId: string): Harvest;
  /** @throws AppError UNKNOWN_NAME when this agent does not harvest on it */
  stop(owner: string, nodeId: string): Harvest;
  of(owner: string): Harvest[];
  isHarvesting(nodeId: string): boolean;
  /** Looks at the device and does what the rules say. @returns what it decided; undefined when nobody harvests here */
  look(): Promise<HarvestDecision | undefined>;
  close(): void;
}

export interface HarvesterDeps {
  readonly store: Queries<MoneyTables>;
  readonly market: Market;
  readonly rules: () => EconomyRules;
  readonly readDevice: ReadDevice;
  readonly size: DeviceSize;
  readonly nowMs: () => number;
  readonly log: Log;
}

const LOOK_EVERY_MS = 15_000;
/** An offer is made for this long and made again: what nobody renews goes by itself. */
const OFFER_MS = 24 * 3_600_000;

export function createHarvester(deps: HarvesterDeps): Harvester {
  const { store, market, rules, readDevice, size, nowMs, log } = deps;
  const { db } = store;
  const idle = createIdleWatch();

  const rows = db.selectFrom('harvests').selectAll();
  function find(nodeId: string): Harvest | undefined {
    const row = store.first(rows.where('node_id', '=', nodeId));
    return row && toHarvest(row);
  }

  function write(harvest: Harvest): Harvest {
    const row = {
      node_id: harvest.nodeId,
      owner: harvest.owner,
      is_enabled: harvest.isEnabled ? 1 : 0,
      is_harvesting: harvest.isHarvesting ? 1 : 0,
      reason: harvest.reason,
      offer_id: harvest.offerId,
      changed_at: harvest.changedAt,
    };
    store.run(
      db
        .insertInto('harvests')
        .values(row)
        .onConflict((c) => c.column('node_id').doUpdateSet(row)),
    );
    return harvest;
  }

  /** Half of the device is left to its owner. */
  function putUp({ owner, nodeId }: Harvest): string {
    const { prices } = rules();
    return market.offer(owner, {
      nodeId,
      cpuCores: Math.max(1, Math.floor(size.cpuCores / 2)),
      memoryMb: Math.max(1, Math.floor(size.memoryMb / 2)),
      gpu: false,
      cpuHourPrice: prices.cpuHour,
      gbHourPrice: prices.gbHour,
      durationMs: OFFER_MS,
      isHarvested: true,
    }).id;
  }

  function takeDown(harvest: Harvest): void {
    if (harvest.offerId !== '') market.withdraw(harvest.owner, harvest.offerId);
  }

  function follow(nodeId: string, { mayHarvest, reason }: HarvestDecision): void {
    store.transaction(() => {
      const harvest = find(nodeId);
      if (harvest === undefined || !harvest.isEnabled) return;
      const isStale = harvest.isHarvesting && nowMs() - harvest.changedAt > OFFER_MS / 2;
      if (mayHarvest === harvest.isHarvesting && !isStale) {
        if (reason !== harvest.reason) write({ ...harvest, reason });
        return;
      }
      takeDown(harvest);
      const offerId = mayHarvest ? putUp(harvest) : '';
      write({ ...harvest, isHarvesting: mayHarvest, reason, offerId, changedAt: nowMs() });
    });
  }

  /** Of this data folder, and so of this machine. */
  const enabled = () => store.all(rows.where('is_enabled', '=', 1)).map(toHarvest);

  async function look(): Promise<HarvestDecision | undefined> {
    if (enabled().length === 0) return undefined;
    const decision = idle.decide(await readDevice(), rules().harvesting);
    for (const { nodeId } of enabled()) follow(nodeId, decision);
    return decision;
  }

  const timer = setInterval(() => {
    look().catch((cause: unknown) => log.warn({ cause }, 'this device could not be looked at for harvesting'));
  }, LOOK_EVERY_MS).unref();

  return {
    start: (owner, nodeId) =>
      store.transaction(() => {
        const earlier = find(nodeId);
        if (earlier?.isEnabled === true && earlier.owner !== owner) {
          throw new AppError('CONFLICT', { text: 'This node harvests for another agent, who must stop it first' });
        }
        if (earlier?.isEnabled === true) return earlier;
        const reason = 'the device was not looked at yet';
        return write({ nodeId, owner, isEnabled: true, isHarvesting: false, reason, offerId: '', changedAt: nowMs() });
      }),
    stop: (owner, nodeId) =>
      store.transaction(() => {
        const harvest = find(nodeId);
        if (harvest?.owner !== owner) throw new AppError('UNKNOWN_NAME', { text: `Unknown node of yours: ${nodeId}` });
        takeDown(harvest);
        const reason = 'its owner stopped it';
        return write({ ...harvest, isEnabled: false, isHarvesting: false, reason, offerId: '', changedAt: nowMs() });
      }),
    of: (owner) => store.all(rows.where('owner', '=', owner).orderBy('node_id')).map(toHarvest),
    isHarvesting: (nodeId) => find(nodeId)?.isHarvesting === true,
    look,
    close() {
      clearInterval(timer);
      try {
        // Nobody looks at this device any more: what it offers must not outlive that.
        for (const { nodeId } of enabled())
          follow(nodeId, { mayHarvest: false, reason: 'the server on this device ended' });
      } catch (cause) {
        log.warn({ cause }, 'offers of harvesting stand until they end by themselves');
      }
    },
  };
}

function toHarvest(row: {
  node_id: string;
  owner: string;
  is_enabled: number;
  is_harvesting: number;
  reason: string;
  offer_id: string;
  changed_at: number;
}): Harvest {
  return {
    nodeId: row.node_id,
    owner: row.owner,
    isEnabled: row.is_enabled === 1,
    isHarvesting: row.is_harvesting === 1,
    reason: row.reason,
    offerId: row.offer_id,
    changedAt: row.changed_at,
  };
}
