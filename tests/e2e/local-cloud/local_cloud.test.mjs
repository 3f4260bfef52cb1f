// The vendors' own clients cannot tell the stand-in from the real services.
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { createLocalJWKSet, jwtVerify } from 'jose';
import OpenAI from 'openai';

import { startStandIn } from './stand_in.mjs';

let cloud;
before(async () => { cloud = await startStandIn(); });
after(async () => { assert.equal(await cloud.stop(), 0); });
beforeEach(async () => { await cloud.control('/reset', {}); });

const weather = { type: 'function', function: { name: 'maps_weather', description: 'weather',
  parameters: { type: 'object', properties: { city: { type: 'string' } } } } };
const question = [{ role: 'user', content: 'What is the weather in Hangzhou right now?' }];

async function openai() {
  return new OpenAI({ baseURL: cloud.environment.LLM_BASE_URL, maxRetries: 0,
    apiKey: await cloud.apiKey(cloud.environment.LLM_API_KEY_IDENTIFIER) });
}

async function mcp() {
  const key = await cloud.apiKey(cloud.environment.EXTERNAL_SERVER_API_KEY_IDENTIFIER);
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(new StreamableHTTPClientTransport(
    new URL(cloud.environment.EXTERNAL_SERVER_URL),
    { requestInit: { headers: { authorization: `Bearer ${key}` } } }));
  return client;
}

test('the environment file is for its owner only', () => {
  assert.equal(statSync(join(cloud.folder, 'environment')).mode & 0o777, 0o600);
});

test('discovery names the issuer and a JWKS that verifies the tokens, with either algorithm', async () => {
  const discovery = (await cloud.request(
    `${cloud.config.issuer}/.well-known/openid-configuration`)).json();
  assert.equal(discovery.issuer, cloud.config.issuer);
  assert.equal(discovery.token_endpoint, cloud.config.tokenEndpoint);
  for (const algorithm of ['RS256', 'ES256']) {
    await cloud.control('/switches', { issuer: { algorithm } });
    const answer = await cloud.token(cloud.environment.ENTERPRISE_SERVICE_SCOPE);
    const keys = (await cloud.request(discovery.jwks_uri)).json();
    const { payload, protectedHeader } = await jwtVerify(answer.access_token,
      createLocalJWKSet(keys),
      { issuer: cloud.config.issuer, audience: 'https://enterprise.example.com', typ: 'at+jwt' });
    assert.equal(protectedHeader.alg, algorithm);
    assert.equal(payload.scope, 'enterprise.access');
    assert.equal(payload.exp, answer.expires_at);
  }
});

test('sign-in shows a labelled page and sends the browser back with a token', async () => {
  const url = `http://127.0.0.1:${cloud.ports.issuer.http}/login/app/common/oauth2/authorize`;
  const query = new URLSearchParams({ client_id: 'app_local0client0node0001',
    response_type: 'token', scope: 'https://agentserver.example.com|agent.access',
    redirect_uri: 'http://127.0.0.1:9001/', state: 'a b' });
  const page = await (await fetch(`${url}?${query}`)).text();
  assert.match(page, /Offline stand-in/);
  query.set('user', 'alice');
  const answer = await fetch(url, { method: 'POST', body: query, redirect: 'manual' });
  assert.equal(answer.status, 303);
  const fragment = new URLSearchParams(new URL(answer.headers.get('location')).hash.slice(1));
  assert.equal(fragment.get('state'), 'a b');
  assert.equal(fragment.get('token_type'), 'Bearer');
  assert.ok(fragment.get('access_token'));
});

test('sign-in never redirects to an address that is not on the list', async () => {
  const url = `http://127.0.0.1:${cloud.ports.issuer.http}/login/app/common/oauth2/authorize`;
  const query = new URLSearchParams({ client_id: 'app_local0client0node0001',
    response_type: 'token', scope: 'a|b', redirect_uri: 'https://evil.example.com/' });
  const answer = await fetch(`${url}?${query}`, { redirect: 'manual' });
  assert.equal(answer.status, 400);
});

test('the stream helper assembles a tool call, whichever way it is cut', async () => {
  const client = await openai();
  for (const model of ['qwen-plus', 'quirk-args-bytewise', 'quirk-wire-bytewise',
    'quirk-one-delta', 'quirk-no-space', 'quirk-crlf', 'quirk-comments']) {
    const stream = client.chat.completions.stream({ model, messages: question, tools: [weather] });
    const { choices: [choice] } = await stream.finalChatCompletion();
    assert.equal(choice.finish_reason, 'tool_calls', model);
    assert.deepEqual(JSON.parse(choice.message.tool_calls[0].function.arguments), { city: '杭州' });
  }
});

