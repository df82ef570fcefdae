/** What can be seen of a router beside its answers: its audit, its files and log, and who was connected to. */
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { vi } from 'vitest';
import type { AuditEntry } from '../../../router/audit/entry.ts';
import { type AuditRecord, queryAudit } from '../../../router/audit/query.ts';
import type { RawSession } from './raw-client.ts';
import type { Village } from './village.ts';

/** The seq of the newest record; 0 when there is none. */
export async function lastSeq({ dataDir }: Pick<Village, 'dataDir'>): Promise<number> {
  const { records } = await queryAudit({ dataDir }, { limit: 1 });
  return records[0]?.seq ?? 0;
}

/** Records of one kind behind `seq`, oldest first. Up to 1,000. */
export async function recordsAfter(
  { dataDir }: Pick<Village, 'dataDir'>,
  seq: number,
  kind?: AuditEntry['kind'],
): Promise<AuditRecord[]> {
  const { records } = await queryAudit({ dataDir }, { limit: 1_000, ...(kind === undefined ? {} : { kind }) });
  return records.filter((record) => record.seq > seq).reverse();
}

/** The same, once there are `count`: a refusal is answered before its record is committed. Rejects when they never come. */
export function recordsOnceThere(
  village: Pick<Village, 'dataDir'>,
  seq: number,
  kind: AuditEntry['kind'],
  count: number,
): Promise<AuditRecord[]> {
  return vi.waitFor(
    async () => {
      const records = await recordsAfter(village, seq, kind);
      if (records.length < count) throw new Error(`${records.length} of ${count} ${kind} records`);
      return records;
    },
    { timeout: 5_000, interval: 20 },
  );
}

/** Waits until the session's tools have this one: its server may still be starting on a busy machine. */
export async function untilListed(session: RawSession, tool: string): Promise<void> {
  await vi.waitFor(
    async () => {
      const names = await session.names();
      if (!names.includes(tool)) throw new Error(`${tool} is not among ${names.join(', ')}`);
    },
    { timeout: 20_000, interval: 50 },
  );
}

/** Where any of these texts stands in clear: files of the router's folders, or its stderr. */
export function placesHolding(village: Village, secrets: readonly string[]): string[] {
  const places = [...filesIn(village.dataDir), ...filesIn(village.checkpointDir)].filter((file) => {
    const bytes = fs.readFileSync(file);
    return secrets.some((secret) => bytes.includes(secret));
  });
  const stderr = village.stderr();
  return secrets.some((secret) => stderr.includes(secret)) ? [...places, 'stderr'] : places;
}

function filesIn(folder: string): string[] {
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
}

/** Every line of the router's log files, unparsed. */
export function logLines({ dataDir }: Village): string[] {
  const folder = path.join(dataDir, 'logs');
  return fs
    .readdirSync(folder)
    .flatMap((file) => fs.readFileSync(path.join(folder, file), 'utf8').split('\n'))
    .filter((line) => line !== '');
}

/** A listener that nobody may connect to. */
export class Canary {
  connections = 0;
  private readonly server = net.createServer((socket) => {
    this.connections++;
    socket.destroy();
  });

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as net.AddressInfo).port}`;
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.server.close(() => resolve()));
  }
}
