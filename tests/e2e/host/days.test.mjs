// Bad days of the process itself: stops, taken ports, missing files, proxies in front.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import OpenAI from 'openai';

import { startStandIn } from '../local-cloud/stand_in.mjs';
import { startAgent, userToken, run } from './agent.mjs';

let cloud, token;
before(async () => {
  cloud = await startStandIn();
  token = await userToken(cloud);
});
after(async () => { await cloud.stop(); });

const client = (agent) => new OpenAI({ baseURL: `${agent.url}/openai/v1`, apiKey: token, maxRetries: 0 });
const hello = { messages: [{ role: 'user', content: 'hello' }], stream: true };

test('SIGTERM lets the open turn end and takes no new connection', async () => {
  const agent = await startAgent(cloud, { config: { compat: { java_sample: false } } });
  await agent.until('/ready', 200);
  await cloud.control('/switches', { model: { delta_delay_ms: 40, delta_count: 15 } });
  const stream = await client(agent).chat.completions.create(hello);
  let stopped, last;
  for await (const chunk of stream) {
    stopped ??= agent.stop();
    last = chunk;
  }
  assert.equal(last.choices[0].finish_reason, 'stop');
  assert.equal(await stopped, 0);
  await assert.rejects(fetch(`${agent.url}/health`));
  await cloud.control('/reset', {});
});

test('a second signal cuts what is still open', async () => {
  const agent = await startAgent(cloud);
  await agent.until('/ready', 200);
  await cloud.control('/switches', { model: { delta_delay_ms: 100, delta_count: 500 } });
  const ended = new Promise((resolve) => agent.child.once('exit', resolve));
  await assert.rejects(async () => {
    const stream = await client(agent).chat.completions.create(hello);
    let signals = 0;
    for await (const chunk of stream) {
      // The second only when the first was seen: two that are pending together are one.
      if (signals === 0 && chunk) signals += agent.child.kill('SIGTERM');
      else if (signals === 1 && agent.output().includes('no new connections')) signals += agent.child.kill('SIGTERM');
    }
  });
  assert.equal(await ended, 0);
  await cloud.control('/reset', {});
});

test('a port that is taken is named', async () => {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = `127.0.0.1:${server.address().port}`;
  const failed = await run(['serve', '--listen', address], cloud.environment);
  server.close();
  assert.equal(failed.code, 1);
  assert.match(failed.err, new RegExp(`cannot listen on ${address}: Address already in use.*choose another address`));
});

test('missing files and unknown keys are told in one run', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sesame-days-'));
  const file = join(folder, 'sesame.json');
  writeFileSync(file, '{"lisen":"x","workers":"two","tools":{}}');
  const bad = await run(['serve', '--config', file], cloud.environment);
  assert.equal(bad.code, 2);
  assert.match(bad.err, /lisen.*listen/s);
  assert.match(bad.err, /workers/);
  const missing = await run(['serve', '--config', join(folder, 'none.json')], cloud.environment);
  assert.equal(missing.code, 2);
  assert.match(missing.err, /none\.json/);
  const noIdaas = await run(['serve', '--idaas-config', join(folder, 'none.json')], cloud.environment);
  assert.equal(noIdaas.code, 2);
  assert.match(noIdaas.err, /LoadConfigFileFailed/);
  const wrong = await run(['config', 'check'], { ...cloud.environment, ACCESS_IDENTITY: 'User' });
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /ACCESS_IDENTITY must be Machine or Human/);
  rmSync(folder, { recursive: true });
});

