// /metrics and sesame plugin list: version, placement, state, calls, failures by kind, restarts, latency, memory of each plugin.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { startStandIn } from '../local-cloud/stand_in.mjs';
import { freePort, run, startAgent, userToken } from './agent.mjs';

let cloud, agent, token, listen;

before(async () => {
  cloud = await startStandIn();
  listen = `127.0.0.1:${await freePort()}`;
  agent = await startAgent(cloud, { config: { compat: { java_sample: false }, workers: 1, metrics: { listen },
    plugins: { settings: { mcp: { placement: 'process' } } } } });
  await agent.until('/ready', 200);
  token = await userToken(cloud);
});
after(async () => {
  await agent.stop();
  await cloud.stop();
});

const ask = (content) => fetch(`${agent.url}/v1/chat/completions`, { method: 'POST',
  headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
  body: JSON.stringify({ messages: [{ role: 'user', content }], stream: false }) }).then((answer) => answer.json());
const scrape = async () => (await fetch(`http://${listen}/metrics`)).text();
const value = (text, series) => Number(text.split('\n').find((line) => line.startsWith(`${series} `))?.split(' ')[1]);
const children = () => readdirSync(`/proc/${agent.pid}/task`).flatMap((task) =>
  readFileSync(`/proc/${agent.pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number));

test('calls, failures by kind, latency and memory are counted for each use of a plugin', async () => {
  await ask('What is the weather in Hangzhou right now?');
  await ask('Call my enterprise service');
  await cloud.control('/fail', { at: 'enterprise', times: 2, status: 403 });
  await ask('Call my enterprise service');
  const text = await scrape();
  assert.match(text, /^sesame_plugin_info\{plugin="mcp",use="tools\.amap",version="\d+\.\d+\.\d+",placement="process"\} 1$/m);
  assert.equal(value(text, 'sesame_plugin_state{plugin="mcp",use="tools.amap",state="running"}'), 1);
  assert.equal(value(text, 'sesame_plugin_state{plugin="mcp",use="tools.amap",state="failed"}'), 0);
  // One group for each metric, its type above it.
  const names = text.split('\n').filter((line) => line !== '').map((line) => /^(?:# TYPE )?(sesame_\w+)/.exec(line)[1]
    .replace(/_(bucket|sum|count)$/, '')).filter((name, i, all) => name !== all[i - 1]);
  assert.deepEqual(names, [...new Set(names)]);
  assert.match(text, /^sesame_plugin_info\{plugin="client-secret",use="idaas",version="[^"]+",placement="inline"\} 1$/m);
  assert.equal(value(text, 'sesame_plugin_calls_total{plugin="mcp",use="tools.amap",outcome="ok"}'), 1);
  assert.equal(value(text, 'sesame_plugin_calls_total{plugin="enterprise-service",use="tools.enterprise",outcome="ok"}'), 1);
  assert.ok(value(text, 'sesame_plugin_calls_total{plugin="enterprise-service",use="tools.enterprise",outcome="denied"}') >= 1);
  assert.equal(value(text, 'sesame_plugin_call_seconds_bucket{plugin="mcp",use="tools.amap",le="+Inf"}'), 1);
  assert.equal(value(text, 'sesame_plugin_call_seconds_count{plugin="mcp",use="tools.amap"}'), 1);
  assert.ok(value(text, 'sesame_plugin_calls_total{plugin="client-secret",use="idaas",outcome="ok"}') >= 2);
  const memory = value(text, 'sesame_plugin_memory_bytes{plugin="mcp",use="tools.amap"}');
  assert.ok(memory > 50_000 && memory < 4 << 20, `${memory} bytes`);
  assert.ok(!text.includes('recognise-me') && !text.includes('eyJ'));
});

test('a process that is lost is counted and shows its state', async () => {
  const [pid] = children();
  process.kill(pid, 'SIGKILL');
  for (let i = 0; i < 200; i++) {
    const text = await scrape();
    if (value(text, 'sesame_plugin_restarts_total{plugin="mcp",use="tools.amap"}') === 1 &&
        value(text, 'sesame_plugin_state{plugin="mcp",use="tools.amap",state="running"}') === 1) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.fail(await scrape());
});

test('plugin list says the same of the host that runs', async () => {
  const config = agent.file;
  const listed = await run(['plugin', 'list', '--config', config], cloud.environment);
  assert.equal(listed.code, 0, listed.err);
  assert.match(listed.out, /^mcp +\d+\.\d+\.\d+ +inline +The tools of an MCP server/m);
  assert.match(listed.out, /^tools\.amap +mcp +\d\S* +process +running +1 +1 +\d+ KiB .*; none$/m);
  assert.match(listed.out, /^tools\.enterprise +enterprise-service +\d\S* +inline +running +[23] +- +- +.*\d denied$/m);
});

test('without a host that runs it says so', async () => {
  const port = await freePort();
  agent.configure({ metrics: { listen: `127.0.0.1:${port}` } });
  const listed = await run(['plugin', 'list', '--config', agent.file], cloud.environment);
  assert.equal(listed.code, 0, listed.err);
  assert.match(listed.out, new RegExp(`no host answers at metrics.listen \\(127.0.0.1:${port}\\)`));
});
