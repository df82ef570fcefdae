/**
 * `${NAME}` and `${NAME:-default}` in a text of the configuration file. What comes from the environment is not looked at
 * again, and the router's own secrets never come (SECURITY-CASES B06). Used for nothing that a caller sent.
 */
import { closest } from '../../shared/closest.ts';
import { type Environment, SECRET_VARIABLES } from '../../shared/settings.ts';

export interface ExpandMistake {
  readonly text: string;
  readonly remedy: string;
}

/** `$${` writes `${`; `${env:NAME}` is what some hosts write for `${NAME}`. An empty variable takes the default. */
const PLACEHOLDER = /\$(\$\{)|\$\{([^}]*)\}?/g;
const NAMED = /^(?:env:)?([A-Za-z_]\w*)(?::-(.*))?$/s;

/** The text with its placeholders filled in, and what could not be. */
export function expand(text: string, env: Environment): { readonly text: string; readonly mistakes: ExpandMistake[] } {
  const mistakes: ExpandMistake[] = [];
  if (!text.includes('${')) return { text, mistakes };
  const expanded = text.replaceAll(PLACEHOLDER, (whole: string, escaped: string | undefined, inner: string) => {
    if (escaped !== undefined) return escaped;
    const [, name, byDefault] = (whole.endsWith('}') && NAMED.exec(inner)) || [];
    if (name === undefined) {
      mistakes.push({
        text: `expected \${NAME} or \${NAME:-default}, got ${JSON.stringify(whole.slice(0, 80))}.`,
        remedy: 'Write $${ where the characters themselves are meant.',
      });
    } else if (SECRET_VARIABLES.has(name)) {
      mistakes.push({
        text: `expected a variable that a server may know, got ${name}, which is the router's own.`,
        remedy: 'Put what the server needs into a variable of another name.',
      });
    } else {
      const value = Object.hasOwn(env, name) ? env[name] : undefined;
      if (value !== undefined && value !== '') return value;
      if (byDefault !== undefined) return byDefault;
      if (value === '') return value;
      const meant = closest(name, Object.keys(env));
      mistakes.push({
        text: `expected the variable ${name} to be set, got nothing.`,
        remedy: `${meant === undefined ? 'Set it' : `Did you mean ${meant}? Else set it`}, or write \${${name}:-default}.`,
      });
    }
    return whole;
  });
  return { text: expanded, mistakes };
}
