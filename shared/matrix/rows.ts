/** The shape of a row of the permission matrix, as built-in rows and `permissions` in mcp-servers.json write it. Decides nothing. */
import { z } from 'zod';
import { LEVEL_NAMES } from '../identity/levels.ts';
import { MAX_MATCH_LENGTH, matchMistake } from './match.ts';

/** Types of proposal that a gated call becomes (G1), the weakest first. */
export const APPROVALS = ['minor_change', 'major_change', 'critical_change', 'emergency_action'] as const;
export type Approval = (typeof APPROVALS)[number];

const name = z.string().min(1).max(200);

export const permissionRowSchema = z
  .strictObject({
    /** A tool's listed name, `<id>/<tool>`, `resource:<uri>` or `prompt:<name>`; `*` stands for any run of characters. */
    match: z
      .string()
      .max(MAX_MATCH_LENGTH)
      .superRefine((match, context) => {
        const mistake = matchMistake(match);
        if (mistake !== undefined) context.addIssue({ code: 'custom', message: mistake });
      }),
    /** The lowest level that may use it. */
    level: z.enum(LEVEL_NAMES),
    /** A permission string that the caller must hold too, such as `audit:read`. */
    permission: name.optional(),
    /** `false` leaves reads of a resource or a prompt unrecorded. Calls of tools are always recorded (D1). */
    audit: z.boolean().optional(),
    /** The call must carry `_meta["io.aivillage/justification"]`. */
    justification: z.boolean().optional(),
    /** The call becomes a proposal of this type, and runs when that is approved (G5). */
    approval: z.enum(APPROVALS).optional(),
    /** JSON Schema (2020-12 or draft-07) that the arguments must meet; see arguments.ts for its bounds. */
    arguments: z.custom<Readonly<Record<string, unknown>>>(isObject, 'expected a JSON Schema object').optional(),
    /** How long an answer may be reused; absent: never. */
    cacheSeconds: z.number().int().min(1).max(86_400).optional(),
    timeoutMs: z.number().int().min(1).max(86_400_000).optional(),
    rate: z.strictObject({ perMinute: z.number().int().min(1).max(1_000_000) }).optional(),
    /** Names of arguments that the audit may keep, redacted, instead of a digest alone (D4). */
    redact: z.array(name).max(100).optional(),
  })
  .refine((row) => row.audit !== false || /^(?:resource|prompt):/.test(row.match), {
    path: ['audit'],
    message: 'calls of tools are always recorded; remove "audit": false',
  });

export type PermissionRow = z.infer<typeof permissionRowSchema>;

export type RowOrigin = 'built-in' | 'configured';

/** A mistake in the matrix: where it stands, what is wrong, what to do. Fit for whoever writes the configuration. */
export interface Mistake {
  /** Such as `['permissions', 3, 'arguments', 'properties', 'path', 'pattern']`. */
  readonly path: readonly (string | number)[];
  readonly text: string;
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
