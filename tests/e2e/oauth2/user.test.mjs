// A whole turn in which the agent acts for the signed-in user: the oauth2 provider exchanges his token.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { startAgent } from '../host/agent.mjs';
import { makeCertificate } from './certificates.mjs';
import { ask, startModel } from './model.mjs';
import { startResource } from './resource.mjs';
import { AGENT, SERVICE, startServer } from './server.mjs';

const SECRET = 'a-secret-of-the-agent-that-is-long-enough';
let folder, certificate, server, resource, model, agent;

const startHost = (provider = {}) => startAgent({ environment: { PATH: process.env.PATH, HOME: folder, SSL_CERT_FILE: certificate.pem, CLIENT_SECRET: SECRET } }, {
  config: {
    identity: 'Machine',
    inbound: { issuer: server.issuer, jwks_url: `${server.issuer}/jwks`, audience: AGENT, scope: 'agent.access' },
    credential_providers: { corp: { plugin: 'oauth2', config: { issuer: server.issuer, client_id: 'agent', ...provider,
      authentication: { method: 'client_secret_basic', client_secret_env: 'CLIENT_SECRET' } } } },
    credentials: { orders: { kind: 'access-token', provider: 'corp', scope: `${SERVICE}|read`, identity: 'user', origins: [resource.url] } },
    model: { base_url: model.url, name: 'stub' },
    tools: { orders: { plugin: 'enterprise-service', credentials: ['orders'],
      config: { url: `${resource.url}/orders`, method: 'GET', credential: 'orders', name: 'get_orders', description: 'Orders.' } } },
  },
});

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sesame-user-'));
  certificate = makeCertificate(folder, 'web', { extensions: ['subjectAltName=IP:127.0.0.1'] });
  const tls = { key: certificate.keyText, cert: certificate.pemText };
  server = await startServer(tls, [{ client_id: 'agent', client_secret: SECRET, token_endpoint_auth_method: 'client_secret_basic',
    grant_types: ['client_credentials', 'urn:ietf:params:oauth:grant-type:token-exchange'], redirect_uris: [], response_types: [],
    scope: 'read write', id_token_signed_response_alg: 'ES256' }]);
  resource = await startResource(tls, server);
  model = await startModel();
  agent = await startHost();
});
after(async () => {
  await agent?.stop();
  [server, resource, model].forEach((one) => one?.stop());
  rmSync(folder, { recursive: true });
});

const userOf = async (token) => (await ask(agent, token))[0].user;

test('the service sees the user, by a token exchanged for it', async () => {
  const token = await server.userToken('alice');
  assert.equal(await userOf(token), 'alice');
  const [exchange] = server.seen.exchanges;
  assert.equal(exchange.subject_token, token);
  assert.equal(exchange.resource, SERVICE);
  assert.equal(exchange.scope, 'read');
});

test('each user acts with his own token, which is kept', async () => {
  const alice = await server.userToken('alice'), bob = await server.userToken('bob');
  const before = server.seen.exchanges.length;
  assert.deepEqual(await Promise.all([userOf(alice), userOf(bob)]), ['alice', 'bob']);
  assert.equal(await userOf(bob), 'bob');
  assert.equal(server.seen.exchanges.length - before, 2);
});

test('a user\'s token may be bound to a key: each exchange and each request carries a proof', async (t) => {
  const host = await startHost({ sender_constraint: 'dpop' });
  t.after(() => host.stop());
  const before = server.seen.exchanges.length, proofs = resource.state.jtis.size;
  const users = ['alice', 'bob'];
  const tokens = await Promise.all(users.map((user) => server.userToken(user)));
  for (let turn = 0; turn < 2; turn++)
    for (const [i, [facts]] of (await Promise.all(tokens.map((token) => ask(host, token)))).entries())
      assert.deepEqual(facts, { client: 'agent', scope: 'read', bound: ['jkt'], user: users[i] });
  assert.equal(server.seen.exchanges.length - before, 2);
  assert.equal(resource.state.jtis.size - proofs, 4);
});

test('a token that names no user is refused before anything is asked for him', async () => {
  const before = server.seen.exchanges.length;
  const answer = await fetch(`${agent.url}/v1/chat/completions`, { method: 'POST',
    headers: { authorization: `Bearer ${await server.userToken()}`, 'content-type': 'application/json' },
    body: JSON.stringify({ messages: [{ role: 'user', content: 'My orders' }] }) });
  assert.equal(answer.status, 401);
  assert.match(answer.headers.get('www-authenticate'), /^Bearer error="invalid_token"/);
  await agent.logged(/"event":"gate".*claim_missing/);
  assert.equal(server.seen.exchanges.length, before);
});
