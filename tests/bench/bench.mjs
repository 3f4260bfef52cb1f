// Measures the host beside the same agent in Node.js and HAProxy, all in one run on 127.0.0.1, and prints a table.
// usage: ./dev bench, or node bench.mjs [FIGURE ...] after npm ci
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { gate } from './gate.mjs';
import { chat, chatPath, cloud, cpuMs, finish, folder, median, memory, now, peakKib, percentile, request, sleep, startHost,
  startModel, startPeer, stream, together } from './lab.mjs';

const sides = [['sesame', startHost], ['Node.js', startPeer]];
const ms = (value, digits = 1) => `${value.toFixed(digits)} ms`;
const us = (value) => `${Math.round(value)} µs`;
const mib = (value) => `${(value / 1024).toFixed(1)} MiB`;
const rows = [];

async function ready() {
  const found = [];
  for (const [index, [, start]] of sides.entries()) {
    const times = [];
    for (let i = 0; i < (index === 0 ? 20 : 5); i++) {
      const one = await start();
      await request(one.port);
      times.push(now() - one.began);
      await one.stop();
    }
    found.push(ms(median(times)));
  }
  rows.push(['exec to ready, p50', ...found]);
}

// Alone, and beside a second one that shares its libraries' pages.
async function idle() {
  const found = [[], [], []];
  for (const [, start] of sides) {
    const one = await start();
    await sleep(2000);
    const alone = memory(one.pid);
    const other = await start();
    await sleep(1500);
    const beside = memory(one.pid);
    found[0].push(mib(alone.resident));
    found[1].push(mib(beside.private));
    found[2].push(mib(alone.private));
    await one.stop();
    await other.stop();
  }
  rows.push(['memory idle, resident', ...found[0]], ['memory idle, private beside a second process', ...found[1]],
    ['memory idle, private alone', ...found[2]]);
}

async function turn() {
  const found = [];
  for (const [index, [, start]] of sides.entries()) {
    const one = await start();
    const work = () => chat(one.port, 'What is the weather in Hangzhou right now?');
    await together(100, 8, work);
    const count = index === 0 ? 2000 : 400;
    const before = cpuMs(one.pid);
    await together(count, 16, work);
    found.push(ms((cpuMs(one.pid) - before) / count, 2));
    await one.stop();
  }
  rows.push(['CPU of a turn (two model calls, one MCP call, 20 deltas)', ...found]);
}

const sentTimes = (text) => [...text.matchAll(/<(\d+)>/g)].map((match) => Number(match[1]) / 1e6);

// How old deltas are when they reach the client: straight from the model, then through each agent, at the same pace.
async function delta(atOnce) {
  const ages = async (port, path) => {
    const found = [];
    await together(atOnce * 3, atOnce, () => stream(port, path, (text) => {
      for (const sent of sentTimes(text)) found.push((now() - sent) * 1000);
    }));
    return found;
  };
  const model = await startModel(20, 20, 40);
  await ages(model.port, '/'); // warm
  const found = [], straight = await ages(model.port, '/');
  for (const [, start] of sides) {
    const one = await start({ env: { LLM_BASE_URL: model.url } });
    await sleep(1500);
    await ages(one.port, chatPath);
    const through = await ages(one.port, chatPath);
    found.push(`+${us(median(through) - median(straight))} / ${us(percentile(through, 0.99))}`);
    await one.stop();
  }
  await model.stop();
  // A difference of 99th percentiles would say nothing where the straight way scatters more than the agent adds.
  rows.push([`age of a delta, ${atOnce} at once: added at p50 / whole at p99 (straight: ${us(percentile(straight, 0.99))})`, ...found]);
}

async function crowd() {
  const model = await startModel(27, 50);
  const found = [];
  for (const [, start] of sides) {
    const one = await start({ env: { LLM_BASE_URL: model.url } });
    await sleep(1500);
    await together(1, 1, () => stream(one.port, chatPath));
    const times = [];
    await together(512, 512, async () => {
      const began = now();
      if (!await stream(one.port, chatPath)) throw new Error('a turn was cut');
      times.push(now() - began);
    });
    found.push(`${ms(median(times), 0)} / ${ms(percentile(times, 0.99), 0)}, peak ${mib(peakKib(one.pid))}`);
    await one.stop();
  }
  await model.stop();
  rows.push(['512 turns at once, 27 deltas 50 ms apart (floor 1,350 ms), total p50 / p99', ...found]);
}

function makeCertificate() {
  const [key, certificate] = [join(folder, 'model.key'), join(folder, 'model.pem')];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1', '-keyout', key,
    '-out', certificate, '-subj', '/CN=model', '-addext', 'subjectAltName=IP:127.0.0.1'], { stdio: 'ignore' });
  return { key, certificate };
}

