// GET /metrics: every series with its labels, moved by what it counts; no user in any of them.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import net from 'node:net';
import { after, before, test } from 'node:test';

import { startStandIn } from '../local-cloud/stand_in.mjs';
import { startAgent, userToken } from './agent.mjs';

let cloud, agent, token, metricsUrl;
before(async () => {
  cloud = await startStandIn();
  const port = await new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port: free } = server.address();
      server.close(() => resolve(free));
    });
  });
  metricsUrl = `http://127.0.0.1:${port}/metrics`;
  agent = await startAgent(cloud, { config: { compat: { java_sample: false }, metrics: { listen: `127.0.0.1:${port}` },
    plugins: { settings: { mcp: { placement: 'process' } } } } });
  await agent.until('/ready', 200);
  token = await userToken(cloud, { user: 'alice' });
});
after(async () => {
  assert.equal(await agent.stop(), 0);
  assert.equal(await cloud.stop(), 0);
});

// Series by name and labels.
async function scrape() {
  const answer = await fetch(metricsUrl);
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get('content-type'), /^text\/plain; version=0\.0\.4/);
  const text = await answer.text();
  for (const line of text.trimEnd().split('\n'))
    assert.match(line, /^(# (TYPE|HELP) sesame_\w+ .+|sesame_\w+(\{\w+="[^"\n]*"(,\w+="[^"\n]*")*\})? [\d.]+)$/);
  return { text, of: (series) => Number(text.split('\n').find((line) => line.startsWith(`${series} `))?.split(' ').at(-1) ?? 0) };
}
const post = (content, more = {}, bearer = token) => fetch(`${agent.url}/v1/chat/completions`, { method: 'POST',
  headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' }, body: JSON.stringify({ messages: [{ role: 'user', content }], ...more }) });

// [what happens, the series that grows by one (or by the number)]
for (const [what, series, act, count = 1] of [
  ['a turn that is answered', 'sesame_turns_total{outcome="ok"}', () => post('hello')],
  ['a turn that fails', 'sesame_turns_total{outcome="failed"}', async () => {
    await cloud.control('/switches', { model: { quirks: 'cut' } });
    await post('hello');
    await cloud.control('/reset', {});
  }],
  ['a turn that hits a limit', 'sesame_turns_total{outcome="limit"}', async () => {
    await cloud.control('/switches', { model: { quirks: 'length' } });
    await post('hello');
    await cloud.control('/reset', {});
  }],
  ['a turn whose client is gone', 'sesame_turns_total{outcome="client_closed"}', async () => {
    await cloud.control('/switches', { model: { delta_delay_ms: 50, delta_count: 1000 } });
    const reader = (await post('hello', { stream: true })).body.getReader();
    await reader.read();
    await reader.cancel();
    await agent.logged(/"outcome":"client_closed"/);
    await cloud.control('/reset', {});
  }],
  ['any turn', 'sesame_turn_seconds_count', () => post('hello')],
  ['a quick turn', 'sesame_turn_seconds_bucket{le="30"}', () => post('hello')],
  ['a token that is good', 'sesame_gate_total{result="granted",reason=""}', () => post('hello')],
  ['no token', 'sesame_gate_total{result="refused",reason="no_token"}', () => fetch(`${agent.url}/v1/models`)],
  ['an old token', 'sesame_gate_total{result="refused",reason="expired"}', async () => post('hello', {}, await userToken(cloud, { lifetime_s: -1000 }))],
  ['a tool that answers', 'sesame_tool_calls_total{tool="enterprise",outcome="ok"}', () => post('Call my enterprise service')],
  ['a tool that says it failed', 'sesame_tool_calls_total{tool="amap",outcome="error"}', async () => {
    await cloud.control('/switches', { mcp: { result: 'error' } });
    await post('What is the weather in Hangzhou right now?');
    await cloud.control('/reset', {});
  }],
  ['a key that is fetched again', 'sesame_credential_fetch_total{credential="llm",outcome="ok"}', async () => {
    await cloud.control('/credentials', { identifier: cloud.environment.LLM_API_KEY_IDENTIFIER, key: 'recognise-me-newer' });
    await post('hello');
  }],
  ['a plugin\'s process that dies', 'sesame_plugin_misbehaviour_total{plugin="mcp",kind="crashed"}', async () => {
    const children = readdirSync(`/proc/${agent.pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${agent.pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number));
    process.kill(children[0], 'SIGKILL');
    for (let i = 0; i < 400 && !(await scrape()).text.includes('kind="crashed"'); i++) await new Promise((resolve) => setTimeout(resolve, 10));
  }],
])
  test(`${what}: ${series}`, async () => {
    const before = (await scrape()).of(series);
    await act();
    const after = await scrape();
    assert.equal(after.of(series), before + count, after.text);
  });

test('gauges: turns that are open, secret memory in use and free', async () => {
  await cloud.control('/switches', { model: { delta_delay_ms: 50, delta_count: 1000 } });
  const reader = (await post('hello', { stream: true })).body.getReader();
  await reader.read();
  const during = await scrape();
  assert.equal(during.of('sesame_turns_open'), 1);
  await reader.cancel();
  await cloud.control('/reset', {});
  for (let i = 0; i < 200 && (await scrape()).of('sesame_turns_open') !== 0; i++) await new Promise((resolve) => setTimeout(resolve, 10));
  const last = await scrape();
  assert.equal(last.of('sesame_turns_open'), 0);
  assert.ok(last.of('sesame_secret_bytes{state="used"}') > 0);
  assert.ok(last.of('sesame_secret_bytes{state="free"}') > 0);
  assert.equal(last.of('sesame_turn_seconds_bucket{le="+Inf"}'), last.of('sesame_turn_seconds_count'));
});

test('no user, no token and no key in any label; nothing else on that port, and no metrics on the agent\'s', async () => {
  const { text } = await scrape();
  const claims = JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
  for (const hidden of [claims.sub, claims.name, 'alice', claims.client_id, 'recognise-me-', 'eyJ']) assert.ok(!text.includes(hidden), hidden);
  assert.equal((await fetch(metricsUrl.replace('/metrics', '/health'))).status, 404);
  assert.equal((await fetch(metricsUrl, { method: 'POST' })).status, 405);
  assert.equal((await fetch(`${agent.url}/metrics`)).status, 404);
});
