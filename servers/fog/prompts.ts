/** The fog server's prompts, by theme. */
import type { Prompt } from '../../shared/prompt.ts';
import type { FogDeps } from './deps.ts';
import { moneyPrompts } from './money/prompts.ts';
import { workPrompts } from './work/prompts.ts';

export function fogPrompts(deps: FogDeps): readonly Prompt[] {
  return [...workPrompts(deps), ...moneyPrompts(deps)];
}