// `tls`: each stream has a connection of its own to the model (HTTP/1.1), which is the dearest case. `h2`: streams share
// connections where the client can (Node's cannot, and uses HTTP/1.1).
async function open(protocol, count) {
  const { key, certificate } = makeCertificate();
  const trust = join(folder, 'trust.pem');
  writeFileSync(trust, readFileSync(cloud.environment.SSL_CERT_FILE, 'utf8') + readFileSync(certificate, 'utf8'));
  const model = await startModel(400, 200, protocol, key, certificate);
  const found = [];
  for (const [, start] of sides) {
    const one = await start({ env: { LLM_BASE_URL: model.url, SSL_CERT_FILE: trust, NODE_EXTRA_CA_CERTS: trust } });
    await sleep(1500);
    const sockets = new Set(), all = [];
    // Sixteen at a time, so that handshakes at work do not count as open streams.
    const openMore = async (wanted) => {
      while (sockets.size < wanted) {
        const next = Math.min(wanted, sockets.size + 16);
        for (let i = sockets.size; i < next; i++) {
          all.push(stream(one.port, chatPath, (text, socket) => text.includes('<') && sockets.add(socket)));
        }
        while (sockets.size < next) await sleep(10);
      }
    };
    await openMore(16); // what is made once is there
    await sleep(300);
    const before = memory(one.pid).resident;
    await openMore(16 + count);
    await sleep(1000);
    found.push(`${((memory(one.pid).resident - before) / count).toFixed(1)} KiB`);
    for (const socket of sockets) socket.destroy();
    await Promise.all(all);
    await one.stop();
  }
  await model.stop();
  rows.push([`memory of an open stream, TLS to the model, ${protocol === 'h2' ? 'HTTP/2' : 'HTTP/1.1'}`, ...found]);
}

async function hangUp() {
  const model = await startModel(500, 20);
  const found = [];
  for (const [, start] of sides) {
    const one = await start({ env: { LLM_BASE_URL: model.url } });
    const times = [];
    let tell = () => {};
    model.child.removeAllListeners('message').on('message', (message) => tell(message));
    await sleep(1500);
    for (let i = 0; i < 20; i++) {
      const gone = new Promise((resolve) => { tell = resolve; });
      let hungUpAt = 0;
      await stream(one.port, chatPath, (text, socket) => {
        if (hungUpAt !== 0 || !text.includes('<')) return;
        hungUpAt = now();
        socket.destroy();
      });
      const message = await Promise.race([gone, sleep(1500)]);
      times.push(message === undefined ? Infinity : message.goneAt - hungUpAt);
    }
    found.push(median(times) === Infinity ? 'not within 1.5 s' : `${ms(median(times), 2)} / ${ms(percentile(times, 0.99), 2)}`);
    await one.stop();
  }
  await model.stop();
  rows.push(['hang-up of the client until the model call is cancelled, p50 / worst', ...found]);
}

async function cold(count) {
  await cloud.control('/reset', {});
  const one = await startHost({ config: { limits: { open_turns: count } } });
  const statuses = {};
  await together(count, count, async () => {
    const status = await chat(one.port, 'hello');
    statuses[status] = (statuses[status] ?? 0) + 1;
  });
  await sleep(200);
  const { counts } = await cloud.control('/counts');
  await one.stop();
  rows.push([`fetches while ${count} requests come at once to a cold host`,
    Object.entries(counts).filter(([name]) => !['model', 'control'].includes(name)).map(([name, times]) => `${name} ${times}`).join(', ') +
    `; answers ${Object.entries(statuses).map(([status, times]) => `${status}: ${times}`).join(', ')}`, '']);
}

async function atTheGate() {
  const { host, haproxy } = await gate(2000);
  const both = (side) => `${Math.round(side.distinct)} / ${Math.round(side.repeated)}`;
  rows.push(['requests through the gate for a second of CPU, RS256, each token new / one token (right: HAProxy)', both(host), both(haproxy)]);
}

const figures = { ready, idle, turn, delta1: () => delta(1), delta64: () => delta(64), crowd, open: () => open('tls', 256), open2: () => open('h2', 256), hangUp, cold: () => cold(1000), gate: atTheGate };
const wanted = process.argv.slice(2);
try {
  for (const [name, measure] of Object.entries(figures)) if (wanted.length === 0 || wanted.includes(name)) await measure();
  console.log('| figure | sesame | Node.js agent |\n| --- | --- | --- |');
  for (const row of rows) console.log(`| ${row.join(' | ')} |`);
} finally {
  await finish();
}
process.exit(0);
