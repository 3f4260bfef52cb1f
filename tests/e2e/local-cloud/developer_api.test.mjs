// The DeveloperAPI through the vendor's own request core: API keys, OAuth tokens with and without consent, JWTs.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';

import { createLocalJWKSet, jwtVerify } from 'jose';

import { startStandIn } from './stand_in.mjs';
import { vendorClient } from './vendor.mjs';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const TOKENS = '/authenticationTokens/_/actions';

let cloud, run, machine;
before(async () => { cloud = await startStandIn(); run = vendorClient(cloud); });
after(async () => { assert.equal(await cloud.stop(), 0); });
beforeEach(async () => {
  await cloud.control('/reset', {});
  machine = (await cloud.token('urn:cloud:idaas:pam|.all')).access_token;
});

const call = (action, path, { token = machine, method = 'POST', query, body } = {}) => run('DeveloperApi', {
  credential: 'none', endpoint: cloud.config.developerApiEndpoint,
  parameters: { action, method, pathname: `/v2/${cloud.config.idaasInstanceId}${path}`, query, body, token } });
const fetchToken = (credentialProviderIdentifier, more = {}, token = machine) => call('FetchOAuthAuthenticationToken',
  `${TOKENS}/fetchOAuthAccessToken`, { token, body: { credentialProviderIdentifier, ...more } });

// AT_p in the name of a user.
async function userToken(user) {
  const { access_token: subject } = await cloud.control('/tokens', { user });
  const answer = await cloud.request(cloud.config.tokenEndpoint, { method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ client_id: cloud.config.clientId, client_secret: cloud.environment.IDAAS_CLIENT_SECRET,
      grant_type: EXCHANGE, subject_token: subject, subject_token_type: ACCESS_TOKEN,
      scope: 'urn:cloud:idaas:pam|.all' }).toString() });
  return answer.json().access_token;
}

const keys = async () => createLocalJWKSet((await cloud.request(`${cloud.config.issuer}/jwks`)).json());
const decide = (url, decision) => fetch(new URL(url).origin + new URL(url).pathname, { method: 'POST',
  body: new URLSearchParams({ session: new URL(url).searchParams.get('session'), decision }) });

test('ObtainCredential gives the key, and the gateway\'s errors come through', async () => {
  const obtain = (credentialIdentifier, token) => call('ObtainCredential', '/credentials/_/actions/obtain',
    { method: 'GET', query: { credentialIdentifier }, token });
  const { result } = await obtain('llm_api_key', machine);
  assert.match(result.credentialContent.apiKeyContent.apiKey, /^recognise-me-/);
  const { error } = await obtain('nothing', machine);
  assert.equal(error.code, 'ResourceNotFound.Credential');
  assert.equal(error.status, 404);
  assert.equal((await obtain('llm_api_key', 'not.a.token')).error.status, 401);
});

test('a 2-legged token is given at once, and the same again while it is good', async () => {
  const first = (await fetchToken('oauth_machine', { scope: 'enterprise.access' })).result;
  assert.equal(first.authenticationTokenType, 'oauth_access_token');
  assert.equal(first.consumerType, 'application');
  assert.equal(first.oauthAccessTokenContent.tokenType, 'Bearer');
  const { payload } = await jwtVerify(first.oauthAccessTokenContent.accessTokenValue, await keys());
  assert.equal(payload.exp * 1000, first.expirationTime);
  const again = (await fetchToken('oauth_machine', { scope: 'enterprise.access' })).result;
  assert.equal(again.authenticationTokenId, first.authenticationTokenId);
  const other = (await fetchToken('oauth_machine', { scope: 'other' })).result;
  assert.notEqual(other.authenticationTokenId, first.authenticationTokenId);
  assert.equal((await fetchToken('nobody')).error.code, 'ResourceNotFound.CredentialProvider');
  assert.equal((await fetchToken('jwt')).error.code, 'ResourceNotFound.CredentialProvider');
  assert.equal((await fetchToken('oauth_machine', { scope: 'x'.repeat(257) })).error.status, 400);
});

