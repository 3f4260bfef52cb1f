// Every habit of other servers that the stand-in's model can play, through the host: what it must survive, what it
// must stop at, and what it must say.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';

import OpenAI from 'openai';

import { startAgent, userToken } from '../host/agent.mjs';
import { startStandIn } from './stand_in.mjs';

let cloud, agent, token;
before(async () => {
  cloud = await startStandIn();
  token = await userToken(cloud);
  agent = await startAgent(cloud, { config: { compat: { java_sample: false } } });
  await agent.until('/ready', 200);
});
after(async () => { await agent?.stop(); await cloud.stop(); });
// Not a reset of everything: that would also end the host's session with the map service.
beforeEach(async () => { await cloud.control('/switches', { model: { quirks: '' } }); });

const WEATHER = 'What is the weather in Hangzhou right now?';
const ROUTE = 'How do I get from Hangzhou East station to West Lake by public transport?';

// One question with a quirk; the tools that were called are read from the map service's own log.
async function ask(quirks, question = WEATHER) {
  const after = (await cloud.control('/requests?route=mcp')).at(-1)?.number ?? 0;
  const modelCalls = async () => (await cloud.control('/counts')).counts.model ?? 0;
  const earlier = await modelCalls();
  await cloud.control('/switches', { model: { quirks } });
  const answer = await fetch(`${agent.url}/openai/v1/chat/completions`, { method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ messages: [{ role: 'user', content: question }] }) });
  const body = await answer.json();
  const calls = [];
  for (const { number } of await cloud.control(`/requests?route=mcp&after=${after}`)) {
    const { body: text } = await cloud.control(`/requests/${number}`);
    const message = text === '' ? {} : JSON.parse(text);
    if (message.method === 'tools/call') calls.push(message.params.name);
  }
  return { status: answer.status, error: body.error, calls, finish: body.choices?.[0].finish_reason,
    text: body.choices?.[0].message.content, rounds: (await modelCalls()) - earlier };
}

for (const quirk of ['args-bytewise', 'args-object', 'one-delta', 'index-missing', 'index-zero', 'id-missing',
  'name-repeated', 'function-empty', 'finish-stop', 'finish-missing', 'no-done', 'reasoning', 'usage-no-choices', 'timings',
  'no-space', 'crlf', 'comments', 'wire-bytewise', 'args-bytewise+index-zero+finish-stop+no-done'])
  test(`${quirk}: the tool is called once and the answer is whole`, async () => {
    const { status, text, calls, finish } = await ask(quirk);
    assert.equal(status, 200);
    assert.deepEqual(calls, ['maps_weather']);
    assert.match(text, /Hangzhou.*°C/s);
    assert.equal(finish, 'stop');
  });

for (const quirk of ['index-zero', 'args-glued', 'args-object', 'id-missing'])
  test(`${quirk}: two calls at once stay two calls`, async () => {
    const { text, calls } = await ask(quirk, ROUTE);
    assert.deepEqual(calls, ['maps_geo', 'maps_geo', 'maps_direction_transit_integrated']);
    assert.match(text, /West Lake/);
  });

for (const quirk of ['bad-args', 'unknown-tool'])
  test(`${quirk}: the model is told, and corrects itself`, async () => {
    const { status, text, calls, rounds } = await ask(quirk);
    assert.equal(status, 200);
    assert.deepEqual(calls, ['maps_weather']);
    assert.equal(rounds, 3);
    assert.match(text, /Hangzhou.*°C/s);
  });

test('length: a call that was cut is not run', async () => {
  const { finish, calls } = await ask('length');
  assert.deepEqual([finish, calls], ['length', []]);
});

test('content-filter, finish-calls, calls-as-text: an answer without calls is an answer', async () => {
  assert.equal((await ask('content-filter')).finish, 'content_filter');
  const promised = await ask('finish-calls');
  assert.deepEqual([promised.finish, promised.calls, promised.text],
    ['stop', [], 'This would have been a call of a tool.']);
  const written = await ask('calls-as-text');
  assert.deepEqual(written.calls, []);
  assert.match(written.text, /<tool_call>/);
});

test('endless-calls: the turn ends at its last round, with words', async () => {
  const { finish, rounds, text } = await ask('endless-calls');
  assert.equal(finish, 'length');
  assert.equal(rounds, 11);
  assert.ok(text.length > 0);
});

for (const [quirk, status, rounds, message] of [
  ['cut', 502, 1, /transfer closed/], ['malformed', 502, 1, /cannot be read/], ['error-event', 502, 1, /told to fail/],
  ['no-auto-tools', 400, 1, /--enable-auto-tool-choice/], ['sse-400', 400, 1, /told to fail/],
  ['arrearage', 400, 1, /good standing/], ['inspection', 400, 1, /inappropriate/], ['403', 502, 1, /Access denied/],
  ['error-native', 400, 1, /told to fail/],
  // What may pass by itself is tried three times.
  ['429', 429, 3, /rate limit/], ['500', 502, 3, /told to fail/], ['error-number', 502, 3, /told to fail/],
  ['error-text', 502, 3, /told to fail/], ['error-html', 502, 3, /502/], ['error-empty', 502, 3, /500/]])
  test(`${quirk}: ${status}, with the model's reason`, async () => {
    const answer = await ask(quirk);
    assert.equal(answer.status, status);
    assert.match(answer.error.message, message);
    assert.equal(answer.rounds, rounds);
    assert.deepEqual(answer.calls, []);
    assert.equal((await ask('')).status, 200, 'the host goes on serving');
  });

test('short-context: a question that is too long is said to be', async () => {
  const { status, error } = await ask('short-context', 'x'.repeat(5000));
  assert.equal(status, 400);
  assert.match(error.message, /too long/);
});

test('the model ends at a stop text and at max_tokens', async () => {
  const model = new OpenAI({ baseURL: cloud.environment.LLM_BASE_URL, maxRetries: 0,
    apiKey: await cloud.apiKey(cloud.environment.LLM_API_KEY_IDENTIFIER) });
  const say = async (more) => (await model.chat.completions.create({ model: 'qwen-plus',
    messages: [{ role: 'user', content: 'hello' }], ...more })).choices[0];
  const whole = (await say({})).message.content;
  const word = whole.split(' ')[4];
  const stopped = await say({ stop: ['never said', word] });
  assert.equal(stopped.message.content, whole.slice(0, whole.indexOf(word)));
  assert.equal(stopped.finish_reason, 'stop');
  const cut = await say({ max_tokens: 5 });
  assert.equal(cut.message.content, whole.slice(0, 20));
  assert.equal(cut.finish_reason, 'length');
  assert.equal((await say({ max_completion_tokens: 5, max_tokens: 500 })).message.content, whole.slice(0, 20));
});
