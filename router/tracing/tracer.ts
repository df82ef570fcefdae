/**
 * One OpenTelemetry span for each call, with one below it for each step of the line, sent by OTLP over HTTP. Made only when an
 * endpoint is set: OpenTelemetry is loaded here and nowhere else. https://opentelemetry.io/docs/specs/semconv/gen-ai/mcp/
 */
import type { Tracer as OtelTracer, Span } from '@opentelemetry/api';
import type { Logger } from '../../shared/logger.ts';
import type { Call } from '../call.ts';
import type { Entry } from '../catalog/catalog.ts';
import type { Step } from '../metrics/figures.ts';

/** The trace of one call. */
export interface CallSpan {
  /** What the server gets as its `traceparent`. */
  readonly traceparent: string;
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** From and to on the clock of performance.now(). */
  step(step: Step, from: number, to: number): void;
  end(call: Call, entry: Entry | undefined): void;
}

export interface Tracer {
  begin(call: Call): CallSpan;
  close(): Promise<void>;
}

export interface TracerOptions {
  /** OTEL_EXPORTER_OTLP_ENDPOINT: `/v1/traces` is added to it. */
  readonly endpoint: string;
  readonly version: string;
  readonly log: Logger;
}

const SAMPLED = 1;
/** A collector that is away costs no more memory than so many spans. */
const MAX_QUEUED = 4_096;
const SEND_EVERY_MS = 1_000;
const FAILED = new Set(['failed', 'timed_out', 'unknown', 'tool_error', 'too_large']);

export async function openTracer({ endpoint, version, log }: TracerOptions): Promise<Tracer> {
  const [api, sdk, { OTLPTraceExporter }, { resourceFromAttributes }] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
  ]);
  const { SpanKind, SpanStatusCode, TraceFlags, ROOT_CONTEXT, trace } = api;
  api.diag.setLogger(
    {
      error: (text) => log.warn(`tracing: ${text}`.slice(0, 500)),
      warn: (text) => log.warn(`tracing: ${text}`.slice(0, 500)),
      info: () => {},
      debug: () => {},
      verbose: () => {},
    },
    api.DiagLogLevel.WARN,
  );
  const provider = new sdk.TracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'aivillage-router', 'service.version': version }),
    spanProcessors: [
      new sdk.BatchSpanProcessor({
        exporter: new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, '')}/v1/traces` }),
        maxQueueSize: MAX_QUEUED,
        scheduledDelayMillis: SEND_EVERY_MS,
      }),
    ],
  });
  const tracer: OtelTracer = provider.getTracer('aivillage-router', version);

  function contextOf({ origin }: Call) {
    if (origin.trace === undefined || origin.parentSpan === undefined) return ROOT_CONTEXT;
    return trace.setSpanContext(ROOT_CONTEXT, {
      traceId: origin.trace,
      spanId: origin.parentSpan,
      traceFlags: origin.isSampled === false ? TraceFlags.NONE : TraceFlags.SAMPLED,
      isRemote: true,
    });
  }

  return {
    begin(call) {
      const base = performance.timeOrigin;
      const span: Span = tracer.startSpan(
        call.message.method,
        { kind: SpanKind.SERVER, startTime: base + call.startedAt },
        contextOf(call),
      );
      const within = trace.setSpan(ROOT_CONTEXT, span);
      const { traceId, spanId, traceFlags } = span.spanContext();
      return {
        traceId,
        traceparent: `00-${traceId}-${spanId}-${(traceFlags & SAMPLED) === SAMPLED ? '01' : '00'}`,
        step(step, from, to) {
          tracer.startSpan(step, { startTime: base + from }, within).end(base + to);
        },
        end(ended, entry) {
          const { outcome = 'ok', correlationId, caller, origin } = ended;
          span.setAttributes({
            'aivillage.call_id': correlationId,
            'aivillage.agent': caller.agentId,
            'aivillage.outcome': outcome,
            ...(origin.workflow !== undefined && { 'aivillage.workflow': origin.workflow }),
            ...(entry !== undefined && { 'aivillage.server': entry.server.id }),
            ...(entry?.target.kind === 'tool' && { 'gen_ai.tool.name': entry.target.listedName }),
          });
          if (entry?.target.kind === 'tool') span.updateName(`${ended.message.method} ${entry.target.listedName}`);
          if (FAILED.has(outcome)) span.setStatus({ code: SpanStatusCode.ERROR });
          span.end(base + performance.now());
        },
      };
    },
    close: async () => {
      // A collector that is away must not keep the router from ending.
      await Promise.race([provider.shutdown(), new Promise((resolve) => setTimeout(resolve, 2_000).unref())]).catch(
        () => undefined,
      );
    },
  };
}
