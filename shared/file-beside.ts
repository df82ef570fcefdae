/** Finds files that a module starts as a worker or a process of its own. Knows that they end as the module itself does. */

/**
 * The file of this name beside the module that asks: TypeScript in the sources, JavaScript in the published build.
 * @param meta the asking module's `import.meta`
 * @param name without an extension
 */
export function fileBeside(meta: ImportMeta, name: string): URL {
  return new URL(`./${name}${meta.url.endsWith('.ts') ? '.ts' : '.js'}`, meta.url);
}
