/**
 * The resources of the calls of now: the last ones, those that hold a word, one with its steps, and what each of the last seconds
 * counted. From memory alone, so that watching costs little. Another's calls are unknown, as in the events.
 */
import { z } from 'zod';
import type { Caller } from '../../../shared/identity/caller.ts';
import { unknownTarget } from '../../../shared/request.ts';
import { defineResource, defineResourceTemplate, type Resource } from '../../../shared/resource.ts';
import { STEPS } from '../../metrics/figures.ts';
import type { Second } from '../../metrics/pulse.ts';
import type { RecentCall } from '../../metrics/recent-calls.ts';
import type { Router } from '../../router.ts';
import { seesAllCalls } from './visible.ts';

const NEWEST = 100;
/** An update is a message through the whole router: thousands of calls a second are two of them. */
const UPDATE_EVERY_MS = 500;

export function callResources(router: Router): readonly Resource[] {
  const { events, figures } = router;
  const view = (caller: Caller, isWanted: (call: RecentCall) => boolean) => {
    const seesAll = seesAllCalls(router, caller);
    const calls = figures.recent.newest(NEWEST, (call) => (seesAll || call.agent === caller.agentId) && isWanted(call));
    return {
      all: seesAll,
      calls: calls.map(shownCall),
      seconds: seesAll ? figures.pulse.last(Date.now()).map(shownSecond) : [],
    };
  };
  return [
    defineResource({
      uri: 'village://calls',
      name: 'calls',
      title: 'Calls of now',
      description: `The last ${NEWEST} calls of tools, newest first, and how many there were in each of the last two minutes' seconds, with their durations. Who may search the audit sees those of all, others their own and no seconds. Updated at once, then at most twice a second.`,
      mimeType: 'application/json',
      read: async ({ caller }) => ({ json: view(caller, () => true) }),
      watch: (onUpdate) => {
        const paced = atMostEvery(UPDATE_EVERY_MS, onUpdate);
        const end = events.watch(paced.run, ['tool_executed', 'security_violation']);
        return () => {
          end();
          paced.end();
        };
      },
    }),
    defineResourceTemplate({
      uriTemplate: 'village://calls/like/{text}',
      variables: z.strictObject({ text: z.string().min(1).max(200) }),
      name: 'calls_like',
      title: 'Calls that hold a word',
      description: `As village://calls, of those among the last 5,000 whose agent, tool, server or outcome holds the text, in any case.`,
      mimeType: 'application/json',
      read: async ({ text }, { caller }) => {
        const wanted = text.toLowerCase();
        const holds = ({ agent, tool, server, outcome }: RecentCall) =>
          [agent, tool, server, outcome].some((each) => each.toLowerCase().includes(wanted));
        return { json: view(caller, holds) };
      },
    }),
    defineResourceTemplate({
      uriTemplate: 'village://calls/{call_id}',
      variables: z.strictObject({ call_id: z.uuid().max(36) }),
      name: 'call',
      title: 'Steps of one call',
      description:
        'Where the time of one of the last 5,000 calls of tools went: admit (stop, identity, limits, matrix, screening), governance where a vote was asked for, record_start, upstream, record_end, in milliseconds. For older calls see audit_query.',
      mimeType: 'application/json',
      async read({ call_id }, { caller }) {
        const call = figures.recent.find(call_id);
        if (call === undefined || (call.agent !== caller.agentId && !seesAllCalls(router, caller)))
          throw unknownTarget({ kind: 'resource', uri: `village://calls/${call_id}` });
        const steps = STEPS.map((step, at) => ({ step, ms: call.stepsMs[at]! })).filter(({ ms }) => !Number.isNaN(ms));
        return { json: { ...shownCall(call), steps: steps.map(({ step, ms }) => ({ step, ms: rounded(ms) })) } };
      },
    }),
  ];
}

function shownCall({ callId, agent, server, tool, outcome, startedAtMs, totalMs }: RecentCall) {
  return {
    call_id: callId,
    agent,
    server,
    tool,
    outcome,
    started_at: new Date(startedAtMs).toISOString(),
    total_ms: rounded(totalMs),
  };
}

function shownSecond({ at, calls, failed, refused, p50Ms, p99Ms }: Second) {
  return { at, calls, failed, refused, p50_ms: rounded(p50Ms), p99_ms: rounded(p99Ms) };
}

function rounded(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}

/** `run` does it at once, or when the time since the last is over. */
function atMostEvery(ms: number, work: () => void): { readonly run: () => void; readonly end: () => void } {
  let timer: NodeJS.Timeout | undefined;
  let last = Number.NEGATIVE_INFINITY;
  return {
    run: () => {
      timer ??= setTimeout(
        () => {
          timer = undefined;
          last = performance.now();
          work();
        },
        Math.max(0, last + ms - performance.now()),
      ).unref();
    },
    end: () => clearTimeout(timer),
  };
}
