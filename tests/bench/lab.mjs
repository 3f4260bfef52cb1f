// What the measurements share: processes under test, their CPU and memory, streams, percentiles.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { startStandIn } from '../e2e/local-cloud/stand_in.mjs';

export const here = dirname(fileURLToPath(import.meta.url));
const build = process.env.SESAME_TEST_BUILDDIR ?? join(here, '../../build');
export const folder = mkdtempSync(join(tmpdir(), 'sesame-bench-'));

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export const now = () => Number(process.hrtime.bigint()) / 1e6; // ms, one clock for all processes
export const percentile = (values, share) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))];
export const median = (values) => percentile(values, 0.5);

export const cloud = await startStandIn();
export const token = (await cloud.control('/tokens', {})).access_token;
const children = new Set();

export async function finish() {
  for (const child of children) child.kill('SIGKILL');
  await cloud.stop();
  rmSync(folder, { recursive: true });
}

// Resolves when the child's output matches.
export function launch(command, args, env, pattern) {
  const began = now();
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  children.add(child);
  const ended = new Promise((resolve) => child.once('exit', resolve)).then(() => children.delete(child));
  return new Promise((resolve, reject) => {
    let output = '';
    const read = (text) => {
      if (output === null) return;
      output += text;
      const found = pattern.exec(output);
      if (!found) return;
      output = null;
      resolve({ child, pid: child.pid, port: Number(found[1]), began, ended,
        stop: () => { child.kill('SIGKILL'); return ended; } });
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('exit', (code) => output !== null && reject(new Error(`${command} ended with ${code}: ${output}`)));
  });
}

let configs = 0;

const listening = /"msg":"listening","port":(\d+)/;

export function startHost({ config = {}, env = {} } = {}) {
  const file = join(folder, `sesame-${configs++}.json`);
  writeFileSync(file, JSON.stringify({ compat: { java_sample: false }, workers: 2, ...config }));
  return launch(join(build, 'sesame'), ['serve', '--config', file, '--listen', '127.0.0.1:0'],
    { ...cloud.environment, ...env }, listening);
}

const keys = { PEER_MODEL_KEY: await cloud.apiKey(cloud.environment.LLM_API_KEY_IDENTIFIER),
  PEER_MAP_KEY: await cloud.apiKey(cloud.environment.EXTERNAL_SERVER_API_KEY_IDENTIFIER) };
export const startPeer = ({ env = {} } = {}) => launch(process.execPath, [join(here, 'peer.mjs')],
  { PATH: process.env.PATH, ...cloud.environment, ...keys, ...env }, listening);
export const startModel = async (...args) => {
  const model = await launch(process.execPath, [join(here, 'model.mjs'), ...args.map(String)], { PATH: process.env.PATH }, /port (\d+)/);
  return { ...model, url: `${args.includes('tls') || args.includes('h2') ? 'https' : 'http'}://127.0.0.1:${model.port}` };
};

// CPU of all threads so far, in ms.
export const cpuMs = (pid) => readdirSync(`/proc/${pid}/task`).reduce((sum, thread) =>
  sum + Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1e6, 0);
const kib = (text, name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)[1]);
export function memory(pid) {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return { resident: kib(text, 'Rss'), written: kib(text, 'Private_Dirty'), private: kib(text, 'Private_Dirty') + kib(text, 'Private_Clean') };
}
export const peakKib = (pid) => kib(readFileSync(`/proc/${pid}/status`, 'utf8'), 'VmHWM');

const sockets = new http.Agent({ keepAlive: true, maxSockets: 1000 });
export function request(port, { method = 'GET', path = '/health', bearer, body, onData } = {}) {
  return new Promise((resolve, reject) => {
    const headers = {};
    if (bearer) headers.authorization = `Bearer ${bearer}`;
    if (body) headers['content-type'] = 'application/json';
    const call = http.request({ port, host: '127.0.0.1', method, path, agent: sockets, headers }, (answer) => {
      answer.on('data', (part) => onData?.(part, call)).on('end', () => resolve(answer.statusCode)).on('error', reject);
    });
    call.on('error', reject);
    call.end(body && JSON.stringify(body));
  });
}
export const chat = (port, content, onData) => request(port, { method: 'POST', path: '/openai/v1/chat/completions', bearer: token,
  body: { messages: [{ role: 'user', content }], stream: true }, onData });

// A turn over a bare socket, so that this process costs little: onData gets the bytes as they come.
export function stream(port, path, onData) {
  const body = JSON.stringify({ messages: [{ role: 'user', content: 'hello' }], stream: true });
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1');
    let end = '';
    socket.setNoDelay(true).on('error', reject).on('close', () => resolve(end.includes('[DONE]'))).on('data', (part) => {
      const text = part.toString('latin1');
      onData?.(text, socket);
      end = (end + text).slice(-40);
      if (end.includes('[DONE]')) socket.destroy();
    });
    socket.write(`POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  });
}
export const chatPath = '/openai/v1/chat/completions';

// As many at once; `work` is called `count` times.
export async function together(count, atOnce, work) {
  let next = 0;
  await Promise.all(Array.from({ length: atOnce }, async () => {
    while (next < count) await work(next++);
  }));
}
