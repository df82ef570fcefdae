/** The fog server's prompts, by theme. */
import type { Prompt } from '../../shared/prompt.ts';
import type { FogDeps } from './deps.ts';
import { moneyPrompts } from './money/prompts.ts';

/** Each theme adds its own list: work/prompts.ts, money/prompts.ts. */
export function fogPrompts(deps: FogDeps): readonly Prompt[] {
  return [...moneyPrompts(deps)];
}
