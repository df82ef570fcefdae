/**
 * Lets a definition be listed only as it was approved: at its first sight when nothing in it is suspicious, or by somebody (S4, S5).
 * What changes stays withheld until it is approved again, whatever the server lists meanwhile and across restarts.
 */
import { createHash } from 'node:crypto';
import { AppError } from '../../shared/errors.ts';
import type { Work } from '../background.ts';
import type { Item, ListName } from '../catalog/definitions.ts';
import { differences, type Pinned, pinnedOf, shown } from './pin.ts';
import { idOf, type Pin, type PinStore, type Why } from './pin-store.ts';
import { type Finding, scanDefinition } from './poisoning.ts';

/** What the guard must know of a server. */
export interface Reviewed {
  readonly id: string;
  /** Our own program: its definitions come with it. */
  readonly isTrusted: boolean;
  /** Nothing of it is listed before somebody approved it. */
  readonly isCritical: boolean;
}

/** Something is withheld from now on, or what waits is another than before. */
export interface Withholding {
  readonly server: string;
  readonly list: string;
  readonly name: string;
  readonly why: Why;
  readonly approved: string | undefined;
  readonly pending: string;
  readonly findings: readonly Finding[];
}

export interface GuardOptions {
  readonly store: PinStore;
  /** Whether definitions wait for an approval even when they are seen for the first time. */
  readonly approvesFirst: () => boolean;
  readonly onWithheld: (withholding: Withholding) => void;
  /** Another process approved or withheld something. */
  readonly onChanged: () => void;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Resources come and go with their contents, and are not called; they are looked at, not pinned. */
const PINNED: ReadonlySet<string> = new Set<ListName | 'instructions'>(['tools', 'prompts', 'instructions']);
/** Of what waits for one name so many are put on record; a server that lists another each time does not fill the audit. */
const MAX_RECORDED = 20;
/** Written in one transaction. */
const MAX_AT_ONCE = 200;
/** Of all servers together; what comes beyond is not listed. */
const MAX_PINS = 100_000;

export class DefinitionGuard {
  private readonly options: GuardOptions;
  private pins: Map<string, Pin>;
  private readonly suspicious = new Set<string>();
  private readonly digests = new WeakMap<Item, Pinned>();
  private readonly recorded = new Map<string, Set<string>>();
  private version: number;

  constructor(options: GuardOptions) {
    this.options = options;
    this.version = options.store.version();
    this.pins = this.read();
  }

  /**
   * Learns what a server lists now. To be asked before anything of it is shown; what is not reviewed yet is not listed.
   * @param work this is part of: it is done in pieces
   */
  async review(server: Reviewed, list: ListName, items: readonly Item[], work: Work): Promise<void> {
    if (server.isTrusted) return;
    work.start(0);
    let changed: Pin[] = [];
    for (const item of items) {
      const pin = this.look(server, list, item);
      if (pin !== undefined) changed.push(pin);
      if (!work.isLong && changed.length < MAX_AT_ONCE) continue;
      this.keep(changed);
      changed = [];
      if (work.isLong) await work.rest();
    }
    this.keep(changed);
    work.stop();
  }

  /** The pin as it has to be kept; undefined when nothing changed. */
  private look(server: Reviewed, list: ListName, item: Item): Pin | undefined {
    const pinned = this.pinned(item);
    if (PINNED.has(list)) return this.reviewed(server, list, item.own, pinned);
    const findings = scanDefinition(pinned.value);
    if (findings.length > 0) {
      this.suspicious.add(item.digest);
      this.flag(server.id, list, item.own, pinned, findings);
    }
    return undefined;
  }

  /** Why it may not be listed; undefined when it may. */
  why(server: Reviewed, list: ListName, item: Item): Why | undefined {
    if (server.isTrusted) return undefined;
    if (!PINNED.has(list)) return this.suspicious.has(item.digest) ? 'suspicious' : undefined;
    const pin = this.pins.get(idOf(server.id, list, item.own));
    if (pin === undefined) return 'unapproved';
    return pin.pending?.why ?? (pin.approved?.digest === this.pinned(item).digest ? undefined : 'definition_changed');
  }

  /** Whether what a server says of itself may be shown. */
  showsInstructions(server: Reviewed, instructions: string): boolean {
    if (server.isTrusted) return true;
    const value = { instructions };
    const pin = this.reviewed(server, 'instructions', '', {
      digest: createHash('sha256').update(instructions).digest('hex'),
      value,
    });
    if (pin !== undefined) this.keep([pin]);
    return (pin ?? this.pins.get(idOf(server.id, 'instructions', '')))?.pending === undefined;
  }

