/** Takes the token that a user has; where to get one is said beside it. */
import { Page } from './parts.tsx';

interface SignInProps {
  /** Why the last one is of no use. */
  readonly why: string | undefined;
  readonly onToken: (token: string) => void;
}

export function SignIn({ why, onToken }: SignInProps) {
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const token = new FormData(event.currentTarget as HTMLFormElement).get('token');
    if (typeof token === 'string' && token.trim() !== '') onToken(token.trim());
  };
  return (
    <main>
      <Page title="Sign in">
        <div class="card">
          <form onSubmit={submit}>
            <label>
              Token
              <input name="token" type="password" autoComplete="off" required />
            </label>
            <p class="quiet">
              Make one where the village runs: <code>npx aivillage token issue --agent NAME</code>. It stays in this tab
              and ends with it.
            </p>
            {why !== undefined && (
              <p role="alert" class="bad">
                {why}
              </p>
            )}
            <button type="submit">Sign in</button>
          </form>
        </div>
      </Page>
    </main>
  );
}
