/** Composes the monitoring server from the real machine, the router and the real clock. */
import { randomBytes } from 'node:crypto';
import { createRouterClient } from '../../shared/client/router-client.ts';
import type { OpenServer, ServerEnvironment } from '../index.ts';
import { Alerts } from './alerts/alerts.ts';
import { AudioStreams } from './audio/streams.ts';
import { Collector } from './collector.ts';
import type { MonitoringDeps } from './deps.ts';
import { machineReader } from './machine.ts';
import { processReader } from './processes.ts';
import { routerReader } from './router-figures.ts';
import { Sampler } from './sampler.ts';
import { TimeSeries } from './series.ts';
import { createServer } from './server.ts';
import { openMonitoringStore } from './store/open.ts';
import { alertView } from './view.ts';
import { deliver } from './webhooks/deliver.ts';
import { relayEvents } from './webhooks/event-relay.ts';
import { Webhooks } from './webhooks/webhooks.ts';

export const open: OpenServer = async (environment) => createServer(await openDeps(environment));

/** @throws StoreError with what to do */
async function openDeps({ log, dataDir, router, monitoring }: ServerEnvironment): Promise<MonitoringDeps> {
  const nowMs = Date.now;
  const newId = () => randomBytes(18).toString('base64url');
  const store = await openMonitoringStore(dataDir);
  const series = await TimeSeries.open(store);
  const alerts = await Alerts.open({ store, series, nowMs, newId, hasRouter: router !== undefined });
  const webhooks = await Webhooks.open({
    store,
    deliver,
    allowPrivate: monitoring?.allowsPrivateWebhooks ?? false,
    newId,
    nowMs,
    log,
  });
  const client =
    router && createRouterClient({ url: router.url, token: () => router.token(), name: 'monitoring', log });
  const sampler = new Sampler({
    read: machineReader(nowMs),
    nowMs,
    onFault: (cause) => log.warn({ cause }, 'the machine could not be read'),
  });
  const collector = new Collector({
    sampler,
    readProcesses: processReader(process.pid, nowMs),
    readRouter: router && routerReader(router, nowMs),
    series,
    alerts,
    log,
    nowMs,
  });
  alerts.onChange((change) => {
    if (!change.isSilenced) webhooks.tell('alert', { alert: alertView(change) });
  });
  const stopRelay = client && relayEvents(client, webhooks, log);
  return {
    sampler,
    collector,
    series,
    alerts,
    webhooks,
    store,
    streams: new AudioStreams(nowMs),
    router: client,
    audioFolders: monitoring?.folders ?? [],
    dataDir,
    nowMs,
    async close() {
      stopRelay?.();
      webhooks.close();
      sampler.close();
      await collector.close();
      await client?.close();
      await store.close();
    },
  };
}
