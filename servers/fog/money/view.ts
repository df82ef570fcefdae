/** How money looks from outside: schemas of arguments and results, snake_case, amounts in FOG as decimal texts. */
import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { formatFog, type Micro } from '../../../shared/fog-amount.ts';
import type { Caller } from '../../../shared/identity/caller.ts';
import { LEVELS } from '../../../shared/identity/levels.ts';
import { CONTRACT_STATUSES } from '../store/contracts.ts';
import type { Offer } from '../store/offers.ts';
import type { Harvest } from './harvester.ts';
import type { ContractState } from './market.ts';
import type { Candidate } from './matching.ts';
import { KINDS } from './posting.ts';

export const MOST = {
  fog: 1_000_000_000,
  cores: 4_096,
  memoryGb: 65_536,
  hours: 8_760,
  count: 1e15,
  list: 1_000,
} as const;

/** An amount that a caller gives: FOG above 0, as a number or a decimal text. */
export const amountSchema = z.union([
  z.number().gt(0).max(MOST.fog),
  z
    .string()
    .max(20)
    .regex(/^\d{1,10}(\.\d{1,6})?$/, 'expected FOG in decimals, such as "12.5"'),
]);
/** Also 0. */
export const priceSchema = z.union([
  z.number().min(0).max(MOST.fog),
  z
    .string()
    .max(20)
    .regex(/^\d{1,10}(\.\d{1,6})?$/, 'expected FOG in decimals, such as "0.5"'),
]);
export const agentSchema = z
  .string()
  .regex(/^[\x21-\x7e]+$/, 'expected an agent id of visible ASCII characters')
  .max(256);
export const nodeSchema = z
  .string()
  .regex(/^[\w.:-]+$/, 'expected letters, digits, dots, colons, - or _')
  .max(128);
export const idSchema = z
  .string()
  .regex(/^[\w-]+$/, 'expected letters, digits, - or _')
  .max(100);
export const keySchema = z
  .string()
  .regex(/^[\x21-\x7e]+$/, 'expected visible ASCII characters')
  .max(100);
export const fogText = z.string().max(40);
const time = z.iso.datetime().max(40);
const count = z.number().min(0).max(MOST.count);

export const requirementsSchema = z.strictObject({
  cpu_cores: z.int().min(1).max(MOST.cores),
  memory_gb: z.number().gt(0).max(MOST.memoryGb),
  gpu_required: z.boolean().default(false),
});

export const offerSchema = z.object({
  offer_id: idSchema,
  provider: z.string().max(256),
  node_id: z.string().max(128),
  cpu_cores: count,
  memory_gb: count,
  free_cpu_cores: z.number().min(-MOST.count).max(MOST.count),
  free_memory_gb: z.number().min(-MOST.count).max(MOST.count),
  gpu: z.boolean(),
  cpu_hour_price: fogText,
  gb_hour_price: fogText,
  provider_stake: fogText,
  harvested: z.boolean(),
  expires_at: time,
});

export const contractStatusSchema = z.enum(CONTRACT_STATUSES);

export const contractSchema = z.object({
  contract_id: idSchema,
  offer_id: idSchema,
  consumer: z.string().max(256),
  provider: z.string().max(256),
  node_id: z.string().max(128),
  cpu_cores: count,
  memory_gb: count,
  gpu: z.boolean(),
  cpu_hour_price: fogText,
  gb_hour_price: fogText,
  escrow: fogText.describe('FOG that were locked for it: the most that it costs'),
  metered: z.object({ runs: count, cpu_seconds: count, gb_hours: count, cost: fogText }),
  status: contractStatusSchema,
  reason: z.string().max(1_000),
  proposal_id: z.string().max(256).nullable().describe('Of the dispute'),
  paid: fogText,
  starts_at: time,
  ends_at: time,
  settled_at: time.nullable(),
});

export const statementLineSchema = z.object({
  position: count,
  line: count.describe('To continue: give the last one as `before`'),
  kind: z.enum(KINDS),
  amount: fogText,
  balance: fogText,
  reference: z.string().max(300),
  memo: z.string().max(500),
  at: time,
});

