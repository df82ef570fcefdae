/** Waits for what becomes of a proposal, and tells meanwhile who voted. Decides and writes nothing. */
import { AppError } from '../../shared/errors.ts';
import type { CallContext } from '../../shared/request.ts';
import type { Change, Changes } from './changes.ts';
import type { Decisions } from './decisions.ts';
import { type Proposal, tally } from './proposal.ts';

export interface WaitOptions extends Pick<CallContext, 'signal' | 'progress'> {
  /** The longest wait; 0: none. */
  readonly waitMs: number;
}

/**
 * The proposal once nothing more can happen to it by itself, or when the time is over.
 * @throws AppError CONNECTION_LOST when whoever waits is gone
 */
export async function settled(
  proposal: Proposal,
  { decisions, changes }: { readonly decisions: Pick<Decisions, 'get'>; readonly changes: Changes },
  { waitMs, signal, progress }: WaitOptions,
): Promise<Proposal> {
  const { id } = proposal;
  if (waitMs === 0 || isSettled(proposal)) return proposal;
  const { promise: over, resolve, reject } = Promise.withResolvers<void>();
  let step = 0;
  const tell = (text: string): void => {
    const now = decisions.get(id);
    const { approvals, rejections } = tally(now);
    progress(
      ++step,
      undefined,
      `${text} (${approvals} of ${now.electorate.threshold} approvals, ${rejections} rejections)`,
    );
    if (isSettled(now)) resolve();
  };
  const unhear = changes.onChange(({ subject, event }) => {
    if (subject.kind === 'proposal' && subject.id === id) tell(wordsFor(event));
  });
  const timer = setTimeout(resolve, waitMs);
  const gone = (): void => reject(new AppError('CONNECTION_LOST', { text: 'The call that waited was cancelled' }));
  signal.addEventListener('abort', gone, { once: true });
  try {
    if (signal.aborted) gone();
    tell(`proposal ${id} is put to the vote`);
    await over;
  } finally {
    clearTimeout(timer);
    unhear();
    signal.removeEventListener('abort', gone);
  }
  return decisions.get(id);
}

function isSettled({ endedAt, status }: Proposal): boolean {
  return endedAt !== null || status === 'outcome_unknown';
}

function wordsFor(event: Change['event']): string {
  switch (event.type) {
    case 'voted':
      return `${event.voter} votes to ${event.vote}`;
    case 'overridden':
      return `${event.by} decides alone: ${event.decision}`;
    case 'executing':
      return 'it runs';
    case 'outcome_lost':
      return 'its outcome is not known';
    case 'finished':
    case 'resolved':
      return event.outcome;
    default:
      return event.type;
  }
}
