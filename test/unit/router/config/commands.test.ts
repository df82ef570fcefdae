import { expect, it } from 'vitest';
import { runsInlineCode } from '../../../../router/config/commands.ts';

it.each([
  ['npx', '-c', 'touch /tmp/pwned'],
  ['npx', '-y', '-c', 'touch /tmp/pwned'],
  ['npx', '-p', 'cowsay', '-c', 'touch /tmp/pwned'],
  ['npx', '--package', 'cowsay', '--call=touch /tmp/pwned'],
  ['npx', '--script-shell', '/tmp/x', 'pkg'],
  ['npx', '--node-options=--require /tmp/x.js', 'pkg'],
  ['node', '-e', '1'],
  ['node', '-C', 'dev', '-e', '1'],
  ['node', '--title', 'x', '-pe', '1'],
  ['node', '--title=x', '--import=data:text/javascript,1', 'server.js'],
  ['node', '--env-file', '/tmp/x', 'server.js'],
  ['node', '-'],
  ['node'],
  ['python3', '-c', 'import os'],
  ['python3', '-W', 'ignore', '-c', 'import os'],
  ['python', '-X', 'dev', '-Ic', 'import os'],
  ['python'],
  ['bun', '--cwd', '/tmp', '-e', '1'],
  ['bunx', '--preload', './x.ts', 'pkg'],
  ['deno', 'eval', '1'],
  ['uv', 'run', '-'],
])('[S6] D01: %s %s %s %s %s runs a text, or may', (command, ...args) => {
  expect(runsInlineCode({ command, args: args.filter((arg) => arg !== undefined) })).toBe(true);
});

it.each([
  ['node', 'server.js', '-e', 'production'],
  ['node', '--no-warnings', 'server.js', '--print'],
  ['node', '--enable-source-maps', './dist/index.js', '-c', 'config.json'],
  ['npx', '-y', 'files@1.0.0', '-c', 'config.json'],
  ['npx', 'files', '--call', 'x'],
  ['python3', '-u', 'server.py', '-c', 'config.ini'],
  ['python3', '-m', 'server'],
  ['deno', 'run', '-A', 'server.ts', '--import', 'x'],
  ['uv', 'run', 'server.py', '-'],
  ['uvx', 'mcp-server-time'],
  ['docker', 'run', '-i', '--rm', 'image', '-c', 'x'],
])('[S6] D01: %s %s %s %s %s runs a program, and what follows is the program’s', (command, ...args) => {
  expect(runsInlineCode({ command, args: args.filter((arg) => arg !== undefined) })).toBe(false);
});
