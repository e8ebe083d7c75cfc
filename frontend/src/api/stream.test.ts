import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { setOrigin } from './call';
import { Stream, type StreamEvent, type StreamState } from './stream';

// Against a real server: what the stream asks for, resumes from, and survives.

interface Visit {
  url: string;
  lastId: string | undefined;
  res: ServerResponse;
}

let server: Server | undefined;
let stream: Stream | undefined;

afterEach(async () => {
  stream?.close();
  server?.closeAllConnections();
  await new Promise((done) => (server === undefined ? done(null) : server.close(done)));
});

/** A server that hands out its visits one by one, and a stream that reports to queues. */
async function setup() {
  const visits = queue<Visit>();
  const events = queue<StreamEvent>();
  const states = queue<StreamState['kind']>();
  server = createServer((req: IncomingMessage, res: ServerResponse) => {
    visits.put({ url: req.url ?? '', lastId: req.headers['last-event-id'] as string | undefined, res });
  });
  await new Promise<void>((done) => server?.listen(0, '127.0.0.1', done));
  setOrigin(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  stream = new Stream({ event: (e) => events.put(e), state: (s) => states.put(s.kind) });
  return { visits, events, states, stream };
}

function queue<T>() {
  const items: T[] = [];
  const waiting: ((x: T) => void)[] = [];
  return {
    put(x: T) {
      const next = waiting.shift();
      if (next === undefined) items.push(x);
      else next(x);
    },
    take(): Promise<T> {
      const x = items.shift();
      return x === undefined ? new Promise((done) => waiting.push(done)) : Promise.resolve(x);
    },
  };
}

function begin(res: ServerResponse): void {
  res.writeHead(200, { 'content-type': 'text/event-stream' });
  res.write('retry: 1\n\n');
}

describe('the live stream', () => {
  it('asks for its topics in one connection and hands on events', async () => {
    const { visits, events, stream: s } = await setup();
    s.listen(['twin:p7', 'fleet', 'fleet']);
    const visit = await visits.take();
    expect(visit.url).toBe('/api/v1/stream?topic=fleet&topic=twin%3Ap7');
    begin(visit.res);
    visit.res.write(
      'id: e-1\nevent: fleet\ndata: {"a":1}\n\n: still here\n\nevent: broken\ndata: {\n\nevent: after\ndata: 2\n\n',
    );
    expect(await events.take()).toEqual({ event: 'fleet', data: { a: 1 } });
    expect(await events.take()).toEqual({ event: 'after', data: 2 });
  });

  it('resumes after a break from the last event it saw', async () => {
    const { visits, events, states, stream: s } = await setup();
    s.listen(['fleet']);
    const first = await visits.take();
    expect(first.lastId).toBeUndefined();
    begin(first.res);
    first.res.write('id: e-7\nevent: fleet\ndata: 1\n\n');
    await events.take();
    first.res.destroy();
    const second = await visits.take();
    expect(second.lastId).toBe('e-7');
    begin(second.res);
    expect([await states.take(), await states.take(), await states.take(), await states.take()]).toEqual([
      'connecting',
      'live',
      'lost',
      'live',
    ]);
  });

  it('forgets where it was when the server says so', async () => {
    const { visits, events, stream: s } = await setup();
    s.listen(['fleet']);
    const first = await visits.take();
    begin(first.res);
    first.res.write('id: e-7\nevent: reset\ndata: {}\n\n');
    expect((await events.take()).event).toBe('reset');
    first.res.destroy();
    expect((await visits.take()).lastId).toBeUndefined();
  });

  it('opens anew for other topics and not for the same', async () => {
    const { visits, stream: s } = await setup();
    s.listen(['a']);
    begin((await visits.take()).res);
    s.listen(['a', 'a']);
    s.listen(['b']);
    expect((await visits.take()).url).toBe('/api/v1/stream?topic=b');
  });
});
