import { honourRetryAfter, type RetryAfterOptions } from './retry-after.js';

const URL = 'http://127.0.0.1:9/v1/watchlists/items';

interface Sent {
  readonly method: string;
  readonly body: string;
}

/** Answers with these in turn, whatever is asked; the last one for ever. */
function server(...answers: (() => Response)[]) {
  const sent: Sent[] = [];
  const waits: number[] = [];
  return {
    sent,
    waits,
    options: {
      fetch: async (request) => {
        sent.push({ method: request.method, body: await request.text() });
        return answers[Math.min(sent.length, answers.length) - 1]!();
      },
      wait: async (seconds) => void waits.push(seconds),
    } satisfies RetryAfterOptions,
  };
}

const answer = (status: number, retryAfter?: string) => () =>
  new Response(`${status}`, {
    status,
    headers: retryAfter === undefined ? {} : { 'retry-after': retryAfter },
  });
const ok = answer(200);

const post = (init: RequestInit = {}) =>
  new Request(URL, { method: 'POST', body: '{"title":"8½"}', ...init });
const get = () => new Request(URL);

describe(honourRetryAfter.name, () => {
  it('waits as long as the server says, and sends the same again', async () => {
    const { sent, waits, options } = server(answer(429, '12'), answer(429, '3'), ok);
    const response = await honourRetryAfter(options)(post());
    expect(response.status).toBe(200);
    expect(waits).toEqual([12, 3]);
    expect(sent).toEqual(Array(3).fill({ method: 'POST', body: '{"title":"8½"}' }));
  });

  it('gives up after the retries, with the answer as it is', async () => {
    const { sent, options } = server(answer(429, '1'));
    const response = await honourRetryAfter({ ...options, retries: 2 })(post());
    expect([response.status, await response.text()]).toEqual([429, '429']);
    expect(sent).toHaveLength(3);
  });

  it('sends once when there are to be no retries', async () => {
    const { sent, waits, options } = server(answer(429, '1'));
    expect((await honourRetryAfter({ ...options, retries: 0 })(post())).status).toBe(429);
    expect([sent.length, waits]).toEqual([1, []]);
  });

  it('does not wait for longer than the maximum', async () => {
    const { waits, options } = server(answer(429, '31'), ok);
    const response = await honourRetryAfter({ ...options, maximumSeconds: 30 })(post());
    expect([response.status, await response.text()]).toEqual([429, '429']);
    expect(waits).toEqual([]);
  });

  it.each<[string, () => Request, number, boolean]>([
    ['a write over a limit', post, 429, true],
    ['a write that may have been done', post, 503, false],
    ['a read while the server is busy', get, 503, true],
    ['a read while somebody else fails', get, 502, true],
    ['a read of what is not there yet', get, 404, true],
    ['an answer that says when it may change', get, 200, false],
  ])('on %s (%#)', async (_what, request, status, isSentAgain) => {
    const { sent, options } = server(answer(status, '1'), ok);
    await honourRetryAfter(options)(request());
    expect(sent).toHaveLength(isSentAgain ? 2 : 1);
  });

  it('does not make up a time where none is given', async () => {
    const { sent, options } = server(answer(429), ok);
    expect((await honourRetryAfter(options)(post())).status).toBe(429);
    expect(sent).toHaveLength(1);
  });

  describe('by itself', () => {
    const waiting = (signal?: AbortSignal) => {
      const { sent, options } = server(answer(429, '1'), ok);
      return { sent, response: honourRetryAfter({ fetch: options.fetch })(post(signal ? { signal } : {})) };
    };

    it('waits with a timer', async () => {
      const timer = jest.spyOn(globalThis, 'setTimeout').mockImplementation((callback) => {
        setImmediate(callback);
        return 0 as never;
      });
      const { response } = waiting();
      expect((await response).status).toBe(200);
      expect(timer).toHaveBeenCalledWith(expect.any(Function), 1000);
      timer.mockRestore();
    });

    it('stops waiting when the request is called off', async () => {
      const controller = new AbortController();
      const { sent, response } = waiting(controller.signal);
      setImmediate(() => controller.abort(new Error('enough')));
      await expect(response).rejects.toThrow('enough');
      expect(sent).toHaveLength(1);
    });
  });
});
