/** What all pages are made of: headings that take the focus, states of loading, forms that act. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { type Loaded, wordsOf } from './use-load.ts';

export function Page({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · AIVillage`;
    heading.current?.focus();
  }, [title]);
  return (
    <>
      <h1 tabIndex={-1} ref={heading}>
        {title}
      </h1>
      {children}
    </>
  );
}

export interface ShownProps<T> {
  readonly of: Loaded<T>;
  readonly isEmpty?: (data: T) => boolean;
  readonly empty?: string;
  readonly children: (data: T) => ComponentChildren;
}

export function Shown<T>({ of: { data, error, reload }, isEmpty, empty, children }: ShownProps<T>) {
  return (
    <>
      {error !== undefined && (
        <p role="alert" class="bad">
          {error}{' '}
          <button type="button" class="plain" onClick={reload}>
            Try again
          </button>
        </p>
      )}
      {data === undefined && error === undefined && <p class="quiet">Loading …</p>}
      {data !== undefined && (isEmpty?.(data) === true ? <p class="quiet">{empty}</p> : children(data))}
    </>
  );
}

export interface ActionProps {
  /** What its button says. */
  readonly name: string;
  readonly kind?: 'danger' | 'plain';
  /** @returns what is said when it is done */
  readonly act: (form: FormData) => Promise<string>;
  /** Does it once without being asked. */
  readonly isEager?: boolean;
  readonly children?: ComponentChildren;
}

/** A form that does one thing and says what came of it. */
export function Action({ name, kind, act, isEager = false, children }: ActionProps) {
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (isEager) form.current?.requestSubmit();
  }, []);
  const [state, setState] = useState<{ said?: string; failed?: string; isBusy?: boolean }>({});
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    setState({ isBusy: true });
    act(new FormData(event.currentTarget as HTMLFormElement)).then(
      (said) => setState({ said }),
      (error: unknown) => setState({ failed: wordsOf(error) }),
    );
  };
  return (
    <form ref={form} onSubmit={submit}>
      {children}
      <button type="submit" class={kind ?? ''} disabled={state.isBusy === true}>
        {name}
      </button>
      <p role="status" class={state.failed === undefined ? 'good' : 'bad'}>
        {state.isBusy === true ? 'Under way …' : (state.failed ?? state.said ?? '')}
      </p>
    </form>
  );
}

const STATUS_CLASS: Readonly<Record<string, string>> = {
  healthy: 'good',
  up: 'good',
  running: 'good',
  succeeded: 'good',
  resolved: 'good',
  cached: 'good',
  queued: 'warn',
  placed: 'warn',
  pending: 'warn',
  firing: 'bad',
  lost: 'bad',
  left: 'warn',
  cancelled: 'warn',
  limit_exceeded: 'bad',
  too_large: 'bad',
  unknown: 'bad',
  executed: 'good',
  approved: 'good',
  allowed: 'good',
  ok: 'good',
  degraded: 'warn',
  voting_ongoing: 'warn',
  approval_required: 'warn',
  executing: 'warn',
  pending_approval: 'warn',
  limited: 'warn',
  unhealthy: 'bad',
  denied: 'bad',
  failed: 'bad',
  rejected: 'bad',
  expired: 'bad',
  outcome_unknown: 'bad',
  tool_error: 'bad',
  blocked: 'bad',
  stopped: 'bad',
  timed_out: 'bad',
};

/** A status in words; the colour only repeats it. */
export function Status({ value }: { readonly value: string }) {
  return <strong class={STATUS_CLASS[value] ?? ''}>{value.replaceAll('_', ' ')}</strong>;
}

export function Time({ at }: { readonly at: string }) {
  return <time dateTime={at}>{new Date(at).toLocaleString()}</time>;
}

/** A text that the form has; '' when it is left out. */
export function fieldOf(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === 'string' ? value.trim() : '';
}
