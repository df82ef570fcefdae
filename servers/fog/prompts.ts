/** The fog server's prompts, by theme. */
import type { Prompt } from '../../shared/prompt.ts';
import type { FogDeps } from './deps.ts';

/** Each theme adds its own list: work/prompts.ts, money/prompts.ts. */
export function fogPrompts(_deps: FogDeps): readonly Prompt[] {
  return [];
}