test('the client sees the errors as what they are', async () => {
  const client = await openai();
  const ask = (model) => client.chat.completions.create({ model, messages: question });
  await assert.rejects(ask('quirk-429'), OpenAI.RateLimitError);
  await assert.rejects(ask('quirk-500'), OpenAI.InternalServerError);
  await assert.rejects(ask('no-such-model'), OpenAI.NotFoundError);
  client.apiKey = 'wrong';
  await assert.rejects(ask('qwen-plus'), OpenAI.AuthenticationError);
});

test('a cut stream and an error event reach the client as failures', async () => {
  const client = await openai();
  for (const model of ['quirk-cut', 'quirk-error-event', 'quirk-malformed'])
    await assert.rejects(async () => {
      const stream = await client.chat.completions.create(
        { model, messages: question, tools: [weather], stream: true });
      for await (const chunk of stream) assert.ok(chunk);
    }, undefined, model);
});

test('a client that hangs up is noticed', async () => {
  const client = await openai();
  await cloud.control('/switches', { model: { delta_delay_ms: 60000, delta_count: 5 } });
  const stream = await client.chat.completions.create(
    { model: 'qwen-plus', messages: [{ role: 'user', content: 'hello' }], stream: true });
  for await (const chunk of stream) { assert.ok(chunk); break; }
  for (;;) {
    if ((await cloud.control('/counts')).client_gone.model === 1) break;
  }
});

test('the MCP client lists and calls the tools, with every kind of answer', async () => {
  for (const switches of [{ answer: 'sse' }, { answer: 'json' }, { session: false },
    { page_size: 4 }, { protocol_version: '2025-03-26' }, { progress_count: 3 },
    { server_request: 'ping' }, { close_mid_call: true, retry_ms: 10 }]) {
    await cloud.control('/reset', {});
    await cloud.control('/switches', { mcp: switches });
    const client = await mcp();
    const names = [];
    let cursor;
    do {
      const page = await client.listTools(cursor === undefined ? {} : { cursor });
      names.push(...page.tools.map((tool) => tool.name));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    assert.equal(names.length, 15, JSON.stringify(switches));
    const result = await client.callTool({ name: 'maps_weather', arguments: { city: '杭州' } });
    assert.equal(JSON.parse(result.content[0].text).forecasts.length, 4, JSON.stringify(switches));
    await client.close();
  }
});

test('a route is found from geocoded places', async () => {
  const client = await mcp();
  const at = async (address) => JSON.parse((await client.callTool(
    { name: 'maps_geo', arguments: { address } })).content[0].text).results[0].location;
  const result = await client.callTool({ name: 'maps_direction_transit_integrated', arguments: {
    origin: await at('Hangzhou East station'), destination: await at('西湖'), city: '杭州',
    cityd: '杭州' } });
  const route = JSON.parse(result.content[0].text);
  assert.equal(route.transits[0].segments[0].bus.buslines[0].arrival_stop.name, '龙翔桥');
  await client.close();
});

test('a switch or quirk that does not exist is named, and nothing is changed', async () => {
  const set = (model) => cloud.control('/switches', { model });
  assert.match((await set({ quirks: 'crlf+no-don' })).error, /no quirk no-don; did you mean no-done/);
  assert.match((await set({ quirk: 'crlf' })).error, /did you mean quirks/);
  assert.equal((await cloud.control('/state')).switches.model.quirks, '');
  assert.equal((await set({ quirks: 'crlf+no-done' })).model.quirks, 'crlf+no-done');
});

test('ordered faults come once, and the log shows where a secret went', async () => {
  await cloud.control('/fail', { at: 'jwks', status: 503, body: '{}' });
  const jwks = `${cloud.config.issuer}/jwks`;
  assert.equal((await cloud.request(jwks)).status, 503);
  assert.equal((await cloud.request(jwks)).status, 200);
  await cloud.token('urn:cloud:idaas:pam|.all');
  const found = await cloud.control('/requests/find',
    { text: cloud.environment.IDAAS_CLIENT_SECRET });
  assert.deepEqual(found.map(({ route, where }) => [route, where]), [['token', ['body']]]);
});
