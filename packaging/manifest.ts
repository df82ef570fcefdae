/**
 * What Claude Desktop is told of the bundle: the manifest of an MCPB file, version 0.3 (modelcontextprotocol/mcpb,
 * MANIFEST.md). Text only; bundle.ts puts it beside the program.
 */

/** What package.json says and the manifest repeats. */
export interface PackageFacts {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly engines: { readonly node: string };
}

/** Where the program lies in the bundle: installed, as npm does it. */
export const ENTRY_POINT = 'node_modules/aivillage-mcp/router/bin/aivillage.mjs';

/** The manifest as it is written to `manifest.json`. */
export function manifest({ name, version, description, license, engines }: PackageFacts) {
  return {
    manifest_version: '0.3',
    name,
    display_name: 'AIVillage',
    version,
    description,
    author: { name: 'AIVillage contributors' },
    license,
    keywords: ['governance', 'gateway', 'permissions', 'audit', 'memory'],
    server: {
      type: 'node',
      entry_point: ENTRY_POINT,
      mcp_config: {
        command: 'node',
        // biome-ignore lint/suspicious/noTemplateCurlyInString: the host's own placeholder
        args: ['${__dirname}/'.concat(ENTRY_POINT), 'router', '--stdio'],
        // biome-ignore lint/suspicious/noTemplateCurlyInString: the host's own placeholder
        env: { MCP_TOKEN: '${user_config.token}' },
      },
    },
    user_config: {
      token: {
        type: 'string',
        title: 'Token',
        description: 'Who you are in the village. Left empty, you are the local user, who cannot vote.',
        required: false,
        sensitive: true,
        default: '',
      },
    },
    tools_generated: true,
    prompts_generated: true,
    compatibility: { platforms: ['darwin', 'linux', 'win32'], runtimes: { node: engines.node } },
  };
}
