// Alibaba Cloud's npm clients, unchanged but for NODE_EXTRA_CA_CERTS, against OpenAPI, STS and metadata.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';

import { createLocalJWKSet, jwtVerify } from 'jose';

import { startStandIn } from './stand_in.mjs';
import { vendorClient } from './vendor.mjs';

const ROLE = 'acs:ram::1234567890123456:role/';
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

let cloud, openapi, sts, run;
before(async () => {
  cloud = await startStandIn();
  openapi = `127.0.0.1:${cloud.ports.openapi.https}`;
  sts = `127.0.0.1:${cloud.ports.sts.https}`;
  run = vendorClient(cloud);
});
after(async () => { assert.equal(await cloud.stop(), 0); });
beforeEach(async () => { await cloud.control('/reset', {}); });

const clientFile = (name) => readFileSync(join(cloud.folder, 'clients', name), 'utf8');
const variables = (name) => Object.fromEntries(clientFile(`alibaba-${name}.env`).trim().split('\n')
  .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));

const parameters = (more = {}) => ({ InstanceId: cloud.config.idaasInstanceId, ApplicationId: cloud.config.clientId,
  Audience: 'https://enterprise.example.com', ScopeValues: ['enterprise.access'], ...more });
const generate = (env, more = {}) => run('GenerateOauthToken', { env, endpoint: openapi, parameters: parameters(more) });

async function verify(token, options = {}) {
  const keys = (await cloud.request(`${cloud.config.issuer}/jwks`)).json();
  const { payload } = await jwtVerify(token, createLocalJWKSet(keys),
    { issuer: cloud.config.issuer, audience: 'https://enterprise.example.com', typ: 'at+jwt', ...options });
  return payload;
}

test('every member of the default chain leads to a token of the agent', async () => {
  for (const [name, provider] of [['ak', 'env'], ['sts', 'env'], ['oidc', 'oidc_role_arn'],
    ['metadata', 'ecs_ram_role'], ['uri', 'credential_uri']]) {
    // The chain asks the machine before the URI.
    const env = { ...variables(name), ...(name === 'uri' ? { ALIBABA_CLOUD_ECS_METADATA_DISABLED: 'true' } : {}) };
    const found = await run('credential', { env });
    assert.match(found.result?.providerName ?? JSON.stringify(found), new RegExp(provider), name);
    const { result, error } = await generate(env);
    assert.ok(result, `${name}: ${JSON.stringify(error)}`);
    assert.equal(result.TokenResponse.TokenType, 'Bearer');
    assert.equal(result.TokenResponse.ExpiresIn, 1200);
    const claims = await verify(result.TokenResponse.AccessToken);
    assert.equal(claims.sub, cloud.config.clientId);
    assert.equal(claims.scope, 'enterprise.access');
    assert.equal(claims.exp, result.TokenResponse.ExpiresAt);
  }
});

test('a CLI profile that assumes a role signs by version 1', async () => {
  const ak = variables('ak');
  const home = join(cloud.folder, 'home-with-profile');
  mkdirSync(join(home, '.aliyun'), { recursive: true });
  writeFileSync(join(home, '.aliyun', 'config.json'), JSON.stringify({ current: 'role', profiles: [
    { name: 'role', mode: 'RamRoleArn', access_key_id: ak.ALIBABA_CLOUD_ACCESS_KEY_ID,
      access_key_secret: ak.ALIBABA_CLOUD_ACCESS_KEY_SECRET, ram_role_arn: `${ROLE}sesame-agent`,
      ram_session_name: 'cli', expired_seconds: 900 }] }));
  const env = { HOME: home, ALIBABA_CLOUD_PROFILE: 'role' };
  const found = await run('credential', { env });
  assert.match(found.result?.accessKeyId ?? JSON.stringify(found), /^STS\./);
  assert.ok((await generate(env)).result);
});

