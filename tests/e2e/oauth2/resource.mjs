// A service that believes no token: it checks signature, audience and expiry, and what the token is bound to.
import { createHash } from 'node:crypto';
import https from 'node:https';

import { EmbeddedJWK, calculateJwkThumbprint, createLocalJWKSet, jwtVerify } from 'jose';

import { SERVICE, listen } from './server.mjs';

class Refusal extends Error {
  constructor(error, text) {
    super(text);
    this.error = error;
  }
}

// RFC 9449 section 4.3, with a nonce of ours.
async function checkProof(request, token, bound, state) {
  const url = `${state.url}${request.url.split('?')[0]}`;
  if (!request.headers.dpop) throw new Refusal('invalid_dpop_proof', 'no proof');
  const { payload, protectedHeader } = await jwtVerify(request.headers.dpop, EmbeddedJWK, { typ: 'dpop+jwt' });
  if (payload.nonce !== state.nonce) throw new Refusal('use_dpop_nonce', 'another nonce');
  if (payload.htm !== request.method || payload.htu !== url) throw new Refusal('invalid_dpop_proof', `${payload.htm} ${payload.htu}`);
  if (Math.abs(Date.now() / 1000 - payload.iat) > 60) throw new Refusal('invalid_dpop_proof', 'iat');
  if (payload.ath !== createHash('sha256').update(token).digest('base64url')) throw new Refusal('invalid_dpop_proof', 'ath');
  if (state.jtis.has(payload.jti)) throw new Refusal('invalid_dpop_proof', 'the same jti again');
  if (await calculateJwkThumbprint(protectedHeader.jwk) !== bound) throw new Refusal('invalid_token', 'another key');
  if (protectedHeader.jwk.d) throw new Refusal('invalid_dpop_proof', 'a private key');
  state.jtis.add(payload.jti);
}

// RFC 8705 section 3.
function checkCertificate(request, bound) {
  const { raw } = request.socket.getPeerCertificate();
  if (!raw) throw new Refusal('invalid_token', 'no certificate');
  if (createHash('sha256').update(raw).digest('base64url') !== bound) throw new Refusal('invalid_token', 'another certificate');
}

async function check(request, keys, issuer, state) {
  const [scheme, token] = (request.headers.authorization ?? '').split(' ');
  if (!token) throw new Refusal('invalid_token', 'no token');
  const { payload } = await jwtVerify(token, keys, { issuer, audience: SERVICE, typ: 'at+jwt' });
  const bound = payload.cnf ?? {};
  if (scheme !== (bound.jkt ? 'DPoP' : 'Bearer')) throw new Refusal('invalid_token', `scheme ${scheme}`);
  if (bound.jkt) await checkProof(request, token, bound.jkt, state);
  if (bound['x5t#S256']) checkCertificate(request, bound['x5t#S256']);
  return { client: payload.client_id, scope: payload.scope, bound: Object.keys(bound), user: payload.sub_of_user };
}

export async function startResource(tls, server) {
  const keys = createLocalJWKSet({ keys: [server.key] });
  const state = { jtis: new Set(), tokens: new Set(), nonce: 'first-nonce', refusals: [] };
  const web = https.createServer({ ...tls, requestCert: true, rejectUnauthorized: false }, async (request, response) => {
    request.resume();
    response.setHeader('DPoP-Nonce', state.nonce);
    try {
      const facts = await check(request, keys, server.issuer, state);
      state.tokens.add(request.headers.authorization.split(' ')[1]);
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify(facts));
    } catch (refusal) {
      state.refusals.push(`${refusal.error ?? refusal.code}: ${refusal.message}`);
      response.statusCode = 401;
      response.setHeader('WWW-Authenticate', `DPoP error="${refusal.error ?? 'invalid_token'}", error_description="${refusal.message}"`);
      response.end();
    }
  });
  state.url = await listen(web);
  return { state, url: state.url, stop: () => { web.close(); web.closeAllConnections(); } };
}
