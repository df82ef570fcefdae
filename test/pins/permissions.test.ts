import { expect, it } from 'vitest';
import { createMatrix } from '../../shared/matrix/matrix.ts';
import { permissionRowSchema } from '../../shared/matrix/rows.ts';
import { BUILT_IN_ROWS, BUILT_IN_TOOLS } from '../../shared/permission-matrix.ts';

/** Who may do what, in the open: a change here is a change of rights and needs to be meant. */
const pinned = [
  'service_list           READ_ONLY',
  'service_status         READ_ONLY',
  'service_register       EMERGENCY  system:manage_services  justification  major_change',
  'service_remove         EMERGENCY  system:manage_services  justification  major_change',
  'permission_explain     READ_ONLY',
  'audit_query            GOVERNANCE  audit:read',
  'hyperrag_query         READ_ONLY',
  'hyperrag_ingest        OPERATOR',
  'hyperrag_memory        OPERATOR',
  'hyperrag_graph         READ_ONLY',
  'hyperrag_feedback      OPERATOR',
  'hyperrag_gaps          READ_ONLY',
  'context_update         OPERATOR',
  'context_get            READ_ONLY',
  'context_query          READ_ONLY',
  'context_set_priority   OPERATOR',
  'context_clear          OPERATOR',
  'knowledge_elevation    OPERATOR',
  'system_performance     READ_ONLY',
  'resource:hyperrag://*  READ_ONLY',
  'resource:monitoring://* READ_ONLY',
  'resource:village://*   READ_ONLY',
  'prompt:answer_with_citations READ_ONLY',
  'prompt:find_knowledge_gaps READ_ONLY',
  'prompt:capacity_review READ_ONLY',
];

it('[M1] the built-in rows are these', () => {
  const printed = BUILT_IN_ROWS.map(({ match, level, permission, justification, approval, ...rest }) => {
    expect(rest).toEqual({});
    const conditions = [level, permission, justification && 'justification', approval].filter(Boolean);
    return `${match.padEnd(22)} ${conditions.join('  ')}`;
  });
  expect(printed).toEqual(pinned);
});

it('[M1] every built-in tool has exactly one row', () => {
  const names = Object.values(BUILT_IN_TOOLS).flat();
  expect(new Set(names).size).toBe(names.length);
  const rows = BUILT_IN_ROWS.map((row) => row.match).filter((match) => !match.includes(':'));
  expect([...rows].sort()).toEqual([...names].sort());
});

it('[M1] the built-in rows are well-formed and make a matrix without mistakes', () => {
  for (const row of BUILT_IN_ROWS) expect(permissionRowSchema.parse(row)).toEqual(row);
  const { mistakes } = createMatrix({ builtIn: BUILT_IN_ROWS, configured: [], permits: () => false });
  expect(mistakes).toEqual([]);
});
