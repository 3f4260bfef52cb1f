// The oauth2 provider against a certified server that others wrote, and bound tokens against a service that checks them.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { decodeJwt, exportJWK, exportPKCS8, generateKeyPair } from 'jose';

import { run } from '../host/agent.mjs';
import { makeCertificate } from './certificates.mjs';
import { startResource } from './resource.mjs';
import { SERVICE, startServer } from './server.mjs';

// RFC 6749 wants reserved letters encoded before base64; a client that forgets it fails with this one.
const SECRET = 'long: secret/with+reserved%letters';
let folder, tls, server, resource, client, selfSigned, environment;

const algorithms = ['RS256', 'PS512', 'ES256', 'ES384', 'EdDSA'];

async function makeKeyClient(alg) {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  writeFileSync(join(folder, `${alg}.key`), await exportPKCS8(privateKey));
  const jwk = { ...await exportJWK(publicKey), kid: `kid-${alg}`, alg, use: 'sig' };
  return { client_id: alg, token_endpoint_auth_method: 'private_key_jwt', token_endpoint_auth_signing_alg: alg, jwks: { keys: [jwk] } };
}

const certificateJwk = (pem) => ({ kty: 'EC', x5c: [pem.replace(/-----[^-]+-----|\s/g, '')] });

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sesame-oauth2-'));
  const web = makeCertificate(folder, 'web', { extensions: ['subjectAltName=IP:127.0.0.1'] });
  const ca = makeCertificate(folder, 'ca');
  client = makeCertificate(folder, 'client', { ca: 'ca', extensions: ['subjectAltName=DNS:agent.example'] });
  selfSigned = makeCertificate(folder, 'self');
  tls = { key: web.keyText, cert: web.pemText, ca: [ca.pemText] };

  const jwk = { ...new X509Certificate(selfSigned.pemText).publicKey.export({ format: 'jwk' }), ...certificateJwk(selfSigned.pemText) };
  const common = { grant_types: ['client_credentials', 'urn:ietf:params:oauth:grant-type:token-exchange'], redirect_uris: [], response_types: [],
    scope: 'read write', client_secret: SECRET, id_token_signed_response_alg: 'ES256' };
  const clients = [
    { client_id: 'basic:client', token_endpoint_auth_method: 'client_secret_basic' },
    { client_id: 'post', token_endpoint_auth_method: 'client_secret_post' },
    { client_id: 'jwt', token_endpoint_auth_method: 'client_secret_jwt', token_endpoint_auth_signing_alg: 'HS256' },
    { client_id: 'tls', token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_san_dns: 'agent.example' },
    { client_id: 'bound', token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_san_dns: 'agent.example',
      tls_client_certificate_bound_access_tokens: true },
    { client_id: 'self', token_endpoint_auth_method: 'self_signed_tls_client_auth', jwks: { keys: [jwk] } },
    { client_id: 'dpop', token_endpoint_auth_method: 'client_secret_jwt', dpop_bound_access_tokens: true },
    ...await Promise.all(algorithms.map(makeKeyClient)),
  ];
  server = await startServer(tls, clients.map((one) => ({ ...common, ...one })));
  resource = await startResource(tls, server);
  environment = { PATH: process.env.PATH, HOME: folder, SSL_CERT_FILE: web.pem };
});
after(() => {
  server?.stop();
  resource?.stop();
  rmSync(folder, { recursive: true });
});

// Runs one command of a host whose only provider is the oauth2 plugin.
function sesame(provider, words, scope = `${SERVICE}|read`) {
  const file = join(folder, 'sesame.json');
  writeFileSync(file, JSON.stringify({
    identity: 'Machine',
    inbound: { issuer: server.issuer, jwks_url: `${server.issuer}/jwks`, audience: 'https://agent.example', scope: 'agent.access' },
    credential_providers: { corp: { plugin: 'oauth2', config: { issuer: server.issuer, origins: [server.alias], ...provider } } },
    credentials: { orders: { kind: 'access-token', provider: 'corp', scope, origins: [resource.url] } },
    model: { base_url: `${resource.url}/v1`, name: 'none' },
    tools: { orders: { plugin: 'enterprise-service', credentials: ['orders'],
      config: { url: `${resource.url}/orders?page=1`, method: 'GET', credential: 'orders', name: 'get_orders', description: 'Orders.' } } },
  }));
  return run([...words, '--config', file], { ...environment, CLIENT_SECRET: SECRET });
}

async function fetchToken(provider, scope) {
  const shown = await sesame(provider, ['token', 'orders', '--reveal'], scope);
  assert.equal(shown.code, 0, shown.err);
  return { claims: decodeJwt(/^value +(\S+)$/m.exec(shown.out)[1]), shown: shown.out };
}

async function callService(provider) {
  const called = await sesame(provider, ['tool', 'call', 'get_orders']);
  assert.equal(called.code, 0, called.err + resource.state.refusals.join('\n'));
  return JSON.parse(/\{.*\}/.exec(called.out)[0]);
}

const withSecret = (method, more = {}) => ({ client_id: method === 'client_secret_basic' ? 'basic:client' : method.split('_').at(-1),
  authentication: { method, client_secret_env: 'CLIENT_SECRET' }, ...more });
const certificateOf = (made) => ({ certificate_file: made.pem, key_file: made.key });

