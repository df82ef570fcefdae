/**
 * What models there are and where their files lie: those of the configured folders by name, those that the forge made by digest.
 * A name never leads out of its folder.
 */
import fs from 'node:fs';
import path from 'node:path';
import { AppError } from '../../../shared/errors.ts';
import type { ForgeRules } from '../../../shared/forge-rules.ts';
import type { Queries } from '../../../shared/queries.ts';
import type { ForgeTables } from '../store/forge-tables.ts';
import type { ObjectStore } from './object-store.ts';

export interface ModelEntry {
  /** What to give as a model: a name, or `sha256:` and the digest. */
  readonly model: string;
  readonly source: 'folder' | 'forge';
  readonly bytes: number;
  /** Of those that the forge made. */
  readonly phase: string | undefined;
  readonly taskId: string | undefined;
}

export interface Models {
  /** @param owner of artefacts; undefined: of all */
  list(owner: string | undefined, limit: number): ModelEntry[];
  /** The file of a model that this agent may use. @throws AppError INVALID_PARAMS, UNKNOWN_NAME */
  locate(model: string, owner: string | undefined): string;
}

const NAME = /^[A-Za-z0-9_][\w.-]{0,127}$/;
const ENDING = '.safetensors';
const DIGEST = 'sha256:';
const MOST_PER_FOLDER = 10_000;

export function createModels(store: Queries<ForgeTables>, objects: ObjectStore, rules: () => ForgeRules): Models {
  const { db } = store;
  const made = db
    .selectFrom('artefacts')
    .innerJoin('trainings', 'trainings.task_id', 'artefacts.task_id')
    .select(['artefacts.sha256', 'artefacts.bytes', 'artefacts.owner', 'artefacts.task_id', 'trainings.phase_name'])
    .where((e) => e.or([e('artefacts.name', 'like', `%${ENDING}`), e('artefacts.name', 'like', `%${ENDING}.gz`)]));

  function folderFiles(): { name: string; file: string; bytes: number }[] {
    const found = new Map<string, { name: string; file: string; bytes: number }>();
    for (const folder of rules().models) {
      let names: string[];
      try {
        names = fs.readdirSync(folder).slice(0, MOST_PER_FOLDER);
      } catch {
        // A folder that is not there yet has no models.
        continue;
      }
      for (const name of names) {
        if (!name.endsWith(ENDING) || !NAME.test(name) || found.has(name)) continue;
        const file = path.join(folder, name);
        const stat = fs.lstatSync(file, { throwIfNoEntry: false });
        // A link could lead anywhere.
        if (stat?.isFile()) found.set(name, { name, file, bytes: stat.size });
      }
    }
    return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  return {
    list(owner, limit) {
      const given = folderFiles().map(({ name, bytes }) => ({
        model: name,
        source: 'folder' as const,
        bytes,
        phase: undefined,
        taskId: undefined,
      }));
      const query = owner === undefined ? made : made.where('artefacts.owner', '=', owner);
      const forged = store.all(query.orderBy('artefacts.created_at', 'desc').limit(limit)).map((row) => ({
        model: `${DIGEST}${row.sha256}`,
        source: 'forge' as const,
        bytes: row.bytes,
        phase: row.phase_name,
        taskId: row.task_id,
      }));
      return [...given, ...forged].slice(0, limit);
    },
    locate(model, owner) {
      if (model.startsWith(DIGEST)) {
        const sha256 = model.slice(DIGEST.length);
        const file = objects.locate(sha256);
        const owners = db.selectFrom('artefacts').select('owner').where('sha256', '=', sha256);
        const isOwn = owner === undefined || store.all(owners).some((row) => row.owner === owner);
        if (isOwn) return file;
        throw new AppError('UNKNOWN_NAME', { text: `Unknown artefact: ${sha256}` });
      }
      if (!NAME.test(model)) {
        throw new AppError('INVALID_PARAMS', {
          text: 'A model is the name of a file in the configured folders, without any path, or "sha256:" and a digest',
        });
      }
      const name = model.endsWith(ENDING) ? model : `${model}${ENDING}`;
      const found = folderFiles().find((each) => each.name === name);
      if (found !== undefined) return found.file;
      throw new AppError('UNKNOWN_NAME', { text: `Unknown model: ${model}. models_list shows what there is.` });
    },
  };
}
