/** What was done, refused and decided, newest first. */
import { useState } from 'preact/hooks';
import { z } from 'zod';
import { VillageError } from '../../../../client/index.ts';
import { AUDIT_OUTCOMES } from '../../../audit/entry.ts';
import { type AuditRecord, type AuditSearch, auditPage, type Gaps, gapsIn, type Outage, outages } from '../audit.ts';
import { Action, fieldOf, Page, Shown, Status, Time } from '../parts.tsx';
import { useLoad } from '../use-load.ts';
import { useVillage } from '../village.ts';

const SHOWN = 50;
/** As many as one question may give. */
const LOOKED_THROUGH = 1_000;
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
  const [search, setSearch] = useState<AuditSearch>({});
  const found = useLoad((client) => auditPage(client, search, SHOWN), JSON.stringify(search));
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
      <LookForGaps />
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

function LookForGaps() {
  const { client } = useVillage();
  const [gaps, setGaps] = useState<Gaps & { readonly outages: readonly Outage[] }>();
  const look = async (): Promise<string> => {
    const { records } = await auditPage(client, {}, LOOKED_THROUGH);
    const found = gapsIn(records);
    setGaps({ ...found, outages: await outages(client) });
    const { length } = records;
    if (found.missing.length > 0) return `Among the last ${length} records numbers are missing; verify the audit.`;
    return `The last ${length} records are without a gap.`;
  };
  return (
    <section class="card" aria-label="Gaps">
      <h2>Is anything missing?</h2>
      <Action name="Look for gaps" act={look} />
      {gaps !== undefined && (
        <ul>
          {gaps.missing.map(({ from, to }) => (
            <li key={from} class="bad">
              Records {from} to {to} are not there.
            </li>
          ))}
          {gaps.outages.map(({ seq, time, details: { downMs, refused, why } }) => (
            <li key={seq}>
              For {(downMs / 1_000).toFixed(1)} s before <Time at={new Date(time).toISOString()} /> nothing could be
              written ({why}); {refused} calls were refused for it.
            </li>
          ))}
          {gaps.open.map(({ seq, agent, tool, time }) => (
            <li key={seq}>
              {agent ?? 'Somebody'} began <code>{tool ?? 'a call'}</code> at <Time at={new Date(time).toISOString()} />:
              no end is on record, so it still runs, or was cut off.
            </li>
          ))}
        </ul>
      )}
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
