/** What was done, refused and decided, newest first. */
import { useState } from 'preact/hooks';
import { z } from 'zod';
import { VillageError } from '../../../../client/index.ts';
import { AUDIT_OUTCOMES } from '../../../audit/entry.ts';
import { Action, fieldOf, Page, Shown, Status, Time } from '../parts.tsx';
import { useLoad } from '../use-load.ts';
import { useVillage } from '../village.ts';

const recordSchema = z.looseObject({
  seq: z.number(),
  /** Milliseconds since the epoch. */
  time: z.number(),
  kind: z.string(),
  agent: z.string().optional(),
  tool: z.string().optional(),
  outcome: z.string().optional(),
  reason: z.string().optional(),
});
const schema = z.looseObject({ records: z.array(recordSchema), next_before: z.number().nullable() });
type AuditRecord = z.output<typeof recordSchema>;
type Search = Readonly<Record<string, string | number>>;
const FIELDS = ['agent', 'tool'] as const;

export function Audit() {
  const { tools } = useVillage();
  if (tools.has('audit_query')) return <Records />;
  return (
    <Page title="Audit">
      <p class="card">Your token may not read the audit: that needs level GOVERNANCE and the permission audit:read.</p>
    </Page>
  );
}

function Records() {
  const [search, setSearch] = useState<Search>({});
  const found = useLoad(
    async (client) => schema.parse(await client.call('audit_query', { ...search, limit: 50 })),
    JSON.stringify(search),
  );
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const given = [...FIELDS, 'outcome'].map((name) => [name, fieldOf(form, name)] as const);
    setSearch(Object.fromEntries(given.filter(([, text]) => text !== '')));
    found.reload();
  };
  return (
    <Page title="Audit">
      <section class="card" aria-label="Search">
        <form onSubmit={submit}>
          <label>
            Agent
            <input name="agent" />
          </label>
          <label>
            Tool
            <input name="tool" />
          </label>
          <label>
            Outcome
            <select name="outcome">
              {['', ...AUDIT_OUTCOMES].map((each) => (
                <option key={each} value={each}>
                  {each === '' ? 'any' : each.replaceAll('_', ' ')}
                </option>
              ))}
            </select>
          </label>
          <button type="submit">Search</button>
        </form>
      </section>
      <section class="card" aria-label="Records">
        <Shown of={found} isEmpty={({ records }) => records.length === 0} empty="No record is so.">
          {({ records, next_before }) => (
            <>
              <table class="stack">
                <thead>
                  <tr>
                    <th scope="col">When</th>
                    <th scope="col">Who</th>
                    <th scope="col">What</th>
                    <th scope="col">Outcome</th>
                  </tr>
                </thead>
                <tbody>
                  {records.map((record) => (
                    <Row key={record.seq} of={record} />
                  ))}
                </tbody>
              </table>
              {next_before !== null && (
                <button type="button" class="plain" onClick={() => setSearch({ ...search, before: next_before })}>
                  Older records
                </button>
              )}
            </>
          )}
        </Shown>
      </section>
      <Verify />
    </Page>
  );
}

const verification = z.looseObject({
  verified: z.boolean(),
  records: z.number().nullable(),
  first_bad: z.number().nullable(),
  why: z.string().nullable(),
});

function Verify() {
  const { client } = useVillage();
  const verify = async (): Promise<string> => {
    const { verified, records, first_bad, why } = verification.parse(await client.call('audit_verify'));
    if (!verified) throw new VillageError('SECURITY_VIOLATION', { text: `Record ${first_bad} is bad: ${why}` });
    return `${records} records verified: nothing was changed, removed or added.`;
  };
  return (
    <section class="card" aria-label="Verification">
      <h2>Was anything changed?</h2>
      <Action name="Verify" act={verify} />
    </section>
  );
}

function Row({ of: record }: { readonly of: AuditRecord }) {
  const { time, agent, kind, tool, outcome, reason } = record;
  return (
    <tr>
      <td>
        <Time at={new Date(time).toISOString()} />
      </td>
      <td>{agent ?? '–'}</td>
      <td>
        {kind.replaceAll('_', ' ')} {tool !== undefined && <code>{tool}</code>}
      </td>
      <td>
        {outcome === undefined ? '–' : <Status value={outcome} />} <span class="quiet">{reason}</span>
      </td>
    </tr>
  );
}
