import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { defineTool } from '../../../shared/tool.ts';
import { tell } from '../../relay/list-changes.ts';
import type { OwnServerDeps } from '../deps.ts';
import { foundTools, sessionOf } from './asking-session.ts';

const name = z.string().min(1).max(200);
/** Of one session; more would fill the context that lean mode keeps free. */
const MAX_LOADED = 200;

export const toolLoad = ({ router }: OwnServerDeps) =>
  defineTool({
    name: 'tool_load',
    title: 'Put tools on my list',
    description:
      'Puts tools that tool_search found on the list of this session, or takes them off again, when it lists only what it asked for (lean mode). Choose it before calling a tool that is not on your list. Returns what is on the list now; the list of tools changes with it.',
    input: z.strictObject({
      names: z.array(name).max(50).default([]).describe('As tool_search shows them'),
      remove: z.array(name).max(50).default([]).describe('What is not needed any more'),
    }),
    output: z.object({ loaded: z.array(name).max(MAX_LOADED), unknown: z.array(name).max(50), lean: z.boolean() }),
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    handler: async ({ names, remove }, { caller, correlationId }) => {
      const session = sessionOf(router, caller, correlationId);
      if (session === undefined) throw new AppError('CONFLICT', { text: 'The session of this call is over' });
      const there = new Set(foundTools(router, caller, session.endpoint).map((found) => found.name));
      const unknown = names.filter((each) => !there.has(each));
      const { loaded } = session;
      if (loaded === undefined) return { loaded: [], unknown, lean: false };
      const before = loaded.size;
      const known = names.filter((each) => there.has(each) && !loaded.has(each));
      const isLess = remove.map((each) => loaded.delete(each)).includes(true);
      if (loaded.size + known.length > MAX_LOADED)
        throw new AppError('INVALID_PARAMS', { text: `A session loads at most ${MAX_LOADED} tools; remove some` });
      for (const each of known) loaded.add(each);
      if (isLess || loaded.size !== before) tell(session, 'tools');
      return { loaded: [...loaded], unknown, lean: true };
    },
  });
