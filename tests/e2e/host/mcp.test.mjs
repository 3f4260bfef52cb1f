// The MCP client against servers that others wrote, and the official conformance scenarios.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { startStandIn } from '../local-cloud/stand_in.mjs';
import { freePort, run } from './agent.mjs';
import { startSdkServer } from './sdk_server.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const placements = ['inline', 'thread', 'process'];
let cloud, everything, folder, url;

before(async () => {
  cloud = await startStandIn();
  folder = mkdtempSync(join(tmpdir(), 'sesame-mcp-'));
  const port = await freePort();
  everything = spawn(process.execPath,
    [join(here, 'node_modules/@modelcontextprotocol/server-everything/dist/index.js'), 'streamableHttp'],
    { env: { ...process.env, PORT: String(port) }, stdio: ['ignore', 'pipe', 'pipe'] });
  await new Promise((resolve, reject) => {
    const read = (text) => /listening/i.test(String(text)) && resolve();
    everything.stdout.on('data', read);
    everything.stderr.on('data', read);
    everything.on('exit', (code) => reject(new Error(`server-everything ended with ${code}`)));
  });
  url = `http://127.0.0.1:${port}/mcp`;
});
after(async () => {
  everything?.kill();
  rmSync(folder, { recursive: true });
  await cloud.stop();
});

for (const placement of placements) {
  const echo = placement === 'process' ? 'peer_echo' : 'echo'; // an untrusted tool's names carry its own
  const sesame = (...words) => {
    const config = join(folder, `${placement}.json`);
    writeFileSync(config, JSON.stringify({ plugins: { settings: { mcp: { placement } } },
      tools: { peer: { plugin: 'mcp', config: { url } } } }));
    return run([...words, '--config', config], cloud.environment);
  };

  test(`${placement}: the reference server lists its tools`, async () => {
    const listed = await sesame('tool', 'list');
    assert.equal(listed.code, 0, listed.err);
    assert.match(listed.out, new RegExp(`^${echo} `, 'm'));
  });

  test(`${placement}: the reference server echoes`, async () => {
    const called = await sesame('tool', 'call', echo, '{"message":"hello"}');
    assert.equal(called.code, 0, called.err);
    assert.match(called.out, /hello/);
  });

  test(`${placement}: wrong arguments are refused before anything is sent`, async () => {
    const called = await sesame('tool', 'call', echo, '{"mesage":1}');
    assert.equal(called.code, 1);
    assert.match(called.err, /message/);
  });
}

for (const [how, options] of [['sessions and streams', { sessions: true, json: false }], ['sessions and JSON', { sessions: true, json: true }],
  ['no sessions and streams', { sessions: false, json: false }], ['no sessions and JSON', { sessions: false, json: true }]])
  test(`a server on the TypeScript SDK with ${how}: list, call, farewell`, async () => {
    const server = await startSdkServer(options);
    const config = join(folder, 'sdk.json');
    writeFileSync(config, JSON.stringify({ tools: { peer: { plugin: 'mcp', config: { url: server.url } } } }));
    const listed = await run(['tool', 'list', '--config', config], cloud.environment);
    assert.match(listed.out, /^sum /m, listed.err);
    const sum = await run(['tool', 'call', 'sum', '{"numbers":[1,2.5,-4]}', '--config', config], cloud.environment);
    assert.equal(sum.code, 0, sum.err);
    assert.equal(sum.out.trim(), '{"sum":-0.5}'); // text and structure are the same: once
    const slow = await run(['tool', 'call', 'slow', '{}', '--config', config], cloud.environment);
    assert.match(slow.out, /slow is done/, slow.err);
    const wrong = await run(['tool', 'call', 'sum', '{"numbers":["x"]}', '--config', config], cloud.environment);
    assert.equal(wrong.code, 1);
    assert.match(wrong.err, /numbers/);
    assert.ok(server.seen.every(([, , status]) => status < 300 || status === 405), JSON.stringify(server.seen));
    assert.equal(server.seen.filter(([method]) => method === 'DELETE').length, options.sessions ? 4 : 0);
    assert.equal(server.sessions.size, 0);
    await server.stop();
  });

test('an address of the older transport is refused with a hint', async () => {
  const old = join(folder, 'old.json');
  writeFileSync(old, JSON.stringify({ tools: { peer: { plugin: 'mcp', config: { url: 'http://127.0.0.1:1/sse' } } } }));
  const listed = await run(['tool', 'list', '--config', old], cloud.environment);
  assert.equal(listed.code, 1);
  assert.match(listed.err, /\/mcp/);
});

const scenarios = ['initialize', 'tools_call', 'sse-retry'];
for (const [placement, scenario] of placements.flatMap((at) => scenarios.map((name) => [at, name]))) {
  test(`${placement}: conformance: ${scenario}`, async () => {
    const child = spawn(process.execPath, [join(here, 'node_modules/@modelcontextprotocol/conformance/dist/index.js'),
      'client', '--command', `${process.execPath} ${join(here, 'mcp_client.mjs')} ${placement} ${scenario}`,
      '--scenario', scenario],
    { cwd: folder, env: { ...process.env, ...cloud.environment } });
    let out = '';
    child.stdout.on('data', (text) => { out += text; });
    child.stderr.on('data', (text) => { out += text; });
    const code = await new Promise((resolve) => child.on('exit', resolve));
    assert.equal(code, 0, out);
    assert.match(out, /Passed: (\d+)\/\1/, out);
  });
}
