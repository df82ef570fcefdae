/** The monitoring server's prompts. */
import { z } from 'zod';
import { completeFrom } from '../../shared/completion.ts';
import { definePrompt, type Prompt } from '../../shared/prompt.ts';
import type { MonitoringDeps } from './deps.ts';
import { COMPONENTS, dated, worst } from './diagnostics/check.ts';
import { runChecks } from './diagnostics/checks.ts';
import { METRICS, notesOn, toCurrent } from './figures.ts';
import { judge } from './health.ts';
import { alertView, iso, pastView } from './view.ts';

export function monitoringPrompts(deps: MonitoringDeps): readonly Prompt[] {
  const { sampler, collector } = deps;
  return [
    incidentReport(deps),
    definePrompt({
      name: 'capacity_review',
      title: 'Review the capacity of this machine',
      description:
        'Asks for a judgement on whether this machine can take the work that is planned, from figures measured now.',
      arguments: z.strictObject({
        planned_work: z.string().min(1).max(2_000).describe('What shall run here in addition, in your words'),
        horizon: z.enum(['today', 'week', 'month']).optional().describe('How far to look ahead: today, week or month'),
      }),
      completions: { horizon: completeFrom(['today', 'week', 'month']) },
      async messages({ planned_work, horizon }) {
        const sample = await sampler.current();
        const figures = {
          ...toCurrent(sample, METRICS, collector.processes),
          health: judge(sample),
          notes: notesOn(sample, METRICS, collector.processes),
        };
        return [
          {
            role: 'user',
            content: { type: 'text', text: `Measured now on this machine:\n${JSON.stringify(figures, undefined, 2)}` },
          },
          {
            role: 'user',
            content: {
              type: 'text',
              text:
                `Planned in addition (horizon: ${horizon ?? 'week'}): ${planned_work}\n\n` +
                'Call system_performance with history_minutes 10080 for the trend of a week. Then say: which resource runs out first and when, ' +
                'with the figures that show it; whether the planned work fits; and the one change that helps most. Where a ' +
                'figure is null, say that it is not known.',
            },
          },
        ];
      },
    }),
  ];
}

const LAST_CHANGES = 30;

/** What is wrong now, with the last changes of alerts, and what a report about it must hold. */
function incidentReport(deps: MonitoringDeps): Prompt {
  return definePrompt({
    name: 'incident_report',
    title: 'Report an incident',
    description:
      'Asks for a report of an incident from what is known now: failing checks, alerts and their history, and how to find the cause.',
    arguments: z.strictObject({
      what_happened: z.string().min(1).max(2_000).describe('What was noticed, by whom and when, in your words'),
      audience: z
        .enum(['team', 'owner', 'public'])
        .optional()
        .describe('For whom the report is: team, owner or public'),
    }),
    completions: { audience: completeFrom(['team', 'owner', 'public']) },
    async messages({ what_happened, audience }) {
      const [checks, alerts, history] = await Promise.all([
        runChecks(deps, COMPONENTS, 'basic').then((found) => dated(deps.store, found, deps.nowMs())),
        deps.alerts.list(),
        deps.alerts.history(LAST_CHANGES),
      ]);
      const known = {
        at: iso(deps.nowMs()),
        status: worst(checks),
        checks: checks
          .filter(({ status }) => status !== 'healthy')
          .map(({ sinceMs, ...check }) => ({ ...check, since: iso(sinceMs) })),
        alerts: alerts.map(alertView),
        last_changes: history.map(pastView),
      };
      return [
        { role: 'user', content: { type: 'text', text: `Known now:\n${JSON.stringify(known, undefined, 2)}` } },
        {
          role: 'user',
          content: {
            type: 'text',
            text:
              `What was noticed: ${what_happened}\n\n` +
              `Write an incident report for the ${audience ?? 'team'}. Call diagnostics_report for who and what was affected, ` +
              'system_performance for the time around it, and workflow_analyze where a workflow is named. Give: a summary in two ' +
              'sentences; the times in order with their source; who was affected and how much, in figures; the cause, and how sure ' +
              'you are; what was done; what keeps it from happening again. Where nothing is known, say so.',
          },
        },
      ];
    },
  });
}
