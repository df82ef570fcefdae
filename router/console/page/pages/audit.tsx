/** What was done, refused and decided, newest first. */
import { useState } from 'preact/hooks';
import { z } from 'zod';
import { VillageError } from '../../../../client/index.ts';
import { Action, fieldOf, Page, Shown, Status, Time } from '../parts.tsx';
import { useLoad } from '../use-load.ts';
import { useVillage } from '../village.ts';

const schema = z.looseObject({
  records: z.array(z.record(z.string(), z.unknown())),
  next_before: z.number().nullable(),
});
type Search = Readonly<Record<string, string | number>>;
const FIELDS = ['agent', 'tool'] as const;
const OUTCOMES = ['', 'ok', 'error', 'denied', 'cancelled', 'unknown', 'cached'];

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
              {OUTCOMES.map((each) => (
                <option key={each} value={each}>
                  {each === '' ? 'any' : each}
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
                    <Row key={String(record.seq)} of={record} />
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

function Row({ of: record }: { readonly of: Readonly<Record<string, unknown>> }) {
  const text = (name: string): string => (typeof record[name] === 'string' ? record[name] : '');
  return (
    <tr>
      <td>
        <Time at={text('time')} />
      </td>
      <td>{text('agent') === '' ? '–' : text('agent')}</td>
      <td>
        {text('kind').replaceAll('_', ' ')} {text('tool') !== '' && <code>{text('tool')}</code>}
      </td>
      <td>
        {text('outcome') === '' ? '–' : <Status value={text('outcome')} />} <span class="quiet">{text('reason')}</span>
      </td>
    </tr>
  );
}
