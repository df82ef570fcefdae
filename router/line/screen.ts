/** Screening (S2): a call whose arguments look like an attack is blocked, and the record says by which features, never by which values. */
import { AppError } from '../../shared/errors.ts';
import type { Call } from '../call.ts';
import type { Entry } from '../catalog/catalog.ts';
import { OWN_ID } from '../config/server-entry.ts';
import { memberOf, octetsOf } from '../message.ts';
import type { Router } from '../router.ts';
import { History } from '../screening/history.ts';
import { explained, screen, THRESHOLD } from '../screening/screen.ts';
import type { Session } from '../session.ts';

/** Blocked by its score; the audit has it as `screened`, with the explanation. */
export class Screened extends AppError {
  readonly score: number;
  readonly explanation: string;
  constructor(score: number, explanation: string) {
    super('SECURITY_VIOLATION', {
      text: `The arguments look like an attack (${score} of at most ${THRESHOLD}): ${explanation}. Nothing was run; say it another way, or ask whoever runs this router`,
      data: { score },
    });
    this.score = score;
    this.explanation = explanation;
  }
}

/** Scores from here on are remembered against the session for some minutes. */
const SUSPICIOUS = 0.5;
const histories = new WeakMap<Session, History>();

/** Throws Screened. */
export function screenCall(call: Call, { server, target, name }: Entry, { timer, screening }: Router): void {
  // What was voted on was screened when it was asked for; the router's own tools are its owner's.
  if (!screening.isOn() || target.kind === 'resource' || call.approval !== undefined || server.id === OWN_ID) return;
  const member = memberOf(call.message.params, 'arguments');
  if (member === undefined) return;
  let history = histories.get(call.session);
  if (history === undefined) {
    history = new History();
    histories.set(call.session, history);
  }
  const now = timer.now();
  const extra = history.next(name, now);
  // Our own servers make nothing of an argument that runs or is parsed.
  const options = { isLiteral: server.options.isBuiltIn, ...(extra && { extra }) };
  const found = screen(octetsOf(call.message.text, member), options);
  if (found.score < SUSPICIOUS) return;
  history.suspicious(now);
  if (found.score > THRESHOLD) throw new Screened(found.score, explained(found));
}
