// What the vendor's SDKs sent, byte for byte as it was captured, over https; answers have the captured members.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { startStandIn } from './stand_in.mjs';

const vectors = join(dirname(fileURLToPath(import.meta.url)), '../../vectors');
const read = (name) => JSON.parse(readFileSync(join(vectors, name), 'utf8')).cases;
const requests = read('idaas-requests.json');
const answers = Object.fromEntries(read('idaas-token-responses.json').map((one) => [one.id, one.response]));

let cloud, ca;
before(async () => {
  cloud = await startStandIn();
  ca = readFileSync(join(cloud.folder, 'ca.pem'));
});
after(async () => { assert.equal(await cloud.stop(), 0); });

// Sends captured headers in their order, with those that a changed body or connection replaces.
function send(port, { method, target, headers, body }, replaced = {}) {
  const list = headers.filter(([name]) => !/^(content-length|connection|transfer-encoding)$/i.test(name))
    .map(([name, value]) => [name, replaced[name.toLowerCase()] ?? value]);
  if (body !== '') list.push(['Content-Length', String(Buffer.byteLength(body))]);
  return new Promise((resolve, reject) => {
    const call = https.request({ host: '127.0.0.1', port, servername: 'localhost', method, path: target, ca,
      setHost: false, headers: list.flat() }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part) => { text += part; });
      answer.on('end', () => resolve({ status: answer.statusCode, type: answer.headers['content-type'], text,
        value: text === '' ? undefined : JSON.parse(text) }));
    });
    call.on('error', reject);
    call.end(body);
  });
}

const shape = (value) => Object.fromEntries(Object.entries(value).map(([name, one]) => [name, typeof one]).sort());

async function become(one) {
  const audiences = ['https://mcpserver.example.com', 'api://svc'];
  await cloud.control('/clients', { id: one.sdk_config.clientId, secret: one.environment.IDAAS_CLIENT_SECRET,
    audience: 'https://agentserver.example.com', may_exchange: true,
    grants: [...audiences.map((audience) => ({ audience, values: 'mcp.access mcp.read mcp.write read write' })),
      { audience: 'urn:cloud:idaas:pam', values: 'credential:obtain cloud_account:obtain_access_credential' }] });
}

// Assertions are not among them: their hour is over. tests/local-cloud/test_client_auth.c stops the clock for those.
const withSecret = requests.filter(({ id, requests: made }) => /^CLIENT_SECRET_(BASIC|POST)\//.test(id) && made.length > 0);

test('there are captures to replay', () => assert.ok(withSecret.length >= 11, String(withSecret.length)));

for (const one of withSecret)
  test(`${one.id} is answered with the captured members`, async () => {
    await become(one);
    const [sent] = one.requests;
    const { access_token: subject } = await cloud.control('/tokens', { user: 'alice' });
    const answer = await send(cloud.ports.issuer.https,
      { ...sent, body: sent.body.replace('subject.access.token', subject) });
    assert.equal(answer.status, answers['200-full'].status, answer.text);
    assert.match(answer.type, /^application\/json/);
    const { issued_token_type: type, ...rest } = answer.value;
    assert.deepEqual(shape(rest), shape(JSON.parse(answers['200-full'].body)));
    assert.equal(type, one.action === 'token-exchange' ? 'urn:ietf:params:oauth:token-type:access_token' : undefined);
    assert.equal(rest.token_type, 'Bearer');
  });

test('a wrong secret is refused with the captured members', async () => {
  const one = withSecret.find(({ id }) => id === 'CLIENT_SECRET_POST/plain');
  await become({ ...one, environment: { IDAAS_CLIENT_SECRET: 'another' } });
  const answer = await send(cloud.ports.issuer.https, one.requests[0]);
  const captured = answers['401-invalid_client'];
  assert.equal(answer.status, captured.status);
  assert.equal(answer.value.error, JSON.parse(captured.body).error);
  for (const name of Object.keys(JSON.parse(captured.body))) assert.equal(typeof answer.value[name], 'string', name);
});

test('every captured call of the DeveloperAPI is understood', async () => {
  const { access_token: token } = await cloud.token('urn:cloud:idaas:pam|.all');
  for (const { id, requests: [sent], response } of read('idaas-developerapi-requests.json')) {
    const answer = await send(cloud.ports.developer_api.https,
      { ...sent, target: sent.target.replace('idaas_test0instance0001', cloud.config.idaasInstanceId) },
      { authorization: `Bearer ${token}` });
    if (answer.status === 404) {
      assert.match(answer.value.Code, /^ResourceNotFound\./, id);
      assert.deepEqual(shape(answer.value), { Code: 'string', Message: 'string', RequestId: 'string' });
    } else {
      assert.equal(answer.status, 200, `${id}: ${answer.text}`);
      for (const [name, type] of Object.entries(shape(response?.status === 200 ? JSON.parse(response.body || '{}') : {})))
        assert.equal(typeof answer.value[name], type, `${id}: ${name}`);
    }
  }
});
