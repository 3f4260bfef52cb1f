// The gate against HAProxy's jwt_verify: requests for each second of CPU, RS256, each token new or one again and again.
import { createPublicKey } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { cloud, cpuMs, folder, launch, request, startHost, together } from './lab.mjs';

async function startHaproxy() {
  const { keys } = (await cloud.request(cloud.environment.JWKS_ENDPOINT)).json();
  const key = join(folder, 'key.pem'), file = join(folder, 'haproxy.cfg');
  writeFileSync(key, createPublicKey({ key: keys[0], format: 'jwk' }).export({ type: 'spki', format: 'pem' }));
  const port = 20000 + process.pid % 20000; // HAProxy does not say which port the kernel gave
  writeFileSync(file, `global
  nbthread 1
defaults
  mode http
  timeout client 60s
  timeout server 60s
  timeout connect 5s
frontend gate
  bind 127.0.0.1:${port}
  http-request set-var(txn.bearer) http_auth_bearer
  http-request set-var(txn.alg) var(txn.bearer),jwt_header_query('$.alg')
  http-request deny deny_status 401 unless { var(txn.alg) -m str RS256 }
  http-request deny deny_status 401 unless { var(txn.bearer),jwt_verify(txn.alg,"${key}") 1 }
  http-request return status 200 content-type application/json string "{}"
`);
  const haproxy = await launch('haproxy', ['-db', '-V', '-f', file], { PATH: `${process.env.PATH}:/usr/sbin` }, /(Available polling systems|Using epoll)/);
  return { ...haproxy, port };
}

async function perCpuSecond(server, path, tokens, count) {
  const before = cpuMs(server.pid);
  const statuses = new Set();
  await together(count, 16, async (i) => statuses.add(await request(server.port, { path, bearer: tokens[i % tokens.length] })));
  if ([...statuses].join() !== '200') throw new Error(`the gate answered ${[...statuses]}`);
  return count / (cpuMs(server.pid) - before) * 1000;
}

export async function gate(count) {
  const tokens = [];
  await together(count, 16, async () => tokens.push((await cloud.control('/tokens', {})).access_token));
  const haproxy = await startHaproxy();
  const host = await startHost({ config: { workers: 1 } });
  const result = {};
  for (const [name, server, path] of [['haproxy', haproxy, '/'], ['host', host, '/openai/v1/models']]) {
    await perCpuSecond(server, path, tokens.slice(0, 1), 200); // connections and code are warm
    result[name] = { distinct: await perCpuSecond(server, path, tokens.slice(1), tokens.length - 1),
      repeated: await perCpuSecond(server, path, tokens.slice(0, 1), count) };
  }
  await haproxy.stop();
  await host.stop();
  return result;
}
