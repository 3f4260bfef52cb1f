// Every switch of the control port does what it says, as the agent and its user meet it.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { startAgent, userToken } from '../host/agent.mjs';
import { startStandIn } from './stand_in.mjs';

let cloud, agent, token;
before(async () => {
  cloud = await startStandIn();
  // A second for each request: an answer that never comes is waited for as long as that.
  agent = await startAgent(cloud, { config: { compat: { java_sample: false }, tools: {
    amap: { plugin: 'mcp', credentials: ['amap'], config: { url: '${EXTERNAL_SERVER_URL}', credential: 'amap', timeout_s: 1 } },
    enterprise: { plugin: 'enterprise-service', credentials: ['enterprise'], config: { url: '${ENTERPRISE_SERVICE_URL}',
      credential: 'enterprise', method: 'POST', name: 'enterprise_service_sample', description: 'Calls the sample enterprise service.' } } } } });
  await agent.until('/ready', 200);
  token = await userToken(cloud);
});
after(async () => {
  assert.equal(await agent.stop(), 0);
  assert.equal(await cloud.stop(), 0);
});
beforeEach(() => cloud.control('/reset', {}));

const set = async (group, switches) => {
  const all = await cloud.control('/switches', { [group]: switches });
  assert.equal(all.error, undefined, all.error);
  return all;
};
const WEATHER = 'What is the weather in Hangzhou right now?';

// One question, streamed: the text, and the last thing that was said about each tool call.
async function ask(content = WEATHER) {
  const answer = await fetch(`${agent.url}/v1/chat/completions`, { method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ stream: true, messages: [{ role: 'user', content }] }) });
  assert.equal(answer.status, 200);
  const chunks = (await answer.text()).split('\n').filter((line) => line.startsWith('data: {')).map((line) => JSON.parse(line.slice(6)));
  const tools = new Map();
  for (const { sesame } of chunks) if (sesame?.tool) tools.set(sesame.tool.id, sesame.tool);
  return { chunks, text: chunks.map((chunk) => chunk.choices[0]?.delta?.content ?? '').join(''), tools: [...tools.values()],
    finish: chunks.at(-1).choices[0].finish_reason };
}
const requestsTo = async (route) => {
  const list = await cloud.control(`/requests?route=${route}`);
  return Promise.all(list.map(({ number }) => cloud.control(`/requests/${number}`)));
};
const lastToModel = async () => JSON.parse((await requestsTo('model')).at(-1).body).messages;

test('every switch that there is has a test that sets it', async () => {
  const tests = join(dirname(fileURLToPath(import.meta.url)), '../..');
  const sources = ['e2e/local-cloud', 'e2e/host', 'local-cloud'].flatMap((folder) => readdirSync(join(tests, folder))
    .filter((name) => /\.(mjs|c)$/.test(name)).map((name) => readFileSync(join(tests, folder, name), 'utf8'))).join('\n');
  const { switches } = await cloud.control('/state');
  assert.deepEqual(Object.keys(switches).sort(), ['enterprise', 'issuer', 'mcp', 'metadata', 'model', 'openapi', 'vault']);
  for (const [group, members] of Object.entries(switches))
    for (const name of Object.keys(members))
      assert.ok(new RegExp(`set\\('${group}', \\{[^}]*\\b${name}\\b|\\b${group}: \\{[^}]*\\b${name}\\b|switches\\.${group}\\.${name} =`)
        .test(sources), `no test sets ${group}.${name}`);
});

// ---- issuer -----------------------------------------------------------------------------------

test('issuer: lifetime of tokens, with and without expires_at', async () => {
  await set('issuer', { token_lifetime_s: 77 });
  const answer = await cloud.token('urn:cloud:idaas:pam|.all');
  assert.equal(answer.expires_in, 77);
  assert.ok(Math.abs(answer.expires_at - Date.now() / 1000 - 77) < 5);
  await set('issuer', { expires_at: false });
  assert.equal((await cloud.token('urn:cloud:idaas:pam|.all')).expires_at, undefined);
});

test('issuer: how long the keys may be kept', async () => {
  const cached = async () => (await cloud.request(cloud.environment.JWKS_ENDPOINT)).headers['cache-control'];
  await set('issuer', { jwks_max_age_s: 1234 });
  assert.match(await cached(), /max-age=1234/);
  await set('issuer', { jwks_max_age_s: -1 });
  assert.equal(await cached(), undefined);
});

