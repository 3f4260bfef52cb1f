// The page in a real browser: from sign-in to both answers, in both languages, light and dark.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import puppeteer from 'puppeteer-core';

import { startStandIn } from '../local-cloud/stand_in.mjs';
import { startAgent } from './agent.mjs';

const chromium = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const web = join(dirname(fileURLToPath(import.meta.url)), '../../../web');
const types = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };

let cloud, agent, browser, pageServer, pageUrl, config;

// Another static server on another origin, as in the guide; it knows nothing but files.
function serveFiles() {
  return new Promise((resolve) => {
    const server = http.createServer((request, response) => {
      const name = request.url.split('?')[0] === '/' ? 'index.html' : request.url.split('?')[0].slice(1);
      if (name === 'config.js') {
        response.setHeader('content-type', 'text/javascript');
        response.end(config);
      } else if (!existsSync(join(web, name))) {
        response.writeHead(404).end();
      } else {
        response.setHeader('content-type', types[extname(name)] ?? 'text/plain');
        response.end(readFileSync(join(web, name)));
      }
    }).listen(0, '127.0.0.1', () => resolve(server));
  });
}

before(async () => {
  pageServer = await serveFiles();
  pageUrl = `http://127.0.0.1:${pageServer.address().port}/`;
  cloud = await startStandIn('--page-url', pageUrl);
  const generated = JSON.parse(readFileSync(join(cloud.folder, 'sesame.json'), 'utf8')).web;
  agent = await startAgent(cloud, { config: { web: { enabled: true, client_id: generated.client_id,
    authorize_url: generated.authorize_url, logout_url: generated.logout_url, scope: generated.scope,
    cors_origins: [pageUrl.replace(/\/$/, '')] } } });
  config = readFileSync(join(cloud.folder, 'config.js'), 'utf8').replaceAll('http://127.0.0.1:9002', agent.url);
  await cloud.control('/redirects', { uri: `${agent.url}/` });
  await agent.until('/ready', 200);
  browser = await puppeteer.launch({ executablePath: chromium, headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--lang=en-US'] });
});
after(async () => {
  await browser?.close();
  pageServer?.close();
  await agent?.stop();
  await cloud?.stop();
});

async function open(url) {
  const page = await (await browser.createBrowserContext()).newPage();
  page.problems = [];
  page.on('pageerror', (error) => page.problems.push(String(error)));
  page.on('console', (line) => {
    if (line.type() === 'error' && !line.text().includes('favicon')) page.problems.push(line.text());
  });
  await page.goto(url, { waitUntil: 'load' });
  return page;
}

async function signIn(page) {
  await page.waitForSelector('#sign-in:not([hidden])');
  await Promise.all([page.waitForNavigation(), page.click('#sign-in-button')]);
  await page.waitForSelector('form');
  await Promise.all([page.waitForNavigation(), page.click('form button')]);
  await page.waitForSelector('#chat:not([hidden])');
}

async function ask(page, question) {
  const before = await page.$$eval('.message.agent', (boxes) => boxes.length);
  await page.type('#question', question);
  await page.keyboard.press('Enter');
  await page.waitForFunction((count) => document.querySelectorAll('.message.agent:not([aria-busy])').length > count,
    { timeout: 20000 }, before);
  return page.$$eval('.message.agent', (boxes) => boxes.at(-1).innerText);
}

// Through the debugger, past the page's Content-Security-Policy, which stays on.
async function findNothing(page, where) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  assert.deepEqual(found.violations.map((violation) => `${violation.id}: ${violation.nodes[0].html}`), [], where);
}

for (const [name, url] of [['another static server', () => pageUrl], ['the host itself', () => `${agent.url}/`]]) {
  test(`from sign-in to both answers, served by ${name}`, async () => {
    const page = await open(url());
    await signIn(page);
    assert.match(await ask(page, 'What is the weather in Hangzhou right now?'), /杭州|Hangzhou/);
    assert.match(await ask(page, 'Call my enterprise service'), /sample enterprise service/);
    const tools = await page.$$eval('.tool summary', (lines) => lines.map((line) => line.textContent));
    assert.equal(tools.length, 2);
    assert.match(tools[0], /maps_weather: done, \d+ ms/);
    assert.deepEqual(page.problems, []);
    const traces = await page.evaluate(() => ({ address: location.href, local: JSON.stringify(localStorage),
      session: JSON.stringify(sessionStorage), cookies: document.cookie }));
    assert.ok(!JSON.stringify(traces).includes('eyJ'), JSON.stringify(traces));
    const entries = await (await page.createCDPSession()).send('Page.getNavigationHistory');
    assert.ok(!JSON.stringify(entries).includes('access_token'), 'the token is in a history entry');
    await page.close();
  });
}

test('axe finds nothing, signed out and in, in both languages, light and dark', async () => {
  for (const scheme of ['light', 'dark']) {
    const page = await open('about:blank');
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
    await page.goto(pageUrl, { waitUntil: 'load' });
    await findNothing(page, `signed out, ${scheme}`);
    await signIn(page);
    await ask(page, 'Call my enterprise service');
    await page.$$eval('details', (boxes) => boxes.forEach((box) => { box.open = true; }));
    await findNothing(page, `signed in, ${scheme}`);
    await page.click('#language');
    await findNothing(page, `Chinese, ${scheme}`);
    assert.equal(await page.$eval('html', (root) => root.lang), 'zh-CN');
    await page.close();
  }
});

// Tab until the element is focused, as somebody without a mouse finds it.
async function tabTo(page, selector) {
  for (let i = 0; i < 40; i++) {
    if (await page.evaluate((wanted) => document.activeElement.matches(wanted), selector)) return;
    await page.keyboard.press('Tab');
  }
  assert.fail(`the Tab key never reaches ${selector}`);
}

test('everything works with the keyboard alone', async () => {
  const page = await open(pageUrl);
  await page.waitForSelector('#sign-in:not([hidden])');
  await tabTo(page, '#sign-in-button');
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
  await page.waitForSelector('form');
  await tabTo(page, 'form button');
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
  await page.waitForSelector('#chat:not([hidden])');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'question');
  await page.keyboard.type('Call my enterprise service');
  await tabTo(page, '#send');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.message.agent:not([aria-busy])');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'question');
  await page.focus('#messages');
  await tabTo(page, '.tool summary');
  await page.keyboard.press('Enter');
  assert.equal(await page.$eval('.tool', (box) => box.open), true);
  await cloud.control('/switches', { model: { delta_delay_ms: 100, delta_count: 200 } });
  await page.focus('#question');
  await page.keyboard.type('hello');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.message.agent[aria-busy] .text, .message.agent[aria-busy] .thinking');
  await tabTo(page, '#stop');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.problem');
  await cloud.control('/reset', {});
  await page.evaluate(() => document.body.focus());
  await tabTo(page, '#sign-out');
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
  await page.waitForSelector('#sign-in:not([hidden])');
  assert.deepEqual(page.problems, []);
  await page.close();
});

