/** A remote server's transport: its address is checked at each start, before a byte goes there (D11). */
import type { LookupFunction } from 'node:net';
import { checkUrl } from '../../shared/check-url.ts';
import { AppError } from '../../shared/errors.ts';
import type { Octets } from '../../shared/json/octets.ts';
import type { Transport, TransportEvents } from './transport.ts';

export class RemoteTransport implements Transport {
  private readonly url: string;
  private readonly allowPrivate: boolean;
  private readonly make: (lookup: LookupFunction) => Promise<Transport>;
  private inner: Transport | undefined;

  /** @param make makes the transport that connects by `lookup`; it may load what it needs first */
  constructor(url: string, allowPrivate: boolean, make: (lookup: LookupFunction) => Promise<Transport>) {
    this.url = url;
    this.allowPrivate = allowPrivate;
    this.make = make;
  }

  /** @throws AppError SECURITY_VIOLATION, CONNECTION_FAILED */
  async start(events: TransportEvents): Promise<void> {
    const { lookup } = await checkUrl(this.url, { allowPrivate: this.allowPrivate });
    this.inner = await this.make(lookup);
    await this.inner.start(events);
  }

  send(message: Octets, requestId?: number): void {
    if (this.inner === undefined) throw new AppError('UPSTREAM_UNAVAILABLE');
    this.inner.send(message, requestId);
  }

  abandon(requestId: number): void {
    this.inner?.abandon?.(requestId);
  }

  setProtocolVersion(version: string): void {
    this.inner?.setProtocolVersion?.(version);
  }

  pause(): void {
    this.inner?.pause?.();
  }

  resume(): void {
    this.inner?.resume?.();
  }

  get congested(): boolean {
    return this.inner?.congested ?? false;
  }

  async close(): Promise<void> {
    await this.inner?.close();
  }
}
