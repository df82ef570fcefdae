/** Owns `aivillage user add`, `list` and `remove`: the people who sign in with a password. */
import { Command, Option } from 'commander';
import { LEVEL_NAMES, type Level, levelName } from '../../shared/identity/levels.ts';
import { ROLES, type Role } from '../../shared/identity/roles.ts';
import { UserError } from '../../shared/identity/users.ts';
import { askNewPassword } from './ask-password.ts';
import { type IdentityCliDeps, withIdentity } from './identity-deps.ts';
import { parseLevel } from './token.ts';

export function userCommand(deps: IdentityCliDeps): Command {
  const user = new Command('user').description('people who sign in with a password');
  user
    .command('add')
    .description('add a user; the password is asked for, or read from standard input')
    .argument('<name>')
    .addOption(new Option('--role <role>', 'in which domains it may work').choices(ROLES).makeOptionMandatory())
    .option('--level <level>', `${LEVEL_NAMES.join(', ')} or 1 to 5; default: by role`, parseLevel)
    .action((name: string, options: { role: Role; level?: Level }) => add(deps, name, options));
  user
    .command('list')
    .description('list the users')
    .option('--json', 'as JSON')
    .action((options: { json?: boolean }) => list(deps, options.json === true));
  user
    .command('remove')
    .description('remove a user and end all sessions it signed in to')
    .argument('<name>')
    .action((name: string) => remove(deps, name));
  return user;
}

async function add(deps: IdentityCliDeps, name: string, { role, level }: { role: Role; level?: Level }): Promise<void> {
  await withIdentity(deps, async ({ users }) => {
    if (users.find(name) !== undefined) throw new UserError('There is a user of this name already.');
    const user = await users.add(name, role, await askNewPassword(deps), level);
    await deps.audit({ event: 'user_added', outcome: 'allowed', agentId: name });
    deps.messages.write(`Added ${name}, ${role}, ${levelName(user.level)}\n`);
  });
}

async function list(deps: IdentityCliDeps, asJson: boolean): Promise<void> {
  await withIdentity(deps, async ({ users }) => {
    const rows = users.list().map(({ name, role, level, createdAt }) => ({
      name,
      role,
      governance_level: levelName(level),
      created_at: new Date(createdAt * 1000).toISOString(),
    }));
    const lines = rows.map((row) => Object.values(row).join('\t'));
    deps.output.write(asJson ? `${JSON.stringify(rows)}\n` : lines.map((line) => `${line}\n`).join(''));
  });
}

async function remove(deps: IdentityCliDeps, name: string): Promise<void> {
  await withIdentity(deps, async ({ users, refresher }) => {
    if (!(await users.remove(name))) throw new UserError('There is no user of this name.');
    await refresher.endAll(name);
    await deps.audit({ event: 'user_removed', outcome: 'allowed', agentId: name });
    deps.messages.write(`Removed ${name}\n`);
  });
}
