// Every way to authenticate, with what the stand-in writes into its folder and with keys from npm `jose`.
import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { SignJWT, decodeJwt, exportJWK, generateKeyPair } from 'jose';

import { startStandIn } from './stand_in.mjs';

const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const IDAAS = 'urn:cloud:idaas:params:oauth:client-assertion-type:';

let cloud;
before(async () => { cloud = await startStandIn(); });
after(async () => { assert.equal(await cloud.stop(), 0); });

const read = (name) => readFileSync(join(cloud.folder, 'clients', name), 'utf8');

function assertion(key, alg, claims = {}) {
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({ aud: cloud.config.tokenEndpoint, sub: cloud.config.clientId, iss: cloud.config.clientId,
    jti: randomUUID(), iat: now, exp: now + 600, ...claims }).setProtectedHeader({ alg, typ: 'JWT' }).sign(key);
}

async function ask(fields) {
  const answer = await cloud.request(cloud.config.tokenEndpoint, { method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ client_id: cloud.config.clientId, grant_type: 'client_credentials',
      scope: 'urn:cloud:idaas:pam|.all', ...fields }).toString() });
  return { status: answer.status, ...answer.json() };
}

const signed = async (key, alg, claims) => ask({ client_assertion_type: JWT_BEARER,
  client_assertion: await assertion(key, alg, claims) });

test('a key written by the stand-in authenticates, and no other key does', async () => {
  for (const [file, alg] of [['rsa-2048', 'RS256'], ['rsa-2048', 'RS384'], ['rsa-2048', 'RS512'], ['rsa-2048', 'PS256'],
    ['rsa-2048', 'PS384'], ['rsa-2048', 'PS512'], ['p-256', 'ES256'], ['p-384', 'ES384'], ['p-521', 'ES512'],
    ['ed25519', 'EdDSA']]) {
    const answer = await signed(createPrivateKey(read(`${file}.pem`)), alg);
    assert.equal(answer.status, 200, `${alg}: ${answer.error_description}`);
    const { privateKey } = await generateKeyPair(alg);
    assert.equal((await signed(privateKey, alg)).error, 'invalid_client', alg);
  }
});