for (const method of ['client_secret_basic', 'client_secret_post', 'client_secret_jwt']) {
  test(`${method} gets a token for the resource and scope`, async () => {
    const { claims } = await fetchToken(withSecret(method));
    assert.equal(claims.aud, SERVICE);
    assert.equal(claims.scope, 'read');
    assert.equal(claims.iss, server.issuer);
    assert.deepEqual(await callService(withSecret(method)),
      { client: withSecret(method).client_id, scope: 'read', bound: [] });
  });
}

for (const alg of algorithms) {
  test(`private_key_jwt signs with ${alg}`, async () => {
    const { claims } = await fetchToken({ client_id: alg,
      authentication: { method: 'private_key_jwt', private_key_file: join(folder, `${alg}.key`), algorithm: alg, key_id: `kid-${alg}` } });
    assert.equal(claims.client_id, alg);
  });
}

test('tls_client_auth uses the address that the metadata has for it', async () => {
  const provider = { client_id: 'tls', authentication: { method: 'tls_client_auth' }, client_certificate: certificateOf(client) };
  assert.equal((await fetchToken(provider)).claims.client_id, 'tls');
  const elsewhere = await sesame({ ...provider, origins: [] }, ['token', 'orders']);
  assert.match(elsewhere.err, /is on another origin than the issuer: add that to "origins"/);
});

test('self_signed_tls_client_auth is known by its registered certificate', async () => {
  const provider = { client_id: 'self', authentication: { method: 'self_signed_tls_client_auth' } };
  assert.equal((await fetchToken({ ...provider, client_certificate: certificateOf(selfSigned) })).claims.client_id, 'self');
  const other = await sesame({ ...provider, client_certificate: certificateOf(client) }, ['token', 'orders']);
  assert.match(other.err, /refused the agent's credential/);
});

test('a certificate-bound token is used over a connection with the certificate, and nowhere else', async () => {
  const provider = { client_id: 'bound', authentication: { method: 'tls_client_auth' }, client_certificate: certificateOf(client) };
  const { claims, shown } = await fetchToken({ ...provider, sender_constraint: 'mtls' });
  assert.ok(claims.cnf['x5t#S256']);
  assert.match(shown, /^bound to +the client certificate$/m);
  assert.deepEqual(await callService({ ...provider, sender_constraint: 'mtls' }), { client: 'bound', scope: 'read', bound: ['x5t#S256'] });

  // Without the binding the service sees no certificate.
  const unbound = await sesame(provider, ['tool', 'call', 'get_orders']);
  assert.notEqual(unbound.code, 0);
  assert.match(resource.state.refusals.at(-1), /no certificate/);
});

test('a DPoP-bound token: nonces of server and service, a fresh proof per request', async () => {
  const provider = withSecret('client_secret_jwt', { client_id: 'dpop', sender_constraint: 'dpop' });
  const before = server.seen.requests.filter((line) => line === 'POST /token').length;
  const { claims, shown } = await fetchToken(provider);
  assert.ok(claims.cnf.jkt);
  assert.match(shown, /^bound to +a key \(DPoP\)$/m);
  // Refused for the nonce, then granted, with another assertion: the server takes each only once.
  assert.equal(server.seen.requests.filter((line) => line === 'POST /token').length - before, 2);

  resource.state.refusals.length = 0;
  assert.deepEqual(await callService(provider), { client: 'dpop', scope: 'read', bound: ['jkt'] });
  assert.deepEqual(resource.state.refusals, ['use_dpop_nonce: another nonce']);
});

for (const kind of ['Ed25519', 'P-384', 'RSA-2048']) {
  test(`a DPoP key of kind ${kind}`, async () => {
    const facts = await callService(withSecret('client_secret_jwt', { client_id: 'dpop', sender_constraint: 'dpop', dpop_key: kind }));
    assert.deepEqual(facts.bound, ['jkt']);
  });
}

test('a resource that the server does not know is named as the mistake', async () => {
  const refused = await sesame(withSecret('client_secret_basic'), ['token', 'orders'], 'https://unknown.example|read');
  assert.notEqual(refused.code, 0);
  assert.match(refused.err, /refused the scope: check the credential's "scope".*invalid_target/);
});

test('a wrong secret and a wrong method are told apart', async () => {
  const wrong = await sesame({ ...withSecret('client_secret_post'), authentication: { method: 'client_secret_post', client_secret_env: 'PATH' } },
    ['token', 'orders']);
  assert.match(wrong.err, /refused the agent's credential: check client_id, authentication.method and what it names/);
  const method = await sesame({ ...withSecret('client_secret_post'), client_id: 'ES256' }, ['token', 'orders']);
  assert.match(method.err, /refused the agent's credential/);
});

test('config check and start need no IDaaS file', async () => {
  const checked = await sesame(withSecret('client_secret_basic'), ['config', 'check']);
  assert.equal(checked.code, 0, checked.err);
  assert.match(checked.out, /corp \(oauth2\)/);
  const wrong = await sesame({ client_id: 'x', authentication: { method: 'private_key_jwt', private_key_file: join(folder, 'none') } }, ['config', 'check']);
  assert.notEqual(wrong.code, 0);
  assert.match(wrong.err, /credential_providers\.corp: .*none \(authentication\.private_key_file\) cannot be used: there is no such file/);
});
