// Starts `sesame serve` for a test, with the environment the local cloud wrote.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
export const build = process.env.SESAME_TEST_BUILDDIR ?? join(here, '../../../build');

// Runs a subcommand to its end.
export function run(args, env) {
  return new Promise((resolve) => {
    const child = spawn(join(build, 'sesame'), args, { env });
    let out = '', err = '';
    child.stdout.on('data', (text) => { out += text; });
    child.stderr.on('data', (text) => { err += text; });
    child.on('close', (code) => resolve({ code, out, err }));
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
    return code;
  };
  return { url, port, pid: child.pid, file, configure, until, logged, stop, output: () => output, child };
}

// AT_u: a token of the signed-in user for this agent.
export async function userToken(cloud, claims = {}) {
  const answer = await cloud.control('/tokens', claims);
  return answer.access_token;
}
