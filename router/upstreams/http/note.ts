/** A message that is posted and not answered: a notification, or our answer to a request of the server. */
import type { BodyForm, ExchangeListener, Headers } from './exchange.ts';

export interface NoteEvents {
  /** The server's status for it, or the error that kept it from coming. Once. */
  onOutcome(status: number | undefined, headers: Headers, error: Error | undefined): void;
}

export class Note implements ExchangeListener {
  private readonly events: NoteEvents;
  private isDone = false;

  constructor(events: NoteEvents) {
    this.events = events;
  }

  onHead(status: number, headers: Headers): BodyForm {
    this.finish(status, headers, undefined);
    return 'skip';
  }

  onText(): void {}
  onEvent(): void {}
  onOversize(): void {}

  onOver(error: Error | undefined): void {
    this.finish(undefined, {}, error);
  }

  private finish(status: number | undefined, headers: Headers, error: Error | undefined): void {
    if (this.isDone) return;
    this.isDone = true;
    this.events.onOutcome(status, headers, error);
  }
}