test('on a phone nothing is cut off, and the question stays in view', async () => {
  const page = await open('about:blank');
  await page.setViewport({ width: 360, height: 640 });
  await page.goto(pageUrl, { waitUntil: 'load' });
  await signIn(page);
  for (let i = 0; i < 3; i++) await ask(page, 'What is the weather in Hangzhou right now?');
  await page.$$eval('details', (boxes) => boxes.forEach((box) => { box.open = true; }));
  const places = await page.evaluate(() => ({ width: document.documentElement.scrollWidth,
    ends: ['#sign-out', '#send', '#question'].map((name) => document.querySelector(name).getBoundingClientRect())
      .map((box) => [box.left >= 0 && box.right <= innerWidth, box.top >= 0 && box.bottom <= innerHeight]) }));
  assert.deepEqual(places, { width: 360, ends: [[true, true], [true, true], [true, true]] });
  await page.close();
});

test('Stop ends the request', async () => {
  await cloud.control('/switches', { model: { delta_delay_ms: 100, delta_count: 200 } });
  const page = await open(pageUrl);
  await signIn(page);
  await page.type('#question', 'hello');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.message.agent .text, .message.agent .thinking');
  await page.click('#stop');
  await page.waitForSelector('.problem');
  assert.equal(await page.$eval('.problem', (line) => line.textContent.trim()), 'Stopped.');
  await cloud.control('/reset', {});
  await page.close();
});

test('what a model writes cannot run or load anything', async () => {
  const page = await open(pageUrl);
  const html = await page.evaluate(async () => {
    const { render } = await import('./markdown.js');
    const box = document.createElement('div');
    box.append(render('<img src=x onerror=alert(1)> [a](javascript:alert(1)) ![b](https://evil.example/x.png)\n\n' +
      '# T\n- a\n  - b\n\n| x | y |\n|---|---|\n| 1 | `2` |\n\n```\n<script>\n```\n**c** https://ok.example/'));
    return box.innerHTML;
  });
  assert.ok(!/<img|<script|javascript:/.test(html), html);
  assert.match(html, /<table>.*<code>2<\/code>.*<strong>c<\/strong> <a href="https:\/\/ok\.example\/"/s);
  await page.close();
});

for (const [name, others] of [['API_URL', 'AGENTSCOPE_API_URL'], ['AGENTSCOPE_API_URL', 'API_URL']])
  test(`a config.js with ${name} alone is enough`, async () => {
    const whole = config;
    config = whole.replace(new RegExp(`^ *${others}:.*\n`, 'm'), '');
    assert.ok(config.includes(` ${name}:`) && !config.includes(` ${others}:`), config);
    const page = await open(pageUrl);
    await signIn(page);
    assert.match(await ask(page, 'Call my enterprise service'), /sample enterprise service/);
    config = whole;
    await page.close();
  });

