import { expect, it } from 'vitest';
import { searchTools } from '../../../../router/tools/search.ts';
import { benignDefinitions } from '../../../fixtures/definitions/benign.ts';

const TOOLS = benignDefinitions(600).map(({ name, title = '', description, inputSchema }) => ({
  name,
  title,
  description,
  argumentNames: Object.keys(inputSchema.properties as object),
}));

const QUESTIONS = [
  ['delete a customer', 'delete_customer'],
  ['deleting customers', 'delete_customer'],
  ['export invoices', 'export_invoice'],
  ['watch sensor', 'watch_sensor'],
  ['summarise the pull request', 'summarise_pull_request'],
  ['search for commits', 'search_commit'],
  ['update calendar events', 'update_calendar_event'],
] as const;

it.each(QUESTIONS)('[R9] finds among 600 tools, first of all, what is asked for: %s', (query, name) => {
  const found = searchTools(TOOLS, query, 5);
  expect(found).toHaveLength(5);
  expect(found[0]!.tool.name).toContain(name);
});

it('[R9] finds nothing for words that no tool has, and the same for the same words', () => {
  expect(searchTools(TOOLS, 'zebra crossing xylophone', 5)).toEqual([]);
  expect(searchTools(TOOLS, 'the of a', 5)).toEqual([]);
  expect(searchTools(TOOLS, 'move document', 20)).toEqual(searchTools(TOOLS, 'move document', 20));
});