test('a head that drips in is closed, others are served meanwhile', async () => {
  const agent = await startAgent(cloud, { config: { limits: { header_timeout_s: 1 } } });
  const answer = new Promise((resolve) => {
    let text = '';
    const socket = net.connect(agent.port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nhost: a\r\n'));
    socket.on('data', (part) => { text += part; });
    socket.on('close', () => resolve(text));
  });
  assert.equal((await fetch(`${agent.url}/health`)).status, 200);
  assert.match(await answer, /^HTTP\/1\.1 408 /);
  await agent.stop();
});

test('with audit.required, a full disk closes the gate', async () => {
  const agent = await startAgent(cloud, { config: { audit: { path: '/dev/full', required: true } } });
  await agent.until('/ready', 200);
  await assert.rejects(client(agent).models.list(), (error) => error.status === 503 && error.code === 'audit_unavailable');
  await agent.stop();
});

// Both must agree on where a request ends, or one user's request could begin inside another's.
test('HAProxy in front and the host agree on where a request ends', { skip: !existsSync('/usr/sbin/haproxy') }, async () => {
  const agent = await startAgent(cloud);
  const folder = mkdtempSync(join(tmpdir(), 'sesame-haproxy-'));
  const socket = join(folder, 'front');
  writeFileSync(join(folder, 'haproxy.cfg'), `defaults\n  mode http\n  timeout connect 5s\n  timeout client 5s\n` +
    `  timeout server 5s\nfrontend f\n  bind unix@${socket}\n  default_backend b\nbackend b\n  http-reuse always\n` +
    `  server s 127.0.0.1:${agent.port}\n`);
  const proxy = spawn('/usr/sbin/haproxy', ['-db', '-f', join(folder, 'haproxy.cfg')], { stdio: 'ignore' });
  for (let i = 0; i < 200 && !existsSync(socket); i++) await new Promise((resolve) => setTimeout(resolve, 20));
  const through = (bytes) => new Promise((resolve) => {
    let text = '';
    const peer = net.connect(socket, () => peer.write(bytes));
    peer.on('data', (part) => { text += part; });
    peer.on('close', () => resolve(text));
    peer.on('error', () => resolve(text));
  });
  const inner = 'GET /nothing-smuggled HTTP/1.1\r\nhost: a\r\n\r\n';
  const last = 'GET /health HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n';
  for (const head of [`content-length: ${inner.length}\r\n`, 'transfer-encoding: chunked\r\n',
    `content-length: ${inner.length}\r\ntransfer-encoding: chunked\r\n`, 'content-length: 0\r\ncontent-length: 5\r\n',
    'transfer-encoding: xchunked\r\n', 'transfer-encoding : chunked\r\n', 'content-length: +5\r\n']) {
    const body = head.includes('chunked') && !head.includes('xchunked') ? `${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n` : inner;
    const answers = (await through(`POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\n${head}\r\n${body}${last}`))
      .match(/HTTP\/1\.1 (\d+)/g) ?? [];
    // Either the first request is refused and the connection ends, or exactly both are answered: 401 and 200.
    const statuses = answers.map((line) => line.slice(9));
    assert.ok(statuses.length === 1 || (statuses.length === 2 && statuses[0] === '401' && statuses[1] === '200'),
      `${JSON.stringify(head)}: ${statuses}`);
    assert.ok(!statuses.includes('404'), `a smuggled request was answered: ${JSON.stringify(head)}`);
  }
  proxy.kill();
  await agent.stop();
  rmSync(folder, { recursive: true });
});

test('a turn too many is 429, and there is room again when one ends', async () => {
  const agent = await startAgent(cloud, { config: { compat: { java_sample: false }, limits: { open_turns: 1 } } });
  await agent.until('/ready', 200);
  await cloud.control('/switches', { model: { delta_delay_ms: 50, delta_count: 100 } });
  const first = await client(agent).chat.completions.create(hello);
  await assert.rejects(client(agent).chat.completions.create(hello), (error) => {
    assert.deepEqual([error.status, error.code, error.type], [429, 'rate_limit_exceeded', 'rate_limit_error']);
    assert.equal(error.headers.get('retry-after'), '1');
    return true;
  });
  first.controller.abort();
  await cloud.control('/reset', {});
  let served;
  for (let i = 0; i < 50 && served === undefined; i++) {
    served = await client(agent).chat.completions.create({ ...hello, stream: false }).catch((error) => {
      assert.equal(error.status, 429);
    });
    if (served === undefined) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.equal(served.choices[0].finish_reason, 'stop');
  assert.equal(await agent.stop(), 0);
});

test('while there were never any keys a request is 503, and afterwards it is served', async () => {
  await cloud.control('/fail', { at: 'jwks', times: -1, status: 503 });
  const agent = await startAgent(cloud);
  const refused = await fetch(`${agent.url}/openai/v1/models`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get('retry-after'), '5');
  assert.equal(refused.headers.get('www-authenticate'), null);
  assert.equal((await refused.json()).error.code, 'JwksUnavailable');
  await cloud.control('/reset', {});
  await agent.until('/ready', 200);
  assert.equal((await client(agent).models.list()).data.length, 1);
  await agent.stop();
});

test('keys that rotate under load fail no turn', async () => {
  const agent = await startAgent(cloud, { config: { compat: { java_sample: false } } });
  await agent.until('/ready', 200);
  let rotations = 0, turns = 0;
  // Each turn signs in anew, so that tokens of old and new keys are mixed.
  const worker = async () => {
    for (let i = 0; i < 12; i++) {
      const own = new OpenAI({ baseURL: `${agent.url}/openai/v1`, apiKey: await userToken(cloud), maxRetries: 0 });
      const stream = await own.chat.completions.create(hello);
      let last;
      for await (const chunk of stream) last = chunk;
      assert.equal(last.choices[0].finish_reason, 'stop');
      turns++;
      if (turns === 24) { // once in the middle
        rotations++;
        await cloud.control('/keys/rotate', { keep_old: true });
      }
    }
  };
  await Promise.all(Array.from({ length: 6 }, worker));
  assert.deepEqual([turns, rotations], [72, 1]);
  assert.equal(await agent.stop(), 0);
});