test('a key that a test registers authenticates from then on', async () => {
  for (const alg of ['RS256', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']) {
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
    const jwk = { ...await exportJWK(publicKey), kid: 'test' };
    assert.equal((await signed(privateKey, alg)).status, 401);
    assert.ok((await cloud.control('/clients/keys', { jwk })).keys > 5);
    assert.equal((await signed(privateKey, alg)).status, 200, alg);
  }
});

test('an assertion is good once, for this endpoint, this client and this time', async () => {
  const key = createPrivateKey(read('p-256.pem'));
  const now = Math.floor(Date.now() / 1000);
  const jti = randomUUID();
  assert.equal((await signed(key, 'ES256', { jti })).status, 200);
  assert.match((await signed(key, 'ES256', { jti })).error_description, /used before/);
  for (const [claims, why] of [[{ aud: 'https://elsewhere.example.com/token' }, /token endpoint/],
    [{ iss: 'app_other' }, /client id/], [{ exp: now - 120 }, /expired/], [{ iat: now + 600, exp: now + 900 }, /future/],
    [{ exp: now + 86400 }, /too long/], [{ jti: '' }, /jti/]]) {
    const answer = await signed(key, 'ES256', claims);
    assert.equal(answer.status, 401);
    assert.equal(answer.error, 'invalid_client');
    assert.match(answer.error_description, why);
    assert.match(answer.request_id, /^[0-9A-F-]{36}$/);
  }
});

test('neither no signature nor the public key as a secret authenticates', async () => {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  const claims = { aud: cloud.config.tokenEndpoint, sub: cloud.config.clientId, iss: cloud.config.clientId,
    jti: randomUUID(), iat: now, exp: now + 600 };
  const send = (client_assertion) => ask({ client_assertion_type: JWT_BEARER, client_assertion });
  assert.equal((await send(`${part({ alg: 'none' })}.${part(claims)}.`)).error, 'invalid_client');
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = publicKey.export({ type: 'spki', format: 'pem' });
  await cloud.control('/clients/keys', { pem });
  assert.equal((await signed(privateKey, 'ES256')).status, 200);
  assert.equal((await signed(Buffer.from(pem), 'HS256')).error, 'invalid_client');
  assert.equal((await signed(Buffer.from(cloud.environment.IDAAS_CLIENT_SECRET), 'HS256')).status, 200);
});

test('what cannot be registered is refused with the reason', async () => {
  const refused = async (path, body) => (await cloud.control(path, body)).error;
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
  assert.match(await refused('/clients/keys', { pem: publicKey.export({ type: 'spki', format: 'pem' }) }), /1024 bits/);
  assert.match(await refused('/clients/keys', { pem: 'no key' }), /neither a public key nor a certificate/);
  assert.match(await refused('/clients/keys', { jwk: { kty: 'oct', k: 'AAAA', kid: 'x' } }), /cannot be used/);
  assert.match(await refused('/clients/keys', { client: 'app_nobody' }), /names no client/);
  assert.match(await refused('/federation', { name: 'f', kind: 'saml' }), /oidc, pkcs7 or x509/);
  assert.match(await refused('/federation', { name: 'f', kind: 'oidc' }), /issuer and jwks/);
  assert.match(await refused('/federation', { name: 'f', kind: 'x509', certificate: 'x' }), /certificate/);
});

test('another cluster is trusted once it is registered', async () => {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
  const now = Math.floor(Date.now() / 1000);
  const token = await new SignJWT({ iss: 'https://other.example.com', sub: 'workload', aud: ['idaas'], exp: now + 60 })
    .setProtectedHeader({ alg: 'RS256', kid: 'k1' }).sign(privateKey);
  const send = () => ask({ application_federated_credential_name: 'fed_other', client_assertion: token,
    client_assertion_type: `${IDAAS}id-token-bearer` });
  assert.equal((await send()).error, 'invalid_client');
  await cloud.control('/federation', { name: 'fed_other', kind: 'oidc', issuer: 'https://other.example.com',
    audience: 'idaas', subject: 'workload', jwks: { keys: [{ ...await exportJWK(publicKey), kid: 'k1' }] } });
  assert.equal((await send()).status, 200);
});

test('a service-account token of the cluster authenticates, from the file and fresh from the control port', async () => {
  const config = JSON.parse(read('federated-oidc.json')).authnConfiguration;
  const fields = (token) => ({ application_federated_credential_name: config.applicationFederatedCredentialName,
    client_assertion_type: `${IDAAS}id-token-bearer`, client_assertion: token });
  assert.equal((await ask(fields(readFileSync(config.oidcTokenFilePath, 'utf8')))).status, 200);
  const { token } = await cloud.control('/cluster/token', { lifetime_s: 60 });
  assert.equal(decodeJwt(token).sub, 'system:serviceaccount:default:sesame');
  assert.equal((await ask(fields(token))).status, 200);
  const { token: other } = await cloud.control('/cluster/token', { subject: 'system:serviceaccount:x:y' });
  assert.match((await ask(fields(other))).error_description, /subject/);
});

test('the attested document of the machine authenticates, for this instance and for a time', async () => {
  const machine = `http://127.0.0.1:${cloud.ports.metadata}/latest`;
  const token = await (await fetch(`${machine}/api/token`, { method: 'PUT',
    headers: { 'x-aliyun-ecs-metadata-token-ttl-seconds': '3600' } })).text();
  const document = async (aud, signingTime) => (await fetch(`${machine}/dynamic/instance-identity/pkcs7?` +
    new URLSearchParams({ audience: JSON.stringify({ aud, signingTime }) }),
  { headers: { 'x-aliyun-ecs-metadata-token': token } })).text();
  const send = (client_assertion) => ask({ client_assertion, client_assertion_type: `${IDAAS}pkcs7-bearer`,
    application_federated_credential_name: 'fed_pkcs7' });
  const now = Math.floor(Date.now() / 1000);
  const good = await document(cloud.config.idaasInstanceId, now);
  assert.equal((await send(good)).status, 200);
  assert.equal((await send(good)).status, 200, 'a document is used again until it is old');
  const bytes = Buffer.from(good, 'base64');
  bytes[bytes.length - 5] ^= 1;
  for (const [wrong, why] of [[await document('idaas_other', now), /not made for this instance/],
    [await document(cloud.config.idaasInstanceId, now - 10000), /too old/],
    [bytes.toString('base64'), /not signed by the platform/], ['MIIB', /no PKCS#7 message/]]) {
    const answer = await send(wrong);
    assert.equal(answer.error, 'invalid_client');
    assert.match(answer.error_description, why);
  }
});

test('the certificate of the SDK file authenticates together with its key', async () => {
  const config = JSON.parse(read('federated-pca.json')).authnConfiguration;
  const fields = async (key) => ({ application_federated_credential_name: config.applicationFederatedCredentialName,
    client_assertion_type: `${IDAAS}x509-jwt-bearer`, client_assertion: await assertion(key, 'RS256'),
    client_x509: config.clientX509Certificate, client_x509_chain: config.x509CertChains });
  assert.equal((await ask(await fields(createPrivateKey(read('rsa-2048.pem'))))).status, 200);
  const { privateKey } = await generateKeyPair('RS256');
  assert.equal((await ask(await fields(privateKey))).error, 'invalid_client');
});

test('the variables are those that the SDK files name', () => {
  const names = read('environment').trim().split('\n').map((line) => line.split('=')[0]);
  for (const file of ['client-secret-basic', 'client-secret-jwt', 'private-key-jwt', 'federated-pca']) {
    const config = JSON.parse(read(`${file}.json`)).authnConfiguration;
    assert.ok(names.includes(config.clientSecretEnvVarName ?? config.privateKeyEnvVarName), file);
  }
  const key = /ENV_PRIVATE_KEY="(.*)"/.exec(read('environment'))[1];
  assert.equal(key.replace(/ (?!PRIVATE|KEY)/g, '\n'), read('rsa-2048.pem').trim());
});
