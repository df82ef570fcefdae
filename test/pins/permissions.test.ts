import { expect, it } from 'vitest';
import { permissionsOf } from '../../shared/identity/claims.ts';
import { EXECUTE_PERMISSION, GATE_PERMISSION, permits, ROLE_PERMISSIONS } from '../../shared/identity/roles.ts';
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
  'definition_review      GOVERNANCE  system:manage_services',
  'definition_approve     GOVERNANCE  system:manage_services  justification  minor_change',
  'emergency_system_shutdown EMERGENCY  system:emergency_stop',
  'emergency_system_resume EMERGENCY  system:emergency_stop',
  'call_binding           READ_ONLY  router:execute',
  'approved_call          READ_ONLY  router:execute',
  'governance_proposal    OPERATOR  governance:propose',
  'governance_vote        OPERATOR  governance:vote',
  'governance_status      READ_ONLY  governance:read',
  'king_override_vote     EMERGENCY  governance:vote',
  'governance_policy      GOVERNANCE  governance:set_policy',
  'governance_resolve     OPERATOR  governance:vote',
  'governance_gate        READ_ONLY  router:gate',
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
  'resource:governance://* READ_ONLY  governance:read',
  'resource:hyperrag://*  READ_ONLY',
  'resource:monitoring://* READ_ONLY',
  'resource:village://*   READ_ONLY',
  'prompt:answer_with_citations READ_ONLY',
  'prompt:find_knowledge_gaps READ_ONLY',
  'prompt:capacity_review READ_ONLY',
  'prompt:review_proposal READ_ONLY  governance:read',
];

it('[M1] the built-in rows are these', () => {
  const printed = BUILT_IN_ROWS.map(({ match, level, permission, justification, approval, ...rest }) => {
    expect(rest).toEqual(match === 'approved_call' ? { timeoutMs: 86_400_000 } : {});
    const conditions = [level, permission, justification && 'justification', approval].filter(Boolean);
    return `${match.padEnd(22)} ${conditions.join('  ')}`;
  });
  expect(printed).toEqual(pinned);
});

it('[M1] [G5] no role, pattern or full access covers what is between the router and its servers', () => {
  const granted = ['system:full_access', 'router:*', '*', ...Object.values(ROLE_PERMISSIONS).flat()];
  for (const reserved of [GATE_PERMISSION, EXECUTE_PERMISSION]) {
    expect(permits(granted, reserved)).toBe(false);
    expect(permits([reserved], reserved)).toBe(true);
    expect(permissionsOf('admin', [reserved])).not.toContain(reserved);
  }
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
