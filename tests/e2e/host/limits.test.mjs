// Each limit of doc/configuration.md at its default, from both sides, and a host that goes on serving.
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, afterEach, before, beforeEach, test } from 'node:test';

import { startStandIn } from '../local-cloud/stand_in.mjs';
import { startAgent, userToken } from './agent.mjs';
import { errorOf, exchange, statusOf } from './raw.mjs';

let cloud, agent, token;
before(async () => {
  cloud = await startStandIn();
  agent = await startAgent(cloud, { config: { compat: { java_sample: false } } });
  await agent.until('/ready', 200);
  token = await userToken(cloud);
});
after(async () => {
  assert.equal(await agent.stop(), 0);
  assert.equal(await cloud.stop(), 0);
});
beforeEach(() => cloud.control('/reset', {}));
afterEach(async () => assert.equal((await fetch(`${agent.url}/health`)).status, 200, 'the host goes on serving'));

const KIB = 1024, MIB = 1024 * KIB;
const post = (body, { to = agent, authorization = `Bearer ${token}` } = {}) => fetch(`${to.url}/v1/chat/completions`, {
  method: 'POST', headers: { authorization, 'content-type': 'application/json' }, body: typeof body === 'string' ? body : JSON.stringify(body) });
const question = (content = 'hello', more = {}) => ({ messages: [{ role: 'user', content }], ...more });
const WEATHER = 'What is the weather in Hangzhou right now?';
const ROUTE = 'How do I get from Hangzhou East station to West Lake by public transport?';
async function withAgent(config, use) {
  const other = await startAgent(cloud, { config: { compat: { java_sample: false }, ...config } });
  try {
    await other.until('/ready', 200);
    await use(other);
  } finally {
    assert.equal(await other.stop(), 0);
  }
}

// ---- what comes in ----------------------------------------------------------------------------

test('request headers: 32 KiB pass, more are 431; 100 fields pass, more are 431', async () => {
  const head = (...lines) => exchange(agent.port, `GET /health HTTP/1.1\r\nhost: a\r\nconnection: close\r\n${lines.join('')}\r\n`);
  assert.equal(statusOf(await head(`x-long: ${'y'.repeat(32 * KIB - 100)}\r\n`)), 200);
  for (const size of [32 * KIB + 1, 100000]) {
    const refused = await head(`x-long: ${'y'.repeat(size)}\r\n`);
    assert.equal(statusOf(refused), 431);
    assert.match(refused, /\r\nconnection: close\r\n/i);
  }
  const fields = (count) => Array.from({ length: count }, (_, i) => `x-${i}: y\r\n`);
  assert.equal(statusOf(await head(...fields(98))), 200);
  assert.equal(statusOf(await head(...fields(99))), 431);
});

test('request body: 4 MiB are read, one byte more and 16 MiB are 413, with and without a length', async () => {
  const padded = (size) => {
    const text = JSON.stringify(question('', { padding: '' }));
    return `${text.slice(0, -2)}${'x'.repeat(size - text.length)}"}`;
  };
  assert.equal((await post(padded(4 * MIB))).status, 200);
  const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\n`;
  for (const size of [4 * MIB + 1, 16 * MIB]) {
    const refused = await exchange(agent.port, `${head}content-length: ${size}\r\n\r\n`, 'x'.repeat(size));
    assert.equal(statusOf(refused), 413);
    assert.match(errorOf(refused).message, /4194304|4 MiB|too large/);
  }
  const chunk = `10000\r\n${'x'.repeat(65536)}\r\n`;
  assert.equal(statusOf(await exchange(agent.port, `${head}transfer-encoding: chunked\r\n\r\n`, ...Array(256).fill(chunk), '0\r\n\r\n')), 413);
});

test('bearer token: beyond 16 KiB it is 401, whatever it is', async () => {
  const answer = await post(question(), { authorization: `Bearer ${token}${'x'.repeat(16 * KIB)}` });
  assert.equal(answer.status, 401);
  assert.match(answer.headers.get('www-authenticate'), /^Bearer error="invalid_token"/);
});

test('JSON depth: 32 levels pass, 33 are 400 and named', async () => {
  const nested = (depth) => JSON.stringify(question()).replace(/\}$/, `,"x":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`);
  assert.equal((await post(nested(32))).status, 200);
  const refused = await post(nested(33));
  assert.equal(refused.status, 400);
  const { error } = await refused.json();
  assert.equal(error.code, 'invalid_json');
  assert.match(error.message, /nested.*32|32.*level|deep/i);
});

test('a head and a body that drip in are 408 at their deadlines, an idle connection is closed', async () => {
  await withAgent({ limits: { header_timeout_s: 1, body_timeout_s: 1, idle_timeout_s: 1 } }, async (other) => {
    const drip = (start) => new Promise((resolve) => {
      let text = '';
      const socket = net.connect(other.port, '127.0.0.1', () => socket.write(start));
      const timer = setInterval(() => socket.write('x'), 100);
      socket.on('data', (part) => { text += part; });
      socket.on('error', () => {});
      socket.on('close', () => { clearInterval(timer); resolve(text); });
    });
    const idle = exchange(other.port, 'GET /health HTTP/1.1\r\nhost: a\r\n\r\n');
    const [head, body, rest] = await Promise.all([drip('GET /health HTTP/1.1\r\nhost: a\r\nx-slow: '),
      drip(`POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${token}\r\ncontent-length: 1000\r\n\r\n`), idle]);
    assert.equal(statusOf(head), 408);
    assert.equal(statusOf(body), 408);
    assert.equal(statusOf(rest), 200); // answered, then closed for being idle: `exchange` ends with the connection
    assert.equal((await fetch(`${other.url}/health`)).status, 200);
  });
});

// ---- what goes out ----------------------------------------------------------------------------

test('a client that does not read: beyond 256 KiB in the queue the turn is given up, in the middle of the model call', async () => {
  await cloud.control('/switches', { model: { delta_count: 100000 } }); // some 20 MB, more than sockets hold
  const body = JSON.stringify(question('hello', { stream: true }));
  await withAgent({}, async (other) => {
    const socket = net.connect(other.port, '127.0.0.1');
    socket.pause();
    socket.on('error', () => {});
    socket.write(`POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${token}\r\n` +
      `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    const gone = JSON.parse(await other.logged(/"the client is gone"/));
    assert.match(gone.reason, /too slowly|high-water|queue/);
    assert.match(await other.logged(/"event":"turn"/), /"outcome":"client_closed"/);
    assert.ok(!other.output().includes('a model call is over'), 'the model was heard to its end');
    socket.destroy();
    await cloud.control('/reset', {});
    assert.equal((await post(question(), { to: other })).status, 200);
  });
});

