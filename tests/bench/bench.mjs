// Measures the host against the Node.js peer in the same run. usage: node bench.mjs (after npm ci)
import { spawn } from 'node:child_process';
import { readFileSync, mkdtempSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { startStandIn } from '../e2e/local-cloud/stand_in.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const build = process.env.SESAME_TEST_BUILDDIR ?? join(here, '../../build');
const cloud = await startStandIn();
const token = (await cloud.control('/tokens', {})).access_token;
const peerEnv = { ...cloud.environment, PATH: process.env.PATH,
  PEER_MODEL_KEY: await cloud.apiKey(cloud.environment.LLM_API_KEY_IDENTIFIER),
  PEER_MAP_KEY: await cloud.apiKey(cloud.environment.EXTERNAL_SERVER_API_KEY_IDENTIFIER) };
const config = join(mkdtempSync(join(tmpdir(), 'sesame-bench-')), 'sesame.json');
writeFileSync(config, '{"compat":{"java_sample":false},"workers":2}');

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const p99 = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length * 0.99)];
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Started when /health answers: the time from exec to that.
async function start(command, args, env) {
  const began = process.hrtime.bigint();
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const port = await new Promise((resolve) => {
    const read = (text) => {
      output += text;
      const found = /"msg":"listening","port":(\d+)/.exec(output);
      if (found) resolve(Number(found[1]));
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
  });
  await request(port, 'GET', '/health');
  return { child, port, readyMs: Number(process.hrtime.bigint() - began) / 1e6 };
}
const startHost = () => start(join(build, 'sesame'), ['serve', '--config', config, '--listen', '127.0.0.1:0'], cloud.environment);
const startPeer = () => start(process.execPath, [join(here, 'peer.mjs')], peerEnv);
const stop = (process_) => new Promise((resolve) => {
  process_.child.once('exit', resolve);
  process_.child.kill('SIGKILL');
});

const sockets = new http.Agent({ keepAlive: true, maxSockets: 1000 });
function request(port, method, path, body, onData) {
  return new Promise((resolve, reject) => {
    const call = http.request({ port, host: '127.0.0.1', method, path, agent: sockets,
      headers: body ? { authorization: `Bearer ${token}`, 'content-type': 'application/json' } : {} }, (answer) => {
      answer.on('data', (part) => onData?.(part, call));
      answer.on('end', () => resolve(answer.statusCode));
      answer.on('error', reject);
    });
    call.on('error', reject);
    call.end(body && JSON.stringify(body));
  });
}
const chat = (port, content, onData) => request(port, 'POST', '/openai/v1/chat/completions',
  { messages: [{ role: 'user', content }], stream: true }, onData);
const memory = (pid) => {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kib = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)[1]);
  return { rss: kib('Rss') / 1024, private: (kib('Private_Clean') + kib('Private_Dirty')) / 1024 };
};
const cpuMs = (pid) => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
};

async function readyTime(startOne, rounds) {
  const times = [];
  for (let i = 0; i < rounds; i++) {
    const one = await startOne();
    times.push(one.readyMs);
    await stop(one);
  }
  return median(times);
}

async function turns(one, count, atOnce) {
  const before = cpuMs(one.child.pid);
  let left = count;
  await Promise.all(Array.from({ length: atOnce }, async () => {
    while (left-- > 0) await chat(one.port, 'What is the weather in Hangzhou right now?');
  }));
  return (cpuMs(one.child.pid) - before) / count;
}

async function openStreams(one, count) {
  await cloud.control('/switches', { model: { delta_delay_ms: 500, delta_count: 40 } });
  const before = memory(one.child.pid).rss;
  const calls = [];
  const streams = Array.from({ length: count }, () => chat(one.port, 'hello', (_, call) => calls.push(call)).catch(() => 0));
  while (new Set(calls).size < count) await sleep(20);
  const after = memory(one.child.pid).rss;
  for (const call of new Set(calls)) call.destroy();
  await Promise.all(streams);
  await cloud.control('/reset', {});
  return (after - before) * 1024 / count;
}

async function hangUp(one) {
  await cloud.control('/switches', { model: { delta_delay_ms: 20, delta_count: 500 } });
  const times = [];
  for (let i = 0; i < 10; i++) {
    const before = (await cloud.control('/counts')).client_gone.model ?? 0;
    let hungUpAt = 0;
    await chat(one.port, 'hello', (_, call) => {
      if (hungUpAt === 0) hungUpAt = performance.now();
      call.destroy();
    }).catch(() => 0);
    while (((await cloud.control('/counts')).client_gone.model ?? 0) === before) await sleep(0);
    times.push(performance.now() - hungUpAt);
  }
  await cloud.control('/reset', {});
  return median(times);
}

