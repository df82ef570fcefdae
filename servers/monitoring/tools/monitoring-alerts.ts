/** The tool `monitoring_alerts` (O5), with the webhooks of alerts and events (O9). */
import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import type { CallContext } from '../../../shared/request.ts';
import { defineTool, type Tool } from '../../../shared/tool.ts';
import { MAX_ALERTS, MAX_RULES, MAX_SILENCES } from '../alerts/alerts.ts';
import { ruleSchema } from '../alerts/rule.ts';
import type { MonitoringDeps } from '../deps.ts';
import { admitChange, seesAllCalls } from '../rights.ts';
import { alertSchema, alertView, pastSchema, pastView, silenceSchema, silenceView } from '../view.ts';
import { MAX_WEBHOOKS, TOPICS, type WebhookState } from '../webhooks/webhooks.ts';

const ACTIONS = [
  'list',
  'history',
  'set_rule',
  'remove_rule',
  'silence',
  'end_silence',
  'list_webhooks',
  'add_webhook',
  'remove_webhook',
] as const;
const MAX_HISTORY = 500;

const input = z.strictObject({
  action: z
    .enum(ACTIONS)
    .default('list')
    .describe(
      'list: alerts, rules and silences; history: past changes; the others change something and need monitoring:manage_alerts',
    ),
  rule: ruleSchema.optional().describe('For set_rule'),
  rule_id: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe('For remove_rule, silence (without it: all rules) and history'),
  minutes: z.int().min(1).max(43_200).default(60).describe('For silence: how long'),
  reason: z.string().min(1).max(300).optional().describe('For silence: why'),
  silence_id: z.string().min(1).max(100).optional().describe('For end_silence'),
  url: z.string().min(1).max(2_048).optional().describe('For add_webhook: an http or https URL that is POSTed to'),
  topics: z
    .array(z.enum(TOPICS))
    .min(1)
    .max(TOPICS.length)
    .optional()
    .describe('For add_webhook: what it is told; `alert` by default'),
  webhook_id: z.string().min(1).max(100).optional().describe('For remove_webhook'),
  limit: z.int().min(1).max(MAX_HISTORY).default(50).describe('For history: how many, the newest first'),
});

const webhookSchema = z.object({
  webhook_id: z.string().max(100),
  url: z.string().max(2_048),
  topics: z.array(z.enum(TOPICS)).max(TOPICS.length),
  by: z.string().max(300),
  delivered: z.int().min(0).max(1e15),
  dropped: z.int().min(0).max(1e15),
  problem: z.string().max(500).nullable(),
});

const output = z.object({
  alerts: z.array(alertSchema).max(MAX_ALERTS).optional(),
  rules: z
    .array(ruleSchema)
    .max(MAX_RULES + 50)
    .optional(),
  silences: z.array(silenceSchema).max(MAX_SILENCES).optional(),
  history: z.array(pastSchema).max(MAX_HISTORY).optional(),
  webhooks: z.array(webhookSchema).max(MAX_WEBHOOKS).optional(),
  silence_id: z.string().max(100).optional(),
  webhook_id: z.string().max(100).optional(),
  secret: z.string().max(100).optional().describe('Told once: deliveries carry an HMAC-SHA256 of the body by it'),
});

type Arguments = z.output<typeof input>;
type Result = z.input<typeof output>;

export function monitoringAlerts(deps: MonitoringDeps): Tool {
  return defineTool({
    name: 'monitoring_alerts',
    title: 'Alerts',
    description:
      'Shows what monitoring has noticed (alerts that are pending or firing), by which rules, and what is silenced; or changes rules, ' +
      'silences and webhooks. Use it to learn what needs attention, or to be told from now on when a value goes too far, changes too ' +
      'fast or stops coming. Returns what the action is about: alerts, rules and silences; history; or webhooks.',
    input,
    output,
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
    handler: (args, context) => run(deps, args, context),
  });
}

async function run(
  { alerts, webhooks, nowMs }: MonitoringDeps,
  args: Arguments,
  { caller }: CallContext,
): Promise<Result> {
  const { action } = args;
  if (action === 'list') {
    const [all, rules, silences] = await Promise.all([alerts.list(), alerts.rules(), alerts.silences()]);
    return { alerts: all.slice(0, MAX_ALERTS).map(alertView), rules, silences: silences.map(silenceView) };
  }
  if (action === 'history') return { history: (await alerts.history(args.limit, args.rule_id)).map(pastView) };
  admitChange(caller);
  switch (action) {
    case 'set_rule':
      await alerts.setRule(needed(args.rule, 'rule', action));
      return { rules: await alerts.rules() };
    case 'remove_rule':
      await alerts.removeRule(needed(args.rule_id, 'rule_id', action));
      return { rules: await alerts.rules() };
    case 'silence': {
      const reason = needed(args.reason, 'reason', action);
      const untilMs = nowMs() + args.minutes * 60_000;
      const id = await alerts.silence({ ruleId: args.rule_id ?? null, untilMs, by: caller.agentId, reason });
      return { silence_id: id, silences: (await alerts.silences()).map(silenceView) };
    }
    case 'end_silence':
      await alerts.endSilence(needed(args.silence_id, 'silence_id', action));
      return { silences: (await alerts.silences()).map(silenceView) };
    case 'list_webhooks':
      return { webhooks: webhooks.list().map(webhookView) };
    case 'add_webhook': {
      const topics = args.topics ?? ['alert'];
      if (topics.some((topic) => topic !== 'alert') && !seesAllCalls(caller))
        throw new AppError('FORBIDDEN', {
          text: 'Events tell of the calls of others: a webhook for them needs level GOVERNANCE and audit:read',
        });
      const added = await webhooks.add({ url: needed(args.url, 'url', action), topics, by: caller.agentId });
      return { webhook_id: added.id, secret: added.secret, webhooks: webhooks.list().map(webhookView) };
    }
    case 'remove_webhook':
      await webhooks.remove(needed(args.webhook_id, 'webhook_id', action));
      return { webhooks: webhooks.list().map(webhookView) };
  }
}

function needed<T>(value: T | undefined, name: string, action: string): T {
  if (value !== undefined) return value;
  throw new AppError('INVALID_PARAMS', { text: `${action} needs \`${name}\`` });
}

/** Where it leads is its owner's to know in full: what follows the path may be a secret. */
function webhookView({ webhook, delivered, dropped, problem }: WebhookState): z.input<typeof webhookSchema> {
  const { id, url, topics, by } = webhook;
  return {
    webhook_id: id,
    url: url.split(/[?#]/, 1)[0]!,
    topics,
    by: by.slice(0, 300),
    delivered,
    dropped,
    problem: problem?.slice(0, 500) ?? null,
  };
}