// config.js is the next script of all: what it finds, any other would.
test('the token is out of the address and the history before any other script runs, and is never stored', async () => {
  const whole = config;
  config = `window.seen = { address: location.href, entries: history.length, state: history.state }; ${whole}`;
  const page = await open(pageUrl);
  await signIn(page);
  assert.equal(await page.evaluate(() => window.seen.address), pageUrl);
  assert.match(await ask(page, 'Call my enterprise service'), /sample enterprise service/);
  const kept = await page.evaluate(async () => JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage), document.cookie,
    window.name, history.state, (await indexedDB.databases()).length, (await caches.keys()).length, (await navigator.serviceWorker.getRegistrations()).length]));
  assert.ok(!kept.includes('eyJ'), kept);
  assert.deepEqual(JSON.parse(kept).slice(-3), [0, 0, 0]);
  // Neither a reload nor the way back brings it again: a token lives as long as its page.
  await page.reload();
  await page.waitForSelector('#sign-in:not([hidden])');
  for (const { url } of (await (await page.createCDPSession()).send('Page.getNavigationHistory')).entries) assert.ok(!url.includes('access_token'), url);
  config = whole;
  await page.close();
});

test('a tool call is shown while it runs, with its arguments; then with its result and duration', async () => {
  await cloud.control('/switches', { mcp: { delay_ms: 1500 } });
  const page = await open(pageUrl);
  await signIn(page);
  await page.type('#question', 'What is the weather in Hangzhou right now?');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.tool');
  const read = () => page.$eval('.tool', (box) => ({ summary: box.querySelector('summary').textContent, text: box.textContent }));
  const running = await read();
  assert.match(running.summary, /maps_weather: running/);
  assert.match(running.text, /Arguments.*"city": "杭州"/s);
  assert.ok(!/Result/.test(running.text));
  await page.waitForSelector('.message.agent:not([aria-busy])');
  const done = await read();
  assert.match(done.summary, /maps_weather: done, 1[5-9]\d\d ms/);
  assert.match(done.text, /Result.*forecasts/s);
  assert.ok(await page.$eval('.thinking', (box) => !box.open), 'thinking is folded away');
  await cloud.control('/reset', {});
  await page.close();
});

test('the policy lets nothing in, and sends nothing elsewhere when the host serves the page', async () => {
  const answer = await fetch(`${agent.url}/`);
  const policy = Object.fromEntries(answer.headers.get('content-security-policy').split('; ').map((part) => part.split(/ (.*)/s)));
  assert.deepEqual(policy, { 'default-src': "'none'", 'script-src': "'self'", 'style-src': "'self'", 'img-src': "'self' data:",
    'connect-src': "'self'", 'base-uri': "'none'", 'form-action': "'none'", 'frame-ancestors': "'none'" });
  assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
  assert.equal(answer.headers.get('referrer-policy'), 'no-referrer');
  for (const url of [`${agent.url}/`, pageUrl]) {
    const page = await open(url);
    const done = await page.evaluate(async (isHost) => {
      const inline = document.createElement('script');
      inline.textContent = 'window.ran = true;';
      document.body.append(inline);
      const blocked = await new Promise((resolve) => {
        const image = document.createElement('img');
        image.onload = () => resolve(false);
        image.onerror = () => resolve(true);
        image.src = 'http://127.0.0.1:1/x.png';
      });
      const evaluates = (() => { try { return new Function('return 1')(); } catch { return 'blocked'; } })();
      if (isHost) await fetch('http://localhost:1/').catch(() => {});
      return { ran: window.ran ?? false, blocked, evaluates };
    }, url !== pageUrl);
    assert.deepEqual(done, { ran: false, blocked: true, evaluates: 'blocked' }, url);
    assert.ok(page.problems.some((line) => /script-src/.test(line)) && page.problems.some((line) => /img-src/.test(line)), page.problems.join('\n'));
    if (url !== pageUrl) assert.ok(page.problems.some((line) => /connect-src/.test(line)), page.problems.join('\n'));
    await page.close();
  }
});

test('a config.js that lacks a member says which', async () => {
  const whole = config;
  config = 'window.APP_CONFIG = { API_URL: "x" };';
  const page = await open(pageUrl);
  assert.match(await page.$eval('#sign-in-problem', (line) => line.textContent), /CLIENT_ID/);
  config = whole;
  await page.close();
});

test('a sign-in answer that nobody asked for is refused', async () => {
  const page = await open(`${pageUrl}#access_token=eyJ.e30.x&state=foreign`);
  assert.match(await page.$eval('#sign-in-problem', (line) => line.textContent), /does not belong/);
  assert.equal(await page.evaluate(() => location.hash), '');
  await page.close();
});
