// The stand-in's pages in a real browser: nothing for axe to find, light and dark, and usable by keyboard alone.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';

import puppeteer from 'puppeteer-core';

import { startStandIn } from './stand_in.mjs';

const chromium = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';

let cloud, browser, client, clientUrl;
before(async () => {
  // Where sign-in leads back to; the token stays in the fragment, so the server sees nothing of it.
  client = http.createServer((request, response) => response.end('<!doctype html><title>back</title>'));
  await new Promise((resolve) => client.listen(0, '127.0.0.1', resolve));
  clientUrl = `http://127.0.0.1:${client.address().port}/`;
  cloud = await startStandIn('--page-url', clientUrl);
  browser = await puppeteer.launch({ executablePath: chromium, headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--lang=en-US'] });
});
after(async () => {
  await browser?.close();
  client?.close();
  await cloud?.stop();
});

const issuer = () => `http://127.0.0.1:${cloud.ports.issuer.http}/login/app/common/oauth2`;
const signInUrl = (more = {}) => `${issuer()}/authorize?${new URLSearchParams({ client_id: 'app_local0client0node0001',
  response_type: 'token', scope: 'https://agentserver.example.com|agent.access', redirect_uri: clientUrl, state: 's',
  ...more })}`;

// A consent session of a user, and the token with which it was made.
async function askForConsent() {
  const { access_token: subject } = await cloud.control('/tokens', { user: 'alice' });
  const { access_token: token } = (await cloud.request(cloud.config.tokenEndpoint, { method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ client_id: cloud.config.clientId, client_secret: cloud.environment.IDAAS_CLIENT_SECRET,
      grant_type: EXCHANGE, subject_token: subject, scope: 'urn:cloud:idaas:pam|.all',
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token' }).toString() })).json();
  const call = async (path, body) => (await cloud.request(`https://${cloud.config.developerApiEndpoint}/v2/` +
    `${cloud.config.idaasInstanceId}${path}`, { method: 'POST', headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify(body) })).json();
  const { oauthAuthorizationSession: session } = await call('/authenticationTokens/_/actions/fetchOAuthAccessToken',
    { credentialProviderIdentifier: 'oauth_user', forceAuthentication: true, scope: 'calendar.read' });
  const status = async () => (await call('/oauthAuthorizationSessions/_/actions/get',
    { sessionUri: session.sessionUri })).sessionStatus;
  return { url: session.authorizationUrl, status };
}

// A page whose errors, blocked content included, are collected.
async function open(url, scheme = 'light') {
  const page = await browser.newPage();
  page.problems = [];
  page.on('pageerror', (error) => page.problems.push(error.message));
  page.on('console', (message) => message.type() === 'error' && page.problems.push(message.text()));
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
  await page.goto(url, { waitUntil: 'load' });
  return page;
}

async function findNothing(page, where) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  assert.deepEqual(found.violations.map((violation) => `${violation.id}: ${violation.nodes[0].html}`), [], where);
}

const focused = (page) => page.evaluate(() => {
  const { activeElement: element } = document;
  return element.matches('button') ? `button ${element.innerText.split(' ')[0]}`
    : `${element.tagName.toLowerCase()} ${element.name}`;
});
// What is focused can be seen: by an outline of its own or of the box around it.
const isOutlined = (page) => page.evaluate(() => {
  const { activeElement: element } = document;
  return [element, element.closest('label')].some((node) => node !== null &&
    getComputedStyle(node).outlineStyle !== 'none' && parseFloat(getComputedStyle(node).outlineWidth) >= 2);
});
const press = async (page, ...keys) => { for (const key of keys) await page.keyboard.press(key); };
// Enter on a form leads to another page.
const submit = (page, key = 'Enter') => Promise.all([page.waitForNavigation({ waitUntil: 'load' }),
  page.keyboard.press(key)]);

for (const scheme of ['light', 'dark'])
  test(`axe finds nothing on any page, ${scheme}`, async () => {
    const { url: consent } = await askForConsent();
    const pages = { 'sign-in': signInUrl(), 'wrong client': signInUrl({ client_id: 'nobody' }),
      'wrong address': signInUrl({ redirect_uri: 'https://evil.example.com/' }), consent,
      'no session': `${issuer()}/consent?session=none`, 'signed out': `${issuer()}/logout` };
    for (const [name, url] of Object.entries(pages)) {
      const page = await open(url, scheme);
      await findNothing(page, name);
      assert.equal(await page.$$eval('h1', (headings) => headings.length), 1, name);
      await page.close();
    }
    const page = await open(consent, scheme);
    await page.click('button.second');
    await page.waitForFunction(() => document.title === 'Access refused');
    await findNothing(page, 'after the decision');
    await page.close();
  });

test('sign-in by keyboard alone: choose another user, and back with a token', async () => {
  const page = await open(signInUrl());
  await press(page, 'Tab');
  assert.equal(await focused(page), 'input user');
  assert.ok(await isOutlined(page));
  await press(page, 'ArrowDown');
  assert.equal(await page.$eval('input[name=user]:checked', (input) => input.value), 'bob');
  await press(page, 'Tab');
  assert.equal(await focused(page), 'input name');
  assert.ok(await isOutlined(page));
  await press(page, 'Tab');
  assert.equal(await focused(page), 'button Sign');
  assert.ok(await isOutlined(page));
  await submit(page);
  const back = new URL(page.url());
  assert.equal(back.origin + back.pathname, clientUrl);
  const fragment = new URLSearchParams(back.hash.slice(1));
  const claims = JSON.parse(Buffer.from(fragment.get('access_token').split('.')[1], 'base64url'));
  assert.equal(claims.preferred_username, 'bob');
  assert.equal(fragment.get('state'), 's');
  assert.deepEqual(page.problems, []);
  await page.close();
});

test('a name that is typed in wins, and Enter in its field signs in', async () => {
  const page = await open(signInUrl());
  await page.focus('#name');
  await page.keyboard.type('Zoë <b>');
  await submit(page);
  const fragment = new URLSearchParams(new URL(page.url()).hash.slice(1));
  const claims = JSON.parse(Buffer.from(fragment.get('access_token').split('.')[1], 'base64url').toString('utf8'));
  assert.equal(claims.name, 'Zoë <b>');
  await page.close();
});

for (const [tabs, title, status] of [[1, 'Access allowed', 'completed'], [2, 'Access refused', 'failed']])
  test(`consent by keyboard alone: ${title}`, async () => {
    const { url, status: now } = await askForConsent();
    const page = await open(url);
    assert.match(await page.$eval('main', (main) => main.innerText), /Sample calendar.*calendar\.read/s);
    for (let i = 0; i < tabs; i++) await press(page, 'Tab');
    assert.ok(await isOutlined(page));
    await submit(page, tabs === 1 ? 'Enter' : 'Space');
    assert.equal(await page.title(), title);
    assert.equal(await now(), status);
    assert.deepEqual(page.problems, []);
    await page.close();
  });

test('no other site can frame a page, and none loads anything from elsewhere', async () => {
  for (const url of [signInUrl(), (await askForConsent()).url]) {
    const answer = await fetch(url);
    const policy = answer.headers.get('content-security-policy');
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.equal(answer.headers.get('cache-control'), 'no-store');
  }
});