test('AssumeRole takes both signature versions, from the user and from a session', async () => {
  const user = variables('ak'), session = variables('sts');
  for (const [id, secret, token] of [
    [user.ALIBABA_CLOUD_ACCESS_KEY_ID, user.ALIBABA_CLOUD_ACCESS_KEY_SECRET],
    [session.ALIBABA_CLOUD_ACCESS_KEY_ID, session.ALIBABA_CLOUD_ACCESS_KEY_SECRET,
      session.ALIBABA_CLOUD_SECURITY_TOKEN]]) {
    const base = { accessKeyId: id, accessKeySecret: secret, securityToken: token };
    const version1 = await run('credential', { credential: { type: 'ram_role_arn', ...base, stsEndpoint: sts,
      roleArn: `${ROLE}sesame-agent`, roleSessionName: 'one' } });
    assert.match(version1.result?.accessKeyId ?? JSON.stringify(version1), /^STS\./);
    const version3 = await run('AssumeRole', { credential: { type: token ? 'sts' : 'access_key', ...base }, endpoint: sts,
      parameters: { roleArn: `${ROLE}sesame-agent`, roleSessionName: 'three', durationSeconds: 900 } });
    assert.ok(version3.result, JSON.stringify(version3));
    assert.equal(version3.result.assumedRoleUser.arn, `${ROLE}sesame-agent/three`);
    const lifetime = Date.parse(version3.result.credentials.expiration) - Date.now();
    assert.ok(lifetime > 890_000 && lifetime <= 900_000);
    const assumed = version3.result.credentials;
    const who = await run('GetCallerIdentity', { endpoint: sts, credential: { type: 'sts',
      accessKeyId: assumed.accessKeyId, accessKeySecret: assumed.accessKeySecret,
      securityToken: assumed.securityToken } });
    assert.equal(who.result.arn, 'acs:ram::1234567890123456:assumed-role/sesame-agent/three');
  }
});

test('AssumeRoleWithOIDC wants a token of the cluster for STS', async () => {
  const call = (token, more = {}) => run('AssumeRoleWithOIDC', { credential: 'none', endpoint: sts, parameters: {
    OIDCProviderArn: 'acs:ram::1234567890123456:oidc-provider/sesame-cluster', OIDCToken: token,
    roleArn: `${ROLE}sesame-agent`, roleSessionName: 'oidc', ...more } });
  const fresh = (spec) => cloud.control('/cluster/token', spec).then(({ token }) => token);
  const good = await call(clientFile('rrsa-token'));
  assert.match(good.result?.credentials.accessKeyId ?? JSON.stringify(good), /^STS\./);
  for (const [token, more, code, status] of [
    [await fresh({ audience: 'idaas' }), {}, 'AuthenticationFail.OIDCToken.Invalid', 400],
    [await fresh({ audience: 'sts.aliyuncs.com', lifetime_s: -600 }), {}, 'AuthenticationFail.OIDCToken.Expired', 400],
    ['no.token.atall', {}, 'AuthenticationFail.OIDCToken.Invalid', 400],
    [clientFile('rrsa-token'), { roleArn: `${ROLE}sesame-closed` }, 'NoPermission', 403],
    [clientFile('rrsa-token'), { roleArn: `${ROLE}nobody` }, 'EntityNotExist.Role', 404],
    [clientFile('rrsa-token'), { durationSeconds: 60 }, 'InvalidParameter.DurationSeconds', 400],
    [clientFile('rrsa-token'), { OIDCProviderArn: 'acs:ram::1:oidc-provider/x' }, 'EntityNotExist.OIDCProvider', 404]]) {
    const { error } = await call(token, more);
    assert.equal(error?.code, code);
    assert.equal(error.status, status);
  }
});

