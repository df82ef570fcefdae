/** Composes the monitoring server from the real machine and the real clock. */
import type { OpenServer } from '../index.ts';
import { machineReader } from './machine.ts';
import { Sampler } from './sampler.ts';
import { createServer } from './server.ts';

export const open: OpenServer = ({ log }) => {
  const nowMs = Date.now;
  const sampler = new Sampler({
    read: machineReader(nowMs),
    nowMs,
    onFault: (cause) => log.warn({ cause }, 'the machine could not be read'),
  });
  return createServer({ sampler, nowMs });
};
