import { createParser } from 'eventsource-parser';
import { authHeader, url } from './call';

// The live stream: one connection that carries every topic the page listens
// to. EventSource cannot send a token, so it is read with fetch.

export interface StreamEvent {
  event: string;
  data: unknown;
}

export type StreamState =
  | { kind: 'idle' }
  | { kind: 'connecting'; since: number }
  | { kind: 'live'; since: number }
  | { kind: 'lost'; since: number; retryAt: number; status: number };

export interface StreamHandlers {
  event(e: StreamEvent): void;
  state(s: StreamState): void;
}

const SILENCE = 40_000; // the server comments every 15 s

/** Keeps one connection open for the present set of topics and resumes it where it broke. */
export class Stream {
  private topics: readonly string[] = [];
  private lastId = '';
  private abort: AbortController | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private failures = 0;
  private retry = 3000;
  private lostAt = 0;

  constructor(private readonly handlers: StreamHandlers) {}

  /** Listens to exactly these topics from now on. */
  listen(topics: readonly string[]): void {
    const next = [...new Set(topics)].sort();
    if (next.join('\n') === this.topics.join('\n')) return;
    this.topics = next;
    this.open();
  }

  /** Tries again at once instead of waiting for the back-off. */
  now(): void {
    if (this.topics.length > 0) this.open();
  }

  close(): void {
    this.topics = [];
    this.lastId = '';
    this.stop();
    this.handlers.state({ kind: 'idle' });
  }

  private stop(): void {
    clearTimeout(this.timer);
    this.abort?.abort();
    this.abort = null;
  }

  private open(): void {
    this.stop();
    if (this.topics.length === 0) {
      this.handlers.state({ kind: 'idle' });
      return;
    }
    const abort = new AbortController();
    this.abort = abort;
    if (this.lostAt === 0) this.handlers.state({ kind: 'connecting', since: Date.now() });
    void this.read(abort).then((status) => {
      this.lose(abort, status);
    });
  }

  private lose(abort: AbortController, status: number): void {
    if (this.abort !== abort) return;
    this.abort = null;
    this.failures++;
    if (this.lostAt === 0) this.lostAt = Date.now();
    // Full jitter keeps a hall full of consoles from knocking at once.
    const ceiling = Math.min(30_000, this.retry * 2 ** Math.min(this.failures - 1, 4));
    const wait = 500 + Math.random() * ceiling;
    this.handlers.state({ kind: 'lost', since: this.lostAt, retryAt: Date.now() + wait, status });
    this.timer = setTimeout(() => this.open(), wait);
  }

  /** Reads until the connection ends; answers with the HTTP status, 0 when there was none. */
  private async read(abort: AbortController): Promise<number> {
    let quiet: ReturnType<typeof setTimeout> | undefined;
    const heard = () => {
      clearTimeout(quiet);
      quiet = setTimeout(() => abort.abort(), SILENCE);
    };
    try {
      heard();
      const query = this.topics.map((t) => `topic=${encodeURIComponent(t)}`).join('&');
      const headers: Record<string, string> = { Accept: 'text/event-stream', ...authHeader() };
      if (this.lastId !== '') headers['Last-Event-ID'] = this.lastId;
      const answer = await fetch(url(`/api/v1/stream?${query}`), {
        headers,
        signal: abort.signal,
        credentials: 'omit',
      });
      if (!answer.ok || answer.body === null) return answer.status;
      this.failures = 0;
      this.lostAt = 0;
      this.handlers.state({ kind: 'live', since: Date.now() });
      const parser = createParser({
        onEvent: (e) => {
          if (this.abort !== abort) return;
          if (e.id !== undefined && e.id !== '') this.lastId = e.id;
          this.dispatch(e.event ?? 'message', e.data);
        },
        onRetry: (ms) => {
          this.retry = ms;
        },
      });
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return 200;
        heard();
        parser.feed(value);
      }
    } catch {
      return 0; // refused, broken or silent: all mean "try again"
    } finally {
      clearTimeout(quiet);
    }
  }

  private dispatch(event: string, data: string): void {
    let parsed: unknown;
    try {
      parsed = JSON.parse(data);
    } catch {
      return; // one unreadable event must not end the stream
    }
    if (event === 'reset') this.lastId = '';
    this.handlers.event({ event, data: parsed });
  }
}