test('a 3-legged token wants a user, and his consent', async () => {
  assert.equal((await fetchToken('oauth_user')).error.code, 'InvalidParameter.AccessToken');
  const alice = await userToken('alice'), bob = await userToken('bob');
  const asked = (await fetchToken('oauth_user', {}, alice)).result.oauthAuthorizationSession;
  assert.equal(asked.sessionStatus, 'pending');
  const session = async (token = alice) => call('GetOAuthAuthorizationSession', '/oauthAuthorizationSessions/_/actions/get',
    { token, body: { sessionUri: asked.sessionUri } });
  assert.equal((await session()).result.sessionStatus, 'pending');
  assert.equal((await session(bob)).error.status, 404);

  const page = await (await fetch(asked.authorizationUrl)).text();
  assert.match(page, /Sample calendar/);
  assert.equal((await decide(asked.authorizationUrl, 'maybe')).status, 400);
  assert.match(await (await decide(asked.authorizationUrl, 'allow')).text(), /Access allowed/);
  assert.equal((await decide(asked.authorizationUrl, 'deny')).status, 409);
  assert.equal((await session()).result.sessionStatus, 'completed');

  const token = (await fetchToken('oauth_user', {}, alice)).result;
  const { payload } = await jwtVerify(token.oauthAccessTokenContent.accessTokenValue, await keys());
  assert.equal(payload.sub, 'user_local0alice0001');
  assert.equal(token.consumerType, 'custom');
  assert.ok((await fetchToken('oauth_user', {}, bob)).result.oauthAuthorizationSession, 'Bob has not consented');
  assert.ok((await fetchToken('oauth_user', { forceAuthentication: true }, alice)).result.oauthAuthorizationSession);
});

test('a refusal and a session whose time is over are said', async () => {
  const alice = await userToken('alice');
  const ask = async () => (await fetchToken('oauth_user', {}, alice)).result.oauthAuthorizationSession;
  const status = async ({ sessionUri }) => (await call('GetOAuthAuthorizationSession',
    '/oauthAuthorizationSessions/_/actions/get', { token: alice, body: { sessionUri } })).result;
  const refused = await ask();
  await decide(refused.authorizationUrl, 'deny');
  assert.deepEqual([(await status(refused)).sessionStatus, (await status(refused)).errorCode],
    ['failed', 'access_denied']);
  await cloud.control('/switches', { vault: { session_s: 1 } });
  const late = await ask();
  while ((await status(late)).sessionStatus === 'pending');
  assert.equal((await status(late)).sessionStatus, 'expired');
  assert.equal((await decide(late.authorizationUrl, 'allow')).status, 410);
});

test('a form from another site consents to nothing', async () => {
  const alice = await userToken('alice');
  const { authorizationUrl } = (await fetchToken('oauth_user', {}, alice)).result.oauthAuthorizationSession;
  const url = new URL(authorizationUrl);
  const answer = await fetch(url.origin + url.pathname, { method: 'POST', headers: { origin: 'https://evil.example.com' },
    body: new URLSearchParams({ session: url.searchParams.get('session'), decision: 'allow' }) });
  assert.equal(answer.status, 400);
  assert.ok((await fetchToken('oauth_user', {}, alice)).result.oauthAuthorizationSession);
});

