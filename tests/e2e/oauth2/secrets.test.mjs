// After turns with every kind of binding, no secret, token or private key is left outside the locked arena.
import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { exportJWK, importPKCS8 } from 'jose';

import { startAgent } from '../host/agent.mjs';
import { occurrences } from '../host/memory.mjs';
import { makeCertificate } from './certificates.mjs';
import { ask, startModel } from './model.mjs';
import { startResource } from './resource.mjs';
import { AGENT, SERVICE, startServer } from './server.mjs';

const SECRET = 'a-secret-of-the-agent/that needs encoding';
let folder, server, resource, model, agent, certificates;

const provider = (client_id, authentication, more) =>
  ({ plugin: 'oauth2', config: { issuer: server.issuer, origins: [server.alias], client_id, authentication, ...more } });

async function startHost(caFile) {
  const names = ['basic', 'proven', 'certified'];
  const each = (make) => Object.fromEntries(names.map((name) => [name, make(name)]));
  const { key, client } = certificates;
  return startAgent({ environment: { PATH: process.env.PATH, HOME: folder, SSL_CERT_FILE: caFile, CLIENT_SECRET: SECRET,
    SESAME_KEEP_DUMPABLE: '1' } }, {
    config: {
      identity: 'Machine',
      inbound: { issuer: server.issuer, jwks_url: `${server.issuer}/jwks`, audience: AGENT, scope: 'agent.access' },
      credential_providers: {
        basic: provider('basic', { method: 'client_secret_basic', client_secret_env: 'CLIENT_SECRET' }),
        proven: provider('proven', { method: 'private_key_jwt', private_key_file: key.key }, { sender_constraint: 'dpop' }),
        certified: provider('certified', { method: 'tls_client_auth' },
          { sender_constraint: 'mtls', client_certificate: { certificate_file: client.pem, key_file: client.key } }),
      },
      credentials: each((name) => ({ kind: 'access-token', provider: name, scope: `${SERVICE}|read`, origins: [resource.url] })),
      model: { base_url: model.url, name: 'stub' },
      tools: each((name) => ({ plugin: 'enterprise-service', credentials: [name],
        config: { url: `${resource.url}/${name}`, method: 'GET', credential: name, name: `get_${name}`, description: name } })),
    },
  });
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sesame-secrets-'));
  const web = makeCertificate(folder, 'web', { extensions: ['subjectAltName=IP:127.0.0.1'] });
  const ca = makeCertificate(folder, 'ca');
  certificates = { key: makeCertificate(folder, 'key'),
    client: makeCertificate(folder, 'client', { ca: 'ca', extensions: ['subjectAltName=DNS:agent.example'] }) };
  const tls = { key: web.keyText, cert: web.pemText, ca: [ca.pemText] };
  const { d: _, ...publicJwk } = await exportJWK(await importPKCS8(certificates.key.keyText.toString(), 'ES256', { extractable: true }));
  const common = { grant_types: ['client_credentials'], redirect_uris: [], response_types: [], scope: 'read write', id_token_signed_response_alg: 'ES256' };
  server = await startServer(tls, [
    { ...common, client_id: 'basic', client_secret: SECRET, token_endpoint_auth_method: 'client_secret_basic' },
    { ...common, client_id: 'proven', token_endpoint_auth_method: 'private_key_jwt', token_endpoint_auth_signing_alg: 'ES256',
      jwks: { keys: [{ ...publicJwk, use: 'sig', alg: 'ES256' }] }, dpop_bound_access_tokens: true },
    { ...common, client_id: 'certified', token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_san_dns: 'agent.example',
      tls_client_certificate_bound_access_tokens: true },
  ]);
  resource = await startResource(tls, server);
  model = await startModel();
  agent = await startHost(web.pem);
});
after(async () => {
  await agent?.stop();
  [server, resource, model].forEach((one) => one?.stop());
  rmSync(folder, { recursive: true });
});

// The private number of a P-256 key, as it stands in a file and as OpenSSL's numbers lie in memory.
function privateNumber(made) {
  const number = Buffer.from(createPrivateKey(made.keyText).export({ format: 'jwk' }).d, 'base64url');
  return [number, Buffer.from(number).reverse()];
}

test('each credential proves what its token is bound to', async () => {
  const token = await server.userToken('alice');
  for (let turn = 0; turn < 3; turn++) {
    const said = await ask(agent, token);
    assert.deepEqual(said.map((facts) => [facts.client, facts.bound]).sort(),
      [['basic', []], ['certified', ['x5t#S256']], ['proven', ['jkt']]]);
  }
});

test('the scan finds what is there', () => {
  assert.ok(occurrences(agent.pid, 'agent.example').length > 0);
});

test('no secret, token or private key is left outside the locked arena', () => {
  const [keyBig, keyLittle] = privateNumber(certificates.key), [tlsBig, tlsLittle] = privateNumber(certificates.client);
  const secrets = { 'the client secret': SECRET, 'the encoded client secret': encodeURIComponent(SECRET),
    'the Basic header': Buffer.from(`basic:${encodeURIComponent(SECRET)}`).toString('base64'),
    'the assertion key': keyBig, 'the assertion key as a number': keyLittle,
    'the certificate key': tlsBig, 'the certificate key as a number': tlsLittle,
    'the lines of a private key': certificates.client.keyText.toString().split('\n')[1] };
  for (const token of resource.state.tokens) secrets[`a token ${token.slice(0, 20)}`] = token.split('.')[2];
  assert.equal(resource.state.tokens.size, 3);
  for (const [name, text] of Object.entries(secrets)) assert.deepEqual(occurrences(agent.pid, text), [], name);
});