export const harvestSchema = z.object({
  node_id: z.string().max(128),
  enabled: z.boolean(),
  harvesting: z.boolean(),
  reason: z.string().max(500),
  offer_id: z.string().max(100).nullable(),
  since: time,
});

const GB_IN_MB = 1_024;
const GB_HOUR = 3_600_000 * GB_IN_MB;
export const toMb = (gb: number): number => Math.ceil(gb * GB_IN_MB);
const toGb = (mb: number): number => mb / GB_IN_MB;
const iso = (ms: number): string => new Date(ms).toISOString();
export const toFog = (micro: Micro): string => formatFog(micro);

export function toOfferView(offer: Offer & Partial<Candidate>): z.input<typeof offerSchema> {
  return {
    offer_id: offer.id,
    provider: offer.provider,
    node_id: offer.nodeId,
    cpu_cores: offer.cpuCores,
    memory_gb: toGb(offer.memoryMb),
    free_cpu_cores: offer.freeCores ?? offer.cpuCores,
    free_memory_gb: toGb(offer.freeMemoryMb ?? offer.memoryMb),
    gpu: offer.gpu,
    cpu_hour_price: toFog(offer.cpuHourPrice),
    gb_hour_price: toFog(offer.gbHourPrice),
    provider_stake: toFog(offer.staked ?? 0n),
    harvested: offer.isHarvested,
    expires_at: iso(offer.expiresAt),
  };
}

export function toContractView(contract: ContractState): z.input<typeof contractSchema> {
  const { used } = contract;
  return {
    contract_id: contract.id,
    offer_id: contract.offerId,
    consumer: contract.consumer,
    provider: contract.provider,
    node_id: contract.nodeId,
    cpu_cores: contract.cpuCores,
    memory_gb: toGb(contract.memoryMb),
    gpu: contract.gpu,
    cpu_hour_price: toFog(contract.cpuHourPrice),
    gb_hour_price: toFog(contract.gbHourPrice),
    escrow: toFog(contract.escrow),
    metered: {
      runs: used.runs,
      cpu_seconds: used.cpuMs / 1_000,
      gb_hours: used.mbMs / GB_HOUR,
      cost: toFog(contract.cost),
    },
    status: contract.status,
    reason: contract.reason,
    proposal_id: contract.proposalId,
    paid: toFog(contract.paid),
    starts_at: iso(contract.startsAt),
    ends_at: iso(contract.endsAt),
    settled_at: contract.settledAt === null ? null : iso(contract.settledAt),
  };
}

export function toStatementView(line: {
  position: number;
  ordinal: number;
  kind: (typeof KINDS)[number];
  amount: Micro;
  balance: Micro;
  reference: string;
  memo: string;
  at: number;
}): z.input<typeof statementLineSchema> {
  const { ordinal, amount, balance, at, ...rest } = line;
  return { ...rest, line: ordinal, amount: toFog(amount), balance: toFog(balance), at: iso(at) };
}

export function toHarvestView(harvest: Harvest): z.input<typeof harvestSchema> {
  return {
    node_id: harvest.nodeId,
    enabled: harvest.isEnabled,
    harvesting: harvest.isHarvesting,
    reason: harvest.reason,
    offer_id: harvest.offerId === '' ? null : harvest.offerId,
    since: iso(harvest.changedAt),
  };
}

/** Whose money this caller may look at: its own, and everybody's from level GOVERNANCE on. */
export function maySee(caller: Caller, agentId: string): boolean {
  return caller.agentId === agentId || seesAll(caller);
}

export function seesAll(caller: Caller): boolean {
  return caller.level >= LEVELS.GOVERNANCE;
}

/** The agent whose ledger is asked for. @throws AppError UNKNOWN_NAME: another's answers like one that does not exist */
export function ledgerToRead(caller: Caller, asked: string | undefined): string {
  if (asked === undefined || maySee(caller, asked)) return asked ?? caller.agentId;
  throw new AppError('UNKNOWN_NAME', { text: `Unknown ledger: ${asked}. Leave agent_id out for your own.` });
}