test('a JWT is made for a subject, found again, revoked and reinstated', async () => {
  const generate = (body) => call('GenerateJwtAuthenticationToken', `${TOKENS}/generateJwt`,
    { body: { credentialProviderIdentifier: 'jwt', ...body } });
  const made = (await generate({ subject: 'sub1', audiences: ['aud1', 'aud2'], issuer: 'https://iss.example.com',
    customClaims: { k: 'v', sub: 'other' }, expiration: 900, includeDerivedShortToken: true })).result;
  const { payload } = await jwtVerify(made.jwtContent.jwtValue, await keys(), { audience: 'aud2', typ: 'JWT' });
  assert.deepEqual([payload.iss, payload.sub, payload.k, payload.exp - payload.iat],
    ['https://iss.example.com', 'sub1', 'v', 900]);
  assert.match(made.jwtContent.derivedShortToken, /^sk-/);

  const byShort = (token) => call('ObtainJwtAuthenticationTokenByDerivedShortToken', `${TOKENS}/obtainJwtByDerivedShortToken`,
    { token, body: { derivedShortToken: made.jwtContent.derivedShortToken } });
  assert.equal((await byShort()).result.jwtContent.jwtValue, made.jwtContent.jwtValue);
  const obtain = () => call('ObtainJwtAuthenticationToken', `${TOKENS}/obtainJwt`,
    { body: { consumerId: 'sub1', authenticationTokenId: made.authenticationTokenId } });
  assert.equal((await obtain()).result.jwtContent.jwtValue, made.jwtContent.jwtValue);

  const isActive = async () => (await cloud.request(`https://${cloud.config.developerApiEndpoint}/v2/` +
    `${cloud.config.idaasInstanceId}${TOKENS}/validate`, { method: 'POST',
    body: JSON.stringify({ token: made.jwtContent.jwtValue }) })).json().active;
  const act = async (action, body) => {
    const { status } = await cloud.request(`https://${cloud.config.developerApiEndpoint}/v2/` +
      `${cloud.config.idaasInstanceId}${TOKENS}/${action}`, { method: 'POST',
      headers: { authorization: `Bearer ${machine}` }, body: JSON.stringify(body) });
    assert.equal(status, 200, action);
  };
  const listed = async (more) => (await call('ListAuthenticationTokens', '/authenticationTokens', { method: 'GET',
    query: { consumerId: 'sub1', credentialProviderIdentifier: 'jwt', ...more } })).result;
  assert.equal(await isActive(), true);
  await act('revoke', { token: made.jwtContent.jwtValue });
  assert.equal(await isActive(), false);
  assert.equal((await obtain()).error.status, 403);
  assert.equal((await listed({ revoked: true })).totalCount, 1);
  await act('reinstate', { token: made.jwtContent.jwtValue });
  assert.equal(await isActive(), true);
  await act('revokeByConsumer', { consumerId: 'sub1', credentialProviderIdentifier: 'jwt' });
  assert.equal(await isActive(), false);
  await act('reinstateByConsumer', { consumerId: 'sub1', credentialProviderIdentifier: 'jwt' });
  await generate({ subject: 'sub1', audiences: ['aud1'] });
  const page = await listed({ maxResults: 1 });
  assert.deepEqual([page.entities.length, page.totalCount, page.nextToken], [1, 2, '1']);
  assert.equal(page.entities[0].jwtContent, undefined, 'a list holds no tokens');
  for (const wrong of [{ subject: 'sub1', audiences: [] }, { subject: 'sub1', audiences: 'aud1' },
    { subject: 'sub1', audiences: ['a'], expiration: 0 }, { audiences: ['a'] }])
    assert.equal((await generate(wrong)).error.status, 400, JSON.stringify(wrong));
});

test('a cloud role\'s credentials come from the same account as STS', async () => {
  const { result } = await call('ObtainCloudAccountRoleAccessCredential', '/cloudAccountRoles/_/actions/obtainAccessCredential',
    { method: 'GET', query: { cloudAccountRoleExternalId: 'sesame-agent', durationSeconds: 900 } });
  const { alibabaCloudStsToken: sts } = result.cloudAccountRoleAccessCredential;
  const who = await run('GetCallerIdentity', { endpoint: `127.0.0.1:${cloud.ports.sts.https}`,
    credential: { type: 'sts', accessKeyId: sts.accessKeyId, accessKeySecret: sts.accessKeySecret,
      securityToken: sts.securityToken } });
  assert.equal(who.result.arn, 'acs:ram::1234567890123456:assumed-role/sesame-agent/idaas');
});
