/** What other programs read of us before they run us: npm, the MCP registry, Claude Desktop, VS Code, Cursor. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { CURSOR_LINK, VS_CODE_LINK } from '../../../packaging/install-links.ts';
import { ENTRY_POINT, manifest, type PackageFacts } from '../../../packaging/manifest.ts';
import { VARIABLES } from '../../../shared/variables.ts';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const read = (file: string) => fs.readFileSync(path.join(ROOT, file), 'utf8');
const packageFacts = z
  .looseObject({
    name: z.string(),
    mcpName: z.string(),
    version: z.string(),
    description: z.string(),
    license: z.string(),
    bin: z.record(z.string(), z.string()),
    files: z.array(z.string()),
    engines: z.object({ node: z.string() }),
    dependencies: z.record(z.string(), z.string()),
    devDependencies: z.record(z.string(), z.string()),
  })
  .parse(JSON.parse(read('package.json')));

/** The registry's own rules for an npm package on stdio, of its schema of 2025-12-11 and its requirements. */
const serverJson = z.strictObject({
  $schema: z.literal('https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json'),
  name: z
    .string()
    .min(3)
    .max(200)
    .regex(/^[a-zA-Z0-9.-]+\/[a-zA-Z0-9._-]+$/),
  title: z.string().min(1).max(100),
  description: z.string().min(1).max(100),
  version: z.string().regex(/^\d+\.\d+\.\d+(-[\w.]+)?$/),
  packages: z.array(
    z.strictObject({
      registryType: z.literal('npm'),
      identifier: z.string(),
      version: z.string(),
      runtimeHint: z.literal('npx'),
      transport: z.strictObject({ type: z.literal('stdio') }),
      packageArguments: z.array(z.strictObject({ type: z.literal('positional'), value: z.string() })),
      environmentVariables: z.array(
        z.strictObject({
          name: z.string(),
          description: z.string(),
          isRequired: z.boolean(),
          isSecret: z.boolean().optional(),
          format: z.enum(['string', 'number', 'boolean', 'filepath']).optional(),
        }),
      ),
    }),
  ),
});

/** What is required of a manifest of version 0.3, and nothing that it does not know. */
const bundleManifest = z.strictObject({
  manifest_version: z.literal('0.3'),
  name: z.string(),
  display_name: z.string(),
  version: z.string(),
  description: z.string(),
  author: z.strictObject({ name: z.string() }),
  license: z.string(),
  keywords: z.array(z.string()),
  server: z.strictObject({
    type: z.literal('node'),
    entry_point: z.string(),
    mcp_config: z.strictObject({
      command: z.string(),
      args: z.array(z.string()),
      env: z.record(z.string(), z.string()),
    }),
  }),
  user_config: z.record(
    z.string(),
    z.strictObject({
      type: z.enum(['string', 'number', 'boolean', 'directory', 'file']),
      title: z.string(),
      description: z.string(),
      required: z.boolean(),
      sensitive: z.boolean(),
      default: z.string(),
    }),
  ),
  tools_generated: z.boolean(),
  prompts_generated: z.boolean(),
  compatibility: z.strictObject({
    platforms: z.array(z.enum(['darwin', 'win32', 'linux'])),
    runtimes: z.strictObject({ node: z.string() }),
  }),
});

describe('what others read of us', () => {
  it('[X3] is one package under one name, in one version', () => {
    const server = serverJson.parse(JSON.parse(read('server.json')));
    expect(server).toMatchObject({ name: packageFacts.mcpName, version: packageFacts.version });
    expect(server.packages[0]).toMatchObject({ identifier: packageFacts.name, version: packageFacts.version });
    // npx starts the only command of a package, whatever its name.
    expect(Object.keys(packageFacts.bin)).toHaveLength(1);
  });

  it('[C3] tells the registry the arguments and settings that there are', () => {
    const [npm] = serverJson.parse(JSON.parse(read('server.json'))).packages;
    expect(npm?.packageArguments.map(({ value }) => value)).toEqual(['router', '--stdio']);
    const known = Object.keys(VARIABLES.shape);
    for (const { name } of npm?.environmentVariables ?? []) expect(known).toContain(name);
  });

  it('[C3] describes the bundle for Claude Desktop as its format asks', () => {
    const facts: PackageFacts = packageFacts;
    const made = bundleManifest.parse(manifest(facts));
    expect(made).toMatchObject({ name: packageFacts.name, version: packageFacts.version });
    expect(ENTRY_POINT).toBe(`node_modules/${packageFacts.name}/${packageFacts.bin.aivillage}`);
    for (const [, option] of JSON.stringify(made.server).matchAll(/\$\{user_config\.(\w+)\}/g)) {
      expect(made.user_config).toHaveProperty(option!);
    }
  });

  it('[C3] gives VS Code and Cursor links that start the router', () => {
    const readme = read('README.md');
    expect(readme).toContain(`](${VS_CODE_LINK})`);
    expect(readme).toContain(`](${CURSOR_LINK})`);
    const start = { command: 'npx', args: ['-y', packageFacts.name, 'router', '--stdio'] };
    const code = new URL(VS_CODE_LINK).searchParams;
    expect([code.get('name'), JSON.parse(code.get('config')!)]).toEqual(['aivillage', start]);
    const cursor = new URL(CURSOR_LINK).searchParams;
    const config = JSON.parse(Buffer.from(cursor.get('config')!, 'base64').toString()) as unknown;
    expect([cursor.get('name'), config]).toEqual(['aivillage', start]);
  });

  it('[X3] needs nothing at run time that only the workshop has', () => {
    const imports = /(?:^import (type )?[^;]*?from |\bimport\()'((?:@[\w.-]+\/)?[a-z][\w.-]*)/gm;
    const imported = new Set<string>();
    for (const part of ['router', 'servers', 'shared']) {
      for (const name of fs.readdirSync(path.join(ROOT, part), { recursive: true, encoding: 'utf8' })) {
        // The console's page is built, with what it needs in it.
        if (!name.endsWith('.ts') || name.startsWith(path.join('console', 'page'))) continue;
        for (const [, isType, from] of read(path.join(part, name)).matchAll(imports)) {
          if (isType === undefined && from !== 'node') imported.add(from!);
        }
      }
    }
    expect(imported.size).toBeGreaterThan(20);
    expect([...imported].filter((name) => !Object.hasOwn(packageFacts.dependencies, name))).toEqual([]);
  });
});
