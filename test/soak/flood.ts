/** R01: what others notice for `--seconds S` (30) while one caller floods on 64 connections. */
import { parseArgs } from 'node:util';
import { besideFlood } from '../e2e/lib/beside-flood.ts';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '30' } } });
const { alone, beside, ...rest } = await besideFlood(Number(values.seconds), 64);
const failures = [beside.calls, beside.votes, beside.logins].flatMap((part) => part.failures);
console.log(
  JSON.stringify({
    alone,
    beside,
    ...rest,
    failures,
    p99Ratio: beside.calls.p99Ms / alone.calls.p99Ms,
    voteRatio: beside.votes.medianMs / alone.votes.medianMs,
    loginRatio: beside.logins.medianMs / alone.logins.medianMs,
  }),
);
