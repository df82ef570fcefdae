import type { Tool } from '../../../shared/tool.ts';
import type { OwnServerDeps } from '../deps.ts';
import { auditQuery } from './audit-query.ts';
import { permissionExplain } from './permission-explain.ts';
import { serviceList } from './service-list.ts';
import { serviceRegister } from './service-register.ts';
import { serviceRemove } from './service-remove.ts';
import { serviceStatus } from './service-status.ts';

export function ownTools(deps: OwnServerDeps): readonly Tool[] {
  return [
    serviceList(deps),
    serviceStatus(deps),
    permissionExplain(deps),
    auditQuery(deps),
    serviceRegister(deps),
    serviceRemove(deps),
  ];
}
