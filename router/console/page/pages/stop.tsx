/** The emergency stop: what is stopped, stopping, and going on. */
import { STOP_EVERY_MS } from '../pace.ts';
import { Action, fieldOf, Page, Shown, Time } from '../parts.tsx';
import { stopState } from '../stops.ts';
import { useLoad } from '../use-load.ts';
import { useVillage } from '../village.ts';

export function Stop() {
  const { tools } = useVillage();
  if (tools.has('emergency_system_shutdown')) return <Orders />;
  return (
    <Page title="Stop">
      <p class="card">Your token may not stop the village: that needs level EMERGENCY.</p>
    </Page>
  );
}

function Orders() {
  const { client, credentials } = useVillage();
  const state = useLoad(() => stopState(credentials), '', { everyMs: STOP_EVERY_MS });
  const stop = async (form: FormData): Promise<string> => {
    const scope = fieldOf(form, 'scope');
    await client.call('emergency_system_shutdown', {
      scope: scope === '' ? 'all' : scope,
      reason: fieldOf(form, 'reason'),
    });
    state.reload();
    return 'Stopped.';
  };
  const resume = async (form: FormData): Promise<string> => {
    await client.call('emergency_system_resume', { justification: fieldOf(form, 'justification') });
    state.reload();
    return 'It goes on.';
  };
  return (
    <Page title="Stop">
      <section class="card" aria-label="State" aria-live="polite">
        <Shown of={state}>
          {({ state: now, stops }) => (
            <>
              <p class={`number ${now === 'running' ? 'good' : 'bad'}`}>{now === 'running' ? 'Running' : 'Stopped'}</p>
              <ul>
                {stops.map(({ scope, reason, by, since }) => (
                  <li key={scope}>
                    <strong>{scope}</strong> by {by}, <Time at={since} />: {reason}
                  </li>
                ))}
              </ul>
            </>
          )}
        </Shown>
      </section>
      <section class="card" aria-label="Stop">
        <h2>Stop at once</h2>
        <Action name="Stop" kind="danger" act={stop}>
          <label>
            What
            <input name="scope" placeholder="all, server:ID, tool:NAME or agent:ID" />
          </label>
          <label>
            Reason
            <input name="reason" required />
          </label>
        </Action>
      </section>
      <section class="card" aria-label="Go on">
        <h2>Go on</h2>
        <Action name="Resume" act={resume}>
          <label>
            Justification
            <input name="justification" required />
          </label>
        </Action>
      </section>
    </Page>
  );
}