test('issuer: keys rotate on demand, with and without the old one', async () => {
  const kids = async () => (await cloud.request(cloud.environment.JWKS_ENDPOINT)).json().keys.map(({ kid }) => kid);
  const first = await kids();
  await cloud.control('/keys/rotate', { keep_old: true });
  const both = await kids();
  assert.ok(first.every((kid) => both.includes(kid)) && both.length > first.length, `${first} ${both}`);
  await cloud.control('/keys/rotate', { keep_old: false });
  const last = await kids();
  assert.ok(both.every((kid) => !last.includes(kid)), `${both} ${last}`);
  token = await userToken(cloud); // the old key is gone
});

// ---- model ------------------------------------------------------------------------------------

test('model: a slow first delta, and deltas of a size', async () => {
  await set('model', { first_delay_ms: 300, delta_chars: 3 });
  const before = performance.now();
  const { chunks, finish } = await ask('hello');
  assert.ok(performance.now() - before >= 300);
  assert.equal(finish, 'stop');
  const sizes = chunks.map((chunk) => [...(chunk.choices[0]?.delta?.content ?? '')].length);
  assert.ok(Math.max(...sizes) === 3, String(sizes));
});

// ---- map service ------------------------------------------------------------------------------

const forecast = /"forecasts":\[/;
for (const answer of ['sse', 'json'])
  for (const [result, outcome, words] of [['text', 'ok', forecast], ['structured', 'ok', /\\"forecasts\\":\[/], ['both', 'ok', forecast],
    ['image', 'ok', /image/], ['empty', 'ok', /^(?!.*forecasts)/s], ['error', 'error', /told to fail/], ['rpc-error', 'failed', /told to fail.*-32603/],
    ['wrong-id', 'failed', /./], ['not-json', 'failed', /./], ['wrong-type', 'failed', /text\/html/],
    ...(answer === 'sse' ? [['twice', 'ok', forecast], ['none', 'failed', /./]] : [])])
    test(`mcp: a result of the kind ${result} as ${answer} is ${outcome}, and the turn goes on`, async () => {
      await set('mcp', { result, answer });
      const { tools, finish, text } = await ask();
      assert.equal(tools.length, 1);
      assert.equal(tools[0].outcome, outcome, JSON.stringify(tools[0]));
      assert.match(tools[0].result, words);
      if (result === 'both') assert.equal(tools[0].result.match(/forecasts/g).length, 1, 'text and structure are the same');
      assert.equal(finish, 'stop');
      assert.ok(text.length > 0);
      // The model was told what the user saw.
      const told = (await lastToModel()).at(-1);
      assert.equal(told.role, 'tool');
      assert.match(told.content, words);
    });

for (const server_request of ['ping', 'sampling', 'roots', 'elicitation'])
  test(`mcp: the server asks for ${server_request} before it answers`, async () => {
    await set('mcp', { server_request });
    assert.equal((await ask()).tools[0].outcome, 'ok');
    let reply;
    for (let i = 0; i < 100 && reply === undefined; i++) // the reply is a POST of its own
      reply = (await requestsTo('mcp')).filter(({ body }) => body !== '').map(({ body }) => JSON.parse(body)).find(({ id }) => id === 'stand-in-1');
    if (server_request === 'ping') assert.deepEqual(reply.result, {});
    else assert.equal(reply.error.code, -32601);
  });

test('mcp: without sessions, in pages, in an older revision, without a listening stream', async () => {
  for (const switches of [{ mcp: { session: false } }, { mcp: { page_size: 4 } }, { mcp: { protocol_version: '2025-03-26' } },
    { mcp: { protocol_version: '2025-06-18' } }, { mcp: { listen: false } }, { mcp: { list_changed: false } }, { mcp: { progress_count: 3 } }]) {
    await cloud.control('/reset', {}); // forgets the session, so the host begins anew
    await cloud.control('/switches', switches);
    assert.equal((await ask()).tools[0].outcome, 'ok', JSON.stringify(switches));
  }
});

test('mcp: a session that is gone, at once and after a number of calls, is begun anew', async () => {
  await ask();
  await cloud.control('/mcp/drop-sessions', {});
  assert.equal((await ask()).tools[0].outcome, 'ok');
  await set('mcp', { session_calls_max: 1 });
  for (let i = 0; i < 3; i++) assert.equal((await ask()).tools[0].outcome, 'ok');
  const begun = (await requestsTo('mcp')).filter(({ body }) => body.includes('"initialize"')).length;
  assert.ok(begun >= 3, String(begun));
});

test('mcp: a stream that is closed in the middle of the call is gone on with after the pause', async () => {
  await set('mcp', { close_mid_call: true, retry_ms: 120 });
  assert.equal((await ask()).tools[0].outcome, 'ok');
  const seen = await cloud.control('/requests?route=mcp');
  const resumed = seen.find(({ method, header_names }) => method === 'GET' && header_names.some((name) => /^last-event-id$/i.test(name)));
  const call = seen.findLast(({ method, number }) => method === 'POST' && number < resumed.number);
  assert.ok(resumed.at_ms - call.ended_at_ms >= 110, `${resumed.at_ms} ${call.ended_at_ms}`);
});

test('mcp: a slow call takes its time', async () => {
  await set('mcp', { delay_ms: 200 });
  const { tools } = await ask();
  assert.ok(tools[0].duration_ms >= 200, String(tools[0].duration_ms));
});

test('mcp: a large result is cut at the limit and marked, a larger one than the client takes fails', async () => {
  await set('mcp', { oversized_bytes: 100000 });
  assert.equal((await ask()).tools[0].outcome, 'ok');
  const { content } = (await lastToModel()).at(-1);
  assert.ok(Buffer.byteLength(content) <= 33 * 1024, String(content.length));
  assert.match(content.slice(-200), /\d+ (more )?bytes/);
  await cloud.control('/reset', {});
  await set('mcp', { oversized_bytes: 8 << 20 });
  const { tools, finish } = await ask();
  assert.equal(tools[0].outcome, 'failed');
  assert.match(tools[0].result, /too large|larger|limit|MiB|bytes/);
  assert.equal(finish, 'stop');
});

test('mcp: a poisoned tool is cleaned, and a changed list is read before the next turn', async () => {
  const offered = async () => {
    await ask('hello');
    return JSON.parse((await requestsTo('model')).at(-1).body).tools.map((tool) => tool.function);
  };
  const before = (await offered()).map(({ name }) => name);
  assert.ok(!before.includes('maps_poisoned'));
  await set('mcp', { poisoned: true });
  await cloud.control('/mcp/drop-sessions', {});
  await ask();
  const poisoned = (await offered()).find(({ name }) => name === 'maps_poisoned');
  assert.ok(poisoned !== undefined, 'a poisoned tool is offered for the test');
  assert.ok(!/[\p{Cc}\p{Bidi_Control}]/u.test(poisoned.description), JSON.stringify(poisoned.description));
  await cloud.control('/mcp/tools-changed', {});
  await ask();
  const names = (await offered()).map(({ name }) => name);
  assert.notDeepEqual(names, [...before, 'maps_poisoned']);
});

// ---- enterprise service -----------------------------------------------------------------------

test('enterprise: slow, and as the trigger of Function Compute', async () => {
  await set('enterprise', { delay_ms: 200 });
  const slow = await ask('Call my enterprise service');
  assert.ok(slow.tools[0].duration_ms >= 200);
  await cloud.control('/reset', {});
  await cloud.control('/keys/paste', {});
  await set('enterprise', { mode: 'fc' });
  assert.equal((await ask('Call my enterprise service')).tools[0].outcome, 'ok');
});

// ---- metadata service -------------------------------------------------------------------------

test('metadata: how long the credentials of the machine live', async () => {
  await set('metadata', { session_s: 1000 });
  const url = `http://127.0.0.1:${cloud.ports.metadata}/latest/meta-data/ram/security-credentials/sesame-agent`;
  const { Code, Expiration } = await (await fetch(url)).json();
  assert.equal(Code, 'Success');
  const lifetime_s = (Date.parse(Expiration) - Date.now()) / 1000;
  assert.ok(lifetime_s > 990 && lifetime_s <= 1000, String(lifetime_s));
});
