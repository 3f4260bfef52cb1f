// The alibaba-cloud provider: every source of a key against the stand-in's OpenAPI, STS and metadata, which
// verify every signature; and the key that Function Compute sends with each request.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';

import OpenAI from 'openai';

import { startStandIn } from '../local-cloud/stand_in.mjs';
import { run, startAgent, userToken } from './agent.mjs';
import { occurrences } from './memory.mjs';

const ROLE = 'acs:ram::1234567890123456:role/';

let cloud, base, home;
before(async () => {
  cloud = await startStandIn();
  home = join(cloud.folder, 'home');
  mkdirSync(home);
  base = { ...cloud.environment, HOME: home,
    CLOUD_IDAAS_CONFIG_PATH: join(cloud.folder, 'clients', 'alibaba-cloud.json'),
    SESAME_STS_ENDPOINT: `https://127.0.0.1:${cloud.ports.sts.https}`,
    SESAME_ECS_METADATA_ENDPOINT: `http://127.0.0.1:${cloud.ports.metadata}` };
});
after(async () => { assert.equal(await cloud.stop(), 0); });
beforeEach(async () => { await cloud.control('/reset', {}); });

const variables = (name) => Object.fromEntries(
  readFileSync(join(cloud.folder, 'clients', `alibaba-${name}.env`), 'utf8').trim().split('\n')
    .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
const nowhere = { ALIBABA_CLOUD_ECS_METADATA_DISABLED: 'true' };

// The stand-in's answer to `sesame token`, as claims.
async function token(env) {
  const { code, out, err } = await run(['token', 'enterprise', '--reveal'], { ...base, ...env });
  assert.equal(code, 0, err + out);
  const found = /eyJ[\w-]+\.(eyJ[\w-]+)\./.exec(out);
  assert.ok(found, out);
  return JSON.parse(Buffer.from(found[1], 'base64url'));
}

async function refusal(env) {
  const { code, out, err } = await run(['token', 'enterprise'], { ...base, ...env });
  assert.equal(code, 1, out);
  return out + err;
}

test('every source leads to a token of the agent', async () => {
  for (const name of ['ak', 'sts', 'oidc', 'metadata', 'uri']) {
    const claims = await token({ ...(name === 'metadata' ? {} : nowhere), ...variables(name) });
    assert.equal(claims.sub, cloud.config.clientId, name);
    assert.equal(claims.aud, 'https://enterprise.example.com', name);
    assert.equal(claims.scope, 'enterprise.access', name);
  }
});

test('the metadata service is asked with a token, and without one where it has none', async () => {
  await cloud.control('/switches', { metadata: { token: false } });
  await token({});
  assert.match(await refusal({ ALIBABA_CLOUD_IMDSV1_DISABLED: 'true' }), /gives no token/);
  await cloud.control('/switches', { metadata: { token: true, v1: false } });
  await token({});
});

test('both profile files lead to a token, roles on top of one another too', async () => {
  const ak = variables('ak');
  mkdirSync(join(home, '.aliyun'));
  mkdirSync(join(home, '.alibabacloud'));
  const key = { access_key_id: ak.ALIBABA_CLOUD_ACCESS_KEY_ID, access_key_secret: ak.ALIBABA_CLOUD_ACCESS_KEY_SECRET };
  writeFileSync(join(home, '.aliyun', 'config.json'), JSON.stringify({ current: 'plain', profiles: [
    { name: 'plain', mode: 'AK', ...key },
    { name: 'role', mode: 'RamRoleArn', ...key, ram_role_arn: `${ROLE}sesame-agent`, ram_session_name: 'cli' },
    { name: 'sso', mode: 'CloudSSO', access_token: 'x' },
    { name: 'closed', mode: 'RamRoleArn', ...key, ram_role_arn: `${ROLE}sesame-closed`, ram_session_name: 'cli' },
  ] }));
  await token(nowhere);
  await token({ ...nowhere, ALIBABA_CLOUD_PROFILE: 'role' });
  assert.match(await refusal({ ...nowhere, ALIBABA_CLOUD_PROFILE: 'sso' }), /mode CloudSSO needs a person/);
  assert.match(await refusal({ ...nowhere, ALIBABA_CLOUD_PROFILE: 'closed' }), /cli_profile: STS: HTTP 403 NoPermission/);
  writeFileSync(join(home, '.alibabacloud', 'credentials'),
    `[ini]\ntype = access_key\naccess_key_id = ${key.access_key_id}\naccess_key_secret = ${key.access_key_secret}\n`);
  await token({ ...nowhere, ALIBABA_CLOUD_PROFILE: 'ini' });
});

test('a profile file that others can read is complained about', async () => {
  const folder = join(cloud.folder, 'home-open');
  mkdirSync(join(folder, '.aliyun'), { recursive: true });
  const file = join(folder, '.aliyun', 'config.json');
  writeFileSync(file, JSON.stringify({ current: 'p', profiles: [] }));
  for (const [mode, complains] of [[0o644, true], [0o600, false]]) {
    chmodSync(file, mode);
    const agent = await startAgent(cloud, { env: { ...base, ...nowhere, HOME: folder } });
    try {
      for (let i = 0; i < 200 && !agent.output().includes('no any configured profiles'); i++)
        await fetch(`${agent.url}/health`);
      assert.equal(agent.output().includes('a file that holds secrets is open to others'), complains);
    } finally {
      await agent.stop();
    }
  }
});

test('a refusal names the cause and the fix, and no secret', async () => {
  const { AccessKeyId: id, AccessKeySecret: secret, SecurityToken: security } =
    await cloud.control('/ram/sessions', { role: 'sesame-no-permission' });
  const session = { ...nowhere, ALIBABA_CLOUD_ACCESS_KEY_ID: id, ALIBABA_CLOUD_ACCESS_KEY_SECRET: secret,
    ALIBABA_CLOUD_SECURITY_TOKEN: security };
  const denied = await refusal(session);
  assert.match(denied, /NoPermission/);
  assert.match(denied, /allow eiam:GenerateOauthToken on acs:eiam:\*:\*:instance\//);
  assert.ok(!denied.includes(secret) && !denied.includes(security));
  const wrong = await refusal({ ...session, ALIBABA_CLOUD_ACCESS_KEY_SECRET: 'recognise-me-wrong-secret' });
  assert.match(wrong, /the access key secret does not belong to the access key id/);
  assert.ok(!wrong.includes('recognise-me'));
  const none = await refusal({ ...nowhere, ALIBABA_CLOUD_CLI_PROFILE_DISABLED: 'true', HOME: '/nonexistent' });
  for (const source of ['env: ALIBABA_CLOUD_ACCESS_KEY_ID is not set', 'oidc_role_arn: ', 'cli_profile: ', 'profile: ',
    'ecs_ram_role: ', 'credential_uri: ']) assert.ok(none.includes(source), none);
});

test('the host file may add roles and name a program', async () => {
  const ak = variables('ak');
  const file = join(cloud.folder, 'with-settings.json');
  const configured = (config) => {
    writeFileSync(file, JSON.stringify({ plugins: { settings: { 'alibaba-cloud': { config } } } }));
    return ['token', 'enterprise', '--config', file];
  };
  const role = { assumeRoles: [{ roleArn: `${ROLE}sesame-agent`, sessionName: 'on-top', durationSeconds: 900 }] };
  assert.equal((await run(configured(role), { ...base, ...nowhere, ...ak })).code, 0);
  const closed = await run(configured({ assumeRoles: [{ roleArn: `${ROLE}sesame-closed` }] }), { ...base, ...nowhere, ...ak });
  assert.match(closed.out + closed.err, /env: STS: HTTP 403 NoPermission/);
  const wrong = await run(configured({ assumeRole: [] }), { ...base, ...nowhere, ...ak });
  assert.match(wrong.err, /plugins\.settings\.alibaba-cloud\.config\.assumeRole: the plugin knows no such member/);
  const twice = await run(configured({ clientId: 'x' }), { ...base, ...nowhere, ...ak });
  assert.match(twice.err, /config\.clientId: that is decided by .*alibaba-cloud\.json/);

  const external = join(cloud.folder, 'home-external');
  mkdirSync(join(external, '.aliyun'), { recursive: true });
  writeFileSync(join(external, 'key.json'), JSON.stringify({ mode: 'AK', access_key_id: ak.ALIBABA_CLOUD_ACCESS_KEY_ID,
    access_key_secret: ak.ALIBABA_CLOUD_ACCESS_KEY_SECRET }));
  writeFileSync(join(external, '.aliyun', 'config.json'), JSON.stringify({ current: 'p', profiles: [
    { name: 'p', mode: 'External', process_command: `/bin/cat '${join(external, 'key.json')}'` }] }));
  const env = { ...base, ...nowhere, HOME: external };
  assert.equal((await run(configured({ externalProgram: '/bin/cat' }), env)).code, 0);
  const other = await run(configured({ externalProgram: '/bin/echo' }), env);
  assert.match(other.out + other.err, /does not begin with externalProgram, \/bin\/echo/);
});

test('a signed-in user is acted for, and his token is in no log and nowhere outside locked memory', async () => {
  const agent = await startAgent(cloud, { env: { ...base, ...nowhere, ...variables('sts'), ACCESS_IDENTITY: 'Human',
    SESAME_KEEP_DUMPABLE: '1' } });
  try {
    const subject = await userToken(cloud);
    const client = new OpenAI({ baseURL: `${agent.url}/openai/v1`, apiKey: subject, maxRetries: 0 });
    const answer = await client.chat.completions.create({ stream: false,
      messages: [{ role: 'user', content: 'Call my enterprise service' }] });
    assert.match(answer.choices[0].message.content, /"subject":"user_local0alice0001"/);
    const signature = subject.split('.')[2];
    assert.ok(!agent.output().includes(signature));
    for (const text of [signature, variables('sts').ALIBABA_CLOUD_ACCESS_KEY_SECRET, variables('sts').ALIBABA_CLOUD_SECURITY_TOKEN])
      assert.deepEqual(occurrences(agent.pid, text), []);
  } finally {
    await agent.stop();
  }
});

// What Function Compute adds to every request.
async function platformHeaders(lifetime = 3600) {
  const session = await cloud.control('/ram/sessions', { role: 'sesame-agent', lifetime_s: lifetime });
  return { 'x-fc-request-id': '1', 'x-fc-access-key-id': session.AccessKeyId,
    'x-fc-access-key-secret': session.AccessKeySecret, 'x-fc-security-token': session.SecurityToken };
}

test('on Function Compute the key of the requests is used, and is nowhere outside locked memory', async () => {
  const agent = await startAgent(cloud, { env: { ...base, ...nowhere, FC_FUNCTION_NAME: 'agent',
    SESAME_KEEP_DUMPABLE: '1', HOME: '/nonexistent' } });
  try {
    assert.match(agent.output(), /Function Compute: each request brings/);
    assert.equal((await fetch(`${agent.url}/ready`)).status, 503);
    const headers = await platformHeaders();
    assert.equal((await fetch(`${agent.url}/health`, { headers })).status, 200);
    await agent.until('/ready', 200);
    assert.match(agent.output(), /access key from platform/);
    const client = new OpenAI({ baseURL: `${agent.url}/openai/v1`, apiKey: await userToken(cloud), maxRetries: 0,
      defaultHeaders: headers });
    const answer = await client.chat.completions.create({ stream: false,
      messages: [{ role: 'user', content: 'Call my enterprise service' }] });
    assert.equal(answer.choices[0].finish_reason, 'stop');
    for (const name of ['x-fc-access-key-secret', 'x-fc-security-token']) {
      assert.ok(!agent.output().includes(headers[name]), name);
      assert.deepEqual(occurrences(agent.pid, headers[name]), [], name);
    }
  } finally {
    await agent.stop();
  }
});

test('elsewhere such headers change nothing', async () => {
  const agent = await startAgent(cloud, { env: { ...base, ...nowhere, HOME: '/nonexistent' } });
  try {
    const headers = await platformHeaders();
    for (let i = 0; i < 5; i++) assert.equal((await fetch(`${agent.url}/ready`, { headers })).status, 503);
    assert.ok(!agent.output().includes('access key from platform'));
    for (const name of ['x-fc-access-key-id', 'x-fc-access-key-secret', 'x-fc-security-token'])
      assert.ok(!agent.output().includes(headers[name]), name);
  } finally {
    await agent.stop();
  }
});
