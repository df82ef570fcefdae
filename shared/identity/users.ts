/**
 * Owns people and their passwords: scrypt with a salt each, compared in constant time, and the same work and answer whether a
 * name is known or not. Says nothing of how often one may try (login-throttle.ts).
 */
import crypto from 'node:crypto';
import { prepare } from '../store.ts';
import { agentIdSchema } from './claims.ts';
import type { IdentityStore } from './identity-store.ts';
import type { Level } from './levels.ts';
import { ROLE_LEVELS, type Role } from './roles.ts';

/** scrypt N of new passwords; r = 8, p = 1: 32 MiB and some 60 ms each. */
const COST = 2 ** 15;
const BLOCK_SIZE = 8;
const HASH_BYTES = 32;
const MIN_PASSWORD_LENGTH = 8;
export const MAX_PASSWORD_LENGTH = 1_024;

export interface User {
  readonly name: string;
  readonly role: Role;
  readonly level: Level;
  /** Seconds since the epoch. */
  readonly createdAt: number;
}

/** A name or password that cannot be taken. The message is fit for the user. */
export class UserError extends Error {
  override readonly name = 'UserError';
}

export interface Users {
  /** @throws UserError when the name is taken or a value is not allowed; AppError IDENTITY_UNAVAILABLE */
  add(name: string, role: Role, password: string, level?: Level): Promise<User>;
  /** The user whose password this is; undefined for a wrong password as for an unknown name, after the same time. */
  checkPassword(name: string, password: string): Promise<User | undefined>;
  find(name: string): User | undefined;
  /** By name. */
  list(): User[];
  /** False when there was none. Tokens already handed out are the refresher's to end. */
  remove(name: string): Promise<boolean>;
}

interface Row {
  name: string;
  role: Role;
  level: Level;
  salt: string;
  hash: string;
  cost: number;
  created_at: number;
}

/** @param now milliseconds since the epoch */
export function createUsers(store: IdentityStore, now: () => number): Users {
  const { db, connection } = store;
  const blank = { name: '', role: 'user', level: 1, salt: '', hash: '', cost: 0, created_at: 0 } as const;
  const finding = prepare<Row>(connection, db.selectFrom('users').selectAll().where('name', '=', '').compile());
  const listing = prepare<Row>(connection, db.selectFrom('users').selectAll().orderBy('name').compile());
  const inserting = prepare(connection, db.insertInto('users').values(blank).compile());
  const deleting = prepare(connection, db.deleteFrom('users').where('name', '=', '').compile());
  // Unknown names are compared with a hash that no password has.
  const decoy = { salt: newSalt(), hash: crypto.randomBytes(HASH_BYTES).toString('base64url'), cost: COST };

  return {
    async add(name, role, password, level = ROLE_LEVELS[role]) {
      if (!agentIdSchema.safeParse(name).success || name !== name.normalize('NFC') || name !== name.trim()) {
        throw new UserError(
          'A user name has 1 to 256 characters in Unicode form NFC, none a control character, no space at its ends.',
        );
      }
      if (password.length < MIN_PASSWORD_LENGTH || password.length > MAX_PASSWORD_LENGTH) {
        throw new UserError(`A password has ${MIN_PASSWORD_LENGTH} to ${MAX_PASSWORD_LENGTH} characters.`);
      }
      const salt = newSalt();
      const hash = (await derive(password, salt, COST)).toString('base64url');
      const createdAt = Math.floor(now() / 1000);
      await store.write(() => {
        if (finding.get(name) !== undefined) throw new UserError('There is a user of this name already.');
        inserting.run(name, role, level, salt, hash, COST, createdAt);
      });
      return { name, role, level, createdAt };
    },
    async checkPassword(name, password) {
      const row = finding.get(name);
      const { salt, hash, cost } = row ?? decoy;
      const same = crypto.timingSafeEqual(await derive(password, salt, cost), Buffer.from(hash, 'base64url'));
      return same && row !== undefined ? toUser(row) : undefined;
    },
    find(name) {
      const row = finding.get(name);
      return row === undefined ? undefined : toUser(row);
    },
    list: () => listing.all().map(toUser),
    remove: async (name) => (await store.write(() => deleting.run(name).changes)) > 0,
  };
}

function toUser({ name, role, level, created_at }: Row): User {
  return { name, role, level, createdAt: created_at };
}

function newSalt(): string {
  return crypto.randomBytes(16).toString('base64url');
}

/** One spelling for what looks the same on two keyboards (RFC 8265 §4.2 uses NFC; compatibility forms are kept apart). */
function derive(password: string, salt: string, cost: number): Promise<Buffer> {
  const options = { N: cost, r: BLOCK_SIZE, p: 1, maxmem: 256 * cost * BLOCK_SIZE };
  return new Promise((resolve, reject) => {
    crypto.scrypt(password.normalize('NFC'), Buffer.from(salt, 'base64url'), HASH_BYTES, options, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}
