// The map service: the tools of Amap's hosted server, each with its arguments, its answer's shape and its failure.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

import { startStandIn } from './stand_in.mjs';

let cloud, client;
before(async () => {
  cloud = await startStandIn();
  const key = await cloud.apiKey(cloud.environment.EXTERNAL_SERVER_API_KEY_IDENTIFIER);
  client = new Client({ name: 'test', version: '1' });
  await client.connect(new StreamableHTTPClientTransport(new URL(cloud.environment.EXTERNAL_SERVER_URL),
    { requestInit: { headers: { authorization: `Bearer ${key}` } } }));
});
after(async () => {
  await client.close();
  assert.equal(await cloud.stop(), 0);
});

// What an answer is made of: members by name, the first element of an array, else the type.
function shape(value) {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shape(value[0])];
  if (typeof value !== 'object') return typeof value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, shape(one)]));
}
const texts = (...names) => Object.fromEntries(names.map((name) => [name, 'string']));

const east = '120.212600,30.290900', lake = '120.148700,30.242500';
const steps = (type) => [{ ...texts('instruction', 'road', 'orientation'), distance: type, duration: type }];
const paths = (type) => ({ ...texts('origin', 'destination'), paths: [{ distance: type, duration: type, steps: steps(type) }] });
const pois = [texts('id', 'name', 'address', 'typecode')];
const found = { suggestion: { keywords: 'string', ciytes: { suggestion: [] } }, pois }; // "ciytes" is how the server spells it

// [tool, required arguments, others, a call, the shape of its answer]
const tools = [
  ['maps_regeocode', ['location'], {}, { location: east }, texts('provice', 'city', 'district')],
  ['maps_geo', ['address'], { city: 'string' }, { address: '西湖' }, { results: [{ ...texts('country', 'province', 'city', 'citycode',
    'district', 'adcode', 'location', 'level'), street: [], number: [] }] }],
  ['maps_ip_location', ['ip'], {}, { ip: '192.0.2.1' }, texts('province', 'city', 'adcode', 'rectangle')],
  ['maps_weather', ['city'], {}, { city: '330100' }, { city: 'string', forecasts: [texts('date', 'week', 'dayweather', 'nightweather',
    'daytemp', 'nighttemp', 'daywind', 'nightwind', 'daypower', 'nightpower', 'daytemp_float', 'nighttemp_float')] }],
  ['maps_search_detail', ['id'], {}, { id: 'B0STAND000' },
    texts('id', 'name', 'location', 'address', 'business_area', 'city', 'type', 'alias')],
  ['maps_direction_bicycling', ['destination', 'origin'], {}, { origin: east, destination: lake }, { data: paths('number') }],
  ['maps_direction_walking', ['destination', 'origin'], {}, { origin: east, destination: lake }, { route: paths('number') }],
  ['maps_direction_driving', ['destination', 'origin'], {}, { origin: east, destination: lake }, { route: paths('number') }],
  ['maps_direction_transit_integrated', ['city', 'cityd', 'destination', 'origin'], {},
    { origin: east, destination: lake, city: '杭州', cityd: '杭州' },
    { ...texts('origin', 'destination', 'distance'), transits: [{ ...texts('duration', 'walking_distance'), segments: [{
      walking: { ...texts('origin', 'destination', 'distance', 'duration'),
        steps: [texts('instruction', 'road', 'distance', 'action', 'assistant_action')] },
      bus: { buslines: [{ ...texts('name', 'distance', 'duration'), departure_stop: texts('name'), arrival_stop: texts('name'),
        via_stops: [] }] },
      entrance: texts('name'), exit: texts('name'), railway: texts('name', 'trip') }] }] }],
  ['maps_distance', ['destination', 'origins'], { type: 'string' }, { origins: `${east}|${lake}`, destination: lake },
    { results: [texts('origin_id', 'dest_id', 'distance', 'duration')] }],
  ['maps_text_search', ['keywords'], { city: 'string', citylimit: 'boolean' }, { keywords: '西湖' }, found],
  ['maps_around_search', ['keywords', 'location'], { radius: 'string' }, { location: lake, keywords: '西湖' }, found],
  ['maps_schema_navi', ['lat', 'lon'], {}, { lon: '120.1', lat: '30.2' }, /^amapuri:\/\//],
  ['maps_schema_take_taxi', ['dlat', 'dlon', 'dname'], texts('slat', 'slon', 'sname'), { dlon: '120.1', dlat: '30.2', dname: '西湖' },
    /^amapuri:\/\//],
  ['maps_schema_personal_map', ['lineList', 'orgName'], {}, { orgName: '一日', lineList: [{ title: '一', pointInfoList:
    [{ name: '西湖', lon: 120.1, lat: 30.2, poiId: 'B0STAND000' }] }] }, /^amapuri:\/\//],
];

test('the tools are those of the hosted server, in one list', async () => {
  const listed = (await client.listTools()).tools;
  assert.deepEqual(listed.map(({ name }) => name).sort(), tools.map(([name]) => name).sort());
  for (const [name, required, others] of tools) {
    const { inputSchema: { properties, required: wanted }, description, outputSchema } = listed.find((tool) => tool.name === name);
    assert.deepEqual([...wanted].sort(), required, name);
    assert.deepEqual(Object.keys(properties).sort(), [...required, ...Object.keys(others)].sort(), name);
    for (const [argument, type] of Object.entries(others)) assert.equal(properties[argument].type, type, `${name}.${argument}`);
    assert.match(description, /^\p{Script=Han}/u, name);
    assert.equal(outputSchema, undefined, name);
  }
});

for (const [name, , , args, expected] of tools)
  test(`${name} answers with one text in the server's shape`, async () => {
    const { content, isError } = await client.callTool({ name, arguments: args });
    assert.equal(content.length, 1);
    assert.equal(content[0].type, 'text');
    assert.equal(isError ?? false, false, content[0].text);
    if (expected instanceof RegExp) return assert.match(content[0].text, expected);
    assert.ok(!/[\n]| {2}/.test(content[0].text), 'the hosted server writes compact JSON');
    return assert.deepEqual(shape(JSON.parse(content[0].text)), expected);
  });

test('four days of weather, all values texts, weekdays from 1 to 7', async () => {
  const { content } = await client.callTool({ name: 'maps_weather', arguments: { city: '杭州' } });
  const { city, forecasts } = JSON.parse(content[0].text);
  assert.equal(city, '杭州市');
  assert.equal(forecasts.length, 4);
  for (const { date, week } of forecasts)
    assert.equal(Number(week), new Date(`${date}T12:00:00Z`).getUTCDay() || 7);
});

for (const [name, args, words] of [['maps_weather', { city: 'Atlantis' }, /^Get weather failed: INVALID_PARAMS$/],
  ['maps_geo', { address: 'Atlantis' }, /^Geocoding failed: ENGINE_RESPONSE_DATA_ERROR$/],
  ['maps_direction_driving', { origin: 'x', destination: lake }, /^Direction failed: INVALID_PARAMS$/],
  ['maps_fly', {}, /^Unknown tool: maps_fly$/]])
  test(`${name} fails with isError and plain words`, async () => {
    const { content, isError } = await client.callTool({ name, arguments: args });
    assert.equal(isError, true);
    assert.match(content[0].text, words);
  });