  /** What waits for an approval. */
  waiting(): Pin[] {
    return [...this.pins.values()].filter(({ pending }) => pending !== undefined);
  }

  /**
   * Lets what waits be listed from now on.
   * @param digest of what was looked at: when another waits by now, nothing is approved
   * @throws AppError INVALID_PARAMS, CONFLICT
   */
  approve(server: string, list: string, name: string, digest: string, by: string): Pin {
    const { store, now } = this.options;
    const pin = store.get(idOf(server, list, name));
    if (pin?.pending === undefined)
      throw new AppError('INVALID_PARAMS', { text: 'Nothing of that name waits for an approval' });
    if (digestShown(pin.pending.digest) !== digest)
      throw new AppError('CONFLICT', { text: 'The server lists another definition by now; look at it again' });
    const { pending, ...rest } = pin;
    const approved: Pin = {
      ...rest,
      approved: { digest: pending.digest, value: pending.value },
      at: new Date(now()).toISOString(),
      by,
    };
    this.keep([approved]);
    this.options.onChanged();
    return approved;
  }

  /** Takes over what other processes wrote; to be asked every second or so. */
  refresh(): void {
    const version = this.options.store.version();
    if (version === this.version) return;
    this.version = version;
    this.pins = this.read();
    this.options.onChanged();
  }

  close(): Promise<void> {
    return this.options.store.close();
  }

  /** The pin as it has to be kept; undefined when nothing changed. */
  private reviewed(server: Reviewed, list: string, name: string, { digest, value }: Pinned): Pin | undefined {
    const pin = this.pins.get(idOf(server.id, list, name));
    if (pin !== undefined && (pin.pending ?? pin.approved)?.digest === digest) return undefined;
    if (pin === undefined && this.pins.size >= MAX_PINS) return undefined;
    const at = new Date(this.options.now()).toISOString();
    const findings = scanDefinition(value);
    const base: Pin = pin ?? { server: server.id, list, name, at };
    const why = this.whyNot(server, base, findings);
    if (why === undefined) return { ...base, approved: { digest, value }, at };
    const pending = { digest, value, why, findings };
    const approved = base.approved?.digest;
    this.tell({ server: server.id, list, name, why, approved, pending: digest, findings });
    return { ...base, pending, at };
  }

  private whyNot(server: Reviewed, { approved, pending }: Pin, findings: readonly Finding[]): Why | undefined {
    if (approved !== undefined) return 'definition_changed';
    if (findings.length > 0) return 'suspicious';
    // What once was suspicious does not become harmless by being listed again without it.
    if (pending !== undefined) return pending.why;
    return server.isCritical || this.options.approvesFirst() ? 'unapproved' : undefined;
  }

  private flag(server: string, list: string, name: string, { digest }: Pinned, findings: readonly Finding[]): void {
    this.tell({ server, list, name, why: 'suspicious', approved: undefined, pending: digest, findings });
  }

  private tell(withholding: Withholding): void {
    const id = idOf(withholding.server, withholding.list, withholding.name);
    const recorded = this.recorded.get(id) ?? new Set();
    this.recorded.set(id, recorded);
    if (recorded.size >= MAX_RECORDED || recorded.has(withholding.pending)) return;
    recorded.add(withholding.pending);
    this.options.onWithheld(withholding);
  }

  private keep(pins: readonly Pin[]): void {
    if (pins.length === 0) return;
    this.options.store.put(pins);
    for (const pin of pins) this.pins.set(idOf(pin.server, pin.list, pin.name), pin);
  }

  private read(): Map<string, Pin> {
    return new Map(this.options.store.all().map((pin) => [idOf(pin.server, pin.list, pin.name), pin]));
  }

  private pinned(item: Item): Pinned {
    let known = this.digests.get(item);
    if (known === undefined) {
      known = pinnedOf(item);
      this.digests.set(item, known);
    }
    return known;
  }
}

/** A digest is shown short enough to be typed. */
function digestShown(digest: string): string {
  return digest.slice(0, 16);
}

/** What somebody must see to decide. */
export interface Review {
  readonly server: string;
  readonly list: string;
  readonly name: string;
  readonly why: Why;
  readonly digest: string;
  readonly findings: readonly string[];
  readonly difference: readonly string[];
}

export function reviewOf({ server, list, name, approved, pending }: Pin): Review {
  const { why, digest, findings, value } = pending!;
  return {
    server,
    list,
    name: shown(name),
    why,
    digest: digestShown(digest),
    findings: findings.map(({ kind, where }) => `${kind} in ${where}`),
    difference: differences(approved?.value, value),
  };
}
