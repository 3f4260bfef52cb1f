// A tool that is not required and fails, in whatever way, stops neither the host nor the other tools.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { startStandIn } from '../local-cloud/stand_in.mjs';
import { run, startAgent, userToken } from './agent.mjs';

let cloud, folder;
const plugins = () => ({ settings: { junk: { directory: folder } } });
const ways = {
  'a plugin that is not there': { plugin: 'no-such-plugin', config: {} },
  'a library that does not load': { plugin: 'junk', placement: 'thread', config: {} },
  'a library that does not load, in a process': { plugin: 'junk', placement: 'process', config: {} },
  'a configuration that its schema refuses': { plugin: 'mcp', config: { url: 7 } },
  'a configuration that the plugin refuses': { plugin: 'mcp', config: { url: 'http://127.0.0.1:1/sse' } },
  'the same in a process': { plugin: 'mcp', placement: 'process', config: { url: 'http://127.0.0.1:1/sse' } },
  'no placement for one that names none': { plugin: 'nowhere', config: {} },
};

before(async () => {
  cloud = await startStandIn();
  folder = mkdtempSync(join(tmpdir(), 'sesame-optional-'));
  const manifest = (id, more) => writeFileSync(join(folder, `${id}.json`), JSON.stringify({ id, file: `${id}.so`, version: '1',
    description: 'd', interfaces: ['sesame.tool/1'], ...more }), { mode: 0o644 });
  manifest('junk', { placement: 'thread' });
  manifest('nowhere', {});
  for (const id of ['junk', 'nowhere']) writeFileSync(join(folder, `${id}.so`), 'no library', { mode: 0o755 });
});
after(async () => {
  rmSync(folder, { recursive: true });
  await cloud.stop();
});

test('the host serves without them, and says why each is left out', async (t) => {
  const amap = { plugin: 'mcp', credentials: ['amap'], config: { url: '${EXTERNAL_SERVER_URL}', credential: 'amap' } };
  const broken = Object.fromEntries(Object.values(ways).map((tool, i) => [`broken${i}`, { ...tool, required: false }]));
  const agent = await startAgent(cloud, { config: { compat: { java_sample: false }, plugins: plugins(), tools: { amap, ...broken } } });
  t.after(() => agent.stop());
  const ready = await agent.until('/ready', 200);
  for (const name of Object.keys(broken)) {
    const { reason } = JSON.parse(await agent.logged(new RegExp(`a tool is left out.*"tool":"${name}"`)));
    assert.equal(ready.dependencies[`tool ${name}`].ok, false);
    assert.ok(reason.startsWith(ready.dependencies[`tool ${name}`].detail.slice(0, 60)), reason);
  }
  const answer = await fetch(`${agent.url}/v1/chat/completions`, { method: 'POST',
    headers: { authorization: `Bearer ${await userToken(cloud)}`, 'content-type': 'application/json' },
    body: JSON.stringify({ messages: [{ role: 'user', content: 'What is the weather in Hangzhou right now?' }] }) });
  assert.match((await answer.json()).choices[0].message.content, /杭州|Hangzhou/);
});

for (const [way, tool] of Object.entries(ways))
  test(`required, it ends the start: ${way}`, async () => {
    const config = `${folder}.json`;
    writeFileSync(config, JSON.stringify({ plugins: plugins(), tools: { broken: tool } }));
    const ended = await run(['serve', '--config', config, '--listen', '127.0.0.1:0'], cloud.environment);
    assert.notEqual(ended.code, 0);
    assert.match(ended.err, /broken/);
    rmSync(config);
  });
