/**
 * The part of URI templates (RFC 6570, level 1) that our resources use: `scheme://path/{name}`, where a variable is one
 * percent-encoded path segment. Matches in linear time; the SDK's own matcher does not.
 */

export interface UriTemplate {
  readonly text: string;
  readonly variables: readonly string[];
  /** The decoded variables, or undefined when `uri` is not of this form. */
  match(uri: string): Readonly<Record<string, string>> | undefined;
}

/** @throws Error when a variable does not fill a whole segment: two in one could match in many ways */
export function uriTemplate(text: string): UriTemplate {
  const pattern = text.split('/');
  const variables: string[] = [];
  for (const segment of pattern) {
    const name = variableIn(segment);
    if (name !== undefined) variables.push(name);
    else if (/[{}]/.test(segment)) throw new Error(`in ${text} a variable must fill a whole path segment`);
  }
  return {
    text,
    variables,
    match(uri) {
      const segments = uri.split('/');
      if (segments.length !== pattern.length) return undefined;
      const found: [string, string][] = [];
      for (const [i, expected] of pattern.entries()) {
        const segment = segments[i] ?? '';
        const name = variableIn(expected);
        if (name === undefined) {
          if (segment !== expected) return undefined;
          continue;
        }
        const value = decode(segment);
        if (value === undefined || value === '') return undefined;
        found.push([name, value]);
      }
      return Object.fromEntries(found);
    },
  };
}

function variableIn(segment: string): string | undefined {
  return /^\{(\w+)\}$/.exec(segment)?.[1];
}

function decode(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