test('the machine answers by version 2, by version 1 if it may, and not at all without a role', async () => {
  const env = variables('metadata');
  const versions = async () => (await cloud.control('/requests?route=metadata')).map(({ method }) => method).join(' ');
  assert.ok((await run('credential', { env })).result);
  assert.match(await versions(), /^PUT GET( GET)?$/);
  await cloud.control('/switches', { metadata: { token: false } });
  assert.ok((await run('credential', { env })).result);
  await cloud.control('/switches', { metadata: { token: true, v1: false } });
  assert.ok((await run('credential', { env })).result);
  await cloud.control('/switches', { metadata: { token: false } });
  assert.match((await run('credential', { env })).error.message, /unable to get credentials/i);
  await cloud.control('/switches', { metadata: { token: true, role: 'none' } });
  assert.ok((await run('credential', { env })).error);
  await cloud.control('/switches', { metadata: { role: '' } });
  const found = await run('credential', { env: {} });
  assert.ok(found.result, 'the role is found when nobody names it');
});

test('the gateway says what is wrong with a request', async () => {
  const ak = variables('ak');
  const role = async (name, lifetime_s = 3600) => {
    const session = await cloud.control('/ram/sessions', { role: name, lifetime_s });
    return { ALIBABA_CLOUD_ACCESS_KEY_ID: session.AccessKeyId, ALIBABA_CLOUD_ACCESS_KEY_SECRET: session.AccessKeySecret,
      ALIBABA_CLOUD_SECURITY_TOKEN: session.SecurityToken };
  };
  const denied = await generate(await role('sesame-no-permission'));
  assert.equal(denied.error.code, 'NoPermission');
  assert.equal(denied.error.denied.AuthAction, 'eiam:GenerateOauthToken');
  for (const [env, more, code] of [
    [{ ...ak, ALIBABA_CLOUD_ACCESS_KEY_SECRET: 'wrong' }, {}, 'SignatureDoesNotMatch'],
    [{ ...ak, ALIBABA_CLOUD_ACCESS_KEY_ID: 'LTAInobody' }, {}, 'InvalidAccessKeyId.NotFound'],
    [{ ...ak, ALIBABA_CLOUD_SECURITY_TOKEN: 'x' }, {}, 'InvalidSecurityToken.MismatchWithAccessKey'],
    [await role('sesame-agent', -60), {}, 'InvalidSecurityToken.Expired'],
    [ak, { ApplicationId: 'app_nobody' }, 'ResourceNotFound.Application'],
    [ak, { InstanceId: 'idaas_other' }, 'ResourceNotFound.Instance'],
    [ak, { Audience: 'https://other.example.com' }, 'Forbidden.Audience'],
    [ak, { ScopeValues: ['enterprise.admin'] }, 'InvalidParameter.ScopeValues'],
    [ak, { ScopeValues: undefined }, 'MissingScopeValues'],
    [ak, { GrantType: 'password' }, 'InvalidParameter.GrantType']]) {
    const { error, result } = await generate(env, more);
    assert.equal(error?.code, code, JSON.stringify(result));
  }
  await cloud.control('/ram/keys', { active: false });
  assert.equal((await generate(ak)).error.code, 'InvalidAccessKeyId.Inactive');
  await cloud.control('/ram/keys', { active: true });
});

test('GenerateOauthToken trades a user\'s token', async () => {
  const { access_token: subject } = await cloud.control('/tokens', { user: 'alice' });
  const more = { GrantType: EXCHANGE, SubjectToken: subject, SubjectTokenType: ACCESS_TOKEN,
    RequestedTokenType: ACCESS_TOKEN };
  const { result } = await generate(variables('ak'), more);
  assert.equal(result.TokenResponse.IssuedTokenType, ACCESS_TOKEN);
  const claims = await verify(result.TokenResponse.AccessToken);
  assert.equal(claims.sub, 'user_local0alice0001');
  assert.deepEqual(claims.act, { sub: cloud.config.clientId });
  const service = await (await fetch(cloud.environment.ENTERPRISE_SERVICE_URL, { method: 'POST',
    headers: { authorization: `Bearer ${result.TokenResponse.AccessToken}` } })).json();
  assert.deepEqual([service.subject, service.act], [claims.sub, claims.act], 'the service sees who acts for whom');
  const { error } = await generate(variables('ak'), { ...more, SubjectToken: 'not.a.token' });
  assert.equal(error.code, 'InvalidParameter.SubjectToken');
});
