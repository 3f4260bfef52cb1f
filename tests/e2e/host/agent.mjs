// Starts `sesame serve` for a test, with the environment the local cloud wrote.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
export const build = process.env.SESAME_TEST_BUILDDIR ?? join(here, '../../../build');

// How every secret of a test can be recognised: the stand-in's own begin with the prefix that stand_in.mjs orders, tokens with
// the head that all JWTs share. None may leave the host but at the wire, so every test looks for them, whatever else it is about.
const recognisable = ['recognise-me-', 'eyJhbGciOi'];
function findNoSecret(text, where) {
  for (const mark of recognisable) {
    const at = text.indexOf(mark);
    assert.ok(at < 0, `a secret is in ${where}: ...${text.slice(Math.max(0, at - 200), at)}`);
  }
}

// What the agents answer is read on its way to the test, across the borders of its pieces.
const agents = new Set(), leaks = [];
const plainFetch = globalThis.fetch;
globalThis.fetch = async (input, init) => {
  const answer = await plainFetch(input, init);
  const url = String(input?.url ?? input);
  if (answer.body === null || ![...agents].some((agent) => url.startsWith(`${agent}/`))) return answer;
  const decoder = new TextDecoder();
  let rest = '';
  const watch = new TransformStream({ transform(part, controller) {
    rest += decoder.decode(part, { stream: true });
    if (recognisable.some((mark) => rest.includes(mark))) leaks.push(`${url}: ${rest.slice(0, 300)}`);
    rest = rest.slice(-16);
    controller.enqueue(part);
  } });
  return new Response(answer.body.pipeThrough(watch), { status: answer.status, statusText: answer.statusText, headers: answer.headers });
};

// Runs a subcommand to its end; what it says holds a secret only when that was asked for.
export function run(args, env, cwd) {
  return new Promise((resolve) => {
    const child = spawn(join(build, 'sesame'), args, { env, cwd });
    let out = '', err = '';
    child.stdout.on('data', (text) => { out += text; });
    child.stderr.on('data', (text) => { err += text; });
    child.on('close', (code) => {
      if (!args.includes('--reveal')) findNoSecret(out + err, `what sesame ${args[0]} says`);
      resolve({ code, out, err });
    });
  });
}

export async function startAgent(cloud, { config = {}, env = {} } = {}) {
  const base = mkdtempSync(join(tmpdir(), 'sesame-agent-'));
  const file = join(base, 'sesame.json');
  // What the next SIGHUP reads; a string is written as it is.
  const configure = (next) => writeFileSync(file, typeof next === 'string' ? next : JSON.stringify(next));
  configure(config);
  const child = spawn(join(build, 'sesame'), ['serve', '--config', file, '--listen', '127.0.0.1:0'],
    { env: { ...cloud.environment, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const port = await new Promise((resolve, reject) => {
    const read = (text) => {
      output += text;
      const found = /"msg":"listening","port":(\d+)/.exec(output);
      if (found) resolve(Number(found[1]));
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.on('exit', (code) => reject(new Error(`sesame ended with ${code}: ${output}`)));
  });
  const url = `http://127.0.0.1:${port}`;
  agents.add(url);
  const until = async (path, status) => {
    for (let i = 0; i < 200; i++) {
      const answer = await fetch(url + path);
      if (answer.status === status) return answer.json();
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error(`${path} never answered ${status}: ${output}`);
  };
  // The line that matches; the log has a writer thread of its own, so it may be yet to come.
  const logged = async (expected) => {
    for (let i = 0; i < 200; i++) {
      const line = output.split('\n').slice(0, -1).find((text) => expected.test(text));
      if (line !== undefined) return line;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error(`${expected} was never logged: ${output}`);
  };
  const stop = async () => {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    const code = await ended;
    rmSync(base, { recursive: true });
    findNoSecret(output, 'the log or the audit');
    assert.deepEqual(leaks, [], 'a secret is in an answer');
    return code;
  };
  return { url, port, pid: child.pid, file, configure, until, logged, stop, output: () => output, child };
}

// For those who have to be told their port before they listen; the kernel does not give it away again soon.
export const freePort = () => new Promise((resolve) => {
  const server = net.createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

// AT_u: a token of the signed-in user for this agent.
export async function userToken(cloud, claims = {}) {
  const answer = await cloud.control('/tokens', claims);
  return answer.access_token;
}