// ---- a turn -----------------------------------------------------------------------------------

test('time of a turn: what was shown stays, and the finish is length; with nothing to show it is 504', async () => {
  await withAgent({ limits: { turn_s: 3 } }, async (other) => {
    await cloud.control('/switches', { model: { delta_delay_ms: 100, delta_count: 200 } });
    const answer = await (await post(question(), { to: other })).json();
    assert.equal(answer.choices[0].finish_reason, 'length');
    assert.ok(answer.choices[0].message.content.length > 0);
    await cloud.control('/reset', {});
    await cloud.control('/switches', { model: { first_delay_ms: 60000 } });
    const late = await post(question(), { to: other });
    assert.equal(late.status, 504);
    assert.equal((await late.json()).error.code, 'timeout');
  });
});

test('rounds and calls of a turn: the model is told, answers in words, and the finish is length', async () => {
  for (const limits of [{ turn_rounds: 2 }, { turn_tool_calls: 2 }])
    await withAgent({ limits }, async (other) => {
      await cloud.control('/switches', { model: { quirks: 'endless-calls' } });
      const answer = await (await post(question(WEATHER), { to: other })).json();
      assert.equal(answer.choices[0].finish_reason, 'length', JSON.stringify(limits));
      assert.ok(answer.choices[0].message.content.length > 0);
    });
});

test('calls in parallel: two at once take the time of one, with a limit of one the time of both', async () => {
  const time = async (other) => {
    await cloud.control('/switches', { mcp: { delay_ms: 400 } });
    await post(question(ROUTE), { to: other });
    const calls = [];
    for (const { number, at_ms, ended_at_ms, status } of await cloud.control('/requests?route=mcp')) {
      const { body } = await cloud.control(`/requests/${number}`);
      if (status === 200 && body.includes('"maps_geo"')) calls.push([at_ms, ended_at_ms]);
    }
    assert.equal(calls.length, 2);
    return calls[1][0] < calls[0][1];
  };
  assert.equal(await time(agent), true);
  await cloud.control('/reset', {});
  await withAgent({ limits: { turn_parallel_tool_calls: 1 } }, async (other) => assert.equal(await time(other), false));
});

test('open turns: one too many is 429 with Retry-After, and comes in when another has ended', async () => {
  await withAgent({ limits: { open_turns: 1 } }, async (other) => {
    await cloud.control('/switches', { model: { delta_delay_ms: 50, delta_count: 1000 } });
    const first = await post(question('hello', { stream: true }), { to: other });
    const reader = first.body.getReader();
    await reader.read();
    const refused = await post(question(), { to: other });
    assert.equal(refused.status, 429);
    assert.equal(refused.headers.get('retry-after'), '1');
    const { error } = await refused.json();
    assert.deepEqual([error.type, error.code], ['rate_limit_error', 'rate_limit_exceeded']);
    await cloud.control('/reset', {});
    await reader.cancel();
    await other.logged(/"the client is gone"/);
    assert.equal((await post(question(), { to: other })).status, 200);
  });
});

test('drain: a turn that does not end after SIGTERM is cut off', async () => {
  await cloud.control('/switches', { model: { delta_delay_ms: 50, delta_count: 10000 } });
  const other = await startAgent(cloud, { config: { compat: { java_sample: false }, limits: { drain_s: 1 } } });
  await other.until('/ready', 200);
  const reader = (await post(question('hello', { stream: true }), { to: other })).body.getReader();
  await reader.read();
  const stopped = other.stop();
  await assert.rejects(async () => { while (!(await reader.read()).done); });
  assert.equal(await stopped, 0);
});
