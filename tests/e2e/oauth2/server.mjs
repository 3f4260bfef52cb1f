// npm's oidc-provider as the authorization server, with an address of its own for mutual TLS.
import { once } from 'node:events';
import https from 'node:https';

import { SignJWT, createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify } from 'jose';
import Provider, { errors } from 'oidc-provider';
import { applyDpopBinding } from 'oidc-provider/lib/helpers/grant_common.js';
import validateDpop from 'oidc-provider/lib/helpers/validate_dpop.js';

export const SERVICE = 'https://orders.example';
export const AGENT = 'https://agent.example';
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

export async function listen(server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `https://127.0.0.1:${server.address().port}`;
}

// The private key for the server, its public half for the resource server.
async function makeSigningKey() {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const facts = { kid: 'server-1', use: 'sig', alg: 'ES256' };
  return { key: privateKey, private: { ...await exportJWK(privateKey), ...facts }, public: { ...await exportJWK(publicKey), ...facts } };
}

const pemOf = (certificate) => `-----BEGIN CERTIFICATE-----\n${certificate.raw.toString('base64')}\n-----END CERTIFICATE-----`;
const peerOf = (ctx) => (ctx.socket.getPeerCertificate ? ctx.socket.getPeerCertificate() : {});

// RFC 8693, which oidc-provider leaves to its users: the subject token must be one of its own for the agent. Proofs, nonces and
// the binding are its own, as its client_credentials has them.
function addTokenExchange(provider, seen, keys, issuer) {
  provider.registerGrantType(EXCHANGE, async (ctx) => {
    const { params, client } = ctx.oidc;
    const proof = await validateDpop(provider, ctx);
    seen.exchanges.push({ ...params });
    if (params.subject_token_type !== ACCESS_TOKEN) throw new errors.InvalidRequest('subject_token_type');
    const { payload } = await jwtVerify(params.subject_token, keys, { issuer, audience: AGENT })
      .catch(() => { throw new errors.InvalidGrant('the subject token is not one of ours'); });
    const resourceServer = new provider.ResourceServer(params.resource, { scope: 'read write', accessTokenFormat: 'jwt', accessTokenTTL: 600,
      jwt: { sign: { alg: 'ES256' } } });
    const token = new provider.ClientCredentials({ client, scope: params.scope, resourceServer });
    token.extra = { sub_of_user: payload.sub };
    await applyDpopBinding(provider, ctx, proof, token);
    ctx.body = { access_token: await token.save(), issued_token_type: ACCESS_TOKEN, token_type: token.tokenType, expires_in: token.expiration };
  }, ['subject_token', 'subject_token_type', 'requested_token_type', 'resource', 'scope', 'audience'], ['resource']);
}

export async function startServer(tls, clients) {
  const seen = { requests: [], exchanges: [] };
  const signing = await makeSigningKey();
  let handle;
  const serve = (request, response) => {
    seen.requests.push(`${request.method} ${request.url}`);
    handle(request, response);
  };
  const plain = https.createServer(tls, serve);
  const mutual = https.createServer({ ...tls, requestCert: true, rejectUnauthorized: false }, serve);
  const issuer = await listen(plain), alias = await listen(mutual);
  const provider = new Provider(issuer, {
    clients,
    jwks: { keys: [signing.private] },
    scopes: ['read', 'write'],
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt', 'tls_client_auth',
      'self_signed_tls_client_auth', 'none'],
    enabledJWA: { clientAuthSigningAlgValues: ['HS256', 'RS256', 'PS512', 'ES256', 'ES384', 'EdDSA'],
      dPoPSigningAlgValues: ['ES256', 'EdDSA', 'PS256', 'ES384', 'RS256'] },
    discovery: { mtls_endpoint_aliases: { token_endpoint: `${alias}/token` } },
    extraTokenClaims: (ctx, token) => (token.extra ? token.extra : undefined),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      dPoP: { enabled: true, nonceSecret: Buffer.alloc(32, 7), requireNonce: () => true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (ctx, resource) => {
          if (resource !== SERVICE) throw new errors.InvalidTarget();
          return { scope: 'read write', accessTokenFormat: 'jwt', accessTokenTTL: 600, jwt: { sign: { alg: 'ES256' } } };
        },
      },
      mTLS: {
        enabled: true,
        certificateBoundAccessTokens: true,
        tlsClientAuth: true,
        selfSignedTlsClientAuth: true,
        getCertificate: (ctx) => (peerOf(ctx).raw ? pemOf(peerOf(ctx)) : undefined),
        certificateAuthorized: (ctx) => ctx.socket.authorized,
        certificateSubjectMatches: (ctx, property, expected) =>
          property === 'tls_client_auth_san_dns' && (peerOf(ctx).subjectaltname ?? '').split(', ').includes(`DNS:${expected}`),
      },
    },
  });
  addTokenExchange(provider, seen, createLocalJWKSet({ keys: [signing.public] }), issuer);
  handle = provider.callback();
  const stop = () => [plain, mutual].forEach((server) => { server.close(); server.closeAllConnections(); });
  // What a signed-in user brings to the agent.
  const userToken = (sub) => new SignJWT({ scope: 'agent.access', client_id: 'page', ...(sub && { sub }) })
    .setProtectedHeader({ alg: 'ES256', kid: 'server-1', typ: 'at+jwt' })
    .setIssuer(issuer).setAudience(AGENT).setIssuedAt().setExpirationTime('5 minutes').sign(signing.key);
  return { issuer, alias, seen, key: signing.public, userToken, stop };
}
