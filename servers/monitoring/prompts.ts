/** The monitoring server's prompts. */
import { z } from 'zod';
import { completeFrom } from '../../shared/completion.ts';
import { definePrompt, type Prompt } from '../../shared/prompt.ts';
import type { MonitoringDeps } from './deps.ts';
import { METRICS, notesOn, toCurrent } from './figures.ts';
import { judge } from './health.ts';

export function monitoringPrompts({ sampler }: MonitoringDeps): readonly Prompt[] {
  return [
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
        const figures = { ...toCurrent(sample, METRICS), health: judge(sample), notes: notesOn(sample, METRICS) };
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
                'Call system_performance with history_minutes 60 for the trend. Then say: which resource runs out first and when, ' +
                'with the figures that show it; whether the planned work fits; and the one change that helps most. Where a ' +
                'figure is null, say that it is not known.',
            },
          },
        ];
      },
    }),
  ];
}
