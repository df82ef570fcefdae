/** What a command throws, as words for its user: sentences of ours as they are, anything else with where it came from. */
import type { Writable } from 'node:stream';
import { AppError } from '../../shared/errors.ts';
import { IdentitySetupError } from '../../shared/identity/key-file.ts';
import { UserError } from '../../shared/identity/users.ts';
import { SettingsError } from '../../shared/settings.ts';
import { StoreError } from '../../shared/store.ts';
import { AuditSetupError } from '../audit/keys.ts';
import { BackupError } from '../backup/folders.ts';
import { ConfigError } from '../config/mistake.ts';
import { PasswordInputError } from './ask-password.ts';

/** A mistake of whoever typed the command; its message is the whole answer. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

const FOR_THE_USER = [
  AppError,
  CommandError,
  IdentitySetupError,
  UserError,
  StoreError,
  AuditSetupError,
  BackupError,
  PasswordInputError,
];

/** Says it and returns the exit code: 2 for settings and configuration, 1 for the rest. */
export function reportFailure(error: unknown, stderr: Writable): number {
  if (error instanceof SettingsError || error instanceof ConfigError) {
    stderr.write(`${error.message}\n`);
    return 2;
  }
  const isForUser = FOR_THE_USER.some((kind) => error instanceof kind);
  stderr.write(`${isForUser ? (error as Error).message : error instanceof Error ? error.stack : String(error)}\n`);
  return 1;
}
