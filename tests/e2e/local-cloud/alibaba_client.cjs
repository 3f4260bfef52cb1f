// Alibaba Cloud's own npm clients in a process of their own, because NODE_EXTRA_CA_CERTS is read at its start.
// One argument, JSON: {"credential":null|{...Config},"call":NAME,"endpoint":HOST,"parameters":{...}}; prints the
// outcome as JSON.
const credentials = require('@alicloud/credentials');
const core = require('@alicloud/openapi-core');
const sts = require('@alicloud/sts20150401');

const order = JSON.parse(process.argv[2]);
const credential = order.credential === 'none' ? undefined : order.credential
  ? new credentials.default(new credentials.Config(order.credential)) : new credentials.default();
const config = new core.$OpenApiUtil.Config({ credential, endpoint: order.endpoint });

const calls = {
  // The credential alone, as the chain finds it.
  async credential() {
    const { accessKeyId, accessKeySecret, securityToken, providerName } = await credential.getCredential();
    return { accessKeyId, accessKeySecret, securityToken, providerName };
  },
  // As the generated EIAM client makes it.
  async GenerateOauthToken() {
    const params = new core.$OpenApiUtil.Params({ action: 'GenerateOauthToken', version: '2021-12-01', protocol: 'HTTPS',
      pathname: '/', method: 'POST', authType: 'AK', style: 'RPC', reqBodyType: 'formData', bodyType: 'json' });
    const request = new core.$OpenApiUtil.OpenApiRequest({ query: core.OpenApiUtil.query(order.parameters) });
    return (await new core.default(config).callApi(params, request, {})).body;
  },
  // The DeveloperAPI as the generated client calls it: path style, not signed, a bearer token.
  async DeveloperApi() {
    const { action, method, pathname, query, body, token } = order.parameters;
    const params = new core.$OpenApiUtil.Params({ action, version: '2022-02-25', protocol: 'HTTPS', pathname, method,
      authType: 'Anonymous', style: 'ROA', reqBodyType: 'json', bodyType: 'json' });
    const request = new core.$OpenApiUtil.OpenApiRequest({ query: core.OpenApiUtil.query(query ?? {}), body,
      headers: token === undefined ? {} : { Authorization: `Bearer ${token}` } });
    const client = new core.default(new core.$OpenApiUtil.Config({ endpoint: order.endpoint,
      signatureAlgorithm: 'v2' }));
    return (await client.callApi(params, request, {})).body;
  },
  async AssumeRole() {
    return (await new sts.default(config).assumeRole(new sts.AssumeRoleRequest(order.parameters))).body;
  },
  async AssumeRoleWithOIDC() {
    return (await new sts.default(config).assumeRoleWithOIDC(
      new sts.AssumeRoleWithOIDCRequest(order.parameters))).body;
  },
  async GetCallerIdentity() {
    return (await new sts.default(config).getCallerIdentity()).body;
  },
};

calls[order.call]().then((result) => ({ result }),
  (error) => ({ error: { code: error.code, message: error.message, status: error.statusCode,
    data: error.data, denied: error.accessDeniedDetail } })).then((outcome) => {
  process.stdout.write(JSON.stringify(outcome));
  process.exit(0); // a credential that refreshes itself would keep the process alive
});
