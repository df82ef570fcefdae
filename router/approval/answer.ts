/**
 * What the caller of a gated call gets: the stored outcome as it was, or the state in words that a model can act on. Asks
 * nobody and changes nothing.
 */
import { z } from 'zod';
import { APPROVAL_META_KEY, type gateOutput } from '../../shared/approvals.ts';
import { encodeOctets, stringifyOctets } from '../../shared/json/octets.ts';
import type { Answer } from '../upstreams/peer.ts';

/** What the governance server says of the call's proposal. */
export type Gate = z.output<typeof gateOutput>;

export function answerFor(gate: Gate): Answer {
  if (gate.status === 'executed' || gate.status === 'failed') return outcome(gate);
  return state(gate, wordsFor(gate));
}

/** The stored outcome, as it was. */
function outcome(gate: Gate): Answer {
  const { outcome_text: text, outcome_bytes: bytes, status } = gate;
  if (text === null) {
    const lost = bytes === null ? 'a voter settled its outcome' : `its result of ${bytes} bytes was too long to keep`;
    return state(gate, `Proposal ${gate.proposal_id} is ${status}: ${lost}. It is not run again.`, status === 'failed');
  }
  const octets = encodeOctets(text);
  const refusal = status === 'failed' ? refusalIn(text) : undefined;
  return refusal === undefined ? { ok: true, octets } : { ok: false, octets: stringifyOctets(refusal) };
}

const refusalSchema = z.strictObject({
  error: z.looseObject({ code: z.number(), message: z.string() }),
});

/** A call that came to no result is kept as `{"error": …}`; a tool's result never has that alone. */
function refusalIn(text: string): object | undefined {
  const parsed = refusalSchema.safeParse(JSON.parse(text));
  return parsed.success ? parsed.data.error : undefined;
}

function state({ proposal_id, status, expires_at }: Gate, text: string, isError = true): Answer {
  const result = {
    content: [{ type: 'text', text }],
    isError,
    _meta: { [APPROVAL_META_KEY]: { proposalId: proposal_id, status, expiresAt: expires_at } },
  };
  return { ok: true, octets: stringifyOctets(result) };
}

function wordsFor({ proposal_id: id, status, type, approvals, required, voters, expires_at: until }: Gate): string {
  const again = 'Call it again with the same arguments to learn the state or to get the result.';
  switch (status) {
    case 'voting_ongoing':
      return (
        `This call needs a vote and has not run. It is proposal ${id} (${type}): ${approvals} of ${required} approvals, ` +
        `by ${voters.join(', ')}, until ${until}. It runs by itself, once, when it is approved. ${again} ` +
        `governance_status with this proposal_id shows the votes. Do not try to reach the same in another way.`
      );
    case 'approved':
    case 'executing':
      return `Proposal ${id} is approved and its call is being made. ${again}`;
    case 'outcome_unknown':
      return (
        `The call of proposal ${id} was made and its outcome was lost: it may or may not have taken effect. It is not run ` +
        'again; a voter settles it with governance_resolve.'
      );
    case 'rejected':
      return `This call was put to the vote and rejected (proposal ${id}). It has not run. The answer holds until ${until}.`;
    default:
      return `Proposal ${id} for this call is ${status}. It has not run; call it again to put it to a new vote.`;
  }
}