// A model in this process whose deltas say when they were sent, so that one clock measures all.
const clockModel = http.createServer((call, answer) => {
  call.resume().on('end', async () => {
    answer.writeHead(200, { 'content-type': 'text/event-stream' });
    for (let i = 0; i < 20; i++) {
      await sleep(5 + Math.random() * 10);
      answer.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: `<${process.hrtime.bigint()}>` } }] })}\n\n`);
    }
    answer.end('data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n');
  });
}).listen(0, '127.0.0.1');
await new Promise((resolve) => clockModel.once('listening', resolve));
const clockUrl = `http://127.0.0.1:${clockModel.address().port}`;

// How old deltas are when they reach the client, in microseconds.
async function ages(ask, atOnce, turnsEach) {
  const found = [];
  const note = (part) => {
    const now = process.hrtime.bigint();
    for (const [, sent] of String(part).matchAll(/<(\d+)>/g)) found.push(Number(now - BigInt(sent)) / 1000);
  };
  await Promise.all(Array.from({ length: atOnce }, async () => {
    for (let i = 0; i < turnsEach; i++) await ask(note);
  }));
  return found;
}

const straight = (note) => new Promise((resolve) => {
  const call = http.request(clockUrl, { method: 'POST', agent: sockets }, (answer) => {
    answer.on('data', note).on('end', resolve);
  });
  call.end('{}');
});

// What the agent adds to the age of a delta.
async function addedDelay(start_, atOnce) {
  const one = await start_();
  await sleep(1000);
  const base = await ages(straight, atOnce, 3);
  const through = await ages((note) => chat(one.port, 'hello', note), atOnce, 3);
  await stop(one);
  return { p50: median(through) - median(base), p99: p99(through) - p99(base) };
}
const clockHost = () => start(join(build, 'sesame'), ['serve', '--config', config, '--listen', '127.0.0.1:0'],
  { ...cloud.environment, LLM_BASE_URL: clockUrl });
const clockPeer = () => start(process.execPath, [join(here, 'peer.mjs')], { ...peerEnv, LLM_BASE_URL: clockUrl });

async function cold(count) {
  const fresh = await startHost();
  await cloud.control('/reset', {});
  const other = await startHost();
  await Promise.all(Array.from({ length: count }, () => chat(other.port, 'hello').catch(() => 0)));
  const counts = (await cloud.control('/counts')).counts;
  await stop(fresh);
  await stop(other);
  return counts;
}

const row = (name, host, peer = '') => console.log(`| ${name} | ${host} | ${peer} |`);
const round = (value, digits = 1) => value.toFixed(digits);
console.log('| figure | sesame | Node.js peer |\n| --- | --- | --- |');
row('exec to ready, p50', `${round(await readyTime(startHost, 20))} ms`, `${round(await readyTime(startPeer, 5))} ms`);
const host = await startHost(), peer = await startPeer();
await sleep(1500);
const [idle, idlePeer] = [memory(host.child.pid), memory(peer.child.pid)];
row('memory idle, resident', `${round(idle.rss)} MiB`, `${round(idlePeer.rss)} MiB`);
row('memory idle, private', `${round(idle.private)} MiB`, `${round(idlePeer.private)} MiB`);
await turns(host, 50, 4);
await turns(peer, 50, 4);
row('CPU per turn (two model calls, one MCP call)', `${round(await turns(host, 2000, 16), 2)} ms`, `${round(await turns(peer, 400, 16), 2)} ms`);
for (const atOnce of [1, 64]) {
  const [delta, deltaPeer] = [await addedDelay(clockHost, atOnce), await addedDelay(clockPeer, atOnce)];
  row(`delay added to a delta, ${atOnce} at once, p50 / p99`, `${round(delta.p50, 0)} / ${round(delta.p99, 0)} µs`,
    `${round(deltaPeer.p50, 0)} / ${round(deltaPeer.p99, 0)} µs`);
}
row('memory per open stream', `${round(await openStreams(host, 256))} KiB`, `${round(await openStreams(peer, 256))} KiB`);
row('hang-up to upstream cancelled, p50', `${round(await hangUp(host))} ms`, '');
await stop(host);
await stop(peer);
const counts = await cold(500);
row('requests while 500 cold turns start', JSON.stringify(counts).replaceAll('"', ''), '');
await cloud.stop();
process.exit(0);
