/** What a client tells of itself, for logs, dashboards and pages: no arguments, no results, no tokens. */
import type { Reason } from '../shared/errors.ts';

export type ConnectionState = 'idle' | 'connecting' | 'connected' | 'disconnected' | 'closed';

export type DiagnosticEvent =
  | { readonly kind: 'state'; readonly state: ConnectionState; readonly reason?: Reason }
  /** After a loss. `downMs` from the loss until now. */
  | { readonly kind: 'reconnected'; readonly attempts: number; readonly downMs: number }
  | { readonly kind: 'attempt_failed'; readonly attempt: number; readonly waitMs: number; readonly reason: Reason }
  | { readonly kind: 'heartbeat'; readonly roundTripMs: number }
  | { readonly kind: 'token_renewed'; readonly expiresAt: number | undefined }
  | { readonly kind: 'token_failed'; readonly reason: Reason }
  | { readonly kind: 'retry'; readonly what: string; readonly attempt: number; readonly reason: Reason }
  | { readonly kind: 'lost'; readonly what: string; readonly reason: Reason }
  | { readonly kind: 'not_validated'; readonly tool: string; readonly why: string }
  | { readonly kind: 'tools_changed' }
  | { readonly kind: 'fault'; readonly text: string };

export type Listener = (event: DiagnosticEvent) => void;

export class Events {
  private readonly listeners = new Set<Listener>();

  /** @returns how to stop listening */
  on(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  emit(event: DiagnosticEvent): void {
    for (const listener of this.listeners) listener(event);
  }
}
