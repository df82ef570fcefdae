/** What the audit keeps of a definition that is withheld or approved. */
import type { AuditEntry } from '../audit/entry.ts';
import type { Withholding } from './guard.ts';

export function aboutDefinition(server: string, list: string, name: string, definitionDigest: string): AuditEntry {
  const named = list === 'tools' ? { tool: name } : list === 'prompts' ? { prompt: name } : { resource: name };
  return { kind: 'definition_changed', server, ...named, definitionDigest };
}

/** Old and new digest, and where what was found. Never a text of the definition. */
export function detailsOf({ list, why, approved, pending, findings }: Withholding): NonNullable<AuditEntry['details']> {
  return {
    list,
    why,
    approved: approved ?? null,
    pending,
    ...(findings.length > 0 && { findings: findings.map(({ kind, where }) => `${kind} in ${where}`).join('; ') }),
  };
}
