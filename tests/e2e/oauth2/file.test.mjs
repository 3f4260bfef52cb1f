// A mounted credential in a host that has no IDaaS file: used, and read anew when the service refuses the old one.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { run } from '../host/agent.mjs';

let folder, service, url, seen, onRefusal;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sesame-file-'));
  service = http.createServer((request, response) => {
    seen.push(request.headers.authorization);
    const ok = request.headers.authorization === 'Bearer new-key';
    if (!ok) onRefusal();
    response.writeHead(ok ? 200 : 401).end(ok ? 'served' : '');
  }).listen(0, '127.0.0.1');
  await once(service, 'listening');
  url = `http://127.0.0.1:${service.address().port}`;
});
after(() => {
  service.close();
  rmSync(folder, { recursive: true });
});

function sesame(...words) {
  const file = join(folder, 'sesame.json');
  writeFileSync(file, JSON.stringify({
    identity: 'Machine',
    inbound: { issuer: 'https://login.example', jwks_url: 'https://login.example/jwks', audience: 'https://agent.example', scope: 'agent.access' },
    credential_providers: { mounted: { plugin: 'file', config: { directory: '${CREDENTIALS_DIRECTORY}' } } },
    credentials: { maps: { kind: 'access-token', provider: 'mounted', scope: 'maps-key', origins: [url] } },
    model: { base_url: `${url}/v1`, name: 'none' },
    tools: { maps: { plugin: 'enterprise-service', credentials: ['maps'],
      config: { url: `${url}/find`, method: 'GET', credential: 'maps', name: 'find', description: 'Finds.' } } },
  }));
  return run([...words, '--config', file], { PATH: process.env.PATH, HOME: folder, CREDENTIALS_DIRECTORY: folder });
}

test('a file that changed is read again when the service refuses what it held', async () => {
  seen = [];
  writeFileSync(join(folder, 'maps-key'), 'old-key\n');
  onRefusal = () => writeFileSync(join(folder, 'maps-key'), 'new-key\n');
  const called = await sesame('tool', 'call', 'find');
  assert.equal(called.code, 0, called.err);
  assert.match(called.out, /served/);
  assert.deepEqual(seen, ['Bearer old-key', 'Bearer new-key']);
});

test('a file that is missing is named, without what others hold', async () => {
  rmSync(join(folder, 'maps-key'));
  const shown = await sesame('token', 'maps');
  assert.equal(shown.code, 1);
  assert.match(shown.err, /the credential in \S+maps-key cannot be used: there is no such file/);
});
